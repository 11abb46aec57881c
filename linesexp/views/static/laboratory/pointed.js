// One of the products in full: the one that the reader points at, or walks to with the arrow keys.

import { element, setText } from "./elements.js";
import { precise } from "./grids.js";
import { arrowOf } from "./pointing.js";

/** {node, show([window, kernel, products])}: a line under three number grids, the last of which is pointed at. */
export function pointedProduct(grids) {
  const products = grids.at(-1);
  const node = element("p", { class: "lab-note lab-product" });
  let [numbers, at] = [null, null];

  // What a reader walks to is read out, what a slider or the pointer passes is not.
  function say(aloud) {
    node.setAttribute("aria-live", aloud ? "polite" : "off");
    node.classList.toggle("lab-how", at === null);
    for (const grid of grids) grid.mark(at ?? -1);
    if (at === null) return setText(node, "Rounded. Point at a product, or go to the products and walk with the arrow keys, to see it in full.");
    const size = Math.sqrt(numbers[0].length);
    const [from, by, product] = numbers.map((each) => precise(each[at] ?? 0));
    setText(node, `row ${Math.floor(at / size)}, column ${at % size} of the window: ${from} · ${by} = ${product}`);
  }

  products.node.addEventListener("pointerover", ({ target }) => {
    const index = products.indexOf(target);
    if (index < 0) return;
    at = index;
    say(false);
  });
  products.node.addEventListener("keydown", (event) => {
    const by = arrowOf(event);
    if (!by) return;
    event.preventDefault();
    const size = Math.sqrt(numbers[0].length);
    const inside = (place) => Math.max(0, Math.min(size - 1, place));
    at = at === null ? 0 : inside(Math.floor(at / size) + by[0]) * size + inside((at % size) + by[1]);
    say(true);
  });
  return {
    node,
    show(next) {
      numbers = next;
      if (at >= numbers[0].length) at = null;
      say(false);
    },
  };
}
