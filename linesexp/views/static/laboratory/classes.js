// The classes' probabilities as bars, now and before training.

import { element, numberWords, setText } from "./elements.js";

/** State: picture, step, edits, twin (whether the untrained network is shown beside). */
export function buildClasses(home, experiment, state) {
  const now = experiment.classes.map((name) => bar(name));
  const before = experiment.classes.map((name) => bar(name));
  const twin = element("div", { hidden: true }, element("h4", {}, "before training"), ...before.map((each) => each.row));
  const choice = element("input", {
    type: "checkbox",
    onchange: () => state.set({ twin: choice.checked }),
  });
  const verdict = element("p", { class: "lab-verdict", "aria-live": "polite" });
  const changed = element("p", { class: "lab-note lab-changed" });
  const only = element("p", { class: "lab-note" }, "It has no other answer: whatever the picture shows, one of these wins.");
  home.append(verdict, changed, ...now.map((each) => each.row), only, element("label", {}, choice, " the same before training"), twin);
  state.on(["picture", "step", "edits", "twin"], () => {
    const picture = state.get("picture");
    const probabilities = experiment.outputs(picture, state.get("step"), state.get("edits")).at(-1).probabilities;
    fill(now, probabilities);
    setText(verdict, verdictOn(picture.label, probabilities, experiment.classes));
    setText(changed, changesIn(state.get("edits")));
    choice.checked = Boolean(state.get("twin"));
    twin.hidden = !state.get("twin");
    if (state.get("twin")) fill(before, experiment.untrained(picture).at(-1).probabilities);
  });
}

/** Which kernels the reader has changed, in words; nothing if none. */
export function changesIn(edits) {
  const kernels = Object.keys(edits);
  if (!kernels.length) return "";
  return kernels.length === 1 ? `with kernel ${kernels[0]} as you made it` : `with ${kernels.length} kernels as you made them`;
}

function verdictOn(label, probabilities, names) {
  const winner = probabilities.indexOf(Math.max(...probabilities));
  if (winner < 0) return "Nothing: its weights are no longer numbers.";
  if (label === undefined) return names[winner];
  return label === winner ? `${names[winner]}, which is right` : `${names[winner]}, which is wrong: it is ${names[label]}`;
}

function bar(name) {
  const meter = element("meter", { min: 0, max: 1, "aria-label": name });
  const value = element("span", {});
  return { row: element("div", { class: "lab-bar" }, element("span", {}, name), meter, value), meter, value };
}

function fill(bars, probabilities) {
  probabilities.forEach((probability, index) => {
    bars[index].meter.value = probability;
    bars[index].value.textContent = numberWords(probability, 3);
  });
}
