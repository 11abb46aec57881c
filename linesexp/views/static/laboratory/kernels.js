// The layers whose kernels can be looked at one by one: the first of a run, or those of a model without its network.
//
// A layer: {name, size, channels, filters, colour, planes, usual, bank, operators, darkLines, activation,
// valuesAt(step, edits), kernelAt(step, edits, filter), limit(), choice(filter)}. Its values lie as in Keras: (rows,
// columns, channels, filters). A plane is one square of a kernel that can be compared: its channels' mean or
// luminance, or a channel: {name, many, of(values), probe(values), chances}; `usual` is its index, for each filter. `where`:
// it in words; `alone`: one colour of a run's kernel, to which the bias does not belong.
// chances: [{name, question, ofTrained, pOf(cosine)}].

import { decodeArray, entryOf } from "./arrays.js";
import { greyKernel, kernelAt, planeOf } from "./changes.js";
import { chanceOf, openNull, openOperators, operatorBank } from "./operators.js";
import { limitOf } from "./painting.js";

const LUMINANCE = [0.299, 0.587, 0.114]; // Rec. 601, as in linesexp/kernels/colour.py
const COLOURS = ["red", "green", "blue"];

/** The first layer of a run, with the reader's edits; its colours count by their mean, and can be looked at alone. */
export function firstLayer(experiment) {
  const { network, likeness } = experiment;
  const { channels, kernelSizes, filters } = network;
  const chances = (likeness?.nulls ?? []).map(({ name, question, ofTrained, ...known }) => ({
    name,
    question,
    ofTrained,
    pOf: (cosine) => chanceOf(cosine, known),
  }));
  const mean = {
    name: channels > 1 ? "mean" : "",
    where: "the mean of its colours",
    many: 1,
    of: (values) => planeOf(values, channels),
    probe: (values) => greyKernel(values, channels),
    chances,
  };
  const colours = Array.from({ length: channels > 1 ? channels : 0 }, (_, index) => {
    const of = (values) => planeOf(values, channels, index);
    return { name: channels === 3 ? COLOURS[index] : `channel ${index}`, many: 1, of, probe: of, chances: [], alone: true };
  });
  return layerFrom({
    name: "conv1",
    size: kernelSizes[0],
    channels,
    filters: filters[0],
    colour: false,
    planes: [mean, ...colours],
    usual: () => 0,
    bank: likeness?.bank ?? null,
    operators: likeness?.operators ?? null,
    darkLines: likeness?.darkLines ?? false,
    activation: network.activation,
    weights: experiment.weights["conv1/kernel"],
    valuesAt: (step, edits) => experiment.weightsAt(step, edits)["conv1/kernel"],
    kernelAt: (step, edits, filter) => kernelAt(experiment, step, edits, filter),
    choice: (kernel) => ({ kernel, layer: "conv1", map: kernel, place: null }),
  });
}

/** Layers of a model of which the page carries kernels alone: what inspecting/laboratory.py gives. */
export async function openLayers({ layers, operators, nulls }) {
  const opened = {};
  for (const [size, data] of Object.entries(operators)) opened[size] = await openOperators(data);
  const chances = [];
  for (const each of nulls) chances.push({ ...each, ...(await openNull(each)) });
  const found = [];
  for (const layer of layers) found.push(await openLayer(layer, opened, chances));
  return found;
}

/** The layer that is looked at. State: layer. */
export function chosenLayer(experiment, state) {
  const { kernelLayers } = experiment;
  return kernelLayers.find((layer) => layer.name === state.get("layer")) ?? kernelLayers[0];
}

/** The plane of the chosen kernel. State: layer, kernel, plane (null: the usual one). */
export function chosenPlane(experiment, state) {
  const layer = chosenLayer(experiment, state);
  return layer.planes[state.get("plane") ?? layer.usual(state.get("kernel"))];
}

async function openLayer(data, known, nulls) {
  const weights = await decodeArray(data.weights);
  const [, size, , channels, filters] = weights.shape;
  const operators = known[size] ?? null;
  const valuesAt = (step) => entryOf(weights, step);
  return layerFrom({
    ...data,
    size,
    channels,
    filters,
    planes: planesOf(data, channels, nulls),
    usual: (kernel) => data.usual[kernel],
    bank: operators && operatorBank(operators, size),
    operators,
    darkLines: false,
    activation: "relu", // of the answers to bars and edges: what is below zero counts as no answer
    weights,
    valuesAt,
    kernelAt: (step, _, filter) => ({ values: filterOf(valuesAt(step), filters, filter), bias: 0 }),
    choice: (kernel) => ({ kernel, plane: null }),
  });
}

// Of a layer over colour: luminance, then its colours. Of others their channels, of which one may be chosen as the best.
function planesOf({ colour, null: own, luminanceNull }, channels, nulls) {
  const channel = (index, name, many) => {
    const of = (values) => planeOf(values, channels, index);
    return { name, many, of, probe: of, chances: chancesOf(nulls[own], many) };
  };
  if (!colour) {
    return Array.from({ length: channels }, (_, index) => channel(index, channels > 1 ? `channel ${index}` : "", channels));
  }
  const luminance = (values) =>
    Float64Array.from({ length: values.length / 3 }, (_, place) =>
      LUMINANCE.reduce((sum, share, index) => sum + share * values[3 * place + index], 0),
    );
  const grey = { name: "luminance", many: 1, of: luminance, probe: luminance, chances: chancesOf(nulls[luminanceNull], 1) };
  return [grey, ...COLOURS.map((name, index) => channel(index, name, 1))];
}

function chancesOf(known, many) {
  if (!known) return [];
  const { name, question } = known;
  const alone = { name, question, ofTrained: false, pOf: (cosine) => chanceOf(cosine, known) };
  if (many === 1) return [alone];
  return [
    alone,
    {
      name: `best of ${many}`,
      question: `the best of ${many} such kernels: is it more than luck, where a channel was picked because it fits best?`,
      ofTrained: false,
      pOf: (cosine) => -Math.expm1(many * Math.log1p(-chanceOf(cosine, known))),
    },
  ];
}

function layerFrom(layer) {
  let limit = null;
  return { ...layer, limit: () => (limit ??= limitOf(layer.weights.values)) };
}

function filterOf(values, filters, filter) {
  return Float32Array.from({ length: values.length / filters }, (_, index) => values[index * filters + filter]);
}
