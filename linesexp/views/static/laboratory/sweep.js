// A window that goes over all places of a map, one after the other, when asked to.

import { element } from "./elements.js";

const SLOW = 15; // places a second, along the first row
const REST_S = 7; // for all the others

/**
 * A button that starts and stops: {button, words, running(), stop()}.
 *
 * size(): {height, width} of the map; step(index): show the map filled up to that place; end(finished, index).
 * Where the device asks for less motion, all places are filled at once.
 */
export function createSweep({ size, step, end }) {
  const button = element("button", { type: "button", "aria-pressed": "false", onclick: toggle }, "Sweep");
  const words = element("span", { class: "lab-note", role: "status" });
  let frame = null;
  let last = 0;

  function stop(finished = false) {
    if (frame === null) return;
    cancelAnimationFrame(frame);
    frame = null;
    button.textContent = "Sweep";
    button.setAttribute("aria-pressed", "false");
    end(finished, last);
  }

  function toggle() {
    if (frame !== null) return stop();
    const { height, width } = size();
    const count = height * width;
    words.textContent = "";
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      last = count - 1;
      step(last);
      end(true, last);
      words.textContent = `Your device asks for less motion: all ${count} places were filled at once.`;
      return;
    }
    button.textContent = "Stop";
    button.setAttribute("aria-pressed", "true");
    const started = performance.now();
    const fast = Math.max(SLOW, (count - width) / REST_S);
    const move = () => {
      const seconds = (performance.now() - started) / 1000;
      const slowly = Math.min(width, seconds * SLOW);
      last = Math.min(count - 1, Math.floor(slowly + Math.max(0, seconds - width / SLOW) * fast));
      step(last);
      if (last < count - 1) {
        frame = requestAnimationFrame(move);
        return;
      }
      stop(true);
      words.textContent = `All ${count} places are filled.`;
    };
    frame = requestAnimationFrame(move);
  }

  return { button, words, running: () => frame !== null, stop };
}
