// The picture that the network looks at: chosen, drawn, or opened from a file.

import { addStroke, blankPicture, groundOf, inverted, laidOn, lineCoverage, shifted, snappedCentre, unlike } from "./drawing.js";
import { canvasOf, element, setText } from "./elements.js";
import { PictureError, readPicture } from "./files.js";
import { buildGallery } from "./gallery.js";
import { paintPicture } from "./painting.js";
import { arrowOf, pointOn } from "./pointing.js";
import { buildTools } from "./tools.js";

const MOST_UNDONE = 50;

/** Canvas with tools, gallery, and the way in for picture files. State: picture. */
export function buildInput(home, experiment, state) {
  const shape = experiment.testPicture(0);
  const colours = experiment.contrast === "bright" ? 0 : 1; // behind what is transparent, as in `linesexp predict`
  const canvas = canvasOf(0, "The picture. Arrow keys move it by one pixel.", {
    class: "lab-drawing",
    role: "application",
    tabindex: 0,
  });
  canvas.style.width = "";
  const caption = element("p", { class: "lab-caption", role: "status" });
  const note = element("p", { class: "lab-note lab-unlike", role: "status" });
  const undone = [];
  let ground = groundOf(state.get("picture"));
  let own = null; // the last picture that was made here
  let line = null; // {before, row, column}: the line that the sliders still change
  let opened = 0; // files so far
  let stroke = null; // {before, coverage, last}: while the pen is down

  const tools = buildTools(shape, experiment.lines, {
    changed: () => line && drawLine(),
    place: () => placeLine(shape.height / 2, shape.width / 2),
    chosen: () => (line = null),
  });

  function show(picture, from) {
    own = { ...picture, from };
    state.set({ picture: own });
  }

  function remember() {
    undone.push({ picture: state.get("picture"), ground });
    if (undone.length > MOST_UNDONE) undone.shift();
  }

  function ink() {
    const contrast = tools.number("contrast") / 100;
    return ground ? 1 - contrast : contrast;
  }

  function placeLine(row, column) {
    remember();
    line = { before: state.get("picture"), row, column };
    drawLine();
  }

  function drawLine() {
    const measures = { angle: tools.number("angle"), thickness: tools.number("thickness"), length: tools.number("length") };
    const placed = { ...measures, ...snappedCentre({ ...measures, ...line }) };
    show(laidOn(line.before, lineCoverage(placed, shape), ink()), `drawn by you: a line at ${measures.angle}°`);
  }

  function drawStroke(place) {
    addStroke(stroke.coverage, shape, stroke.last, place, tools.number("thickness"));
    stroke.last = place;
    show(laidOn(stroke.before, stroke.coverage, tools.tool() === "eraser" ? ground : ink()), "drawn by you");
  }

  function pressed(event) {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    const place = pointOn(canvas, event);
    if (tools.tool() === "line") return placeLine(place.row, place.column);
    remember();
    line = null;
    stroke = { before: state.get("picture"), coverage: new Float32Array(shape.height * shape.width), last: place };
    drawStroke(place);
  }

  function moved(event) {
    if (stroke) for (const each of event.getCoalescedEvents?.() ?? [event]) drawStroke(pointOn(canvas, each));
    else if (line && canvas.hasPointerCapture(event.pointerId)) {
      Object.assign(line, pointOn(canvas, event));
      drawLine();
    }
  }

  function key(event) {
    const by = arrowOf(event);
    if (!by) return;
    event.preventDefault();
    remember();
    if (line) {
      line = { before: shifted(line.before, ...by, ground), row: line.row + by[0], column: line.column + by[1] };
      drawLine();
    } else {
      show(shifted(state.get("picture"), ...by, ground), "moved by you");
    }
  }

  function clear() {
    remember();
    line = null;
    show(blankPicture(shape, ground), "an empty picture");
  }

  function swap() {
    remember();
    line = null;
    ground = 1 - ground;
    show(inverted(state.get("picture")), "black and white swapped by you");
  }

  function undo() {
    const last = undone.pop();
    if (!last) return;
    line = null;
    ground = last.ground;
    own = last.picture;
    state.set({ picture: last.picture });
  }

  async function open(file) {
    const turn = ++opened;
    caption.textContent = `${file.name}: opening …`;
    try {
      const { picture, words } = await readPicture(file, shape, colours);
      if (turn !== opened) return; // another one was chosen meanwhile
      remember();
      line = null;
      show(picture, words);
      ground = groundOf(picture);
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      caption.textContent = error.message;
    }
  }

  const done = () => (stroke = null);
  for (const [name, listener] of Object.entries({
    pointerdown: pressed,
    pointermove: moved,
    pointerup: done,
    pointercancel: done,
    keydown: key,
  })) {
    canvas.addEventListener(name, listener);
  }
  const buttons = element("div", { class: "lab-buttons" }, ...[["Clear", clear], ["Undo", undo], ["Swap black and white", swap]].map(([words, act]) => element("button", { type: "button", class: "lab-quiet", onclick: act }, words)));
  const gallery = element("div", { class: "lab-gallery-part" });
  home.append(
    element(
      "div",
      { class: "lab-input-row" },
      element("div", { class: "lab-input-picture" }, canvas, caption, note),
      element("div", { class: "lab-input-tools" }, tools.node, buttons, fileChoice(home, shape, open)),
    ),
    gallery,
  );
  state.on(["picture"], () => {
    const picture = state.get("picture");
    if (picture !== own) {
      line = null;
      stroke = null;
      ground = groundOf(picture);
      own = picture;
    }
    paintPicture(canvas, picture);
    setText(caption, picture.from ?? testName(experiment, picture));
    setText(note, unlike(picture, experiment.contrast));
  });
  buildGallery(gallery, experiment, state);
}

function testName(experiment, { number, label }) {
  return number === undefined ? "a picture" : `test picture ${number}: ${experiment.classes[label]}`;
}

// A button for a picture file; one may also be dropped anywhere on the panel.
function fileChoice(home, shape, open) {
  const input = element("input", {
    type: "file",
    accept: "image/png, image/jpeg, image/webp, image/avif, image/gif, image/bmp", // what can be read; not SVG
    onchange: () => {
      if (input.files.length) open(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    },
  });
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  // Dropped beside the panel, a file would take the place of the page.
  const room = home.closest(".laboratory");
  room.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    home.classList.toggle("lab-dropping", home.contains(event.target));
  });
  room.addEventListener("dragleave", () => home.classList.remove("lab-dropping"));
  room.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    home.classList.remove("lab-dropping");
    if (home.contains(event.target) && event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
  });
  const words = `Or drop one here. It stays on this device, and is stretched to ${shape.width}×${shape.height} pixels.`;
  return element("div", { class: "lab-file" }, element("label", {}, "A picture of your own ", input), element("p", { class: "lab-note" }, words));
}
