// Typed arrays from the page's JSON: base64, and where it says so, deflated.

/** {shape, type: "float32" | "uint8", deflated, data} → {shape, values}. */
export async function decodeArray({ shape, type, deflated, data }) {
  const letters = atob(data);
  let bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at); // ten times as fast as Uint8Array.from
  if (deflated) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  }
  return { shape, values: type === "float32" ? new Float32Array(bytes.buffer) : bytes };
}

/** All numbers of one entry along the first axis, as a view: no copy. */
export function entryOf(array, index) {
  const size = array.values.length / array.shape[0];
  return array.values.subarray(index * size, (index + 1) * size);
}
