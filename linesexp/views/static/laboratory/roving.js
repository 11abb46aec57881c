// One tab stop for a group of buttons: the arrow keys move within it.

/**
 * Let arrow keys, Home and End move the focus among a group's buttons; only one is in the tab order.
 * buttons: () => the buttons, in order. Returns mark(index): which of them Tab reaches.
 */
export function rove(group, buttons) {
  function mark(index) {
    buttons().forEach((button, at) => (button.tabIndex = at === index ? 0 : -1));
  }
  group.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(event.target.closest("button"));
    const to = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (at < 0 || to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(all.length - 1, to));
    mark(next);
    all[next].focus();
  });
  return mark;
}
