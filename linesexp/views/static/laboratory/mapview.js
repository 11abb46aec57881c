// A map or picture, large, with a frame around a place or a window in it; and a way to choose a place.

import { canvasOf, element, setText } from "./elements.js";
import { arrowOf, pointOn } from "./pointing.js";

/** {node, canvas, title(words), frame({row, column, size})}: a canvas with its title and a frame over it. */
export function mapView(name) {
  const canvas = canvasOf(0, name);
  canvas.style.width = "";
  const outline = element("div", { class: "lab-frame" });
  const words = element("figcaption", {}, name);
  const node = element("figure", { class: "lab-mapview" }, words, element("div", { class: "lab-framed" }, canvas, outline));
  return {
    node,
    canvas,
    title(text) {
      setText(words, text);
      if (canvas.getAttribute("aria-label") !== text) canvas.setAttribute("aria-label", text);
    },
    /** Show a frame around rows and columns, cut off at the border; none without arguments. */
    frame(window) {
      outline.hidden = !window;
      if (!window) return;
      const { row, column, size } = window;
      const place = (from, all) => [Math.max(0, from) / all, Math.min(all, from + size) / all].map((share) => share * 100);
      const [top, bottom] = place(row, canvas.height);
      const [left, right] = place(column, canvas.width);
      Object.assign(outline.style, {
        top: `${top}%`,
        left: `${left}%`,
        width: `${Math.max(0, right - left)}%`,
        height: `${Math.max(0, bottom - top)}%`,
      });
    },
  };
}

/** Let the pointer choose a place in a view: choose({row, column}); the arrow keys too, from place(), if that is given. */
export function choosePlaces(view, choose, place = null) {
  const { canvas } = view;
  canvas.classList.add("lab-places");
  const inside = (at, all) => Math.max(0, Math.min(all - 1, at));

  function point(event) {
    const { row, column } = pointOn(canvas, event);
    choose({ row: inside(Math.floor(row), canvas.height), column: inside(Math.floor(column), canvas.width) });
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    point(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) point(event);
  });
  if (!place) return;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.addEventListener("keydown", (event) => {
    const by = arrowOf(event);
    if (!by) return;
    event.preventDefault();
    const { row, column } = place();
    choose({ row: inside(row + by[0], canvas.height), column: inside(column + by[1], canvas.width) });
  });
}
