// The slider over all recorded steps.

import { changesIn } from "./classes.js";
import { element, setText, stepName } from "./elements.js";

const FRAME_MS = 350;

/** Slider, play and pause. State: step (an index). */
export function buildTime(home, experiment, state) {
  const last = experiment.steps.length - 1;
  const slider = element("input", {
    type: "range",
    min: 0,
    max: last,
    step: 1,
    "aria-label": "Recorded step",
    oninput: () => {
      stop();
      state.set({ step: Number(slider.value) });
    },
  });
  const words = element("output", { class: "lab-step" });
  const button = element("button", { type: "button", "aria-pressed": "false", onclick: toggle }, "Play");
  let timer = null;

  function stop() {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
    button.setAttribute("aria-pressed", "false");
  }

  function toggle() {
    if (timer !== null) return stop();
    if (state.get("step") === last) state.set({ step: 0 });
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    timer = setInterval(() => {
      const next = state.get("step") + 1;
      if (next > last) stop();
      else state.set({ step: next });
    }, FRAME_MS);
  }

  const changed = element("a", { href: "#lab-bench", class: "lab-step" });
  home.append(button, slider, words, changed);
  state.on(["edits"], () => {
    setText(changed, changesIn(state.get("edits")));
    changed.hidden = !changed.textContent;
  });
  state.on(["step"], () => {
    const step = experiment.steps[state.get("step")];
    slider.value = state.get("step");
    slider.setAttribute("aria-valuetext", stepName(step));
    words.textContent = stepName(step);
  });
}
