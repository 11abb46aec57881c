// A picture file, opened in the page and brought to the network's size. Nothing of it leaves the page.
//
// The steps are those of `linesexp predict` (linesexp/images/pictures.py): upright, what is transparent laid on a
// ground, grey by luminance where the network sees grey, stretched with a triangle filter, in eight bits.

const MOST_PIXELS = 50_000_000;
const LONGEST_SIDE = 16_384; // of a canvas that every browser draws
const MOST_BYTES = 200_000_000;
const HEADER_BYTES = 500_000; // a photo's size may come after a preview
const STRIP = 256; // rows that are read at a time

/** What is wrong with a file, in a line for the reader. */
export class PictureError extends Error {}

/**
 * {picture, words} from a File: the picture in the network's size, and what was done to it.
 *
 * shape: {height, width, maps}; ground: 0 or 1, behind what is transparent. Throws PictureError, and nothing else.
 */
export async function readPicture(file, shape, ground) {
  const refuse = (why) => new PictureError(`${file.name}: ${why}`);
  if (file.size === 0) throw refuse("an empty file");
  if (file.size > MOST_BYTES) throw refuse(`too large a file (${Math.round(file.size / 1e6)} MB)`);
  let bitmap;
  try {
    // The size first: nothing huge is decoded.
    const size = statedSize(new DataView(await file.slice(0, HEADER_BYTES).arrayBuffer()));
    if (size) checkSize(size, refuse);
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch (error) {
    if (error instanceof PictureError) throw error;
    throw refuse("not a picture that this browser can read");
  }
  try {
    checkSize(bitmap, refuse);
    const { picture, notes } = stretched(bitmap, shape, ground);
    return { picture, words: `${file.name}: ${[`${bitmap.width}×${bitmap.height} pixels`, ...notes].join(", ")}` };
  } catch (error) {
    if (error instanceof PictureError) throw error;
    throw refuse("this browser could not bring it to the network's size");
  } finally {
    bitmap.close();
  }
}

function checkSize({ width, height }, refuse) {
  if (width * height > MOST_PIXELS || Math.max(width, height) > LONGEST_SIDE) {
    const most = `at most ${MOST_PIXELS / 1e6} million pixels and ${LONGEST_SIDE} on a side are read`;
    throw refuse(`${width}×${height} pixels; ${most}`);
  }
}

// The size that a PNG, GIF, BMP or JPEG states; null for what only decoding can tell.
function statedSize(view) {
  if (view.byteLength < 26) return null;
  const start = view.getUint32(0);
  if (start === 0x89504e47) return { width: view.getUint32(16), height: view.getUint32(20) };
  if (start === 0x47494638) return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  if (start >>> 16 === 0x424d) {
    return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
  }
  if (start >>> 16 !== 0xffd8) return null;
  for (let at = 2; at + 9 < view.byteLength && view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
  }
  return null;
}

// A bitmap in the network's size. Across first and then down, rounded in between, as Pillow does it.
function stretched(bitmap, { height, width, maps }, ground) {
  const found = { colour: false, transparent: false };
  const across = triangles(bitmap.width, width);
  const narrow = new Uint8Array(bitmap.height * width * maps);
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = Math.min(STRIP, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < bitmap.height; top += STRIP) {
    const tall = Math.min(STRIP, bitmap.height - top);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, -top);
    const pixels = channelsOf(context.getImageData(0, 0, bitmap.width, tall).data, maps, ground, found);
    for (let row = 0; row < tall; row++) {
      const from = row * bitmap.width * maps;
      const to = (top + row) * width * maps;
      for (let map = 0; map < maps; map++) resample(pixels, from + map, maps, narrow, to + map, maps, across);
    }
  }
  const values = new Uint8Array(height * width * maps);
  const down = triangles(bitmap.height, height);
  for (let at = 0; at < width * maps; at++) resample(narrow, at, width * maps, values, at, width * maps, down);
  const notes = [];
  if (found.transparent) notes.push(`transparent parts made ${ground ? "white" : "black"}`);
  if (bitmap.width !== width || bitmap.height !== height) notes.push(`stretched to ${width}×${height}`);
  if (found.colour && maps === 1) notes.push("made grey");
  return { picture: { height, width, maps, values: Float32Array.from(values, (value) => value / 255) }, notes };
}

// RGBA → one or three numbers a pixel.
function channelsOf(data, maps, ground, found) {
  const pixels = new Uint8Array((data.length / 4) * maps);
  for (let at = 0, to = 0; at < data.length; at += 4, to += maps) {
    const alpha = data[at + 3];
    let [red, green, blue] = [data[at], data[at + 1], data[at + 2]];
    if (red !== green || green !== blue) found.colour = true;
    if (alpha < 255) {
      found.transparent = true;
      const behind = ground * (255 - alpha);
      red = Math.round((red * alpha) / 255 + behind);
      green = Math.round((green * alpha) / 255 + behind);
      blue = Math.round((blue * alpha) / 255 + behind);
    }
    if (maps === 1) {
      pixels[to] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16; // luminance, Rec. 601
    } else {
      pixels[to] = red;
      pixels[to + 1] = green;
      pixels[to + 2] = blue;
    }
  }
  return pixels;
}

// For each of `after` places, the first of `before` places that counts and the weights of it and those after it.
function triangles(before, after) {
  const scale = before / after;
  const reach = Math.max(scale, 1);
  return Array.from({ length: after }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const last = Math.min(before, Math.floor(centre + reach + 0.5));
    const weights = [];
    for (let at = first; at < last; at++) weights.push(Math.max(0, 1 - Math.abs(at + 0.5 - centre) / reach));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

function resample(source, from, stride, target, to, step, places) {
  places.forEach(({ first, weights }, place) => {
    let sum = 0;
    for (let k = 0; k < weights.length; k++) sum += weights[k] * source[from + (first + k) * stride];
    target[to + place * step] = Math.floor(sum + 0.5);
  });
}
