// The chosen kernel beside its best operator, chance, shares of its energy, and the directions it answers to.

import { greyKernel, kernelAt, planeOf } from "./changes.js";
import { canvasOf, element, numberWords, stepName } from "./elements.js";
import { bestMatch, chanceOf, squareWith, unitPattern } from "./operators.js";
import { divergingColour, limitOf, paint } from "./painting.js";
import { CLEAR, createPolar } from "./polar.js";
import { energyShares } from "./shares.js";
import { buildStrip } from "./strip.js";
import { tuningCost, tuningOf } from "./tuning.js";
import { whenSeen } from "./sight.js";

const PATTERN = 132; // px
const AT_ONCE = 8e6; // multiplications for which a moving slider need not wait
const REST_FOR_TUNING_MS = 150;
const BRIGHT_SIDES = { vertical: { 1: "right", "-1": "left" }, horizontal: { 1: "below", "-1": "above" } };

/** Everything about one kernel, live. State: step, edits, kernel. */
export function buildComparison(home, experiment, state) {
  const { channels, kernelSizes } = experiment.network;
  if (!experiment.likeness) {
    home.append(element("p", {}, `Kernels of ${kernelSizes[0]}×${kernelSizes[0]} are too large to compare them with operators in the page; the tables further down do.`));
    return;
  }
  const title = element("p", { class: "bench-status" });
  buildStrip(home, experiment, state);
  home.append(title);
  const [likeness, shares, tuning] = [likenessPart(experiment), sharesPart(experiment), tuningPart(experiment)];
  const parts = [likeness, shares, tuning];
  shares.node.append(...likeness.chance);
  home.append(element("div", { class: "comparison-columns" }, ...parts.map((part) => part.node)));
  const show = () => {
    const [step, edits, index] = [state.get("step"), state.get("edits"), state.get("kernel")];
    const kernel = kernelAt(experiment, step, edits, index);
    const yours = Boolean(edits[index]);
    title.replaceChildren(element("strong", {}, `Kernel ${index}`), yours ? ", as you made it" : `, ${stepName(experiment.steps[step])}`);
    const plane = planeOf(kernel.values, channels);
    for (const part of parts) part.show({ step, index, yours, plane, grey: greyKernel(kernel.values, channels), bias: kernel.bias });
  };
  state.on(["step", "edits", "kernel"], whenSeen(home, show));
}

/** A kernel's best operator in words: {operator, direction, side}. */
export function matchWords({ operator, row, column, cosine, polarity }) {
  const name = `${operator.name} ${operator.size}×${operator.size}`;
  const corner = operator.corners.length > 1 ? ` with its corner at row ${row}, column ${column}` : "";
  const detects = operator.detects === "both" ? "spots and lines of any direction" : `${operator.detects} ${operator.order === 1 ? "edges" : "lines"}`;
  const side =
    polarity === null
      ? `the middle ${cosine > 0 ? "bright" : "dark"}, the sides ${cosine > 0 ? "dark" : "bright"}`
      : `bright side: ${BRIGHT_SIDES[operator.detects][polarity]}`;
  return { operator: name + corner, direction: detects, side };
}

