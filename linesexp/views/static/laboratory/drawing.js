// Lines, strokes and other changes of a picture, as plain arrays: nothing here knows of the screen.
//
// Lines follow the rules of linesexp/images/lines.py, so that a line drawn here is one that a run could hold.
// Pixel (row, column) covers row … row + 1 and column … column + 1; angles in degrees, 0 is horizontal,
// counter-clockwise. Every change gives a new picture, of values that eight bits can hold.

const MIDDLE = 127.5 / 255; // between a dark ground and a bright one

/** A picture of one brightness, 0 … 1. */
export function blankPicture({ height, width, maps }, ground) {
  return { height, width, maps, values: new Float32Array(height * width * maps).fill(ground) };
}

/** {row, column} of a line's centre, moved so that the box around the line begins on whole pixels, as in a run. */
export function snappedCentre({ angle, thickness, length, row, column }) {
  const [cosine, sine] = directionOf(angle).map(Math.abs);
  const tall = (length * sine + thickness * cosine) / 2;
  const wide = (length * cosine + thickness * sine) / 2;
  return { row: Math.round(row - tall) + tall, column: Math.round(column - wide) + wide };
}

/** How much of each pixel a line covers, 0 … 1, row by row. line: {angle, thickness, length, row, column}. */
export function lineCoverage(line, { height, width }) {
  const [cosine, sine] = directionOf(line.angle);
  const coverage = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const below = row + 0.5 - line.row;
      const right = column + 0.5 - line.column;
      coverage[row * width + column] =
        profile(right * cosine - below * sine, line.length) * profile(right * sine + below * cosine, line.thickness);
    }
  }
  return coverage;
}

/** Add one straight piece of a pen's stroke to `coverage`, in place: the larger of both counts. */
export function addStroke(coverage, { height, width }, from, to, thickness) {
  const down = to.row - from.row;
  const across = to.column - from.column;
  const squared = down ** 2 + across ** 2;
  const reach = thickness / 2 + 1;
  const first = Math.max(0, Math.floor(Math.min(from.row, to.row) - reach));
  const last = Math.min(height - 1, Math.ceil(Math.max(from.row, to.row) + reach));
  for (let row = first; row <= last; row++) {
    for (let column = 0; column < width; column++) {
      const y = row + 0.5 - from.row;
      const x = column + 0.5 - from.column;
      const along = squared ? Math.max(0, Math.min(1, (y * down + x * across) / squared)) : 0;
      const distance = Math.hypot(y - along * down, x - along * across);
      const at = row * width + column;
      coverage[at] = Math.max(coverage[at], profile(distance, thickness));
    }
  }
}

/** A picture with a brightness laid on it where it is covered; all colours alike. */
export function laidOn(picture, coverage, brightness) {
  const { maps } = picture;
  return {
    ...sizeOf(picture),
    values: picture.values.map((value, index) => {
      const share = coverage[Math.floor(index / maps)];
      return inEightBits(value + share * (brightness - value));
    }),
  };
}

/** A picture moved by whole pixels, down and to the right; what comes in at the border is ground. */
export function shifted(picture, rows, columns, ground) {
  const { height, width, maps } = picture;
  const moved = blankPicture(picture, ground);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [y, x] = [row - rows, column - columns];
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      const from = (y * width + x) * maps;
      moved.values.set(picture.values.subarray(from, from + maps), (row * width + column) * maps);
    }
  }
  return moved;
}

/** Black for white and white for black. */
export function inverted(picture) {
  return { ...sizeOf(picture), values: picture.values.map((value) => 1 - value) };
}

/** 1 where most of a picture is bright, 0 where most of it is dark. */
export function groundOf(picture) {
  return medianOf(picture.values) > MIDDLE ? 1 : 0;
}

/** What keeps a picture from being one like those that the network learned from; "" for nothing. */
export function unlike(picture, contrast) {
  const [first] = picture.values;
  if (picture.values.every((value) => value === first)) return "It is blank: there is nothing to name.";
  const bright = groundOf(picture) === 1;
  if (contrast === "bright" && bright) return "Its ground is bright, and this network learned bright lines on dark.";
  if (contrast === "dark" && !bright) return "Its ground is dark, and this network learned dark lines on bright.";
  return "";
}

/** A value 0 … 1 as a file of eight bits would hold it. */
function inEightBits(value) {
  return Math.round(Math.max(0, Math.min(1, value)) * 255) / 255;
}

// 1 inside, 0 outside, linear over the pixel around the border.
function profile(distance, extent) {
  return Math.max(0, Math.min(1, extent / 2 + 0.5 - Math.abs(distance)));
}

// Cosine and sine, exactly 0 or ±1 for lines along the axes.
function directionOf(angle) {
  const radians = (angle * Math.PI) / 180;
  return [angle % 180 === 90 ? 0 : Math.cos(radians), angle % 180 === 0 ? 0 : Math.sin(radians)];
}

function medianOf(values) {
  const sorted = Float32Array.from(values).sort();
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
}

function sizeOf({ height, width, maps }) {
  return { height, width, maps };
}
