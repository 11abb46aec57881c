// What the reader's kernels change: the kernel's map of the picture, the classes, and how many test pictures are right.

import { createCounter } from "./accuracy.js";
import { canvasOf, element, numberWords } from "./elements.js";
import { forward } from "./network.js";
import { largestOf, paintMap } from "./painting.js";
import { whenSeen } from "./sight.js";

const MAP = 120; // px

/** Maps, probabilities and accuracy, with and without the edits. State: picture, step, edits, kernel. */
export function buildOutcome(home, experiment, state) {
  const { network, classes, noEdits } = experiment;
  const now = canvasOf(MAP, "the kernel's map of the picture, with your changes");
  const own = canvasOf(MAP, "the kernel's map of the picture, without your changes");
  const scale = element("p", { class: "lab-note" });
  const rows = classes.map((name) => outcomeRow(name));
  const right = ["with your changes", "unchanged, at this step", "unchanged, before training"].map((name) => outcomeRow(name, false));
  const said = element("p", { class: "lab-note", role: "status" });
  const counter = createCounter(experiment, ({ now, own, untrained }) => {
    [now, own, untrained].forEach((count, index) => {
      right[index].now.textContent = index === 0 && state.get("edits") === noEdits ? "no changes" : countWords(count);
    });
    const finished = now.done === now.total && own.done === own.total;
    const words = `${now.right} of ${now.total} right${
      state.get("edits") === noEdits ? "" : ` with your changes, ${own.right} without`
    }.`;
    if (finished && said.textContent !== words) said.textContent = words;
    else if (!finished) said.textContent = "";
  });
  let kept = {};

  // Without edits, as long as there are any; the network's outputs with them are kept elsewhere.
  function learned(picture, step) {
    if (kept.picture !== picture || kept.step !== step) {
      kept = { picture, step, layers: forward(picture, experiment.weightsAt(step), network) };
    }
    return kept.layers;
  }

  const part = (title, ...children) => element("div", {}, element("h4", {}, title), ...children);
  home.append(
    part("This kernel’s map of the picture", element("div", { class: "bench-maps" }, figureOf(now, "now"), figureOf(own, "unchanged")), scale),
    part("What the network says", tableOf("Probability of each class for this picture", ["class", "now", "unchanged"], rows)),
    part("How often it is right", tableOf(testWords(experiment), ["network", "right"], right), said),
  );
  const show = () => {
    const [picture, step, edits, kernel] = ["picture", "step", "edits", "kernel"].map(state.get);
    const after = experiment.outputs(picture, step, edits);
    const before = edits === noEdits ? after : learned(picture, step);
    const largest = Math.max(...[after, before].map(([first]) => largestOf(mapValues(first, kernel))));
    const limit = largest || 1;
    paintMap(now, after[0], kernel, limit);
    paintMap(own, before[0], kernel, limit);
    scale.textContent = largest
      ? `Orange: the kernel answers; near-white: it does not${network.activation === "relu" ? "" : "; blue: an answer below zero"}. Both maps on the scale ±${limit.toPrecision(2)}.`
      : "The kernel answers nowhere: on this picture it is silent.";
    [after, before].forEach((layers, column) => {
      const { probabilities } = layers.at(-1);
      const winner = probabilities.indexOf(Math.max(...probabilities));
      probabilities.forEach((value, index) => {
        const cell = column ? rows[index].before : rows[index].now;
        cell.textContent = numberWords(value, 3);
        cell.classList.toggle("bench-winner", index === winner);
      });
    });
  };
  state.on(["picture", "step", "edits", "kernel"], whenSeen(home, show));
  state.on(["step", "edits"], () => counter.ask(state.get("step"), state.get("edits")));
}

// One of a layer's maps.
function mapValues({ values, maps }, map) {
  return Float32Array.from({ length: values.length / maps }, (_, place) => values[place * maps + map]);
}

function testWords(experiment) {
  const here = experiment.labels.length;
  const all = experiment.test.all;
  return here === all ? `All ${all} test pictures` : `${here} of the ${all} test pictures: those that the page carries`;
}

function countWords({ right, done, total }) {
  return done === total ? `${right} of ${total}` : done ? `${right} of ${done} so far` : "…";
}

function figureOf(canvas, words) {
  return element("figure", {}, canvas, element("figcaption", {}, words));
}

function outcomeRow(name, two = true) {
  const [now, before] = [element("td", {}), element("td", {})];
  return { row: element("tr", {}, element("th", { scope: "row" }, name), now, ...(two ? [before] : [])), now, before };
}

function tableOf(caption, head, rows) {
  return element(
    "table",
    { class: "bench-table" },
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head.map((words) => element("th", { scope: "col" }, words)))),
    element("tbody", {}, ...rows.map((each) => each.row)),
  );
}
