// The operators that kernels are compared with, the best match among them, and how often chance does as well.
//
// The same measures as in the report's tables: the cosine between a kernel less its mean and each operator at
// each size and place; the largest |cosine| wins.

import { decodeArray, entryOf } from "./arrays.js";

const NULL_STEPS = 2 ** 22; // to which the page's nulls are rounded
const CONSTANT = 1e-6; // a kernel whose weights differ by less, relative to their size, has no pattern

/** The page's `likeness` decoded: {operators, bank, nulls, darkLines}; null where the page carries none. */
export async function openLikeness(data, size) {
  if (!data) return null;
  const operators = await openOperators(data);
  const nulls = [];
  for (const each of data.nulls) nulls.push({ ...each, ...(await openNull(each)) });
  return { operators, bank: operatorBank(operators, size), nulls, darkLines: data.darkLines };
}

/** {operators, kernels}, as report/likeness.py gives them → [{name, order, detects, size, corners, values}]. */
export async function openOperators({ operators, kernels }) {
  const { values } = await decodeArray(kernels);
  let at = 0;
  return operators.map((operator) => {
    at += operator.size ** 2;
    return { ...operator, values: values.subarray(at - operator.size ** 2, at) };
  });
}

/**
 * {steps, above}, as report/likeness.py gives them → {cosines, above, draws}: `above` says how many of all draws
 * are at least as large as each cosine. Where the page carries all of them, it is null.
 */
export async function openNull({ steps, above }) {
  const cosines = unpackedNull(await decodeArray(steps));
  if (!above) return { cosines, above: cosines.map((_, index) => cosines.length - index), draws: cosines.length };
  let count = 0;
  const counts = above.map((more) => (count += more)).reverse();
  return { cosines, above: counts, draws: counts[0] };
}

/** Every operator at every place in a size × size square, mean-free and of norm 1: {size, rows, placed}. */
export function operatorBank(operators, size) {
  const placed = operators.flatMap((operator) =>
    operator.corners.flatMap((row) => operator.corners.map((column) => ({ operator, row, column }))),
  );
  const rows = new Float32Array(placed.length * size ** 2);
  placed.forEach(({ operator, row, column }, entry) => {
    rows.set(unitPattern(squareWith(operator, size, row, column)), entry * size ** 2);
  });
  return { size, rows, placed };
}

/** An operator's values in a size × size square, its corner at this row and column; zero around. */
export function squareWith(operator, size, row, column) {
  const square = new Float64Array(size ** 2);
  for (let i = 0; i < operator.size; i++) {
    for (let j = 0; j < operator.size; j++) {
      square[(row + i) * size + column + j] = operator.values[i * operator.size + j];
    }
  }
  return square;
}

/** Values less their mean, at norm 1; null where they are all alike or one is not finite. */
export function unitPattern(values) {
  let mean = 0;
  for (const value of values) mean += value / values.length;
  const free = Float64Array.from(values, (value) => value - mean);
  const norm = Math.hypot(...free);
  if (!Number.isFinite(norm) || norm <= CONSTANT * Math.hypot(...values)) return null;
  return free.map((value) => value / norm);
}

/**
 * The bank's best for one kernel (size²): {entry, operator, row, column, cosine, polarity, edge, line}; null for a
 * kernel without a pattern. cosine is signed; polarity: its sign for edge operators, null for the others; edge, line:
 * the largest |cosine| with an operator of the first and of the second derivative.
 */
export function bestMatch(kernel, bank) {
  const unit = unitPattern(kernel);
  if (!unit) return null;
  const pattern = Float32Array.from(unit);
  let entry = 0;
  let cosine = 0;
  const largest = [0, 0, 0]; // by order of the derivative
  for (let each = 0; each < bank.placed.length; each++) {
    let sum = 0;
    const at = each * pattern.length;
    for (let index = 0; index < pattern.length; index++) sum += pattern[index] * bank.rows[at + index];
    const { order } = bank.placed[each].operator;
    largest[order] = Math.max(largest[order], Math.abs(sum));
    if (Math.abs(sum) > Math.abs(cosine)) {
      entry = each;
      cosine = sum;
    }
  }
  cosine = Math.fround(Math.max(-1, Math.min(1, cosine)));
  const { operator, row, column } = bank.placed[entry];
  return { entry, operator, row, column, cosine, polarity: operator.order === 1 ? Math.sign(cosine) : null, edge: largest[1], line: largest[2] };
}

/** p = (b + 1) / (m + 1): b of the m cosines of chance are at least |cosine|. */
export function chanceOf(cosine, { cosines, above, draws }) {
  let low = 0;
  let high = cosines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cosines[middle] < Math.abs(cosine)) low = middle + 1;
    else high = middle;
  }
  const atLeast = low === 0 ? draws : above[low - 1] - 1;
  return (atLeast + 1) / (draws + 1);
}

function unpackedNull(bytes) {
  const [low, middle, high] = [0, 1, 2].map((plane) => entryOf(bytes, plane));
  let whole = 0;
  return Float64Array.from(low, (_, index) => {
    whole += low[index] + 256 * middle[index] + 65536 * high[index];
    return whole / NULL_STEPS;
  });
}
