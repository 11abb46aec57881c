// The network in the page: the same sums as in Keras, in plain loops.
//
// Values of a layer lie in one Float32Array, row by row, the maps of a place beside each other
// (height, width, maps), as Keras stores them. Kernels: (rows, columns, channels, filters).

const NEGATIVE_SLOPE = 0.2; // of Keras' leaky_relu

export const ACTIVATIONS = {
  relu: (value) => (value > 0 ? value : 0),
  leaky_relu: (value) => (value > 0 ? value : NEGATIVE_SLOPE * value),
  elu: (value) => (value > 0 ? value : Math.expm1(value)),
  tanh: Math.tanh,
  sigmoid: (value) => 1 / (1 + Math.exp(-value)),
  linear: (value) => value,
};

/** Cross-correlate a stack of maps with kernels; zeros beyond the border where padding is "same". */
function convolve(input, kernel, bias, padding) {
  const { height, width, maps: channels } = input;
  const { size, filters } = kernel;
  const before = padding === "same" ? Math.floor((size - 1) / 2) : 0;
  const tall = padding === "same" ? height : height - size + 1;
  const wide = padding === "same" ? width : width - size + 1;
  const values = new Float32Array(tall * wide * filters);
  const sums = new Float64Array(filters);
  for (let row = 0; row < tall; row++) {
    for (let column = 0; column < wide; column++) {
      for (let filter = 0; filter < filters; filter++) sums[filter] = bias[filter];
      for (let i = 0; i < size; i++) {
        const y = row + i - before;
        if (y < 0 || y >= height) continue;
        for (let j = 0; j < size; j++) {
          const x = column + j - before;
          if (x < 0 || x >= width) continue;
          const from = (y * width + x) * channels;
          const weights = (i * size + j) * channels * filters;
          for (let channel = 0; channel < channels; channel++) {
            const value = input.values[from + channel];
            if (value === 0) continue; // most of a picture of one line, and of what ReLU leaves
            const at = weights + channel * filters;
            for (let filter = 0; filter < filters; filter++) sums[filter] += value * kernel.values[at + filter];
          }
        }
      }
      values.set(sums, (row * wide + column) * filters);
    }
  }
  return { height: tall, width: wide, maps: filters, values };
}

/** Every value through an activation by name. */
export function activate(input, name) {
  return { ...input, values: input.values.map(ACTIVATIONS[name]) };
}

/** Largest or mean value of each size × size window; rows and columns that fill none are dropped. */
export function pool(input, size, kind) {
  const { width, maps } = input;
  const tall = Math.floor(input.height / size);
  const wide = Math.floor(width / size);
  const values = new Float32Array(tall * wide * maps);
  for (let row = 0; row < tall; row++) {
    for (let column = 0; column < wide; column++) {
      for (let map = 0; map < maps; map++) {
        let largest = -Infinity;
        let sum = 0;
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++) {
            const value = input.values[((row * size + i) * width + column * size + j) * maps + map];
            if (!(value <= largest)) largest = value;
            sum += value;
          }
        }
        values[(row * wide + column) * maps + map] = kind === "max" ? largest : sum / size ** 2;
      }
    }
  }
  return { height: tall, width: wide, maps, values };
}

/** Weighted sums: kernel (numbers, units), bias (units). */
export function dense(values, kernel, bias) {
  const sums = Float64Array.from(bias);
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (value === 0) continue;
    for (let unit = 0; unit < sums.length; unit++) sums[unit] += value * kernel[index * sums.length + unit];
  }
  return sums;
}

/** Scores → probabilities that sum to 1. */
export function softmax(scores) {
  const largest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/**
 * A picture {height, width, maps, values in 0..1} through all layers.
 *
 * weights: {"conv1/kernel": Float32Array, …}; network: {filters, kernelSizes, activation, pooling, poolSize,
 * padding}. Returns [{name, kind: "conv" | "pool" | "flatten" | "dense", …}]: of a convolution also
 * `sums`, what it gives before its activation; of dense `scores` and `probabilities`.
 */
export function forward(picture, weights, network) {
  const layers = [];
  let values = picture;
  network.filters.forEach((filters, index) => {
    const name = `conv${index + 1}`;
    const kernel = { size: network.kernelSizes[index], filters, values: weights[`${name}/kernel`] };
    const sums = convolve(values, kernel, weights[`${name}/bias`], network.padding);
    values = activate(sums, network.activation);
    layers.push({ name, kind: "conv", ...values, sums: sums.values });
    values = pool(values, network.poolSize, network.pooling);
    layers.push({ name: `pool${index + 1}`, kind: "pool", ...values });
  });
  layers.push({ name: "flatten", kind: "flatten", values: values.values });
  const scores = dense(values.values, weights["dense/kernel"], weights["dense/bias"]);
  layers.push({ name: "dense", kind: "dense", scores, probabilities: softmax(scores) });
  return layers;
}
