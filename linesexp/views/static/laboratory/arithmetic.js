// One number of the network, taken apart: a layer, a map and a place are chosen, and the sum there is written out.

import { buildConvolving, buildPooling } from "./convolving.js";
import { buildDeciding, buildFlatten } from "./deciding.js";
import { element, setText } from "./elements.js";
import { choosePlaces, mapView } from "./mapview.js";
import { limitOf, paintMap, paintPicture } from "./painting.js";
import { exact } from "./grids.js";
import { inputOf, placeOver, receptiveField, scoreOf, strongestPlace, valueAt, windowOf } from "./places.js";
import { createSweep } from "./sweep.js";

const ENDS = ["flatten", "dense"]; // layers without maps: they show the last pooling's

/** Choice of layer, map and place, and what happens there. State: picture, step, edits, layer, map, place, channel, ofClass → standing. */
export function buildArithmetic(home, experiment, state) {
  const { network } = experiment;
  const convs = network.filters.length;
  let kept = {}; // the place that is shown while none is chosen
  let swept = null; // the last place that a sweep has reached
  const lastMaps = {}; // layer → the map that was last looked at there

  const end = () => (ENDS.includes(state.get("layer")) ? state.get("layer") : null);
  const outputs = () => experiment.outputs(state.get("picture"), state.get("step"), state.get("edits"));
  const layerSelect = choice("layer", outputs().map(({ name }) => [name, layerWords(name, outputs())]), (name) => chooseLayer(name));
  const mapSelect = choice("map", [], (map) => state.set({ map: Number(map), place: null }));
  const rowInput = numberInput("row", (row) => choosePlace({ ...here(), row }));
  const columnInput = numberInput("column", (column) => choosePlace({ ...here(), column }));
  const fieldView = mapView("the picture");
  const inputView = mapView("what goes in");
  const outputView = mapView("what comes out");
  const sweep = createSweep({
    size: () => layerOf(outputs()).layer,
    step: (index) => {
      swept = index;
      lead.setAttribute("aria-live", "off");
      update();
    },
    end: (finished, index) => {
      const { width } = layerOf(outputs()).layer;
      swept = null;
      state.set({ place: { row: Math.floor(index / width), column: index % width } });
      update();
    },
  });
  const views = {
    conv: buildConvolving((channel) => state.set({ channel })),
    pool: buildPooling(),
    flatten: buildFlatten(),
    dense: buildDeciding((ofClass) => state.set({ ofClass })),
  };
  const lead = element("p", { class: "lab-place", "aria-live": "off" });
  home.append(
    element("p", { class: "lab-note lab-how" }, "Every number in every map is one small sum. Choose a map, then a place in what comes out, or in what goes in: click or drag; in what comes out the arrow keys move it too."),
    element("div", { class: "lab-buttons" }, layerSelect.node, mapSelect.node, rowInput.node, columnInput.node, sweep.button, sweep.words),
    element("div", { class: "lab-mapviews" }, fieldView.node, inputView.node, outputView.node),
    lead,
    ...Object.values(views).map((view) => view.node),
  );
  choosePlaces(outputView, choosePlace, here);
  choosePlaces(inputView, (place) => choosePlace(end() ? place : placeOver(layerOf(outputs()).layer, experiment.network, place)));

  function chooseLayer(name) {
    if (sweep.running()) sweep.stop();
    const from = ENDS.includes(name) ? `pool${convs}` : name;
    const { maps } = outputs().find((each) => each.name === from);
    const map = name === "dense" ? mostTelling(outputs()) : (lastMaps[from] ?? Math.min(state.get("map"), maps - 1));
    state.set({ layer: name, map, place: null });
  }

  function choosePlace(place) {
    if (sweep.running()) sweep.stop();
    lead.setAttribute("aria-live", "polite"); // what a reader chose is read out, what a slider changes is not
    state.set({ place });
  }

  // The map that adds most to the winner's score, or takes most from it.
  function mostTelling(layers) {
    const weights = experiment.weightsAt(state.get("step"), state.get("edits"));
    const { perMap } = scoreOf(layers.at(-3), weights, winnerOf(layers.at(-1)), experiment.classes.length);
    return perMap.reduce((best, sum, map) => (Math.abs(sum) > Math.abs(perMap[best]) ? map : best), 0);
  }

  // The layer whose map is shown: of flatten and dense, the last pooling.
  function layerOf(layers) {
    const name = end() ? `pool${convs}` : state.get("layer");
    const index = Math.max(0, layers.findIndex((layer) => layer.name === name && layer.maps));
    const layer = layers[index];
    return { layer, index, map: Math.min(state.get("map"), layer.maps - 1) };
  }

  // The chosen place; without one, where the map was strongest when it was chosen.
  function here() {
    const { layer, map } = layerOf(outputs());
    if (swept !== null) return { row: Math.floor(swept / layer.width), column: swept % layer.width };
    const place = state.get("place") ?? standing(layer, map);
    return { row: Math.min(place.row, layer.height - 1), column: Math.min(place.column, layer.width - 1) };
  }

  function standing(layer, map) {
    const picture = state.get("picture");
    if (kept.layer !== layer.name || kept.map !== map || kept.picture !== picture) {
      kept = { layer: layer.name, map, picture, place: strongestPlace(layer, map) };
    }
    return kept.place;
  }

  function update() {
    const picture = state.get("picture");
    const layers = outputs();
    const { layer, index, map } = layerOf(layers);
    const place = here();
    const weights = experiment.weightsAt(state.get("step"), state.get("edits"));
    const shown = end() ?? layer.kind;
    layerSelect.show(end() ?? layer.name);
    mapSelect.fill(Array.from({ length: layer.maps }, (_, each) => [each, String(each)]));
    mapSelect.show(map);
    rowInput.show(place.row, layer.height);
    columnInput.show(place.column, layer.width);
    sweep.button.hidden = Boolean(end());
    for (const [name, view] of Object.entries(views)) view.node.hidden = name !== shown;
    if (swept === null && !samePlace(place, state.get("standing"))) state.set({ standing: place });
    if (end()) showEnd({ picture, layers, pooled: layer, index, map, place, weights });
    else showLayer({ picture, layers, layer, index, map, place, weights });
  }

  function showLayer({ picture, layers, layer, index, map, place, weights }) {
    const input = inputOf(layers, index, picture);
    const window = windowOf(layer, network, place);
    const channel = Math.min(state.get("channel"), input.maps - 1);
    const from = layer.kind === "pool" ? map : channel;
    showField(picture, layers, index, place, index > 0);
    inputView.node.hidden = false;
    inputView.title(index === 0 ? "in: the picture" : `in: map ${from} of ${input.name}`);
    if (index === 0) paintPicture(inputView.canvas, input);
    else paintMap(inputView.canvas, input, from, limitOf(input.values));
    inputView.frame(window);
    outputView.title(`out: map ${map} of ${layer.name}`);
    paintMap(outputView.canvas, layer, map, limitOf(layer.values), layer.values, swept ?? Infinity);
    outputView.frame({ ...place, size: 1 });
    const at = `row ${place.row}, column ${place.column}`;
    setText(lead, `${layer.name}, map ${map}, ${at}: ${exact(valueAt(layer, map, place))}`);
    views[layer.kind].show({ layer, input, window, weights, map, channel, place, pooled: layers[index + 1], network });
  }

  function showEnd({ picture, layers, pooled, index, map, place, weights }) {
    const dense = layers.at(-1);
    const of = state.get("ofClass") ?? winnerOf(dense);
    showField(picture, layers, index, place, true);
    inputView.node.hidden = end() === "flatten";
    if (end() === "flatten") {
      outputView.title(`map ${map} of ${pooled.name}`);
      paintMap(outputView.canvas, pooled, map, limitOf(pooled.values));
      views.flatten.show({ pooled, map, place });
    } else {
      const { products } = scoreOf(pooled, weights, of, experiment.classes.length);
      inputView.title(`in: map ${map} of ${pooled.name}`);
      paintMap(inputView.canvas, pooled, map, limitOf(pooled.values));
      inputView.frame({ ...place, size: 1 });
      outputView.title(`what map ${map} adds to “${experiment.classes[of]}”`);
      paintMap(outputView.canvas, pooled, map, limitOf(products), products);
      views.dense.show({ pooled, dense, weights, classes: experiment.classes, chosen: of, map, place });
    }
    outputView.frame({ ...place, size: 1 });
    const words = `row ${place.row}, column ${place.column} of map ${map} of ${pooled.name}`;
    setText(lead, `${words}: ${exact(valueAt(pooled, map, place))}`);
  }

  function showField(picture, layers, index, place, wanted) {
    fieldView.node.hidden = !wanted;
    if (!wanted) return;
    const field = receptiveField(layers, index, network, place);
    fieldView.title(`all it sees: ${field.size}×${field.size} pixels`);
    paintPicture(fieldView.canvas, picture);
    fieldView.frame(field);
  }

  // What else was chosen ends a sweep.
  let before = {};
  state.on(["picture", "step", "edits", "layer", "map", "place", "channel", "ofClass"], () => {
    const now = Object.fromEntries(["picture", "layer", "map"].map((name) => [name, state.get(name)]));
    if (before.picture !== undefined && Object.keys(now).some((name) => now[name] !== before[name]) && sweep.running()) {
      sweep.stop();
      state.set({ place: null });
    }
    if (!end()) lastMaps[now.layer] = now.map;
    before = now;
    update();
  });
}

