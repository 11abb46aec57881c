// Numbers as pixels on a canvas.

// The figures' own scale: blue below zero, orange above; told apart by colour-blind readers, and in grey.
const DIVERGING = ["#0b2a5b", "#3f76b5", "#a9c8e6", "#f6f6f4", "#fbc58b", "#e8862a", "#a84a00"].map((hex) =>
  [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)),
);

const TABLE_STEPS = 1024;
const EMPTY = [196, 201, 208];

/** [red, green, blue] of a value on the scale −limit … limit. */
export function divergingColour(value, limit) {
  if (!Number.isFinite(value)) return [255, 255, 255];
  const along = (Math.max(-1, Math.min(1, value / limit)) + 1) * 3;
  const index = Math.min(5, Math.floor(along));
  return DIVERGING[index].map((from, part) => from + (along - index) * (DIVERGING[index + 1][part] - from));
}

/** The end of a zero-centred scale for these values; 1 where all are zero. */
export function limitOf(values) {
  return largestOf(values) || 1;
}

/** Largest |finite value|. */
export function largestOf(values) {
  let largest = 0;
  for (let index = 0; index < values.length; index++) {
    const size = Math.abs(values[index]);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest;
}

const surfaces = new WeakMap(); // canvas → what is painted on: made once, as a slider paints many of them

function surfaceOf(canvas, height, width) {
  const known = surfaces.get(canvas);
  if (known && canvas.height === height && canvas.width === width) return known;
  canvas.height = height;
  canvas.width = width;
  const context = canvas.getContext("2d");
  const made = { context, pixels: context.createImageData(width, height) };
  surfaces.set(canvas, made);
  return made;
}

/** Paint height × width colours, given by `colour(row, column)`, one pixel each; CSS enlarges the canvas. */
export function paint(canvas, height, width, colour) {
  const { context, pixels } = surfaceOf(canvas, height, width);
  const bytes = pixels.data;
  let at = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [red, green, blue] = colour(row, column);
      bytes[at++] = red;
      bytes[at++] = green;
      bytes[at++] = blue;
      bytes[at++] = 255;
    }
  }
  context.putImageData(pixels, 0, 0);
}

/** One of a layer's maps, signed, on a zero-centred scale; what is beyond place number `reached` stays empty. */
export function paintMap(canvas, layer, map, limit, values = layer.values, reached = Infinity) {
  const { height, width, maps } = layer;
  const { context, pixels } = surfaceOf(canvas, height, width);
  const packed = new Uint32Array(pixels.data.buffer);
  const [colours, steps] = [signedTable(), TABLE_STEPS / 2];
  for (let at = 0; at < packed.length; at++) {
    const along = Math.round((values[at * maps + map] / limit + 1) * steps);
    packed[at] = at > reached || along !== along ? colours[TABLE_STEPS + (at > reached ? 2 : 1)] : colours[Math.max(0, Math.min(TABLE_STEPS, along))];
  }
  context.putImageData(pixels, 0, 0);
}

// Colours of the whole scale as a canvas holds them, then that of no number and that of an empty place: maps
// are painted at each step of the slider, and this is many times as fast as mixing each pixel's colour.
let table = null;

function signedTable() {
  if (table === null) {
    const scale = Array.from({ length: TABLE_STEPS + 1 }, (_, index) => divergingColour((2 * index) / TABLE_STEPS - 1, 1));
    const bytes = Uint8ClampedArray.from([...scale, divergingColour(NaN, 1), EMPTY].flatMap((colour) => [...colour, 255]));
    table = new Uint32Array(bytes.buffer);
  }
  return table;
}

/** A picture in 0..1, grey or of three colours. */
export function paintPicture(canvas, picture) {
  const { height, width, maps, values } = picture;
  paint(canvas, height, width, (row, column) => {
    const at = (row * width + column) * maps;
    return [0, 1, 2].map((part) => 255 * values[at + (maps === 3 ? part : 0)]);
  });
}
