// The state of the laboratory in the page's address, and its figures as files.

import { element, stepName } from "./elements.js";
import { divergingColour, limitOf } from "./painting.js";

const PREFIX = "#lab:"; // apart from it, fragments are anchors
const SETTLED_MS = 300; // browsers refuse addresses that change too often
const TILE_PIXELS = 22; // px of a weight in a file, of seven in a row
const TILE_GAP = 14;
const INK = "#1f2328";

/** {step: 3, picture: 5, …} → `#lab:step=3;picture=5`; null and undefined are left out. */
export function toFragment(chosen) {
  const known = Object.entries(chosen).filter(([, value]) => value !== null && value !== undefined);
  return PREFIX + known.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join(";");
}

/** The reverse, as texts; null for another fragment. */
export function fromFragment(fragment) {
  if (!fragment.startsWith(PREFIX)) return null;
  const found = {};
  for (const part of fragment.slice(PREFIX.length).split(";")) {
    const [name, value] = part.split("=");
    try {
      if (value) found[name] = decodeURIComponent(value);
    } catch {
      // a mangled address: this part says nothing
    }
  }
  return found;
}

/** Link and downloads. State: step, picture, layer, map, place ↔ the address. */
export function buildShare(home, experiment, state) {
  const link = element("input", { type: "text", readonly: true, "aria-label": "Link to what you see now" });
  const said = element("span", { role: "status" });
  const copy = element("button", { type: "button", class: "lab-quiet", onclick: copyLink }, "Copy link");
  const what = element(
    "select",
    { "aria-label": "What to download" },
    element("option", { value: "kernels" }, "all kernels of the first layer"),
    element("option", { value: "maps" }, "the chosen layer’s maps"),
  );
  const png = element("button", { type: "button", class: "lab-quiet", onclick: () => download("png") }, "PNG");
  const svg = element("button", { type: "button", class: "lab-quiet", onclick: () => download("svg") }, "SVG");
  const drawn = element("p", { class: "lab-note" });
  home.append(
    element("div", { class: "lab-share" }, element("label", {}, "link to what you see now ", link), copy, said),
    drawn,
    element("div", { class: "lab-share" }, element("label", {}, "download ", what), png, svg),
  );

  let timer = null;
  let last = fragmentNow();
  state.on(["step", "picture", "layer", "map", "place", "edits"], () => {
    clearTimeout(timer);
    timer = setTimeout(keep, SETTLED_MS);
  });
  window.addEventListener("hashchange", restore);
  restore();
  keep();

  function fragmentNow() {
    const place = state.get("place");
    return toFragment({
      step: state.get("step"),
      picture: state.get("picture").number,
      layer: state.get("layer"),
      map: state.get("map"),
      place: place && `${place.row},${place.column}`,
    });
  }

  function keep() {
    const fragment = fragmentNow();
    // A page that is only read keeps the address that it was opened at, an anchor perhaps.
    if (fragment !== last) history.replaceState(null, "", fragment);
    last = fragment;
    link.value = location.href.split("#")[0] + fragment;
    const edited = Object.keys(state.get("edits")).length > 0;
    const missing = [state.get("picture").number === undefined && "your own picture", edited && "your own kernels"];
    const left = missing.filter(Boolean).join(" and ");
    drawn.textContent = left ? `The link leaves out ${left}.` : "";
  }

  function restore() {
    const found = fromFragment(location.hash);
    if (!found) return;
    const next = {};
    const step = wholeNumber(found.step, experiment.steps.length);
    const picture = wholeNumber(found.picture, experiment.labels.length);
    const layer = experiment.outputs(state.get("picture"), state.get("step"), state.get("edits")).find((each) => each.name === found.layer);
    if (step !== null) next.step = step;
    if (picture !== null) next.picture = experiment.testPicture(picture);
    if (layer) {
      next.layer = layer.name;
      next.map = wholeNumber(found.map, layer.maps ?? 1) ?? 0;
      const [row, column] = (found.place ?? "").split(",");
      const place = { row: wholeNumber(row, layer.height ?? 0), column: wholeNumber(column, layer.width ?? 0) };
      next.place = place.row === null || place.column === null ? null : place;
    }
    state.set(next);
    document.getElementById("laboratory").scrollIntoView();
  }

  async function copyLink() {
    link.select();
    try {
      await navigator.clipboard.writeText(link.value);
      said.textContent = "copied";
    } catch {
      said.textContent = "selected: press Ctrl+C";
    }
  }

  async function download(kind) {
    const figure = what.value === "kernels" ? kernelsFigure(experiment, state) : mapsFigure(experiment, state);
    const text = svgText(figure);
    const blob = kind === "svg" ? new Blob([text], { type: "image/svg+xml" }) : await pngOf(text, figure);
    const address = URL.createObjectURL(blob);
    element("a", { href: address, download: `${figure.name}.${kind}` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}

function wholeNumber(text, end) {
  const number = Number(text);
  return text !== undefined && text !== "" && Number.isInteger(number) && number >= 0 && number < end ? number : null;
}

/** {name, title, limit, tiles: [{title, height, width, values}]}: the first layer's kernels at this step. */
function kernelsFigure(experiment, state) {
  const { channels, filters: counts, kernelSizes } = experiment.network;
  const [size, filters] = [kernelSizes[0], counts[0]];
  const values = experiment.weightsAt(state.get("step"), state.get("edits"))["conv1/kernel"];
  const tiles = Array.from({ length: filters }, (_, filter) => ({
    title: `kernel ${filter}`,
    height: size,
    width: size,
    values: Float64Array.from({ length: size * size }, (_, place) => {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++) sum += values[(place * channels + channel) * filters + filter];
      return sum / channels;
    }),
  }));
  return downloadOf("kernels", `First-layer kernels, ${stepName(experiment.steps[state.get("step")])}`, tiles, experiment, state);
}

function mapsFigure(experiment, state) {
  const layers = experiment.outputs(state.get("picture"), state.get("step"), state.get("edits"));
  const layer = layers.find((each) => each.name === state.get("layer") && each.maps) ?? layers[0];
  const tiles = Array.from({ length: layer.maps }, (_, map) => ({
    title: `map ${map}`,
    height: layer.height,
    width: layer.width,
    values: Float64Array.from({ length: layer.height * layer.width }, (_, place) => layer.values[place * layer.maps + map]),
  }));
  return downloadOf(layer.name, `Maps of ${layer.name}, ${stepName(experiment.steps[state.get("step")])}`, tiles, experiment, state);
}

function downloadOf(name, title, tiles, experiment, state) {
  const limit = limitOf(tiles.flatMap((tile) => Array.from(tile.values)));
  const columns = Math.min(tiles.length, 8);
  const side = Math.max(1, Math.round((7 * TILE_PIXELS) / Math.max(tiles[0].height, tiles[0].width)));
  const tall = tiles[0].height * side + 2 * TILE_GAP + 8;
  const wide = tiles[0].width * side + TILE_GAP;
  return {
    name: `${name}-step-${experiment.steps[state.get("step")]}`,
    title: `${title}; scale ±${limit.toPrecision(2)}`,
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

function svgText({ title, limit, tiles, side, columns, tall, wide, width, height }) {
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif">`,
    `<title>${title}</title><rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${TILE_GAP}" y="24" font-size="16" fill="${INK}">${title}</text>`,
  ];
  tiles.forEach((tile, index) => {
    const left = TILE_GAP + (index % columns) * wide;
    const top = 40 + Math.floor(index / columns) * tall;
    parts.push(`<text x="${left}" y="${top + 10}" font-size="11" fill="${INK}">${tile.title}</text>`);
    parts.push(`<g transform="translate(${left} ${top + 16})" shape-rendering="crispEdges">`);
    tile.values.forEach((value, place) => {
      const colour = divergingColour(value, limit).map(Math.round);
      const [row, column] = [Math.floor(place / tile.width), place % tile.width];
      parts.push(`<rect x="${column * side}" y="${row * side}" width="${side}" height="${side}" fill="rgb(${colour})"/>`);
    });
    parts.push("</g>");
  });
  return [...parts, "</svg>"].join("");
}

async function pngOf(text, { width, height }) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = element("canvas", { width: 2 * width, height: 2 * height });
  canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
