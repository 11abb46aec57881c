// A strip of all first-layer kernels at the present step: here the reader chooses one.

import { planeOf } from "./changes.js";
import { canvasOf, element } from "./elements.js";
import { limitOf, paintKernel } from "./painting.js";
import { whenSeen } from "./sight.js";

const TILE = 46; // px

/** Keep `kernel` and, where the first layer is looked at, `map` the same number. */
export function keepKernel(state) {
  state.on(["layer", "map"], () => {
    if (state.get("layer") === "conv1" && state.get("map") !== state.get("kernel")) state.set({ kernel: state.get("map") });
  });
}

/** The end of the colour scale for kernels: the largest weight of all steps, or of an edit beyond it. */
export function kernelScale(experiment, edits) {
  const channels = experiment.network.channels;
  experiment.kernelLimit ??= limitOf(experiment.weights["conv1/kernel"].values);
  return Math.max(experiment.kernelLimit, ...Object.values(edits).map((edit) => limitOf(planeOf(edit.values, channels))));
}

/** Tiles to choose from; returns the note on their colours. State: step, edits, kernel → kernel, layer, map, place. */
export function buildStrip(home, experiment, state) {
  const { filters, kernelSizes, channels } = experiment.network;
  const tiles = Array.from({ length: filters[0] }, (_, kernel) => {
    const canvas = canvasOf(TILE, "", { "aria-hidden": "true" });
    const words = element("span", {});
    const choose = () => state.set({ kernel, layer: "conv1", map: kernel, place: null });
    const button = element("button", { type: "button", class: "lab-tile", "aria-pressed": "false", onclick: choose }, canvas, words);
    return { button, canvas, words };
  });
  const note = element("p", { class: "lab-note" });
  home.append(element("div", { class: "lab-tiles", role: "group", "aria-label": "Choose a kernel" }, ...tiles.map((tile) => tile.button)));
  const show = () => {
    const edits = state.get("edits");
    const values = experiment.weightsAt(state.get("step"), edits)["conv1/kernel"];
    const limit = kernelScale(experiment, edits);
    tiles.forEach(({ button, canvas, words }, kernel) => {
      paintKernel(canvas, { size: kernelSizes[0], channels, filters: filters[0], values }, kernel, limit);
      words.textContent = edits[kernel] ? `${kernel} ✎` : String(kernel);
      button.setAttribute("aria-label", `kernel ${kernel}${edits[kernel] ? ", changed by you" : ""}`);
      button.setAttribute("aria-pressed", String(state.get("kernel") === kernel));
    });
    note.textContent = `Orange: weights above zero; blue: below; the scale is ±${limit.toPrecision(2)} for all kernels${
      limit === experiment.kernelLimit ? " and all steps" : ", wider than before because of a weight of yours"
    }. ✎: changed by you.`;
  };
  state.on(["step", "edits", "kernel"], whenSeen(home, show));
  return note;
}
