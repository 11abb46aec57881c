// Which bars and edges a kernel answers to, as polar plots that follow the slider.

import { element, numberWords } from "./elements.js";
import { ACTIVATIONS } from "./network.js";
import { CLEAR, createPolar } from "./polar.js";
import { tuningCost, tuningOf } from "./tuning.js";

const AT_ONCE = 8e6; // multiplications for which a moving slider need not wait
const REST_FOR_TUNING_MS = 150;
const MOSTLY = 0.5; // of the best edge's answer: from there on, brightness is worth a word

/** {node, show({layer, plane, kernel, index})}: both plots, and what they say. */
export function directionsPart(experiment) {
  const last = Math.max(0, experiment.steps.length - 1);
  const [bars, edges] = [createPolar(180), createPolar(360)];
  const [barWords, edgeWords] = [element("p", { class: "lab-note" }), element("p", { class: "lab-note" })];
  const barTitle = element("h5", {});
  const ring = element("p", { class: "lab-note" });
  const learned = new Map(); // plane → {kernel: {before, limit}}
  let timer = null;
  const tune = ({ layer, plane, kernel }) => tuningOf(plane.probe(kernel.values), layer.size, kernel.bias, layer.activation, layer.darkLines);

  // One scale for a kernel at all steps, as far as three of them tell.
  function ofKernel({ layer, plane, index }) {
    if (!learned.has(plane)) learned.set(plane, {});
    const known = learned.get(plane);
    if (!known[index]) {
      const all = [...new Set([0, Math.floor(last / 2), last])].map((step) =>
        tune({ layer, plane, kernel: layer.kernelAt(step, experiment.noEdits, index) }),
      );
      known[index] = { before: all[0], limit: Math.max(...all.map(largestResponse)) };
    }
    return known[index];
  }

  function draw(given) {
    const now = tune(given);
    const { before, limit: usual } = ofKernel(given);
    const limit = Math.max(usual, largestResponse(now)) || 1;
    const start = last ? before : null;
    const told = {
      bars:
        now.angle === null
          ? "It answers to no bar."
          : `${now.choosiness < CLEAR ? "It hardly prefers any angle" : `Its favourite angle is ${numberWords(now.angle, 0)}°`}. How choosy it is (1 − circular variance): ${numberWords(now.choosiness)}; 0 would be all angles alike, 1 one only.`,
      edges:
        now.edge === null
          ? "It answers to no edge."
          : brightness(given, now) +
            `${now.directionIndex < CLEAR ? "It hardly prefers any direction" : `Its favourite edge gets brighter towards ${numberWords(now.edge, 0)}°`}. How much the order of dark and bright counts (direction index): ${numberWords(now.directionIndex)}; 0 would be nothing, 1 all.`,
    };
    bars.show({ now: now.bars, before: start?.bars, limit, favourite: [now.angle, now.choosiness], words: `Responses to bars. ${told.bars}` });
    edges.show({ now: now.edges, before: start?.edges, limit, favourite: [now.edge, now.directionIndex], words: `Responses to step edges. ${told.edges}` });
    barTitle.textContent = `${given.layer.darkLines ? "dark" : "bright"} bars of each angle`;
    barWords.textContent = told.bars;
    edgeWords.textContent = told.edges;
    ring.textContent = `${ofWhat(experiment, given.plane)}Blue: now${start ? "; dashed: untrained" : ""}. The outer ring is a response of ${numberWords(limit)} in both. 0° points right, 90° up. A bar lies both ways, so its response is drawn at both ends. A favourite (▲) is the mean of all directions, each counted as strongly as the kernel answers to it.`;
  }

  // What a plain bright area gives alone: a probe of edges holds one.
  function brightness({ layer, plane, kernel }, { edges: toEdges }) {
    const sum = plane.probe(kernel.values).reduce((all, value) => all + value, 0);
    const [bright, blank] = [sum + kernel.bias, kernel.bias].map(ACTIVATIONS[layer.activation]);
    const most = Math.max(...toEdges);
    if (!(bright - blank > MOSTLY * most)) return "";
    return `A plain bright area alone makes it answer with ${numberWords(bright - blank)} of the ${numberWords(most)} at its best edge: where its curve is a circle it shows brightness, not an edge. `;
  }

  return {
    node: element(
      "div",
      { class: "comparison-wide" },
      element("h4", {}, "Which directions it answers to"),
      element(
        "div",
        { class: "comparison-polars" },
        element("div", {}, barTitle, bars.node, barWords),
        element("div", {}, element("h5", {}, "step edges, towards their bright side"), edges.node, edgeWords),
      ),
      ring,
    ),
    show(given) {
      clearTimeout(timer);
      if (tuningCost(given.layer.size) <= AT_ONCE) draw(given);
      else timer = setTimeout(() => draw(given), REST_FOR_TUNING_MS);
    },
  };
}

function ofWhat({ network }, { name }) {
  if (network) return "";
  const what = name ? `this kernel’s ${name}` : "this kernel";
  return `Measured on ${what} alone, without bias; sums below zero count as no answer. `;
}

function largestResponse({ bars, edges }) {
  return Math.max(...bars, ...edges);
}
