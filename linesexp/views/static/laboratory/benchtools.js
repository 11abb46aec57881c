// The bench's buttons: what can be done to a whole kernel, or to all of them at once.

import {
  kernelAcross,
  kernelAt,
  kernelBlurred,
  kernelDown,
  kernelNegated,
  kernelNorm,
  kernelWithoutMean,
  patternAtNorm,
  randomNumbers,
} from "./changes.js";
import { element } from "./elements.js";
import { squareWith } from "./operators.js";

// [button, what it does to a kernel's values, words]
const CHANGES = [
  ["Flip left–right", kernelAcross, "left becomes right"],
  ["Flip up–down", kernelDown, "top becomes bottom"],
  ["Negate", kernelNegated, "every weight gets the other sign: dark and bright change places"],
  ["Blur", kernelBlurred, "every weight becomes the mean of itself and its neighbours (3×3; at the border, of those that there are)"],
  ["Take the mean off", kernelWithoutMean, "the same number is taken from all weights, so that they sum to zero: an even area then gives nothing but the bias"],
  ["Switch off", (values) => values.map(() => 0), "all weights become zero. The bias stays, so the kernel says the same at every place of every picture"],
];
const SIDES = {
  edge: { vertical: ["brighter on the right", "brighter on the left"], horizontal: ["brighter below", "brighter above"] },
  line: { vertical: ["bright on dark", "dark on bright"], horizontal: ["bright on dark", "dark on bright"], both: ["bright on dark", "dark on bright"] },
};

/** Buttons for changes, operators, random weights, undo and reset. State: step, edits, kernel → edits. */
export function buildBenchTools(home, experiment, state, history) {
  const { filters, kernelSizes, channels } = experiment.network;
  const size = kernelSizes[0];
  const all = element("input", { type: "checkbox" });
  let draws = 0;

  function apply(valuesOf) {
    const [step, edits] = [state.get("step"), state.get("edits")];
    const chosen = all.checked ? Array.from({ length: filters[0] }, (_, filter) => filter) : [state.get("kernel")];
    const next = { ...edits };
    for (const filter of chosen) {
      const { values, bias } = kernelAt(experiment, step, edits, filter);
      next[filter] = { values: Float32Array.from(valuesOf(values, filter)), bias };
    }
    history.change(next);
  }

  // As strong as the learned kernel at this step, whatever stands in its place now.
  function learnedNorm(filter) {
    const norm = kernelNorm(kernelAt(experiment, state.get("step"), experiment.noEdits, filter).values);
    return norm > 0 && Number.isFinite(norm) ? norm : 1;
  }

  function press(words, onclick, extra = {}) {
    return element("button", { type: "button", class: "lab-quiet", onclick, ...extra }, words);
  }

  const random = () => {
    draws += 1;
    apply((values, filter) => {
      const numbers = randomNumbers(values.length, draws * 65537 + filter);
      const scale = learnedNorm(filter) / kernelNorm(numbers);
      return numbers.map((number) => number * scale);
    });
  };
  const undo = press("Undo", history.undo);
  const redo = press("Redo", history.redo);
  const resetOne = press("Reset this kernel", () => {
    const { [state.get("kernel")]: mine, ...others } = state.get("edits");
    if (!mine) return;
    history.change(Object.keys(others).length ? others : experiment.noEdits);
  });
  const resetAll = press("Reset all", () => history.change(experiment.noEdits));
  home.append(
    element("h4", {}, "Change"),
    element("label", { class: "bench-line" }, all, " do it to all kernels"),
    element("div", { class: "bench-buttons" }, ...CHANGES.map(([words, change]) => press(words, () => apply((values) => change(values, size))))),
    element("h4", {}, "Put something else in its place"),
  );
  if (experiment.likeness) {
    home.append(operatorChoice(experiment.likeness.operators, size, (pattern) => apply((_, filter) => patternAtNorm(pattern, channels, learnedNorm(filter))), press));
  }
  home.append(
    element("div", { class: "bench-buttons" }, press("Random weights", random)),
    element("h4", {}, "Go back"),
    element("div", { class: "bench-buttons" }, undo, redo, resetOne, resetAll),
    element(
      "details",
      {},
      element("summary", {}, "What the buttons do"),
      element(
        "dl",
        {},
        ...CHANGES.flatMap(([words, , meaning]) => [element("dt", {}, words), element("dd", {}, meaning)]),
        element("dt", {}, "Put it in"),
        element("dd", {}, "the operator stands in the middle, zeros around it, made as strong as the learned kernel at this step (the same root of the summed squares), so that what differs is the pattern"),
        element("dt", {}, "Random weights"),
        element("dd", {}, "drawn evenly between a lowest and a highest value, as strong as the learned kernel; other weights at each press"),
      ),
    ),
  );
  state.on(["edits", "kernel"], () => {
    // A disabled button would lose the keyboard's place, so these say it instead.
    undo.setAttribute("aria-disabled", String(!history.canUndo()));
    redo.setAttribute("aria-disabled", String(!history.canRedo()));
    resetOne.setAttribute("aria-disabled", String(!state.get("edits")[state.get("kernel")]));
    resetAll.setAttribute("aria-disabled", String(!Object.keys(state.get("edits")).length));
  });
}

// Name, direction, side and size of an operator, and the button that gives it as size × size numbers.
function operatorChoice(operators, size, put, press) {
  const unique = (values) => [...new Set(values)];
  const choices = (name, onchange) => element("select", { "aria-label": name, onchange });
  const name = choices("Operator", () => offer());
  const detects = choices("Direction", () => offer());
  const side = choices("Bright side", null);
  const sizes = choices("Size of the operator", null);
  name.append(...unique(operators.map((each) => each.name)).map((each) => element("option", { value: each }, each[0].toUpperCase() + each.slice(1))));

  function fillWith(select, options) {
    const before = select.value;
    select.replaceChildren(...options.map(([value, words]) => element("option", { value }, words)));
    if (options.some(([value]) => String(value) === before)) select.value = before;
  }

  function offer() {
    const of = operators.filter((each) => each.name === name.value);
    const what = { edge: "edge", line: name.value === "laplacian" ? "spot or line" : "line" };
    const kind = of[0].order === 1 ? "edge" : "line";
    fillWith(detects, unique(of.map((each) => each.detects)).map((each) => [each, each === "both" ? `any ${what[kind]}` : `${each} ${what[kind]}`]));
    fillWith(side, SIDES[kind][detects.value].map((words, index) => [index ? -1 : 1, words]));
    fillWith(sizes, of.filter((each) => each.detects === detects.value).map((each) => [each.size, `${each.size}×${each.size}`]));
  }

  offer();
  sizes.value = String(size);
  const putIn = press("Put it in", () => {
    const operator = operators.find((each) => each.name === name.value && each.detects === detects.value && each.size === Number(sizes.value));
    const corner = (size - operator.size) / 2;
    put(squareWith(operator, size, corner, corner).map((value) => value * Number(side.value)));
  });
  return element("div", { class: "bench-buttons" }, name, detects, side, sizes, putIn);
}
