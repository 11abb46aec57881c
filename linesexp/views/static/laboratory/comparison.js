// The chosen kernel beside its best operator, chance, shares of its energy, and the directions it answers to.

import { directionsPart } from "./directions.js";
import { element, numberWords, stepName } from "./elements.js";
import { chosenLayer, chosenPlane } from "./kernels.js";
import { energyShares } from "./shares.js";
import { similarityPart } from "./similarity.js";
import { buildPlanes, buildStrip } from "./strip.js";
import { whenSeen } from "./sight.js";

const KINDS = [
  ["odd", "odd (like an edge)", "turned by half a turn about the kernel’s middle, it changes its sign"],
  ["even", "even (like a line)", "turned by half a turn about the kernel’s middle, it stays as it is"],
  ["dc", "mean (DC)", "the same weight everywhere, as a blur has"],
];

/** Everything about one kernel, live. State: step, edits, layer, kernel, plane → layer, kernel, plane. */
export function buildComparison(home, experiment, state) {
  const title = element("p", { class: "bench-status" });
  const refused = element("p", {});
  const [likeness, shares, tuning] = [similarityPart(), sharesPart(), directionsPart(experiment)];
  const columns = element("div", { class: "comparison-columns" }, ...[likeness, shares, tuning].map((part) => part.node));
  shares.node.append(...likeness.chance);
  if (experiment.kernelLayers.length > 1) home.append(layerChoice(experiment, state));
  const colours = buildStrip(home, experiment, state);
  if (!experiment.network) home.append(colours);
  if (experiment.kernelLayers.some((layer) => layer.planes.length > 1)) buildPlanes(home, experiment, state);
  const about = element("p", { class: "lab-note" });
  home.append(title, about, refused, columns);
  const show = () => {
    const [step, edits, index] = [state.get("step"), state.get("edits"), state.get("kernel")];
    const [layer, plane] = [chosenLayer(experiment, state), chosenPlane(experiment, state)];
    const shown = plane.alone ? withoutBias(layer) : layer;
    const yours = Boolean(edits[index]);
    const of = `${experiment.network ? "" : ` of ${layer.name}`}${plane.name ? `, ${plane.name}` : ""}`;
    title.replaceChildren(element("strong", {}, `Kernel ${index}`), of, yours ? ", as you made it" : `, ${stepName(experiment.steps[step])}`);
    about.hidden = !experiment.network || !plane.name;
    about.textContent = aboutPart(plane);
    refused.hidden = Boolean(layer.bank);
    columns.hidden = !layer.bank;
    refused.textContent = `Kernels of ${layer.size}×${layer.size} are too large to compare them with operators in the page; the tables further down do.`;
    if (!layer.bank) return;
    const isLast = step === experiment.steps.length - 1;
    const kernel = shown.kernelAt(step, edits, index);
    const given = { layer: shown, plane, kernel, index, isLast, yours, square: plane.of(kernel.values) };
    for (const part of [likeness, shares, tuning]) part.show(given);
  };
  state.on(["step", "edits", "kernel", "layer", "plane"], whenSeen(home, show));
}

// The bias is added to what all colours give together, so that one alone has none.
function withoutBias(layer) {
  return { ...layer, kernelAt: (...given) => ({ ...layer.kernelAt(...given), bias: 0 }) };
}

// Which part of a kernel that sees colours is compared, in a run.
function aboutPart({ name, alone }) {
  return alone
    ? `All below is about the weights for ${name} alone, without the bias.`
    : "All below is about the mean of the kernel’s colours, which is what it is to a grey picture. Colours of opposite signs cancel in it: choose one above to compare it alone.";
}

function layerChoice({ kernelLayers }, state) {
  const options = kernelLayers.map(({ name, size, channels, filters }) =>
    element("option", { value: name }, `${name}: ${filters} kernels of ${size}×${size}${channels > 1 ? `, ${channels} channels each` : ""}`),
  );
  const select = element("select", { class: "lab-select", "aria-label": "layer", onchange: () => state.set({ layer: select.value, kernel: 0, plane: null }) }, ...options);
  state.on(["layer"], () => (select.value = state.get("layer")));
  return element("label", { class: "bench-line" }, "layer ", select);
}

function sharesPart() {
  const kinds = KINDS.map(([name, words, meaning]) => {
    const meter = element("meter", { min: 0, max: 1, "aria-label": words });
    const value = element("span", {});
    return { name, meter, value, row: element("div", { class: "comparison-share", title: meaning }, element("span", {}, words), meter, value) };
  });
  const axis = element("p", { class: "lab-note" });
  const meanings = element("p", { class: "lab-note" });
  const node = element(
    "div",
    {},
    element("h4", {}, "Edge, line or blur?"),
    ...kinds.map((kind) => kind.row),
    axis,
    element("details", {}, element("summary", {}, "What the parts mean"), meanings),
  );
  return {
    node,
    show({ layer: { size }, square }) {
      const shares = energyShares(square, size);
      for (const { name, meter, value } of kinds) {
        meter.value = shares[name] ?? 0;
        value.textContent = numberWords(shares[name], 2);
      }
      const [vertical, horizontal] = [shares.vertical, shares.horizontal].map((share) => numberWords(share, 2));
      axis.textContent = shares.vertical === null ? "" : `Of the pattern, ${vertical} is the same along columns (stripes that stand), ${horizontal} along rows (stripes that lie).`;
      const parts = KINDS.map(([, words, meaning]) => `${words}: ${meaning}`).join("; ");
      meanings.textContent = `The energy is the sum of the squared weights, and these are its parts: ${parts}. An edge or a line beside the middle has something of both, however pure it is. Weights of chance have about half odd, half even, and ${numberWords(100 / size ** 2, 0)} % mean.`;
    },
  };
}
