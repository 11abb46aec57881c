// One number of a convolution or a pooling, written out.

import { element, setText } from "./elements.js";
import { brief, digitsFor, greyColour, numberGrid, signedColour, sumTable, tint } from "./grids.js";
import { largestOf, limitOf } from "./painting.js";
import { convolutionAt, numbersIn, total, valueAt } from "./places.js";
import { pointedProduct } from "./pointed.js";
import { rove } from "./roving.js";

const AFTER = {
  relu: "ReLU: what is above zero stays, all else becomes 0",
  leaky_relu: "leaky ReLU: what is above zero stays, of all else a fifth",
  elu: "ELU: what is above zero stays, all else bends towards −1",
  tanh: "tanh: squeezed between −1 and 1",
  sigmoid: "sigmoid: squeezed between 0 and 1",
  linear: "linear: it stays as it is",
};

/** The view of a convolution: {node, show({layer, input, window, weights, map, channel, place, pooled, network})}. */
export function buildConvolving(chooseChannel) {
  const words = element("p", {});
  const partialWords = element("p", {});
  const partial = element("div", { class: "lab-partial", role: "group", "aria-label": "Channels and their sums" });
  const mark = rove(partial, () => parts);
  const grids = [numberGrid("window"), numberGrid("kernel"), numberGrid("products", ": the arrow keys write them out one by one")];
  const [window, kernel, products] = grids;
  const sign = (text, ...more) => element("span", { class: "lab-sign" }, element("span", { "aria-hidden": "true" }, text), ...more);
  const times = sign("×", element("small", {}, "times, cell by cell")); // no product of matrices
  const row = element("div", { class: "lab-grids" }, window.node, times, kernel.node, sign("="), products.node);
  const product = pointedProduct(grids);
  const sums = sumTable("Adding up");
  const poolWords = element("p", {});
  const poolGrid = numberGrid("pooling window");
  const pooling = element("div", { class: "lab-pooling" }, poolGrid.node, poolWords);
  const ends = element("div", { class: "lab-ends" }, sums.node, pooling);
  const node = element("div", {}, words, partialWords, partial, row, product.node, ends);
  let parts = [];

  function showPartial(at, chosen, input, isPicture) {
    const many = at.channels.length > 1;
    for (const each of [partial, partialWords]) each.hidden = !many;
    if (!many) return;
    if (parts.length !== at.channels.length) {
      parts = at.channels.map((_, index) => element("button", { type: "button", onclick: () => chooseChannel(index) }));
      partial.replaceChildren(...parts);
    }
    const colour = signedColour(limitOf(at.channels.map((channel) => channel.sum)));
    at.channels.forEach(({ sum }, index) => {
      setText(parts[index], `${index}: ${brief(sum, 3)}`);
      parts[index].dataset.value = sum;
      parts[index].setAttribute("aria-pressed", String(index === chosen));
      tint(parts[index], colour(sum));
    });
    mark(chosen);
    const each = isPicture ? "colours of the picture" : `maps of ${input.name}`;
    setText(partialWords, `So it goes in all ${at.channels.length} ${each} at once; the kernel has a channel for each of them. What each channel adds (choose one to see its numbers):`);
  }

  function show({ layer, input, window: patch, weights, map, channel, place, pooled, network }) {
    const at = convolutionAt(input, patch, weights, layer, map);
    const chosen = at.channels[channel];
    const count = patch.size ** 2;
    const isPicture = layer.name === "conv1";
    const from = isPicture ? (input.maps > 1 ? `colour ${channel} of the picture` : "the picture") : `map ${channel} of ${input.name}`;
    const said =
      `A window of ${patch.size}×${patch.size} numbers of ${isPicture ? "the picture" : input.name}, times the kernel's numbers at the same places. ` +
      "The products are added up: the better the kernel's pattern fits, the larger the sum. It grows with the picture's brightness too, and a kernel of mostly positive weights answers to anything bright.";
    setText(words, said);
    window.fill(chosen.patch, { colour: isPicture ? greyColour : signedColour(limitOf(input.values)), title: `window: ${from}` });
    kernel.fill(chosen.kernel, { colour: signedColour(limitOf(at.channels.flatMap((each) => each.kernel))), title: `kernel ${map} of ${layer.name}${at.channels.length > 1 ? `, channel ${channel}` : ""}` });
    products.fill(chosen.products, { colour: signedColour(limitOf(at.channels.flatMap((each) => each.products))), title: `products, sum ${brief(chosen.sum, Math.max(3, digitsFor(largestOf(chosen.products))))}` });
    product.show([chosen.patch, chosen.kernel, chosen.products]);
    showPartial(at, channel, input, isPicture);
    const result = valueAt(layer, map, place);
    const all = at.channels.length > 1 ? `Sum of all ${at.channels.length} channels` : `Sum of the ${count} products`;
    sums.fill([
      [all, at.sum],
      [`plus the kernel's bias`, at.bias],
      ["gives", at.value],
      [`after ${AFTER[network.activation]}`, result],
    ]);
    showPooling(layer, map, place, pooled, network);
  }

  function showPooling(layer, map, { row: down, column: across }, pooled, { poolSize, pooling: kind }) {
    const at = { row: Math.floor(down / poolSize), column: Math.floor(across / poolSize) };
    const fills = at.row < pooled.height && at.column < pooled.width;
    poolGrid.node.hidden = !fills;
    if (!fills) {
      poolWords.textContent = `At the border too few numbers are left to fill a pooling window: ${pooled.name} drops this one.`;
      return;
    }
    const numbers = numbersIn(layer, { row: at.row * poolSize, column: at.column * poolSize, size: poolSize }, map);
    const own = (down % poolSize) * poolSize + (across % poolSize);
    poolGrid.fill(numbers, { colour: signedColour(limitOf(layer.values)), marked: own, title: `window of ${pooled.name}` });
    poolWords.textContent = `Then ${pooled.name} looks at this window, for row ${at.row}, column ${at.column} of its own map. ${verdict(numbers, own, kind)}`;
  }

  return { node, show };
}

