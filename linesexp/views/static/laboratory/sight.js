// Panels out of sight can wait, so that a moving slider stays smooth.

const REST_OUT_OF_SIGHT_MS = 200;
const SIGHT_MARGIN = "25%"; // of the window: a panel that is about to come into sight is kept current too

/** `update`, called at once while `home` is in sight, else when nothing has changed for a moment. */
export function whenSeen(home, update) {
  let seen = true;
  let waiting = null;

  function catchUp() {
    if (waiting === null) return;
    clearTimeout(waiting);
    waiting = null;
    update();
  }

  new IntersectionObserver(
    (entries) => {
      seen = entries.at(-1).isIntersecting;
      if (seen) catchUp();
    },
    { rootMargin: SIGHT_MARGIN },
  ).observe(home);
  addEventListener("beforeprint", catchUp);
  return () => {
    clearTimeout(waiting);
    waiting = null;
    if (seen) update();
    else waiting = setTimeout(catchUp, REST_OUT_OF_SIGHT_MS);
  };
}
