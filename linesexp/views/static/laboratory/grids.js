// Numbers in coloured cells, and sums in words and numbers: tables that a screen reader can walk through.

import { element, setText } from "./elements.js";
import { divergingColour, largestOf } from "./painting.js";

/** A number in few letters: "0" for nothing at all, a true minus, and no minus before a rounded zero. */
export function brief(value, digits = 2) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return "–";
  const words = value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? Math.min(digits, 1) : digits);
  return Number(words) === 0 ? words.replace("-", "") : words.replace("-", "−");
}

/** Digits after the point with which numbers up to this one can be told apart and added up: two to five. */
export function digitsFor(largest) {
  return largest > 0 && largest < 1 ? Math.min(5, 2 - Math.floor(Math.log10(largest))) : 2;
}

/** A number with five digits that count, however small it is. */
export function precise(value) {
  return Number.isFinite(value) && value !== 0 ? value.toPrecision(5).replace("-", "−") : brief(value);
}

/** A number with four digits after the point, for sums that are added up by hand. */
export function exact(value) {
  return Number.isFinite(value) ? value.toFixed(4).replace(/^-(?=.*[1-9])/, "−").replace(/^-/, "") : "–";
}

/**
 * A square of numbers with a caption: {node, indexOf(element), mark(index), fill(numbers, {colour, marked, title})}.
 * reach: what the arrow keys do in it, "" for nothing; colour: value → [red, green, blue]; marked: index of a cell to stress; null is what lies beyond the border.
 */
export function numberGrid(name, reach = "") {
  const words = element("caption", {}, name);
  const body = element("tbody", {});
  const table = element("table", { class: "lab-grid" }, words, body);
  const node = element("div", { class: "lab-grid-box" }, table);
  let cells = [];

  function build(size) {
    cells = Array.from({ length: size * size }, () => element("td", {}));
    const rows = Array.from({ length: size }, (_, row) => element("tr", {}, ...cells.slice(row * size, (row + 1) * size)));
    body.replaceChildren(...rows);
    // Wide ones scroll, so they can be reached by keyboard.
    for (const [attribute, value] of Object.entries({ tabindex: "0", role: "region", "aria-label": name + reach })) {
      if (size > 7 || reach) node.setAttribute(attribute, value);
      else node.removeAttribute(attribute);
    }
  }

  function mark(index) {
    cells.forEach((cell, at) => cell.classList.toggle("lab-marked", at === index));
  }

  return {
    node,
    mark,
    /** Index of the cell that an element is or lies in; −1 for none. */
    indexOf: (inside) => cells.indexOf(inside.closest("td")),
    fill(numbers, { colour, marked = -1, title = name }) {
      if (cells.length !== numbers.length) build(Math.sqrt(numbers.length));
      setText(words, title);
      const digits = digitsFor(largestOf(numbers));
      numbers.forEach((number, index) => {
        const cell = cells[index];
        setText(cell, brief(number ?? 0, digits));
        tint(cell, colour(number ?? 0));
        cell.classList.toggle("lab-beyond", number === null);
      });
      mark(marked);
    },
  };
}

/** Lines of words with a number each: {node, fill([[words, value, text], …])}; `text` instead of four digits. */
export function sumTable(name) {
  const body = element("tbody", {});
  const node = element("table", { class: "lab-sum" }, element("caption", {}, name), body);
  return {
    node,
    fill(lines) {
      while (body.rows.length > lines.length) body.lastChild.remove();
      while (body.rows.length < lines.length) {
        body.append(element("tr", {}, element("th", { scope: "row" }), element("td", {})));
      }
      lines.forEach(([words, value, text = exact(value)], index) => {
        const [head, cell] = body.rows[index].children;
        setText(head, words);
        setText(cell, text);
        cell.dataset.value = value;
      });
    },
  };
}

/** Colour an element's ground, with letters in black or white, whichever can be read. */
export function tint(home, [red, green, blue]) {
  const [r, g, b] = [red, green, blue].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const ground = `rgb(${Math.round(red)}, ${Math.round(green)}, ${Math.round(blue)})`;
  if (home.style.backgroundColor === ground) return;
  home.style.backgroundColor = ground;
  home.style.color = luminance > 0.179 ? "#000" : "#fff";
}

/** Colours of a picture's numbers, 0 black and 1 white. */
export function greyColour(value) {
  return [value * 255, value * 255, value * 255];
}

/** Colours on the scale −limit … limit. */
export function signedColour(limit) {
  return (value) => divergingColour(value, limit);
}
