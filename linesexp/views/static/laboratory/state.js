// What the reader has chosen, in one place. Parts read it, change it, and are told of changes.

/**
 * A store: `get(name)`, `set({name: value})`, `on(names, listener)`. Listeners are called once per frame of
 * the screen, however much has changed since the last.
 */
export function createState(values) {
  const current = { ...values };
  const listeners = [];
  const changed = new Set();
  let waiting = false;

  function tell() {
    waiting = false;
    const names = new Set(changed);
    changed.clear();
    for (const { of, listener } of listeners) if (of.some((name) => names.has(name))) listener();
  }

  return {
    get: (name) => current[name],
    set(next) {
      for (const [name, value] of Object.entries(next)) {
        if (Object.is(current[name], value)) continue;
        current[name] = value;
        changed.add(name);
      }
      if (changed.size && !waiting) {
        waiting = true;
        requestAnimationFrame(tell);
      }
    },
    on(of, listener) {
      listeners.push({ of, listener });
      listener();
    },
  };
}
