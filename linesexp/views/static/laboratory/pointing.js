// Where on a canvas the reader points, and which way an arrow key goes.

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** [rows down, columns right] of an arrow key; undefined for any other key, or with Alt, Ctrl or Meta. */
export function arrowOf(event) {
  return event.altKey || event.ctrlKey || event.metaKey ? undefined : ARROWS[event.key];
}

/** {row, column} of a pointer event on a canvas, in its pixels and parts of them. */
export function pointOn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return {
    row: ((event.clientY - box.top - canvas.clientTop) / canvas.clientHeight) * canvas.height,
    column: ((event.clientX - box.left - canvas.clientLeft) / canvas.clientWidth) * canvas.width,
  };
}