function likenessPart(experiment) {
  const { bank, nulls } = experiment.likeness;
  const { size } = bank;
  const last = experiment.steps.length - 1;
  const kernelCanvas = canvasOf(PATTERN, "the kernel, its mean taken off");
  const operatorCanvas = canvasOf(PATTERN, "the most similar operator, at its place and sign");
  const operatorName = element("figcaption", {});
  const cosine = element("strong", { class: "comparison-cosine" });
  const words = element("p", {});
  const chances = nulls.map(({ name, question }) => {
    const p = element("td", {});
    return { p, row: element("tr", {}, element("th", { scope: "row" }, name), p, element("td", { class: "words" }, question)) };
  });
  const caution = element("p", { class: "lab-note" });
  const node = element(
    "div",
    {},
    element("h4", {}, "The most similar operator"),
    element(
      "div",
      { class: "bench-maps" },
      element("figure", {}, kernelCanvas, element("figcaption", {}, "kernel, mean taken off")),
      element("figure", {}, operatorCanvas, operatorName),
    ),
    element("p", {}, "cosine ", cosine),
    words,
    element("p", { class: "lab-note" }, "Cosine: how alike two patterns are, whatever their strength. 1 the same, −1 the same with dark and bright exchanged, 0 nothing in common. Both pictures have the same strength and the same colours."),
  );
  const chance = [
    element("h4", {}, "Would chance do as well?"),
    element(
      "table",
      { class: "bench-table comparison-chance" },
      element("caption", {}, "p: how often a kernel of chance is at least as similar to some operator"),
      element("thead", {}, element("tr", {}, ...["chance", "p"].map((head) => element("th", { scope: "col" }, head)), element("th", { scope: "col", class: "words" }, "asks"))),
      element("tbody", {}, ...chances.map((each) => each.row)),
    ),
    caution,
  ];
  return {
    node,
    chance,
    show({ step, yours, plane }) {
      const match = bestMatch(plane, bank);
      if (!match) {
        cosine.textContent = "–";
        words.textContent = "All weights are alike, so there is no pattern to compare.";
        operatorName.textContent = "none";
        caution.textContent = "";
        for (const { p } of chances) p.textContent = "–";
        for (const canvas of [kernelCanvas, operatorCanvas]) paint(canvas, size, size, () => divergingColour(0, 1));
        return;
      }
      const pattern = unitPattern(plane);
      const operator = unitPattern(squareWith(match.operator, size, match.row, match.column)).map((value) => value * Math.sign(match.cosine));
      const limit = Math.max(limitOf(pattern), limitOf(operator));
      paintSquare(kernelCanvas, size, pattern, limit);
      paintSquare(operatorCanvas, size, operator, limit);
      const told = matchWords(match);
      operatorName.textContent = `${match.operator.name} ${match.operator.size}×${match.operator.size}${match.cosine < 0 ? ", inverted" : ""}`;
      cosine.textContent = signedWords(match.cosine);
      words.textContent = `The operator is ${told.operator}; it finds ${told.direction}; ${told.side}.`;
      nulls.forEach((each, index) => (chances[index].p.textContent = numberWords(chanceOf(match.cosine, each.cosines), 4)));
      caution.textContent = yours
        ? "You made this kernel. A small p only says that chance seldom looks like it; a kernel put there by hand proves nothing about learning."
        : `Below 0.05 is less than one time in twenty, and among ${experiment.network.filters[0]} kernels that does happen.${
            step === last || !nulls.some((each) => each.ofTrained) ? "" : " “smooth” is drawn for the trained kernels: at this step take it as a hint only."
          }`;
    },
  };
}

function sharesPart(experiment) {
  const size = experiment.network.kernelSizes[0];
  const kinds = [
    ["odd", "odd (like an edge)", "turned by half a turn, it changes its sign"],
    ["even", "even (like a line)", "turned by half a turn, it stays as it is"],
    ["dc", "mean (DC)", "the same weight everywhere, as a blur has"],
  ].map(([name, words, meaning]) => {
    const meter = element("meter", { min: 0, max: 1, "aria-label": words });
    const value = element("span", {});
    return { name, meter, value, row: element("div", { class: "comparison-share", title: meaning }, element("span", {}, words), meter, value), meaning, words };
  });
  const axis = element("p", { class: "lab-note" });
  const node = element(
    "div",
    {},
    element("h4", {}, "Edge, line or blur?"),
    ...kinds.map((kind) => kind.row),
    axis,
    element("details", {}, element("summary", {}, "What the parts mean"), element("p", { class: "lab-note" }, `The energy is the sum of the squared weights, and these are its parts: ${kinds.map((kind) => `${kind.words}: ${kind.meaning}`).join("; ")}. Weights of chance have about half odd, half even, and ${numberWords(100 / size ** 2, 0)} % mean.`)),
  );
  return {
    node,
    show({ plane }) {
      const shares = energyShares(plane, size);
      for (const { name, meter, value } of kinds) {
        meter.value = shares[name] ?? 0;
        value.textContent = numberWords(shares[name], 2);
      }
      const [vertical, horizontal] = [shares.vertical, shares.horizontal].map((share) => numberWords(share, 2));
      axis.textContent = `Of the pattern, ${vertical} is the same along columns (stripes that stand), ${horizontal} along rows (stripes that lie).`;
    },
  };
}

