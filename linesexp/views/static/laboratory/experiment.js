// What the page carries: a run, with its weights at every step, its test pictures, and what the network does with
// one now; or, of somebody's own model, the kernels alone.

import { decodeArray, entryOf } from "./arrays.js";
import { firstLayer, openLayers } from "./kernels.js";
import { forward } from "./network.js";
import { openLikeness } from "./operators.js";

/**
 * {steps, noEdits, kernelLayers, holds, …}: kernelLayers as in kernels.js; holds: what there is for parts of the
 * laboratory to show, of "network", "kernels", "log" and "steps" (more than one). Of a run, also what openRun gives.
 */
export async function openExperiment(data) {
  const experiment = data.network ? await openRun(data) : { ...data, network: null, noEdits: Object.freeze({}) };
  experiment.kernelLayers = data.network ? [firstLayer(experiment)] : await openLayers(data.kernels);
  const held = { network: experiment.network, kernels: experiment.kernelLayers.length, log: data.log, steps: data.steps.length > 1 };
  experiment.holds = new Set(Object.keys(held).filter((name) => held[name]));
  return experiment;
}

/**
 * Everything that a run's data holds, decoded, with:
 * weightsAt(step, edits): {"conv1/kernel": …} with the reader's own kernels in place;
 * testPicture(index): {height, width, maps, values, label, number};
 * outputs(picture, step, edits): every layer, as network.forward gives them; kept until something changes;
 * untrained(picture): the same before training;
 * likeness: operators and chances to compare kernels with, as operators.openLikeness gives them.
 *
 * edits: {kernel index: {values (size × size × channels), bias}}, noEdits for none; a new object for each change.
 */
async function openRun(data) {
  const weights = {};
  for (const [name, array] of Object.entries(data.weights)) weights[name] = await decodeArray(array);
  const pixels = await decodeArray(data.test.pixels);
  const labels = data.test.labels;
  const network = { ...data.network, channels: pixels.shape[3] };
  const likeness = await openLikeness(data.likeness, network.kernelSizes[0]);
  const noEdits = Object.freeze({});
  let kept = {};
  let before = {};

  function weightsAt(step, edits = noEdits) {
    const now = {};
    for (const [name, array] of Object.entries(weights)) now[name] = entryOf(array, step);
    const changed = Object.entries(edits);
    if (!changed.length) return now;
    const filters = network.filters[0];
    const kernel = Float32Array.from(now["conv1/kernel"]);
    const bias = Float32Array.from(now["conv1/bias"]);
    for (const [filter, edit] of changed) {
      edit.values.forEach((value, index) => (kernel[index * filters + Number(filter)] = value));
      bias[filter] = edit.bias;
    }
    return { ...now, "conv1/kernel": kernel, "conv1/bias": bias };
  }

  function testPicture(index) {
    const [, height, width, maps] = pixels.shape;
    const values = Float32Array.from(entryOf(pixels, index), (value) => value / 255);
    return { height, width, maps, values, label: labels[index], number: index };
  }

  function outputs(picture, step, edits) {
    if (kept.picture !== picture || kept.step !== step || kept.edits !== edits) {
      kept = { picture, step, edits, layers: forward(picture, weightsAt(step, edits), network) };
    }
    return kept.layers;
  }

  function untrained(picture) {
    if (before.picture !== picture) before = { picture, layers: forward(picture, weightsAt(0), network) };
    return before.layers;
  }

  return { ...data, network, labels, likeness, weights, noEdits, weightsAt, testPicture, outputs, untrained };
}
