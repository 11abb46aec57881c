// One kernel of the first layer taken out of the network, and what the bench can do to it.
//
// Values of a kernel: row by row, the channels of a weight beside each other (size × size × channels).

/** A kernel as it stands at a step, with the reader's edits: {values, bias}. */
export function kernelAt(experiment, step, edits, filter) {
  if (edits[filter]) return edits[filter];
  const { filters } = experiment.network;
  const weights = experiment.weightsAt(step);
  const kernel = weights["conv1/kernel"];
  const values = new Float32Array(kernel.length / filters[0]);
  for (let index = 0; index < values.length; index++) values[index] = kernel[index * filters[0] + filter];
  return { values, bias: weights["conv1/bias"][filter] };
}

/** The mean of a kernel's channels (or what one of them holds): size × size numbers. */
export function planeOf(values, channels, channel = null) {
  if (channels === 1) return values;
  return Float64Array.from({ length: values.length / channels }, (_, place) => {
    if (channel !== null) return values[place * channels + channel];
    let sum = 0;
    for (let each = 0; each < channels; each++) sum += values[place * channels + each];
    return sum / channels;
  });
}

/** The sum of a kernel's channels, which is what it is to a grey picture. */
export function greyKernel(values, channels) {
  return planeOf(values, channels).map((value) => value * channels);
}

/** Square root of the sum of squared weights. */
export function kernelNorm(values) {
  return Math.hypot(...values);
}

/** Left becomes right. */
export function kernelAcross(values, size) {
  return kernelRearranged(values, size, (row, column) => [row, size - 1 - column]);
}

/** Top becomes bottom. */
export function kernelDown(values, size) {
  return kernelRearranged(values, size, (row, column) => [size - 1 - row, column]);
}

/** Every weight with the other sign. */
export function kernelNegated(values) {
  return values.map((value) => -value);
}

/** Every weight the mean of itself and its neighbours, 3 × 3; at the border, of those that there are. */
export function kernelBlurred(values, size) {
  const channels = values.length / size ** 2;
  return values.map((_, index) => {
    const channel = index % channels;
    const place = (index - channel) / channels;
    const [row, column] = [Math.floor(place / size), place % size];
    let sum = 0;
    let count = 0;
    for (let i = Math.max(0, row - 1); i <= Math.min(size - 1, row + 1); i++) {
      for (let j = Math.max(0, column - 1); j <= Math.min(size - 1, column + 1); j++) {
        sum += values[(i * size + j) * channels + channel];
        count += 1;
      }
    }
    return sum / count;
  });
}

/** Every weight less the mean of all, so that they sum to zero. */
export function kernelWithoutMean(values) {
  let mean = 0;
  for (const value of values) mean += value / values.length;
  return values.map((value) => value - mean);
}

/** A pattern of size × size numbers in every channel, scaled so that the whole kernel has this norm. */
export function patternAtNorm(pattern, channels, norm) {
  const scale = norm / (kernelNorm(pattern) * Math.sqrt(channels));
  return Float32Array.from({ length: pattern.length * channels }, (_, index) => pattern[Math.floor(index / channels)] * scale);
}

/** `count` numbers from −1 to 1, the same for the same seed (mulberry32). */
export function randomNumbers(count, seed) {
  let state = seed >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

function kernelRearranged(values, size, from) {
  const channels = values.length / size ** 2;
  return values.map((_, index) => {
    const channel = index % channels;
    const place = (index - channel) / channels;
    const [row, column] = from(Math.floor(place / size), place % size);
    return values[(row * size + column) * channels + channel];
  });
}
