// A strip of all kernels of a layer at the present step, and one of the chosen kernel's channels: here the reader chooses.

import { canvasOf, element } from "./elements.js";
import { chosenLayer, chosenPlane } from "./kernels.js";
import { divergingColour, largestOf, paint } from "./painting.js";
import { rove } from "./roving.js";
import { whenSeen } from "./sight.js";

const TILE = 46; // px

/** Keep `kernel` and, where the first layer is looked at, `map` the same number. */
export function keepKernel(state) {
  state.on(["layer", "map"], () => {
    if (state.get("layer") === "conv1" && state.get("map") !== state.get("kernel")) state.set({ kernel: state.get("map") });
  });
}

/** The end of the colour scale for kernels: the largest weight of all steps, or of an edit beyond it. */
export function kernelScale(layer, edits) {
  return Math.max(layer.limit(), ...Object.values(edits).map((edit) => largestOf(edit.values)));
}

/** Tiles to choose from; returns the note on their colours. State: step, edits, kernel, layer → as layer.choice says. */
export function buildStrip(home, experiment, state) {
  const group = element("div", { class: "lab-tiles", role: "group", "aria-label": "Choose a kernel" });
  const note = element("p", { class: "lab-note" });
  let [tiles, of] = [[], null];
  const mark = rove(group, () => tiles.map((tile) => tile.button));
  home.append(group);
  const show = () => {
    const layer = chosenLayer(experiment, state);
    const [step, edits] = [state.get("step"), state.get("edits")];
    if (layer !== of) {
      of = layer;
      tiles = Array.from({ length: layer.filters }, (_, kernel) => kernelTile(() => state.set(layer.choice(kernel))));
      group.replaceChildren(...tiles.map((tile) => tile.button));
    }
    const limit = kernelScale(layer, edits);
    tiles.forEach(({ button, canvas, words }, kernel) => {
      const { values } = layer.kernelAt(step, edits, kernel);
      if (layer.colour) paintColours(canvas, layer.size, values, limit);
      else paintPlane(canvas, layer.size, layer.planes[layer.usual(kernel)].of(values), limit);
      words.textContent = edits[kernel] ? `${kernel} ✎` : String(kernel);
      button.setAttribute("aria-label", `kernel ${kernel}${edits[kernel] ? ", changed by you" : ""}`);
      button.setAttribute("aria-pressed", String(state.get("kernel") === kernel));
    });
    mark(state.get("kernel"));
    note.textContent = stripWords(experiment, layer, limit);
  };
  state.on(["step", "edits", "kernel", "layer"], whenSeen(home, show));
  return note;
}

/** The planes of the chosen kernel, where it has several. State: step, edits, kernel, layer → plane. */
export function buildPlanes(home, experiment, state) {
  const group = element("div", { class: "lab-tiles", role: "group", "aria-label": "Choose a channel" });
  let [tiles, of] = [[], null];
  const mark = rove(group, () => tiles.map((tile) => tile.button));
  home.append(group);
  const show = () => {
    const layer = chosenLayer(experiment, state);
    const chosen = chosenPlane(experiment, state);
    group.hidden = layer.planes.length < 2;
    if (group.hidden) return;
    if (layer !== of) {
      of = layer;
      tiles = layer.planes.map((_, plane) => kernelTile(() => state.set({ plane })));
      group.replaceChildren(...tiles.map((tile) => tile.button));
    }
    const { values } = layer.kernelAt(state.get("step"), state.get("edits"), state.get("kernel"));
    layer.planes.forEach((plane, index) => {
      const { button, canvas, words } = tiles[index];
      paintPlane(canvas, layer.size, plane.of(values), kernelScale(layer, state.get("edits")));
      words.textContent = plane.name.replace("channel ", "");
      button.setAttribute("aria-label", `${plane.name} of kernel ${state.get("kernel")}`);
      button.setAttribute("aria-pressed", String(plane === chosen));
    });
    mark(layer.planes.indexOf(chosen));
  };
  state.on(["step", "edits", "kernel", "layer", "plane"], whenSeen(home, show));
}

function kernelTile(onclick) {
  const canvas = canvasOf(TILE, "", { "aria-hidden": "true" });
  const words = element("span", {});
  const button = element("button", { type: "button", class: "lab-tile", "aria-pressed": "false", onclick }, canvas, words);
  return { button, canvas, words };
}

function stripWords({ network, steps }, layer, limit) {
  const number = limit.toPrecision(2);
  const whole = `for all kernels${steps.length > 1 ? " and all steps" : ""}`;
  if (network) {
    const scale = limit === layer.limit() ? whole : "for all kernels, wider than before because of a weight of yours";
    return `Orange: weights above zero; blue: below; the scale is ±${number} ${scale}. ✎: changed by you.${layer.channels > 1 ? " Of each kernel you see the mean of its colours." : ""}`;
  }
  if (layer.colour) {
    return `Above in colour: grey is a weight of zero, more red a larger weight for red. Below its luminance and its colours: orange above zero, blue below. The scale is ±${number} ${whole}.`;
  }
  const best = `the channel that resembles an operator most${steps.length > 1 ? " at the last step" : ""}`;
  const each = layer.channels > 1 ? ` Of each kernel you see ${best}; below are all channels of the chosen kernel.` : "";
  return `Orange: weights above zero; blue: below; the scale is ±${number} ${whole}.${each}`;
}

function paintPlane(canvas, size, plane, limit) {
  paint(canvas, size, size, (row, column) => divergingColour(plane[row * size + column], limit));
}

// Three channels as red, green and blue: grey is zero.
function paintColours(canvas, size, values, limit) {
  paint(canvas, size, size, (row, column) =>
    [0, 1, 2].map((part) => Math.max(0, Math.min(255, 127.5 * (1 + values[(row * size + column) * 3 + part] / limit)))),
  );
}
