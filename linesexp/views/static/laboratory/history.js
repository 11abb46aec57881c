// Undo and redo of the reader's changes to kernels.

const MOST_CHANGES = 300;

/**
 * A history of `edits` in the state: change(edits, key), undo(), redo(), canUndo(), canRedo().
 *
 * Changes in a row with the same key, such as one stroke of the brush, are undone together.
 */
export function createHistory(state) {
  const past = [];
  const future = [];
  let lastKey = null;

  function move(from, to) {
    if (!from.length) return;
    to.push(state.get("edits"));
    lastKey = null;
    state.set({ edits: from.pop() });
  }

  return {
    change(edits, key = null) {
      if (edits === state.get("edits")) return;
      if (key === null || key !== lastKey) past.push(state.get("edits"));
      if (past.length > MOST_CHANGES) past.shift();
      future.length = 0;
      lastKey = key;
      state.set({ edits });
    },
    undo: () => move(past, future),
    redo: () => move(future, past),
    canUndo: () => past.length > 0,
    canRedo: () => future.length > 0,
  };
}
