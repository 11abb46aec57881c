// Every layer's maps of the picture, live.

import { canvasOf, element, setText } from "./elements.js";
import { limitOf, paintMap } from "./painting.js";
import { rove } from "./roving.js";
import { whenSeen } from "./sight.js";

const LARGEST = 92; // px, side of a map on the screen

/** A row of tiles for each layer with maps; a tile chooses its map. State: picture, step, edits → layer, map. */
export function buildLayers(home, experiment, state) {
  const outputs = () => experiment.outputs(state.get("picture"), state.get("step"), state.get("edits")).filter((layer) => layer.maps);
  home.append(
    element(
      "p",
      { class: "lab-note" },
      "Each layer answers with maps, one for each of its kernels: orange above zero, blue below, white zero; one scale for a layer. A map that is zero everywhere is silent.",
    ),
    element("p", { class: "lab-note lab-how" }, "A click opens a map below; Tab goes from layer to layer, the arrow keys from map to map."),
  );
  const rows = outputs().map((shape) => {
    const tiles = Array.from({ length: shape.maps }, (_, map) => tile(shape, map, state));
    const scale = element("span", { class: "lab-note" });
    const group = element("div", { class: "lab-tiles", role: "group", "aria-label": `Maps of ${shape.name}` });
    group.append(...tiles.map((each) => each.button));
    const mark = rove(group, () => tiles.map((each) => each.button));
    mark(0);
    home.append(element("h4", {}, `${shape.name} `, scale), group);
    return { tiles, scale, mark };
  });
  const show = () => {
    outputs().forEach((layer, index) => {
      const limit = limitOf(layer.values);
      const { tiles, scale, mark } = rows[index];
      const silent = silentMaps(layer);
      setText(scale, `${layer.height}×${layer.width}, scale ±${limit.toPrecision(2)}`);
      tiles.forEach(({ button, canvas, words }, map) => {
        paintMap(canvas, layer, map, limit);
        const chosen = state.get("layer") === layer.name && state.get("map") === map;
        button.classList.toggle("lab-silent", silent[map]);
        setText(words, silent[map] ? `${map} silent` : String(map));
        setAttribute(button, "aria-label", `map ${map} of ${layer.name}${silent[map] ? ", silent" : ""}`);
        setAttribute(button, "aria-pressed", String(chosen));
        if (chosen) mark(map);
      });
    });
  };
  state.on(["picture", "step", "edits", "layer", "map"], whenSeen(home, show));
}

function tile(shape, map, state) {
  const canvas = canvasOf(Math.min(LARGEST, 40 + shape.width), "", { "aria-hidden": "true" });
  const words = element("span", {}, String(map));
  const choose = () => state.set({ layer: shape.name, map, place: null });
  const button = element("button", { type: "button", class: "lab-tile", "aria-pressed": "false", onclick: choose }, canvas, words);
  return { button, canvas, words };
}

// Which maps are zero at every place.
function silentMaps({ values, maps }) {
  const silent = new Array(maps).fill(true);
  for (let at = 0; at < values.length; at++) if (values[at] !== 0) silent[at % maps] = false;
  return silent;
}

function setAttribute(home, name, value) {
  if (home.getAttribute(name) !== value) home.setAttribute(name, value);
}
