// Kernels and maps as files to keep: a drawing of lines (SVG), or a picture (PNG) of it.

import { element, stepName } from "./elements.js";
import { chosenLayer } from "./kernels.js";
import { divergingColour, limitOf } from "./painting.js";
import { vector } from "./vector.js";

const TILE_PIXELS = 22; // px of a weight in a file, of seven in a row
const TILE_GAP = 14;
const INK = "#1f2328";

/**
 * All kernels of the chosen layer at this step: {name, title, tiles: [{title, height, width, values}], …}. State: step,
 * edits, layer.
 */
export function kernelsFigure(experiment, state) {
  const layer = chosenLayer(experiment, state);
  const step = state.get("step");
  const tiles = Array.from({ length: layer.filters }, (_, filter) => {
    const plane = layer.planes[layer.usual(filter)];
    const { values } = layer.kernelAt(step, state.get("edits"), filter);
    const title = `kernel ${filter}${plane.name ? `, ${plane.name}` : ""}`;
    return { title, height: layer.size, width: layer.size, values: plane.of(values) };
  });
  const [name, title] = experiment.network ? ["kernels", "First-layer kernels"] : [layer.name, `Kernels of ${layer.name}`];
  return figureToKeep(name, title, tiles, experiment.steps[step]);
}

/** The same of all maps of the chosen layer. State: picture, step, edits, layer. */
export function mapsFigure(experiment, state) {
  const layers = experiment.outputs(state.get("picture"), state.get("step"), state.get("edits"));
  const layer = layers.find((each) => each.name === state.get("layer") && each.maps) ?? layers[0];
  const tiles = Array.from({ length: layer.maps }, (_, map) => ({
    title: `map ${map}`,
    height: layer.height,
    width: layer.width,
    values: Float64Array.from({ length: layer.height * layer.width }, (_, place) => layer.values[place * layer.maps + map]),
  }));
  return figureToKeep(layer.name, `Maps of ${layer.name}`, tiles, experiment.steps[state.get("step")]);
}

/** A figure as the text of an SVG file. What names it holds are text in it. */
export function svgText({ title, limit, tiles, side, columns, tall, wide, width, height }) {
  const drawing = vector("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "sans-serif" });
  drawing.append(
    vector("title", {}, title),
    vector("rect", { width: "100%", height: "100%", fill: "#fff" }),
    vector("text", { x: TILE_GAP, y: 24, "font-size": 16, fill: INK }, title),
  );
  tiles.forEach((tile, index) => {
    const left = TILE_GAP + (index % columns) * wide;
    const top = 40 + Math.floor(index / columns) * tall;
    const cells = Array.from(tile.values, (value, place) => {
      const colour = divergingColour(value, limit).map(Math.round);
      const [row, column] = [Math.floor(place / tile.width), place % tile.width];
      return vector("rect", { x: column * side, y: row * side, width: side, height: side, fill: `rgb(${colour})` });
    });
    drawing.append(
      vector("text", { x: left, y: top + 10, "font-size": 11, fill: INK }, tile.title),
      vector("g", { transform: `translate(${left} ${top + 16})`, "shape-rendering": "crispEdges" }, ...cells),
    );
  });
  return new XMLSerializer().serializeToString(drawing);
}

/** A figure as a PNG, a Blob. */
export async function pngOf(figure) {
  const { width, height } = figure;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(figure))}`;
  await image.decode();
  const canvas = element("canvas", { width: 2 * width, height: 2 * height });
  canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function figureToKeep(name, title, tiles, step) {
  const limit = limitOf(tiles.flatMap((tile) => Array.from(tile.values)));
  const columns = Math.min(tiles.length, 8);
  const side = Math.max(1, Math.round((7 * TILE_PIXELS) / Math.max(tiles[0].height, tiles[0].width)));
  const tall = tiles[0].height * side + 2 * TILE_GAP + 8;
  const wide = tiles[0].width * side + TILE_GAP;
  return {
    name: `${name}${step === undefined ? "" : `-step-${step}`}`.replace(/[^\w.-]+/g, "-"),
    title: `${title}, ${stepName(step)}; scale ±${limit.toPrecision(2)}`,
    limit,
    tiles,
    side,
    columns,
    tall,
    wide,
    width: Math.max(columns * wide + TILE_GAP, 460),
    height: Math.ceil(tiles.length / columns) * tall + 44,
  };
}
