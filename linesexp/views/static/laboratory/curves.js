// The training log as two small charts, loss and accuracy, with a marker at the present step.

import { element, numberWords } from "./elements.js";
import { pathThrough, vector } from "./vector.js";

const [WIDE, TALL] = [320, 92];
const BOX = { left: 30, right: 312, top: 8, bottom: 74 };

/** Both charts; they do not stay in view as the slider does. State: step. */
export function buildCurves(home, experiment, state) {
  const { log, steps } = experiment;
  const largest = Math.max(...[...log.loss, ...log.validation_loss].filter((value) => value !== null), 1e-9);
  const charts = [
    curveChart("Loss", log.step, log.loss, log.validation_loss, niceTop(largest), steps.at(-1)),
    curveChart("Accuracy", log.step, log.accuracy, log.validation_accuracy, 1, steps.at(-1)),
  ];
  home.append(...charts.map((chart) => chart.node));
  state.on(["step"], () => charts.forEach((chart) => chart.show(steps[state.get("step")])));
}

function curveChart(name, epochs, training, validation, top, lastEpoch) {
  const x = (epoch) => BOX.left + ((BOX.right - BOX.left) * epoch) / Math.max(lastEpoch, 1e-9);
  const y = (value) => BOX.bottom - ((BOX.bottom - BOX.top) * Math.min(value, top)) / top;
  const line = (values) => pathThrough(epochs.map((epoch, row) => (values[row] === null || epoch > lastEpoch ? null : [x(epoch), y(values[row])])));
  const label = (words, at, more) => vector("text", { ...at, class: "curve-words", ...more }, words);
  const marker = vector("line", { y1: BOX.top - 4, y2: BOX.bottom, class: "curve-marker" });
  const dots = [vector("circle", { r: 3.5, class: "curve-dot" }), vector("circle", { r: 3.5, class: "curve-dot" })];
  const words = element("figcaption", {});
  const drawing = vector(
    "svg",
    { viewBox: `0 0 ${WIDE} ${TALL}`, role: "img", "aria-label": `${name} over the epochs: of training pictures and validation pictures (dashed); a marker at the present step` },
    vector("path", { d: `M${BOX.left} ${BOX.top}V${BOX.bottom}H${BOX.right}`, class: "curve-axis" }),
    label(String(top), { x: BOX.left - 4, y: BOX.top + 4 }, { "text-anchor": "end" }),
    label("0", { x: BOX.left - 4, y: BOX.bottom + 3 }, { "text-anchor": "end" }),
    label("untrained", { x: BOX.left, y: TALL - 5 }, {}),
    label(`epoch ${Number(lastEpoch.toFixed(2))}`, { x: BOX.right, y: TALL - 5 }, { "text-anchor": "end" }),
    vector("path", { d: line(training), class: "curve-training" }),
    vector("path", { d: line(validation), class: "curve-validation" }),
    marker,
    ...dots,
  );
  return {
    node: element("figure", { class: "curve" }, drawing, words),
    show(epoch) {
      marker.setAttribute("x1", x(epoch));
      marker.setAttribute("x2", x(epoch));
      const row = epochs.indexOf(epoch);
      [training, validation].forEach((values, index) => {
        const value = row < 0 ? null : values[row];
        dots[index].setAttribute("visibility", value === null ? "hidden" : "visible");
        if (value !== null) dots[index].setAttribute("cx", x(epoch));
        if (value !== null) dots[index].setAttribute("cy", y(value));
      });
      words.textContent =
        row < 0
          ? `${name}: measured at the end of an epoch, not at this step`
          : `${name}: training ${numberWords(training[row], 3)}, validation (dashed) ${numberWords(validation[row], 3)}`;
    },
  };
}

// 0.1, 0.2, 0.5, 1, 2, 5 …: the first that is no less.
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return Number(([1, 2, 5, 10].find((digit) => digit * power >= value * 0.999) * power).toPrecision(1));
}