function samePlace(one, other) {
  return one?.row === other?.row && one?.column === other?.column;
}

function winnerOf({ probabilities }) {
  return Math.max(0, probabilities.indexOf(Math.max(...probabilities)));
}

function layerWords(name, layers) {
  const layer = layers.find((each) => each.name === name);
  if (layer.maps) return `${name}: ${layer.maps} maps of ${layer.height}×${layer.width}`;
  return name === "flatten" ? "flatten: all in one list" : "dense: scores and classes";
}

// A labelled list to choose from: {node, fill([[value, words], …]), show(value)}.
function choice(name, options, choose) {
  const select = element("select", { class: "lab-select", "aria-label": name, onchange: () => choose(select.value) });
  const made = {
    node: element("label", {}, `${name} `, select),
    fill(pairs) {
      if (select.options.length === pairs.length) return;
      select.replaceChildren(...pairs.map(([value, words]) => element("option", { value }, words)));
    },
    show: (value) => (select.value = value),
  };
  made.fill(options);
  return made;
}

function numberInput(name, choose) {
  let shown = 0;
  const input = element("input", {
    type: "number",
    min: 0,
    class: "lab-number",
    "aria-label": name,
    oninput: () => {
      const value = input.value === "" ? NaN : Number(input.value);
      if (Number.isInteger(value) && value >= 0 && value <= Number(input.max)) choose(value);
    },
    onchange: () => {
      const value = input.value === "" ? NaN : Math.round(Number(input.value));
      if (!Number.isFinite(value)) return (input.value = shown);
      input.value = Math.max(0, Math.min(Number(input.max), value));
      choose(Number(input.value));
    },
  });
  return {
    node: element("label", {}, `${name} `, input),
    show(value, count) {
      input.max = count - 1;
      shown = value;
      if (document.activeElement !== input || Number(input.value) !== value) input.value = value;
    },
  };
}
