// From the last maps to the classes, written out: flatten, the scores, softmax.

import { canvasOf, element, setText } from "./elements.js";
import { brief, exact, signedColour, sumTable, tint } from "./grids.js";
import { limitOf, paint } from "./painting.js";
import { scoreOf, total, valueAt } from "./places.js";

const LISTED = 8; // numbers that speak loudest for or against a class

/** The view of flatten: {node, show({pooled, map, place})}. */
export function buildFlatten() {
  const words = element("p", {});
  const canvas = canvasOf(0, "all numbers in a list", { class: "lab-list" });
  canvas.style.width = "";
  const sums = sumTable("This number");
  const node = element("div", {}, words, sums.node, element("p", { class: "lab-note" }, "The list, line by line; each line holds one place of all maps:"), canvas);

  function show({ pooled, map, place }) {
    const { height, width, maps, values } = pooled;
    const at = (place.row * width + place.column) * maps + map;
    words.textContent = `Nothing is computed here: the ${maps} maps of ${pooled.name}, each ${height}×${width}, are written into one list of ${values.length} numbers. First the numbers of all maps at row 0, column 0, then those at column 1, and so on.`;
    sums.fill([
      [`map ${map}, row ${place.row}, column ${place.column}`, valueAt(pooled, map, place)],
      [`(row × ${width} + column) × ${maps} + map = its number in the list`, at, String(at)],
    ]);
    const colour = signedColour(limitOf(values));
    paint(canvas, height * width, maps, (line, entry) =>
      line * maps + entry === at ? [194, 24, 91] : colour(values[line * maps + entry]),
    );
  }

  return { node, show };
}

/** The view of the classes: {node, show({pooled, dense, weights, classes, chosen, map, place})}. */
export function buildDeciding(chooseClass) {
  const select = element("select", {
    class: "lab-select",
    "aria-label": "score of the class",
    onchange: () => chooseClass(Number(select.value)),
  });
  const words = element("p", {});
  const maps = element("div", { class: "lab-partial", role: "list" });
  const mapWords = element("p", { class: "lab-note" });
  const here = sumTable("The chosen place");
  const loud = sumTable("The numbers that count most");
  const softmaxBody = element("tbody", {});
  const softmaxTable = element(
    "table",
    { class: "lab-sum lab-softmax" },
    element("caption", {}, "From scores to shares (softmax)"),
    element("thead", {}, element("tr", {}, ...["class", "score", "power of e", "share"].map((head) => element("th", { scope: "col" }, head)))),
    softmaxBody,
  );
  const note = element("p", { class: "lab-note" });
  const node = element(
    "div",
    {},
    element("label", {}, "score of the class ", select),
    words,
    element("div", { class: "lab-ends" }, element("div", {}, here.node, mapWords, maps), loud.node),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "From scores to shares" }, softmaxTable),
    note,
  );
  let parts = [];

  function show({ pooled, dense, weights, classes, chosen, map, place }) {
    if (select.options.length !== classes.length) {
      select.replaceChildren(...classes.map((name, index) => element("option", { value: index }, name)));
    }
    select.value = chosen;
    const at = scoreOf(pooled, weights, chosen, classes.length);
    words.textContent = `Each of the ${pooled.values.length} numbers in the list is multiplied by a weight that “${classes[chosen]}” gives it. The products, with a bias, add up to the score.`;
    const index = (place.row * pooled.width + place.column) * pooled.maps + map;
    const weight = weights["dense/kernel"][index * classes.length + chosen];
    here.fill([
      [`number: map ${map}, row ${place.row}, column ${place.column}`, pooled.values[index]],
      ["times its weight", weight],
      ["its part of the score", at.products[index]],
    ]);
    showMaps(at, map);
    showLoudest(at, pooled, classes[chosen]);
    showShares(dense, classes, chosen);
  }

  function showMaps(at, map) {
    if (parts.length !== at.perMap.length) {
      parts = at.perMap.map(() => element("span", { role: "listitem" }));
      maps.replaceChildren(...parts);
    }
    mapWords.textContent = `The same, added up for each of the ${at.perMap.length} maps. With the bias they make the score:`;
    const colour = signedColour(limitOf(at.perMap));
    at.perMap.forEach((sum, index) => {
      parts[index].textContent = `${index}: ${brief(sum, 2)}`;
      parts[index].dataset.value = sum;
      parts[index].classList.toggle("lab-marked", index === map);
      tint(parts[index], colour(sum));
    });
  }

  function showLoudest(at, pooled, name) {
    const order = Array.from(at.products.keys()).sort((a, b) => Math.abs(at.products[b]) - Math.abs(at.products[a]));
    const first = order.slice(0, LISTED).filter((index) => at.products[index] !== 0);
    const rest = total(order.slice(first.length).map((index) => at.products[index]));
    const lines = first.map((index) => {
      const spot = Math.floor(index / pooled.maps);
      const where = `map ${index % pooled.maps}, row ${Math.floor(spot / pooled.width)}, column ${spot % pooled.width}`;
      return [where, at.products[index]];
    });
    loud.fill([
      ...lines,
      [`all other ${order.length - first.length} together`, rest],
      ["the bias", at.bias],
      [`score of ${name}`, at.score],
    ]);
  }

  function showShares(dense, classes, chosen) {
    const largest = Math.max(...dense.scores);
    const powers = Array.from(dense.scores, (score) => Math.exp(score - largest));
    setText(
      note,
      `The largest score, ${exact(largest)}, is taken off all of them, which changes no share and keeps the numbers small. ` +
        "Then comes e = 2.718… to the power of what is left: never negative, and it grows fast, so the highest score gets most. " +
        "Divided by their sum, these powers become shares that add up to 1.",
    );
    const lines = classes.map((name, index) => [name, exact(dense.scores[index]), small(powers[index]), small(dense.probabilities[index])]);
    lines.push(["sum", "", exact(total(powers)), exact(total(dense.probabilities))]);
    softmaxBody.replaceChildren(
      ...lines.map(([name, ...cells], index) =>
        element("tr", index === chosen ? { class: "lab-chosen" } : {}, element("th", { scope: "row" }, name), ...cells.map((text) => element("td", {}, text))),
      ),
    );
  }

  return { node, show };
}

// A positive number, and never one that looks like nothing.
function small(value) {
  return value > 0 && value < 0.0001 ? "< 0.0001" : exact(value);
}
