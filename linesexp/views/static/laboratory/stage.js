// A small stage for the settings of a convolution: how large the result is, and what happens at the border.

import { aboutBorder, aboutKeras, coverage, outputSize } from "./border.js";
import { element } from "./elements.js";
import { vector } from "./vector.js";

const CELL = 26; // px on the screen

/** Sliders, formula, and both grids; nothing of the run is needed. */
export function buildStage(home) {
  const settings = { input: 7, padding: 0, kernel: 3, stride: 1 };
  let place = 0; // of the kernel, row by row
  const sliders = [
    slider("input", "input size", 3, 12),
    slider("padding", "padding on each side", 0, 3),
    slider("kernel", "kernel size", 1, 7),
    slider("stride", "stride", 1, 4),
  ];
  const formula = element("p", { class: "lab-formula" });
  const words = element("p", { class: "lab-note" });
  const keras = element("p", { class: "lab-note" });
  const grids = element("div", { class: "stage-grids" });
  const where = element("output", {});
  const walk = element("input", {
    type: "range",
    min: 0,
    value: 0,
    oninput: () => {
      place = Number(walk.value);
      draw();
    },
  });
  home.append(
    element("div", { class: "lab-sliders" }, ...sliders.map((each) => each.label)),
    formula,
    element("label", { class: "lab-walk" }, "place of the kernel ", walk, where),
    grids,
    words,
    element("details", {}, element("summary", {}, "What Keras’s “valid” and “same” mean"), keras),
  );
  draw();

  function slider(name, text, min, max) {
    const shown = element("span", {}, String(settings[name])); // an output would take the label from the slider
    const input = element("input", {
      type: "range",
      min,
      max,
      value: settings[name],
      oninput: () => {
        settings[name] = Number(input.value);
        shown.textContent = input.value;
        place = 0;
        draw();
      },
    });
    return { label: element("label", {}, element("span", {}, `${text}: `, shown), input) };
  }

  function draw() {
    const size = outputSize(settings);
    const { input, padding, kernel, stride } = settings;
    const whole = input + 2 * padding;
    formula.textContent =
      size === 0
        ? `A ${kernel}×${kernel} kernel does not fit into ${whole}×${whole}: there is no place to compute.`
        : `⌊(input + 2·padding − kernel) / stride⌋ + 1 = ⌊(${input} + 2·${padding} − ${kernel}) / ${stride}⌋ + 1 = ${size}, ` +
          `so the result is ${size}×${size}.`;
    walk.max = Math.max(0, size * size - 1);
    walk.value = place;
    walk.disabled = size === 0;
    const row = size ? Math.floor(place / size) : 0;
    const column = size ? place % size : 0;
    where.textContent = size ? ` row ${row}, column ${column}` : "";
    walk.setAttribute("aria-valuetext", where.textContent.trim());
    grids.replaceChildren(...[inputGrid(row, column, size), resultGrid(row, column, size)].filter(Boolean));
    words.textContent = size ? aboutBorder(settings) : "";
    keras.textContent = aboutKeras(settings);
  }

  function inputGrid(row, column, size) {
    const whole = settings.input + 2 * settings.padding;
    const counts = coverage(settings);
    const drawing = grid(whole, `input with padding, ${whole}×${whole}; the numbers say how many results a cell is part of`);
    for (let y = 0; y < whole; y++) {
      for (let x = 0; x < whole; x++) {
        const outside = [y, x].some((at) => at < settings.padding || at >= whole - settings.padding);
        cell(drawing, y, x, outside ? "lab-cell lab-padding" : "lab-cell", String(counts[y] * counts[x]));
      }
    }
    if (size) outline(drawing, row * settings.stride, column * settings.stride, settings.kernel);
    return element("figure", {}, drawing, element("figcaption", {}, "input (dashed: padding)"));
  }

  function resultGrid(row, column, size) {
    if (!size) return null;
    const drawing = grid(size, `result, ${size}×${size}; the marked cell is computed from the outlined ones`);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const box = cell(drawing, y, x, "lab-cell lab-result", "");
        box.addEventListener("click", () => {
          place = y * size + x;
          draw();
        });
      }
    }
    outline(drawing, row, column, 1);
    return element("figure", {}, drawing, element("figcaption", {}, `result (framed: row ${row}, column ${column})`));
  }
}

function grid(size, description) {
  const side = size * CELL + 2;
  return vector("svg", { viewBox: `-1 -1 ${side} ${side}`, width: side, role: "img", "aria-label": description });
}

function cell(drawing, row, column, kind, words) {
  const box = vector("rect", { x: column * CELL, y: row * CELL, width: CELL, height: CELL, class: kind });
  drawing.append(box);
  if (words) drawing.append(vector("text", { x: (column + 0.5) * CELL, y: (row + 0.68) * CELL, class: "lab-count" }, words));
  return box;
}

function outline(drawing, row, column, size) {
  drawing.append(vector("rect", { x: column * CELL, y: row * CELL, width: size * CELL, height: size * CELL, class: "lab-window" }));
}
