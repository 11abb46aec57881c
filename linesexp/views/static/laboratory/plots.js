// Drawings that stand in the page, taken out of it so that they stand alone: the log's curves, a kernel's directions.

import { element, stepName } from "./elements.js";
import { fileName, INK } from "./figures.js";
import { chosenLayer, chosenPlane } from "./kernels.js";
import { vector } from "./vector.js";

// The page's light colours, whatever the reader's screen is set to: a file is looked at on white.
const LIGHT = { "--ink": INK, "--faint": "#59636e", "--line": "#d8dde3", "--accent": "#0b5cad", "--refuted": "#a8420a" };
const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "font-size", "text-anchor", "visibility"];
const PLOT_WIDE = 420; // px of a drawing in a file
const PLOT_GAP = 20;
const PLOT_LINE = 18; // px of a line of words
const PLOT_LETTERS = 62; // in such a line

/** Loss and accuracy as they stand in the page. State: step. */
export function curvesFigure(experiment, state) {
  const parts = [...document.querySelectorAll("#lab-curves figure")].map((figure) => ({
    drawing: figure.querySelector("svg"),
    words: figure.querySelector("figcaption").textContent,
  }));
  const step = experiment.steps[state.get("step")];
  return plotsFigure(fileName("curves", step), `Loss and accuracy; the marker is at the step “${stepName(step)}”`, parts);
}

/** The chosen kernel's directions as they stand in the page; null where there are none. State: all that chooses it. */
export function polarsFigure(experiment, state) {
  const home = document.getElementById("lab-comparison");
  const parts = [...home.querySelectorAll(".comparison-polars svg")]
    .filter((drawing) => drawing.checkVisibility())
    .map((drawing) => ({ drawing, words: `${drawing.parentElement.querySelector("h5").textContent}. ${drawing.getAttribute("aria-label")}` }));
  if (!parts.length) return null;
  const kernel = state.get("kernel");
  const layer = experiment.network ? "" : chosenLayer(experiment, state).name;
  const what = ["directions-of-kernel", kernel, layer, chosenPlane(experiment, state).name].filter((part) => part !== "").join("-");
  const name = fileName(what, experiment.steps[state.get("step")], Boolean(state.get("edits")[kernel]));
  const ring = home.querySelector(".comparison-polars + p").textContent;
  return plotsFigure(name, home.querySelector(".bench-status").textContent, parts, ring);
}

// {name, title, width, height, drawing}: drawings beside each other, each with its words below; one note for all.
function plotsFigure(name, title, parts, note = "") {
  const width = parts.length * (PLOT_WIDE + PLOT_GAP) + PLOT_GAP;
  const heights = parts.map(({ drawing }) => (PLOT_WIDE * drawing.viewBox.baseVal.height) / drawing.viewBox.baseVal.width);
  const said = parts.map(({ words }) => linesOf(words, PLOT_LETTERS));
  const noted = linesOf(note, parts.length * PLOT_LETTERS);
  const below = 44 + Math.max(...heights) + PLOT_GAP;
  const belowWords = below + Math.max(...said.map((lines) => lines.length)) * PLOT_LINE + 8;
  const height = Math.ceil(belowWords + noted.length * PLOT_LINE);
  const text = (lines, x, y) => lines.map((line, index) => vector("text", { x, y: y + index * PLOT_LINE, "font-size": 13, fill: INK }, line));
  const drawing = vector(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "sans-serif" },
    vector("title", {}, title),
    vector("rect", { width: "100%", height: "100%", fill: "#fff" }),
    vector("text", { x: PLOT_GAP, y: 26, "font-size": 16, fill: INK }, title),
    ...parts.flatMap((part, index) => {
      const left = PLOT_GAP + index * (PLOT_WIDE + PLOT_GAP);
      return [standingAlone(part.drawing, { x: left, y: 44, width: PLOT_WIDE, height: heights[index] }), ...text(said[index], left, below)];
    }),
    ...text(noted, PLOT_GAP, belowWords),
  );
  return { name, title, width, height, drawing };
}

// A copy with the styles that the page gives it written into it.
function standingAlone(drawing, place) {
  const copy = drawing.cloneNode(true);
  const light = element("div", { "aria-hidden": "true" }, copy);
  for (const [name, colour] of Object.entries(LIGHT)) light.style.setProperty(name, colour);
  document.getElementById("laboratory").append(light);
  const all = [...copy.querySelectorAll("*")];
  const styles = all.map((each) => STYLES.map((name) => getComputedStyle(each)[name]));
  light.remove();
  all.forEach((each, index) => {
    STYLES.forEach((name, at) => each.setAttribute(name, styles[index][at]));
    each.removeAttribute("class");
  });
  for (const name of ["class", "role"]) copy.removeAttribute(name);
  for (const [name, value] of Object.entries(place)) copy.setAttribute(name, value);
  return copy;
}

// Words in lines of about so many letters.
function linesOf(words, letters) {
  const lines = [];
  for (const word of words.split(/\s+/).filter(Boolean)) {
    if (lines.length && lines.at(-1).length + word.length < letters) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines;
}