function tuningPart(experiment) {
  const { darkLines } = experiment.likeness;
  const { kernelSizes, activation, channels } = experiment.network;
  const size = kernelSizes[0];
  const [bars, edges] = [createPolar(180), createPolar(360)];
  const [barWords, edgeWords] = [element("p", { class: "lab-note" }), element("p", { class: "lab-note" })];
  const ring = element("p", { class: "lab-note" });
  const learned = new Map(); // kernel → {before, limit}
  let timer = null;
  const tune = ({ grey, bias }) => tuningOf(grey, size, bias, activation, darkLines);

  // One scale for a kernel at all steps, as far as three of them tell.
  function ofKernel(index) {
    if (!learned.has(index)) {
      const last = experiment.steps.length - 1;
      const all = [0, Math.floor(last / 2), last].map((step) => {
        const kernel = kernelAt(experiment, step, experiment.noEdits, index);
        return tune({ grey: greyKernel(kernel.values, channels), bias: kernel.bias });
      });
      learned.set(index, { before: all[0], limit: Math.max(...all.map(largestResponse)) });
    }
    return learned.get(index);
  }

  function draw(kernel) {
    const now = tune(kernel);
    const { before, limit: usual } = ofKernel(kernel.index);
    const limit = Math.max(usual, largestResponse(now)) || 1;
    const told = {
      bars:
        now.angle === null
          ? "It answers to no bar."
          : `${now.choosiness < CLEAR ? "It hardly prefers any angle" : `Its favourite angle is ${numberWords(now.angle, 0)}°`}. How choosy it is (1 − circular variance): ${numberWords(now.choosiness)}; 0 would be all angles alike, 1 one only.`,
      edges:
        now.edge === null
          ? "It answers to no edge."
          : `${now.directionIndex < CLEAR ? "It hardly prefers any direction" : `Its favourite edge gets brighter towards ${numberWords(now.edge, 0)}°`}. How much the order of dark and bright counts (direction index): ${numberWords(now.directionIndex)}; 0 would be nothing, 1 all.`,
    };
    bars.show({ now: now.bars, before: before.bars, limit, favourite: [now.angle, now.choosiness], words: `Responses to bars. ${told.bars}` });
    edges.show({ now: now.edges, before: before.edges, limit, favourite: [now.edge, now.directionIndex], words: `Responses to step edges. ${told.edges}` });
    barWords.textContent = told.bars;
    edgeWords.textContent = told.edges;
    ring.textContent = `Blue: now; dashed: untrained. The outer ring is a response of ${numberWords(limit)} in both. 0° points right, 90° up. A bar lies both ways, so its response is drawn at both ends. A favourite (▲) is the mean of all directions, each counted as strongly as the kernel answers to it.`;
  }

  return {
    node: element(
      "div",
      { class: "comparison-wide" },
      element("h4", {}, "Which directions it answers to"),
      element(
        "div",
        { class: "comparison-polars" },
        element("div", {}, element("h5", {}, `${darkLines ? "dark" : "bright"} bars of each angle`), bars.node, barWords),
        element("div", {}, element("h5", {}, "step edges, towards their bright side"), edges.node, edgeWords),
      ),
      ring,
    ),
    show(kernel) {
      clearTimeout(timer);
      if (tuningCost(size) <= AT_ONCE) draw(kernel);
      else timer = setTimeout(() => draw(kernel), REST_FOR_TUNING_MS);
    },
  };
}

function largestResponse({ bars, edges }) {
  return Math.max(...bars, ...edges);
}

function paintSquare(canvas, size, values, limit) {
  paint(canvas, size, size, (row, column) => divergingColour(values[row * size + column], limit));
}

function signedWords(value) {
  return `${value > 0 ? "+" : ""}${numberWords(value)}`;
}
