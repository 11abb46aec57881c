// Test pictures to choose from, a dozen at a time.

import { canvasOf, element } from "./elements.js";
import { paintPicture } from "./painting.js";
import { rove } from "./roving.js";

const AT_A_TIME = 12;
const SIDE = 56; // px on the screen

/** Thumbnails with their classes, earlier and later ones, and a number to type. State: picture. */
export function buildGallery(home, experiment, state) {
  const count = experiment.labels.length;
  const pages = Math.ceil(count / AT_A_TIME);
  const thumbs = Array.from({ length: Math.min(AT_A_TIME, count) }, () => thumb());
  const grid = element("div", { class: "lab-tiles lab-gallery", role: "group", "aria-label": "Test pictures" });
  grid.append(...thumbs.map((each) => each.button));
  const mark = rove(grid, () => thumbs.filter((each) => !each.button.hidden).map((each) => each.button));
  const range = element("span", { class: "lab-range" });
  const number = element("input", {
    type: "number",
    min: 0,
    max: count - 1,
    value: 0,
    class: "lab-number",
    "aria-label": "Number of the test picture",
    oninput: () => {
      const index = number.value === "" ? NaN : Number(number.value);
      if (Number.isInteger(index) && index >= 0 && index < count) choose(index);
    },
    onblur: () => update(),
  });
  const turn = (by) => () => show((page + by + pages) % pages);
  let page = -1;

  function thumb() {
    const canvas = canvasOf(SIDE, "", { "aria-hidden": "true" });
    const words = element("span", {});
    const made = { index: 0, canvas, words };
    made.button = element(
      "button",
      { type: "button", class: "lab-tile", onclick: () => choose(made.index) },
      canvas,
      words,
    );
    return made;
  }

  function choose(index) {
    state.set({ picture: experiment.testPicture(index) });
  }

  function show(next) {
    if (next !== page) {
      page = next;
      thumbs.forEach((each, at) => {
        each.index = page * AT_A_TIME + at;
        each.button.hidden = each.index >= count;
        if (each.button.hidden) return;
        const picture = experiment.testPicture(each.index);
        const name = experiment.classes[picture.label];
        paintPicture(each.canvas, picture);
        each.words.textContent = name;
        each.button.title = name;
        each.button.setAttribute("aria-label", `test picture ${each.index}: ${name}`);
      });
      const first = page * AT_A_TIME;
      range.textContent = `${first}–${Math.min(first + AT_A_TIME, count) - 1} of ${count}`;
    }
    const chosen = state.get("picture").number;
    thumbs.forEach((each) => each.button.setAttribute("aria-pressed", String(each.index === chosen)));
    mark(Math.max(0, thumbs.findIndex((each) => each.index === chosen)));
  }

  function update() {
    const chosen = state.get("picture").number;
    if (chosen === undefined) {
      number.value = "";
      return show(Math.max(0, page));
    }
    if (document.activeElement !== number) number.value = chosen;
    show(Math.floor(chosen / AT_A_TIME));
  }

  const buttons = [
    element("button", { type: "button", class: "lab-quiet", onclick: turn(-1) }, "Earlier"),
    element("button", { type: "button", class: "lab-quiet", onclick: turn(1) }, "Later"),
  ].filter(() => pages > 1);
  home.append(
    element("h4", {}, "Test pictures"),
    element("p", { class: "lab-note" }, "The network never saw these while it learned. Choose one:"),
    grid,
    element("div", { class: "lab-buttons" }, ...buttons, range, element("label", {}, "number ", number)),
  );
  const all = experiment.test.all;
  if (all > count) home.append(element("p", { class: "lab-note" }, `${count} of ${all} test pictures fit into this page.`));
  state.on(["picture"], update);
}
