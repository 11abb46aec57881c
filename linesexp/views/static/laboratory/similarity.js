// One square of weights beside the operator that it resembles most, and how often chance does as well.

import { canvasOf, element, numberWords } from "./elements.js";
import { bestMatch, squareWith, unitPattern } from "./operators.js";
import { divergingColour, limitOf, paint } from "./painting.js";

const PATTERN = 132; // px
const BRIGHT_SIDES = { vertical: { 1: "right", "-1": "left" }, horizontal: { 1: "below", "-1": "above" } };

/** A kernel's best operator in words: {operator, direction, side}. */
function matchWords({ operator, row, column, cosine, polarity }) {
  const name = `${operator.name} ${operator.size}×${operator.size}`;
  const corner = operator.corners.length > 1 ? ` with its corner at row ${row}, column ${column}` : "";
  const detects = operator.detects === "both" ? "spots and lines of any direction" : `${operator.detects} ${operator.order === 1 ? "edges" : "lines"}`;
  const side =
    polarity === null
      ? `the middle ${cosine > 0 ? "bright" : "dark"}, the sides ${cosine > 0 ? "dark" : "bright"}`
      : `bright side: ${BRIGHT_SIDES[operator.detects][polarity]}`;
  return { operator: name + corner, direction: detects, side };
}

/** {node, chance, show({layer, plane, square, isLast, yours})}: both pictures and the cosine; the table of chances. */
export function similarityPart() {
  const kernelCanvas = canvasOf(PATTERN, "the kernel, its mean taken off");
  const operatorCanvas = canvasOf(PATTERN, "the most similar operator, at its place and sign");
  const operatorName = element("figcaption", {});
  const cosine = element("strong", { class: "comparison-cosine" });
  const asDrawn = element("span", {});
  const words = element("p", {});
  const rows = element("tbody", {});
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
    element("p", {}, "cosine ", cosine, asDrawn),
    words,
    element("p", { class: "lab-note" }, "Cosine: how alike two patterns are, whatever their strength. 1 the same, −1 the same with dark and bright exchanged, 0 nothing in common. Both pictures have the same strength and the same colours."),
  );
  const table = element(
    "table",
    { class: "bench-table comparison-chance" },
    element("caption", {}, "p: how often a kernel of chance is at least as similar to some operator"),
    element("thead", {}, element("tr", {}, ...["chance", "p"].map((head) => element("th", { scope: "col" }, head)), element("th", { scope: "col", class: "words" }, "asks"))),
    rows,
  );
  const chance = [element("h4", {}, "Would chance do as well?"), table, caution];
  let [asked, cells] = [null, []];

  // The rows change with the layer only, so that a slider sets numbers and builds nothing.
  function ask(chances) {
    if (chances !== asked) {
      cells = chances.map(() => element("td", {}));
      rows.replaceChildren(
        ...chances.map(({ name, question }, index) => element("tr", {}, element("th", { scope: "row" }, name), cells[index], element("td", { class: "words" }, question))),
      );
    }
    asked = chances;
    table.hidden = chances.length === 0;
  }

  function showNothing({ size, square, plane }) {
    cosine.textContent = "–";
    asDrawn.textContent = "";
    const alike = `${plane.name ? `In ${plane.where ?? `its ${plane.name}`} all` : "All"} weights are alike, so there is no pattern to compare.`;
    words.textContent = square.every(Number.isFinite) ? alike : "Its weights are no longer numbers.";
    operatorName.textContent = "none";
    caution.textContent = unmeasured(plane);
    for (const p of cells) p.textContent = "–";
    for (const canvas of [kernelCanvas, operatorCanvas]) paint(canvas, size, size, () => divergingColour(0, 1));
  }

  function show({ layer, plane, square, isLast, yours }) {
    const { size, bank } = layer;
    ask(plane.chances);
    const match = bestMatch(square, bank);
    if (!match) return showNothing({ size, square, plane });
    const pattern = unitPattern(square);
    const operator = unitPattern(squareWith(match.operator, size, match.row, match.column)).map((value) => value * Math.sign(match.cosine));
    const limit = Math.max(limitOf(pattern), limitOf(operator));
    paintSquare(kernelCanvas, size, pattern, limit);
    paintSquare(operatorCanvas, size, operator, limit);
    const told = matchWords(match);
    operatorName.textContent = `${match.operator.name} ${match.operator.size}×${match.operator.size}${match.cosine < 0 ? ", inverted" : ""}`;
    cosine.textContent = signedWords(match.cosine);
    asDrawn.textContent = match.cosine < 0 ? ` with the operator itself, ${signedWords(-match.cosine)} with it inverted, as it is drawn here` : "";
    words.textContent = layer.drawsWith
      ? `The operator is ${told.operator}. A transposed convolution lays its kernels on what it makes: this one draws with such a pattern, and detects nothing with it.`
      : `The operator is ${told.operator}; it finds ${told.direction}; ${told.side}. The best edge operator reaches |cosine| ${numberWords(match.edge)}, the best line or spot operator ${numberWords(match.line)}.`;
    plane.chances.forEach(({ pOf }, index) => (cells[index].textContent = numberWords(pOf(match.cosine), 4)));
    caution.textContent = unmeasured(plane) || aboutChance({ layer, plane, isLast, yours });
  }

  return { node, chance, show };
}

// Why there is no p, if there is none.
function unmeasured({ chances, alone }) {
  return chances.length ? "" : `No chance was measured for ${alone ? "one colour alone" : "such kernels"}, so there is no p.`;
}

function aboutChance({ layer, plane, isLast, yours }) {
  if (yours) return "You made this kernel. A small p only says that chance seldom looks like it; a kernel put there by hand proves nothing about learning.";
  const hint = isLast || !plane.chances.some((each) => each.ofTrained) ? "" : " “smooth” is drawn for the trained kernels: at this step take it as a hint only.";
  return `Below 0.05 is less than one time in twenty, and among ${layer.filters} kernels that does happen.${hint}`;
}

function paintSquare(canvas, size, values, limit) {
  paint(canvas, size, size, (row, column) => divergingColour(values[row * size + column], limit));
}

function signedWords(value) {
  return `${value > 0 ? "+" : ""}${numberWords(value)}`;
}
