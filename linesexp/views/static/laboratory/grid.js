// The weights of one kernel as a grid of cells: painted with the pointer, or changed from the keyboard.

import { element, numberWords } from "./elements.js";
import { tint } from "./grids.js";
import { divergingColour } from "./painting.js";

const MOST_NUMBERED = 9; // cells along a side; in smaller cells numbers would not be readable
const WIDEST = 44; // px of a cell

/**
 * A grid: {node, show(values, limit)}.
 *
 * on.paint(index, stroke): the pointer (or Enter) paints this cell; the cells of one stroke share a number.
 * on.nudge(index, steps): + and − on a cell; on.clear(index): 0 on a cell.
 */
export function createWeightGrid(size, on) {
  const cells = Array.from({ length: size ** 2 }, (_, index) =>
    element("div", { role: "gridcell", tabindex: index ? -1 : 0, class: "bench-cell", "data-index": index }),
  );
  const rows = Array.from({ length: size }, (_, row) =>
    element("div", { role: "row", class: "bench-cells" }, ...cells.slice(row * size, (row + 1) * size)),
  );
  const node = element("div", { role: "grid", class: "bench-grid", "aria-label": "Weights of the kernel" }, ...rows);
  node.style.maxWidth = `${Math.min(size * WIDEST, 440)}px`;
  node.classList.toggle("bench-fine", size > 7);
  const readout = element("output", { class: "bench-readout", "aria-live": "off" });
  let shown = new Float32Array(size ** 2);
  let current = 0;
  let stroke = 0;
  let under = null; // the cell last painted in this stroke

  function read() {
    const place = `row ${Math.floor(current / size)}, column ${current % size}`;
    readout.textContent = `${place}: weight ${numberWords(shown[current], 4)}`;
  }

  function go(index, focus) {
    cells[current].tabIndex = -1;
    current = index;
    cells[current].tabIndex = 0;
    if (focus) cells[current].focus();
    read();
  }

  function cellAt(event) {
    const box = node.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * size);
    const row = Math.floor(((event.clientY - box.top) / box.height) * size);
    return row < 0 || column < 0 || row >= size || column >= size ? null : row * size + column;
  }

  function paintUnder(event) {
    const index = cellAt(event);
    if (index === null || index === under) return;
    under = index;
    go(index, false);
    on.paint(index, stroke);
  }

  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    node.setPointerCapture(event.pointerId);
    stroke += 1;
    under = null;
    paintUnder(event);
    cells[current].focus();
  });
  node.addEventListener("pointermove", (event) => {
    if (node.hasPointerCapture(event.pointerId)) paintUnder(event);
  });
  node.addEventListener("focusin", (event) => go(Number(event.target.dataset.index), false));
  node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = [Math.floor(current / size), current % size];
    const moves = {
      ArrowLeft: () => go(row * size + Math.max(0, column - 1), true),
      ArrowRight: () => go(row * size + Math.min(size - 1, column + 1), true),
      ArrowUp: () => go(Math.max(0, row - 1) * size + column, true),
      ArrowDown: () => go(Math.min(size - 1, row + 1) * size + column, true),
      Home: () => go(row * size, true),
      End: () => go(row * size + size - 1, true),
      "+": () => on.nudge(current, 1),
      "=": () => on.nudge(current, 1),
      "-": () => on.nudge(current, -1),
      "−": () => on.nudge(current, -1),
      0: () => on.clear(current),
      Enter: () => on.paint(current, (stroke += 1)),
      " ": () => on.paint(current, (stroke += 1)),
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  });

  return {
    node: element("div", { class: "bench-painting" }, node, readout),
    show(values, limit) {
      shown = values;
      cells.forEach((cell, index) => {
        if (cell.dataset.shown === `${values[index]} ${limit}`) return; // a moving slider has little time
        cell.dataset.shown = `${values[index]} ${limit}`;
        tint(cell, divergingColour(values[index], limit));
        cell.textContent = size <= MOST_NUMBERED ? numberWords(values[index], 2) : "";
        cell.setAttribute("aria-label", `row ${Math.floor(index / size)}, column ${index % size}: ${numberWords(values[index], 3)}`);
      });
      read();
    },
  };
}
