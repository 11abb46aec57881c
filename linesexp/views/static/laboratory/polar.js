// A polar plot of a kernel's responses: distance from the centre is the response, direction that of the probe.

import { pathThrough, vector } from "./vector.js";

const RADIUS = 100;

/** How choosy a kernel must be for its favourite direction to be marked. */
export const CLEAR = 0.1;

/**
 * A plot: {node, show({now, before, limit, favourite, words})}.
 *
 * now, before (if known): responses to probes evenly spread over `turn` degrees; over 180° each is drawn at both
 * ends of its axis. limit: the response at the outer ring; favourite: [degrees, choosiness]; words: a description.
 */
export function createPolar(turn) {
  const before = vector("path", { class: "polar-before" });
  const now = vector("path", { class: "polar-now" });
  const mark = vector("path", { class: "polar-mark" });
  const labels = [0, 90, 180, 270].map((degrees) => {
    const [x, y] = polarPoint(degrees, RADIUS + 21);
    return vector("text", { x, y: y + 4, "text-anchor": "middle", class: "polar-words" }, `${degrees}°`);
  });
  const rings = [RADIUS / 2, RADIUS].map((r) => vector("circle", { r, class: "polar-ring" }));
  const node = vector("svg", { viewBox: "-140 -128 280 256", role: "img", class: "polar" }, ...rings, ...labels, before, now, mark);
  return {
    node,
    show({ now: responses, before: start, limit, favourite, words }) {
      now.setAttribute("d", polarPath(responses, turn, limit));
      before.setAttribute("d", start ? polarPath(start, turn, limit) : "");
      const marked = favourite[0] !== null && favourite[1] >= CLEAR;
      const ends = !marked ? [] : turn === 180 ? [favourite[0], favourite[0] + 180] : [favourite[0]];
      mark.setAttribute("d", ends.map(triangleAt).join(""));
      node.setAttribute("aria-label", words);
    },
  };
}

function polarPoint(degrees, radius) {
  const radians = (degrees * Math.PI) / 180;
  return [radius * Math.cos(radians), -radius * Math.sin(radians)]; // counter-clockwise
}

function polarPath(responses, turn, limit) {
  const whole = turn === 180 ? [...responses, ...responses] : [...responses];
  return pathThrough(
    whole.map((response, index) => polarPoint((index * 360) / whole.length, (RADIUS * response) / limit)),
    true,
  );
}

function triangleAt(degrees) {
  return pathThrough([polarPoint(degrees, RADIUS + 2), polarPoint(degrees - 4, RADIUS + 11), polarPoint(degrees + 4, RADIUS + 11)], true);
}
