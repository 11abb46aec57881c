// Where one number of a layer comes from: its window, its terms, its share in a decision. No screen here.

/** What a layer is computed from: the layer before it, or the picture. */
export function inputOf(layers, index, picture) {
  return index === 0 ? { name: "the picture", ...picture } : layers[index - 1];
}

/** {row, column, size} of the window in a layer's input that one place of the layer looks at. */
export function windowOf(layer, network, { row, column }) {
  if (layer.kind === "pool") {
    return { row: row * network.poolSize, column: column * network.poolSize, size: network.poolSize };
  }
  const size = network.kernelSizes[numberOf(layer) - 1];
  const before = network.padding === "same" ? Math.floor((size - 1) / 2) : 0;
  return { row: row - before, column: column - before, size };
}

/** The place of a layer whose window lies around this place of its input; the nearest that there is. */
export function placeOver(layer, network, { row, column }) {
  const first = windowOf(layer, network, { row: 0, column: 0 });
  const stride = layer.kind === "pool" ? network.poolSize : 1;
  const middle = layer.kind === "pool" ? 0 : Math.floor(first.size / 2);
  const over = (at, all) => Math.max(0, Math.min(all - 1, Math.floor((at - first.row - middle) / stride)));
  return { row: over(row, layer.height), column: over(column, layer.width) };
}

/** {row, column, size} of all that one place of layers[index] depends on in the picture; may reach over its border. */
export function receptiveField(layers, index, network, place) {
  let field = { ...place, size: 1 };
  for (let at = index; at >= 0; at--) {
    const first = windowOf(layers[at], network, field);
    const stride = layers[at].kind === "pool" ? network.poolSize : 1;
    field = { row: first.row, column: first.column, size: (field.size - 1) * stride + first.size };
  }
  return field;
}

/** The numbers of one map in a window, row by row; null beyond the border. */
export function numbersIn(input, window, map) {
  const numbers = [];
  for (let i = 0; i < window.size; i++) {
    for (let j = 0; j < window.size; j++) {
      const [row, column] = [window.row + i, window.column + j];
      const outside = row < 0 || row >= input.height || column < 0 || column >= input.width;
      numbers.push(outside ? null : input.values[(row * input.width + column) * input.maps + map]);
    }
  }
  return numbers;
}

/**
 * One number of a convolution, taken apart: {channels: [{patch, kernel, products, sum}], bias, sum, value}.
 * `sum` is that of all channels, without the bias; `value` is before the activation.
 */
export function convolutionAt(input, window, weights, layer, filter) {
  const all = weights[`${layer.name}/kernel`];
  const channels = Array.from({ length: input.maps }, (_, channel) => {
    const patch = numbersIn(input, window, channel);
    const kernel = patch.map((_, index) => all[(index * input.maps + channel) * layer.maps + filter]);
    const products = patch.map((value, index) => (value ?? 0) * kernel[index]);
    return { patch, kernel, products, sum: total(products) };
  });
  const bias = weights[`${layer.name}/bias`][filter];
  const sum = total(channels.map((channel) => channel.sum));
  return { channels, bias, sum, value: sum + bias };
}

/**
 * A class' score, taken apart: {bias, score, products, perMap}. `products` has one entry for each number of the
 * flattened layer, value × weight, `perMap` their sums for each map; with the bias they add up to the score.
 */
export function scoreOf(pooled, weights, chosen, classes) {
  const kernel = weights["dense/kernel"];
  const products = Float64Array.from(pooled.values, (value, index) => (value ? value * kernel[index * classes + chosen] : 0));
  const perMap = new Array(pooled.maps).fill(0);
  products.forEach((product, index) => (perMap[index % pooled.maps] += product));
  const bias = weights["dense/bias"][chosen];
  return { bias, products, perMap, score: total(perMap) + bias };
}

/** The place where a map's values are farthest from zero. */
export function strongestPlace(layer, map) {
  let best = 0;
  let largest = -1;
  for (let at = 0; at < layer.height * layer.width; at++) {
    const size = Math.abs(layer.values[at * layer.maps + map]);
    if (size > largest) [best, largest] = [at, size];
  }
  return { row: Math.floor(best / layer.width), column: best % layer.width };
}

/** One number of a layer. */
export function valueAt(layer, map, { row, column }, values = layer.values) {
  return values[(row * layer.width + column) * layer.maps + map];
}

/** All numbers added up. */
export function total(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function numberOf(layer) {
  return Number(layer.name.replace(/\D/g, ""));
}
