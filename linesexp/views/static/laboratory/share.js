// The state of the laboratory in the page's address, and its figures as files.

import { element } from "./elements.js";
import { kernelsFigure, mapsFigure, pngOf, svgText } from "./figures.js";
import { chosenLayer } from "./kernels.js";
import { curvesFigure, polarsFigure } from "./plots.js";

const PREFIX = "#lab:"; // apart from it, fragments are anchors
const KEPT = "kept"; // what the browser's history holds beside such an address
const FIGURES = { kernels: kernelsFigure, maps: mapsFigure, polars: polarsFigure, curves: curvesFigure };
const SETTLED_MS = 300; // browsers refuse addresses that change too often

/** {step: 3, picture: 5, …} → `#lab:step=3;picture=5`; null and undefined are left out. */
function toFragment(chosen) {
  const known = Object.entries(chosen).filter(([, value]) => value !== null && value !== undefined);
  return PREFIX + known.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join(";");
}

/** The reverse, as texts; null for another fragment. */
function fromFragment(fragment) {
  if (!fragment.startsWith(PREFIX)) return null;
  const found = {};
  for (const part of fragment.slice(PREFIX.length).split(";")) {
    const [name, value] = part.split("=");
    try {
      if (value) found[name] = decodeURIComponent(value);
    } catch {
      // a mangled address: this part says nothing
    }
  }
  return found;
}

/** Link and downloads. State: step, picture, layer, map, place, channel, ofClass, kernel, plane, twin ↔ the address. */
export function buildShare(home, experiment, state) {
  const link = element("input", { type: "text", readonly: true, "aria-label": "Link to what you see now" });
  const said = element("span", { role: "status" });
  const copy = element("button", { type: "button", class: "lab-quiet", onclick: copyLink }, "Copy link");
  const whole = experiment.network ? "all kernels of the first layer" : "all kernels of the chosen layer";
  const what = element("select", { "aria-label": "What to download" }, element("option", { value: "kernels" }, whole));
  if (experiment.network) what.append(element("option", { value: "maps" }, "the chosen layer’s maps"));
  if (experiment.kernelLayers.some((layer) => layer.bank)) what.append(element("option", { value: "polars" }, "the chosen kernel’s directions"));
  if (document.getElementById("lab-curves")) what.append(element("option", { value: "curves" }, "loss and accuracy"));
  const refused = element("span", { role: "status" });
  const png = element("button", { type: "button", class: "lab-quiet", onclick: () => download("png") }, "PNG");
  const svg = element("button", { type: "button", class: "lab-quiet", onclick: () => download("svg") }, "SVG");
  const drawn = element("p", { class: "lab-note" });
  home.append(
    element("div", { class: "lab-share" }, element("label", {}, "link to what you see now ", link), copy, said),
    drawn,
    element("div", { class: "lab-share" }, element("label", {}, "download ", what), png, svg, refused),
  );

  let timer = null;
  let last = fragmentNow();
  state.on(["step", "picture", "layer", "map", "place", "standing", "channel", "ofClass", "kernel", "plane", "twin", "edits"], () => {
    clearTimeout(timer);
    timer = setTimeout(keep, SETTLED_MS);
  });
  // Back to an address that was kept here leaves the page where it was; one that is given leads to the laboratory.
  window.addEventListener("hashchange", () => restore(history.state !== KEPT));
  restore(true);
  keep();

  function fragmentNow() {
    const place = state.get("place") ?? state.get("standing");
    return toFragment({
      step: experiment.steps.length ? state.get("step") : null,
      picture: state.get("picture")?.number,
      layer: state.get("layer"),
      map: experiment.network && state.get("map"),
      place: place && `${place.row},${place.column}`,
      channel: state.get("channel") || null,
      of: state.get("ofClass"),
      twin: state.get("twin") ? 1 : null,
      kernel: state.get("kernel"),
      plane: state.get("plane"),
    });
  }

  function keep() {
    const fragment = fragmentNow();
    // A page that is only read keeps the address that it was opened at, an anchor perhaps.
    if (fragment !== last) history.replaceState(KEPT, "", fragment);
    last = fragment;
    link.value = location.href.split("#")[0] + fragment;
    const edited = Object.keys(state.get("edits")).length > 0;
    const drawing = experiment.network && state.get("picture").number === undefined;
    const left = [drawing && "your own picture", edited && "your own kernels"].filter(Boolean).join(" and ");
    drawn.textContent = left ? `The link leaves out ${left}.` : "";
  }

  function restore(goThere) {
    const found = fromFragment(location.hash);
    if (!found) return;
    const step = wholeNumber(found.step, experiment.steps.length);
    if (step !== null) state.set({ step });
    if (experiment.network) state.set(inNetwork(found));
    else if (experiment.kernelLayers.some((layer) => layer.name === found.layer)) state.set({ layer: found.layer });
    const layer = chosenLayer(experiment, state);
    const kernel = wholeNumber(found.kernel, layer.filters);
    if (kernel !== null) state.set({ kernel, plane: wholeNumber(found.plane, layer.planes.length) });
    else if (state.get("kernel") >= layer.filters) state.set({ kernel: 0, plane: null });
    if (goThere) document.getElementById("laboratory").scrollIntoView();
  }

  function inNetwork(found) {
    const next = {};
    const picture = wholeNumber(found.picture, experiment.labels.length);
    const layers = experiment.outputs(state.get("picture"), state.get("step"), state.get("edits"));
    const chosen = layers.find((each) => each.name === found.layer);
    if (picture !== null) next.picture = experiment.testPicture(picture);
    if (chosen) {
      const layer = chosen.maps ? chosen : layers.findLast((each) => each.maps); // the others show the last pooling's maps
      next.layer = chosen.name;
      next.map = wholeNumber(found.map, layer.maps) ?? 0;
      next.channel = wholeNumber(found.channel, layer.maps + Math.max(...experiment.network.filters)) ?? 0;
      next.ofClass = wholeNumber(found.of, experiment.classes.length);
      next.twin = found.twin === "1";
      const [row, column] = (found.place ?? "").split(",");
      const place = { row: wholeNumber(row, layer.height ?? 0), column: wholeNumber(column, layer.width ?? 0) };
      next.place = place.row === null || place.column === null ? null : place;
    }
    return next;
  }

  async function copyLink() {
    link.select();
    try {
      await navigator.clipboard.writeText(link.value);
      said.textContent = "copied";
    } catch {
      said.textContent = "selected: press Ctrl+C";
    }
  }

  async function download(kind) {
    const figure = FIGURES[what.value](experiment, state);
    refused.textContent = figure ? "" : "There are none for kernels of this size.";
    if (!figure) return;
    const blob = kind === "svg" ? new Blob([svgText(figure)], { type: "image/svg+xml" }) : await pngOf(figure);
    const address = URL.createObjectURL(blob);
    element("a", { href: address, download: `${figure.name}.${kind}` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}

function wholeNumber(text, end) {
  const number = Number(text);
  return text !== undefined && text !== "" && Number.isInteger(number) && number >= 0 && number < end ? number : null;
}
