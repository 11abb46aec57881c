// Every layer's maps of the picture, live.

import { canvasOf, element, numberWords, setText } from "./elements.js";
import { largestOf, paintMap } from "./painting.js";
import { rove } from "./roving.js";
import { whenSeen } from "./sight.js";

const LARGEST = 92; // px, side of a map on the screen

/** A row of tiles for each layer with maps; a tile chooses its map. State: picture, step, edits, twin → layer, map, twin. */
export function buildLayers(home, experiment, state) {
  const outputs = () => experiment.outputs(state.get("picture"), state.get("step"), state.get("edits")).filter((layer) => layer.maps);
  const below = experiment.network.activation === "relu" ? "nothing is below it, as ReLU has made that zero" : "blue below";
  const limits = {}; // of each layer, while the scales are kept
  const twin = element("input", { type: "checkbox", onchange: () => state.set({ twin: twin.checked }) });
  const keep = element("input", { type: "checkbox", onchange: () => show() });
  home.append(
    element(
      "p",
      { class: "lab-note" },
      `Each layer answers with maps, a convolution one for each of its kernels, a pooling one for each map before it: white zero, orange above, ${below}. Under each map are its number and its largest answer. A map that is zero everywhere is silent.`,
    ),
    element("label", { class: "lab-option" }, keep, " keep the scales of the colours as they are now, to compare pictures and steps; otherwise each layer’s scale is that of its largest answer"),
    element("label", { class: "lab-option" }, twin, " below each row, the maps before training, in the same colours"),
    element(
      "p",
      { class: "lab-note lab-how" },
      "A click opens a map in ",
      element("a", { href: "#lab-arithmetic" }, "The arithmetic of one place"),
      ", below; Tab goes from layer to layer, the arrow keys from map to map.",
    ),
  );
  const rows = outputs().map((shape) => {
    const tiles = Array.from({ length: shape.maps }, (_, map) => tile(shape, map, state));
    const scale = element("span", { class: "lab-note" });
    const group = element("div", { class: "lab-tiles", role: "group", "aria-label": `Maps of ${shape.name}` });
    group.append(...tiles.map((each) => each.button));
    const mark = rove(group, () => tiles.map((each) => each.button));
    mark(0);
    const untrained = element("div", { class: "lab-tiles lab-untrained", hidden: true, role: "group", "aria-label": `Maps of ${shape.name} before training` });
    home.append(element("h4", {}, `${shape.name} `, scale), group, untrained);
    return { tiles, scale, mark, untrained, before: [] };
  });
  const show = () => {
    twin.checked = Boolean(state.get("twin"));
    const start = twin.checked ? experiment.untrained(state.get("picture")).filter((layer) => layer.maps) : [];
    outputs().forEach((layer, index) => {
      const both = [layer, start[index]].filter(Boolean);
      if (!keep.checked || !(layer.name in limits)) limits[layer.name] = Math.max(...both.map(({ values }) => largestOf(values))) || 1;
      const limit = limits[layer.name];
      const { tiles, scale, mark } = rows[index];
      showUntrained(rows[index], start[index], limit);
      const largest = largestAnswers(layer);
      setText(scale, `${layer.height}×${layer.width}, scale ±${limit.toPrecision(2)}${keep.checked ? ", kept" : ""}`);
      tiles.forEach(({ button, canvas, words }, map) => {
        paintMap(canvas, layer, map, limit);
        const chosen = state.get("layer") === layer.name && state.get("map") === map;
        const silent = largest[map] === 0;
        button.classList.toggle("lab-silent", silent);
        setText(words, `${map}: ${silent ? "silent" : numberWords(largest[map])}`);
        setAttribute(button, "aria-label", `map ${map} of ${layer.name}${silent ? ", silent" : ""}`);
        setAttribute(button, "aria-pressed", String(chosen));
        if (chosen) mark(map);
      });
    });
  };
  state.on(["picture", "step", "edits", "layer", "map", "twin"], whenSeen(home, show));
}

// The untrained network's maps below those of now, or nothing.
function showUntrained({ untrained, before }, layer, limit) {
  untrained.hidden = !layer;
  if (!layer) return;
  while (before.length < layer.maps) {
    const words = element("span", {});
    const canvas = canvasOf(sideOf(layer), `map ${before.length} of ${layer.name} before training`);
    untrained.append(element("div", { class: "lab-tile" }, canvas, words));
    before.push({ canvas, words });
  }
  const largest = largestAnswers(layer);
  before.forEach(({ canvas, words }, map) => {
    paintMap(canvas, layer, map, limit);
    setText(words, `${map}: ${largest[map] === 0 ? "silent" : numberWords(largest[map])}`);
  });
}

function sideOf({ width }) {
  return Math.min(LARGEST, 40 + width);
}

function tile(shape, map, state) {
  const canvas = canvasOf(sideOf(shape), "", { "aria-hidden": "true" });
  const words = element("span", {}, String(map));
  const choose = () => state.set({ layer: shape.name, map, place: null });
  const button = element("button", { type: "button", class: "lab-tile", "aria-pressed": "false", onclick: choose }, canvas, words);
  return { button, canvas, words };
}

// Of each map, the number that is farthest from zero; 0 for one that is zero at every place.
function largestAnswers({ values, maps }) {
  const largest = new Array(maps).fill(0);
  for (let at = 0; at < values.length; at++) {
    if (!(Math.abs(values[at]) <= Math.abs(largest[at % maps]))) largest[at % maps] = values[at];
  }
  return largest;
}

function setAttribute(home, name, value) {
  if (home.getAttribute(name) !== value) home.setAttribute(name, value);
}