function verdict(numbers, own, kind) {
  if (kind !== "max") return `It keeps the mean, ${brief(total(numbers) / numbers.length, 3)}; our number (framed) is one of ${numbers.length}.`;
  const largest = Math.max(...numbers);
  if (numbers.every((number) => number === 0)) return "All its numbers are 0, and 0 is what it keeps.";
  if (numbers[own] < largest) return `It keeps the largest only, ${brief(largest, 3)}: our number (framed), ${brief(numbers[own], 3)}, is lost.`;
  const equals = numbers.filter((number) => number === largest).length;
  if (equals > 1) return `It keeps the largest, ${brief(largest, 3)}, which our number (framed) shares with ${equals - 1} more.`;
  return `It keeps the largest only: our number (framed), ${brief(largest, 3)}, wins.`;
}

/** The view of a pooling: {node, show({layer, input, window, map, place, network})}. */
export function buildPooling() {
  const words = element("p", {});
  const grid = numberGrid("window");
  const sums = sumTable("What is kept");
  const node = element("div", {}, words, element("div", { class: "lab-ends" }, grid.node, sums.node));

  function show({ layer, input, window, map, place, network }) {
    const numbers = numbersIn(input, window, map);
    const largest = Math.max(...numbers);
    const isMax = network.pooling === "max";
    const kept = isMax ? "largest" : "mean";
    words.textContent = `A window of ${window.size}×${window.size} numbers of ${input.name} becomes one number, the ${kept} of them: a map of a smaller size, in which it matters less where exactly a pattern is.`;
    grid.fill(numbers, {
      colour: signedColour(limitOf(input.values)),
      marked: isMax ? numbers.indexOf(largest) : -1,
      title: `window: map ${map} of ${input.name}`,
    });
    const value = valueAt(layer, map, place);
    sums.fill(
      isMax
        ? [[`largest of the ${numbers.length}`, value]]
        : [["sum", total(numbers)], [`divided by ${numbers.length}`, value]],
    );
  }

  return { node, show };
}
