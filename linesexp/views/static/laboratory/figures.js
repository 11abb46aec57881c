// Kernels and maps as files to keep: a drawing of lines (SVG), or a picture (PNG) of it.
//
// A figure: {name (of its file), title, width, height (px), drawing (an SVG element that stands alone)}.

import { element, stepName } from "./elements.js";
import { chosenLayer } from "./kernels.js";
import { divergingColour, limitOf } from "./painting.js";
import { vector } from "./vector.js";

const TILE_PIXELS = 22; // px of a weight in a file, of seven in a row
const TILE_GAP = 14;
const LETTER = 9; // px of a letter of a title, at most about that

/** The colour of words in a file. */
export const INK = "#1f2328";

/** All kernels of the chosen layer at this step, those that the reader changed marked. State: step, edits, layer. */
export function kernelsFigure(experiment, state) {
  const layer = chosenLayer(experiment, state);
  const [step, edits] = [state.get("step"), state.get("edits")];
  const tiles = Array.from({ length: layer.filters }, (_, filter) => {
    const plane = layer.planes[layer.usual(filter)];
    const { values } = layer.kernelAt(step, edits, filter);
    const title = [`kernel ${filter}`, plane.name, edits[filter] && "changed"].filter(Boolean).join(", ");
    return { title, height: layer.size, width: layer.size, values: plane.of(values) };
  });
  const [name, title] = experiment.network ? ["kernels", "First-layer kernels"] : [layer.name, `Kernels of ${layer.name}`];
  const words = [title, stepName(experiment.steps[step]), changedWords(edits, layer.filters)];
  return tilesFigure(fileName(name, experiment.steps[step], hasAny(edits)), words, tiles);
}

/** All maps of the chosen layer, of the chosen picture. State: picture, step, edits, layer. */
export function mapsFigure(experiment, state) {
  const [picture, step, edits] = [state.get("picture"), state.get("step"), state.get("edits")];
  const layers = experiment.outputs(picture, step, edits);
  const layer = layers.find((each) => each.name === state.get("layer") && each.maps) ?? layers[0];
  const ofKernels = layers.indexOf(layer) < 2; // a map of conv1 or pool1 is that of one kernel
  const tiles = Array.from({ length: layer.maps }, (_, map) => ({
    title: `map ${map}${ofKernels && edits[map] ? ", kernel changed" : ""}`,
    height: layer.height,
    width: layer.width,
    values: Float64Array.from({ length: layer.height * layer.width }, (_, place) => layer.values[place * layer.maps + map]),
  }));
  const { number, label, from } = picture;
  const of = number === undefined ? (from ?? "a picture of yours") : `test picture ${number}: ${experiment.classes[label]}`;
  const name = `${layer.name}-of-${number === undefined ? "own-picture" : `picture-${number}`}`;
  const words = [`Maps of ${layer.name}, ${of}`, stepName(experiment.steps[step]), changedWords(edits, `${experiment.network.filters[0]} kernels`)];
  return tilesFigure(fileName(name, experiment.steps[step], hasAny(edits)), words, tiles);
}

/** A file's name without its ending: what it shows, at which step, and whether with kernels of the reader's. */
export function fileName(what, step, changed = false) {
  const parts = [what, step === undefined ? "" : stepName(step), changed ? "changed" : ""];
  return parts.filter(Boolean).join("-").replace(/[^\w.-]+/g, "-");
}

/** A figure as the text of an SVG file. What names it holds are text in it. */
export function svgText({ drawing }) {
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

// {name, title, width, height, drawing}: squares of numbers in rows, all on one scale.
function tilesFigure(name, words, tiles) {
  const limit = limitOf(tiles.flatMap((tile) => Array.from(tile.values)));
  const title = `${words.filter(Boolean).join(", ")}; scale ±${limit.toPrecision(2)}`;
  const columns = Math.min(tiles.length, 8);
  const side = Math.max(1, Math.round((7 * TILE_PIXELS) / Math.max(tiles[0].height, tiles[0].width)));
  const tall = tiles[0].height * side + 2 * TILE_GAP + 8;
  const wide = tiles[0].width * side + TILE_GAP;
  const width = Math.max(columns * wide + TILE_GAP, title.length * LETTER + 2 * TILE_GAP);
  const height = Math.ceil(tiles.length / columns) * tall + 44;
  const drawing = vector(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "sans-serif" },
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
  return { name, title, width, height, drawing };
}

function hasAny(edits) {
  return Object.keys(edits).length > 0;
}

function changedWords(edits, all) {
  return hasAny(edits) ? `${Object.keys(edits).length} of ${all} changed by you` : "";
}
