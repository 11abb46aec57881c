// Which directions of bar and of step edge a kernel answers to: the same probes and measures as in the report.

import { ACTIVATIONS } from "./network.js";

const BAR_COUNT = 36; // over 180°
const EDGE_COUNT = 72; // over 360°
const BAR_THICKNESS = 2; // px
const DEGREE = Math.PI / 180;

const drawnProbes = {};

/** All probes for kernels of a size: {side, bars, edges}, each a list of side × side pictures in 0..1. */
function probesFor(size) {
  drawnProbes[size] ??= { side: 3 * size + 1, bars: probePictures(size, BAR_COUNT, 180, barValue), edges: probePictures(size, EDGE_COUNT, 360, edgeValue) };
  return drawnProbes[size];
}

/** How many multiplications `tuningOf` needs for a kernel of this size. */
export function tuningCost(size) {
  return (BAR_COUNT + EDGE_COUNT) * (2 * size + 2) ** 2 * size ** 2;
}

/**
 * A kernel (size²) shown all probes: {bars (36), edges (72), angle, choosiness, edge, directionIndex}.
 *
 * A response is the largest over all places, after the activation, less that to an empty picture. angle: of
 * the bar that it answers to most, in 0..180; choosiness: 1 − circular variance, 0 all angles alike, 1 one only;
 * edge: where the edge that it answers to most gets brighter, in 0..360; directionIndex: how much more it
 * answers to an edge than to its reverse. null for what a kernel that answers to nothing does not have.
 */
export function tuningOf(kernel, size, bias, activation, darkLines) {
  const { side, bars, edges } = probesFor(size);
  const activate = ACTIVATIONS[activation];
  const total = kernel.reduce((sum, value) => sum + value, 0);
  const respond = (pictures, sign, ground) =>
    Float64Array.from(pictures, (picture) => {
      const strongest = largestSum(picture, side, kernel, size, sign) + ground * total + bias;
      const response = activate(strongest) - activate(ground * total + bias);
      return Number.isFinite(response) ? Math.max(0, response) : 0; // weights may no longer be numbers
    });
  // A dark bar is 1 less a bright one, and so are all sums.
  const toBars = darkLines ? respond(bars, -1, 1) : respond(bars, 1, 0);
  const toEdges = respond(edges, 1, 0);
  const [angle, choosiness] = meanDirection(toBars, 2 * 180);
  const [edge] = meanDirection(toEdges, 360);
  return { bars: toBars, edges: toEdges, angle: angle === null ? null : angle / 2, choosiness, edge, directionIndex: indexOfDirection(toEdges) };
}

function probePictures(size, count, turn, valueAt) {
  const side = 3 * size + 1;
  return Array.from({ length: count }, (_, index) => {
    const degrees = (index * turn) / count;
    const cosine = degrees % 180 === 90 ? 0 : Math.cos(degrees * DEGREE);
    const sine = degrees % 180 === 0 ? 0 : Math.sin(degrees * DEGREE);
    return Float64Array.from({ length: side ** 2 }, (_, place) => {
      const below = Math.floor(place / side) + 0.5 - side / 2;
      const right = (place % side) + 0.5 - side / 2;
      return Math.max(0, Math.min(1, valueAt(right, below, cosine, sine)));
    });
  });
}

function barValue(right, below, cosine, sine) {
  return BAR_THICKNESS / 2 + 0.5 - Math.abs(right * sine + below * cosine);
}

function edgeValue(right, below, cosine, sine) {
  return right * cosine - below * sine + 0.5;
}

// The largest of sign × (sum of weights times pixels) over all places where the whole kernel fits.
function largestSum(picture, side, kernel, size, sign) {
  let largest = -Infinity;
  for (let row = 0; row + size <= side; row++) {
    for (let column = 0; column + size <= side; column++) {
      let sum = 0;
      for (let i = 0; i < size; i++) {
        const at = (row + i) * side + column;
        for (let j = 0; j < size; j++) sum += kernel[i * size + j] * picture[at + j];
      }
      if (sign * sum > largest) largest = sign * sum;
    }
  }
  return largest;
}

// Direction in degrees and length of the mean of unit vectors, spread over `turn` degrees, weighted by response.
function meanDirection(responses, turn) {
  let [across, up, total] = [0, 0, 0];
  responses.forEach((response, index) => {
    const radians = (index / responses.length) * turn * DEGREE;
    across += response * Math.cos(radians);
    up += response * Math.sin(radians);
    total += response;
  });
  if (!(total > 0)) return [null, null];
  const degrees = Math.round(Math.atan2(up, across) / DEGREE * 1000) / 1000;
  return [((degrees % 360) + 360) % 360, Math.hypot(across, up) / total];
}

function indexOfDirection(responses) {
  const best = responses.indexOf(Math.max(...responses));
  const half = responses.length / 2;
  const opposite = responses[(best + half) % responses.length];
  return responses[best] > 0 ? (responses[best] - opposite) / (responses[best] + opposite) : null;
}
