// The kernel bench: the reader's own weights in the place of learned ones.

import { kernelAt, planeOf } from "./changes.js";
import { createWeightGrid } from "./grid.js";
import { createHistory } from "./history.js";
import { element, numberWords, stepName } from "./elements.js";
import { buildOutcome } from "./outcome.js";
import { buildStrip, keepKernel, kernelScale } from "./strip.js";
import { buildBenchTools } from "./benchtools.js";
import { whenSeen } from "./sight.js";

const BRUSH_STEPS = 40; // of the slider, from one end to the other

/** Strip, grid, brush, tools and what comes of it. State: step, edits, kernel, picture → edits, kernel. */
export function buildBench(home, experiment, state) {
  const { kernelSizes, channels } = experiment.network;
  const size = kernelSizes[0];
  const history = createHistory(state);
  const [layer] = experiment.kernelLayers;
  const limit = layer.limit();
  const change = (values, key, bias) => {
    const filter = state.get("kernel");
    const edits = state.get("edits");
    const before = kernelAt(experiment, state.get("step"), edits, filter);
    history.change({ ...edits, [filter]: { values, bias: bias ?? before.bias } }, key);
  };
  const present = () => kernelAt(experiment, state.get("step"), state.get("edits"), state.get("kernel"));
  const brush = brushOf(limit, channels, () => show());

  function setCell(index, valueOf, key) {
    const values = Float32Array.from(present().values);
    const chosen = brush.channel();
    for (let channel = 0; channel < channels; channel++) {
      const at = index * channels + channel;
      if (chosen === null || chosen === channel) values[at] = valueOf(values[at]);
    }
    change(values, `${key} of kernel ${state.get("kernel")}`);
  }

  const grid = createWeightGrid(size, {
    paint: (index, stroke) => setCell(index, brush.apply, `stroke ${stroke}`),
    nudge: (index, steps) => setCell(index, (value) => value + (steps * 2 * limit) / BRUSH_STEPS, `cell ${index}`),
    clear: (index) => setCell(index, () => 0, `cell ${index}`),
  });
  const bias = element("input", {
    type: "number",
    step: "any",
    class: "bench-bias",
    onblur: () => show(),
    onchange: () => {
      const value = Number(bias.value);
      if (bias.value !== "" && Number.isFinite(value)) change(Float32Array.from(present().values), null, Math.fround(value));
      else show();
    },
  });
  const status = element("p", { class: "bench-status" });
  const keys = element(
    "p",
    { class: "lab-note" },
    "Paint with the mouse or a finger. On the keyboard: arrow keys move from cell to cell, + and − change a weight, 0 clears it, Enter paints, Ctrl Z takes a change back.",
  );
  const editor = element("div", { class: "bench-editor" }, grid.node, brush.node, element("label", { class: "bench-line" }, "bias ", bias), keys);
  const tools = element("div", { class: "bench-tools" });
  const outcome = element("div", { class: "bench-outcome" });

  function show() {
    const filter = state.get("kernel");
    const edits = state.get("edits");
    const kernel = present();
    grid.show(planeOf(kernel.values, channels, brush.channel()), kernelScale(layer, edits));
    if (document.activeElement !== bias) bias.value = String(Number(kernel.bias.toPrecision(4)));
    const count = Object.keys(edits).length;
    const step = stepName(experiment.steps[state.get("step")]);
    status.replaceChildren(
      element("strong", {}, `Kernel ${filter}`),
      edits[filter]
        ? " is yours: these weights stand at every step of the training, wherever the slider is, until you reset it. "
        : ` is as the network had it (${step}) and moves with the slider. `,
      count ? `${count} of ${experiment.network.filters[0]} kernels changed.` : "No kernel is changed.",
    );
  }

  home.append(
    element(
      "p",
      { class: "lab-note lab-how" },
      "A kernel is a small square of weights. Change them here and see what the network makes of it. Nothing is trained anew: everything behind this layer stays as it was at this step.",
    ),
  );
  keepKernel(state);
  const colours = buildStrip(home, experiment, state);
  home.append(colours, status, element("div", { class: "bench-columns" }, editor, tools, outcome));
  buildBenchTools(tools, experiment, state, history);
  buildOutcome(outcome, experiment, state);
  home.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input[type=number]")) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) history.undo();
    else if (key === "y" || key === "z") history.redo();
    else return;
    event.preventDefault();
  });
  state.on(["step", "edits", "kernel"], whenSeen(home, show));
}

// The brush: a value, whether it is set or added, and for kernels of colour which channel it paints.
function brushOf(limit, channels, changed) {
  const value = element("input", {
    type: "range",
    min: -BRUSH_STEPS / 2,
    max: BRUSH_STEPS / 2,
    value: BRUSH_STEPS / 2,
    step: 1,
    "aria-label": "Value of the brush",
    oninput: () => say(),
  });
  const words = element("output", { class: "bench-number" });
  const amount = () => (Number(value.value) * 2 * limit) / BRUSH_STEPS;
  const how = element("select", { "aria-label": "What the brush does" }, element("option", { value: "set" }, "sets cells to"), element("option", { value: "add" }, "adds to cells"));
  const names = channels === 3 ? ["red", "green", "blue"] : Array.from({ length: channels }, (_, index) => `channel ${index}`);
  const channel = element("select", { "aria-label": "Channel", onchange: changed }, ...["all channels (mean)", ...names].map((name, index) => element("option", { value: index - 1 }, name)));
  function say() {
    words.textContent = numberWords(amount(), 3);
    value.setAttribute("aria-valuetext", words.textContent);
  }
  say();
  return {
    node: element("div", { class: "bench-line" }, "The brush ", how, value, words, ...(channels > 1 ? [channel] : [])),
    apply: (before) => (how.value === "add" ? before + amount() : amount()),
    channel: () => (channels > 1 && Number(channel.value) >= 0 ? Number(channel.value) : null),
  };
}
