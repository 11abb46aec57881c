// Short ways to make drawings of lines (SVG).

// The namespace of SVG elements as the browser's own parser knows it: the page itself names no address.
const VECTORS = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;

/** vector("path", {d: "…"}, child, …): an SVG element. Text children are set as text. */
export function vector(tag, attributes = {}, ...children) {
  const made = document.createElementNS(VECTORS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** The `d` of a path through points [x, y]; a point that is null breaks it. */
export function pathThrough(points, closed = false) {
  let pen = "M";
  const parts = points.map((point) => {
    if (point === null) {
      pen = "M";
      return "";
    }
    const part = `${pen}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    pen = "L";
    return part;
  });
  return parts.join("") + (closed ? "Z" : "");
}
