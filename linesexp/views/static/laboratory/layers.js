// Every layer's maps of the picture, live.

import { canvasOf, element } from "./elements.js";
import { limitOf, paintMap } from "./painting.js";

const LARGEST = 92; // px, side of a map on the screen

/** A row of tiles for each layer with maps; a tile chooses its map. State: picture, step, edits → layer, map. */
export function buildLayers(home, experiment, state) {
  const shapes = experiment.outputs(state.get("picture"), state.get("step"), state.get("edits")).filter((layer) => layer.maps);
  const rows = shapes.map((shape) => {
    const tiles = Array.from({ length: shape.maps }, (_, map) => {
      const canvas = canvasOf(Math.min(LARGEST, 40 + shape.width), `map ${map} of ${shape.name}`);
      const button = element(
        "button",
        {
          type: "button",
          class: "lab-tile",
          "aria-pressed": "false",
          onclick: () => state.set({ layer: shape.name, map, place: null }),
        },
        canvas,
        String(map),
      );
      return { button, canvas };
    });
    const scale = element("span", { class: "lab-note" });
    const title = element("h4", {}, `${shape.name} `, scale);
    home.append(title, element("div", { class: "lab-tiles" }, ...tiles.map((tile) => tile.button)));
    return { tiles, scale };
  });
  state.on(["picture", "step", "edits", "layer", "map"], () => {
    const layers = experiment.outputs(state.get("picture"), state.get("step"), state.get("edits")).filter((layer) => layer.maps);
    layers.forEach((layer, index) => {
      const limit = limitOf(layer.values);
      rows[index].scale.textContent = `${layer.height}×${layer.width}, scale ±${limit.toPrecision(2)}`;
      rows[index].tiles.forEach(({ button, canvas }, map) => {
        paintMap(canvas, layer, map, limit);
        button.setAttribute("aria-pressed", String(state.get("layer") === layer.name && state.get("map") === map));
      });
    });
  });
}
