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
  const behind = experiment.contrast === "bright" ? 0 : 1; // what is transparent, as in `linesexp predict`
  const canvas = canvasOf(0, "The picture. Arrow keys move it by one pixel; Space puts the pen down and lifts it, and while it is down they draw.", {
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
  let stroke = null; // {before, coverage, last, pointer}: while the pen is down; pointer null: by the keyboard
  let pen = { row: shape.height / 2, column: shape.width / 2 }; // of the keyboard
  const penMark = element("div", { class: "lab-frame", hidden: true });

  const tools = buildTools(shape, experiment.lines, {
    changed: () => line && drawLine(),
    place: () => placeLine(shape.height / 2, shape.width / 2),
    chosen: () => (line = null),
  });

  function show(picture, from) {
    own = { ...picture, from };
    state.set({ picture: own });
  }

  function remember(picture = state.get("picture")) {
    undone.push({ picture, ground });
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

  function beginStroke(place, pointer) {
    remember();
    line = null;
    stroke = { before: state.get("picture"), coverage: new Float32Array(shape.height * shape.width), last: place, pointer };
    drawStroke(place);
  }

  function drawStroke(place) {
    addStroke(stroke.coverage, shape, stroke.last, place, tools.number("thickness"));
    stroke.last = place;
    show(laidOn(stroke.before, stroke.coverage, tools.tool() === "eraser" ? ground : ink()), "drawn by you");
  }

  function pressed(event) {
    if (event.button !== 0 || (stroke && stroke.pointer !== null)) return; // a second finger draws nothing
    liftPen();
    canvas.setPointerCapture(event.pointerId);
    const place = pointOn(canvas, event);
    if (tools.tool() === "line") return placeLine(place.row, place.column);
    beginStroke(place, event.pointerId);
  }

  function moved(event) {
    if (stroke?.pointer === event.pointerId) for (const each of event.getCoalescedEvents?.() ?? [event]) drawStroke(pointOn(canvas, each));
    else if (!stroke && line && canvas.hasPointerCapture(event.pointerId)) {
      Object.assign(line, pointOn(canvas, event));
      drawLine();
    }
  }

  // Space puts the pen down, or the eraser, and lifts it; while it is down the arrow keys draw.
  function turnPen() {
    if (stroke) return liftPen();
    if (tools.tool() === "line") return placeLine(pen.row, pen.column);
    beginStroke(pen, null);
    showPen();
  }

  function liftPen() {
    if (stroke?.pointer === null) stroke = null;
    penMark.hidden = true;
  }

  function movePen([down, across]) {
    const inside = (at, all) => Math.max(0.5, Math.min(all - 0.5, at));
    pen = { row: inside(pen.row + down, shape.height), column: inside(pen.column + across, shape.width) };
    drawStroke(pen);
    showPen();
  }

  function showPen() {
    penMark.hidden = false;
    Object.assign(penMark.style, { top: `${(100 * pen.row) / shape.height}%`, left: `${(100 * pen.column) / shape.width}%` });
  }

  function key(event) {
    const turns = event.key === " " || (event.key === "Escape" && stroke);
    const by = arrowOf(event);
    if (!by && !turns) return;
    event.preventDefault();
    if (turns) return turnPen();
    if (stroke?.pointer === null) return movePen(by);
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
      const { picture, words } = await readPicture(file, shape, behind);
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

  function done(event) {
    if (stroke?.pointer === event.pointerId) stroke = null;
  }

  for (const [name, listener] of Object.entries({
    pointerdown: pressed,
    pointermove: moved,
    pointerup: done,
    pointercancel: done,
    keydown: key,
    blur: liftPen,
  })) {
    canvas.addEventListener(name, listener);
  }
  const buttons = element("div", { class: "lab-buttons" }, ...[["Clear", clear], ["Undo", undo], ["Swap black and white", swap]].map(([words, act]) => element("button", { type: "button", class: "lab-quiet", onclick: act }, words)));
  const gallery = element("div", { class: "lab-gallery-part" });
  home.append(
    element(
      "div",
      { class: "lab-input-row" },
      element("div", { class: "lab-input-picture" }, element("div", { class: "lab-framed" }, canvas, penMark), caption, note),
      element("div", { class: "lab-input-tools" }, tools.node, buttons, fileChoice(home, shape, open)),
    ),
    gallery,
  );
  state.on(["picture"], () => {
    const picture = state.get("picture");
    if (picture !== own) {
      if (own && own.number === undefined) remember(own); // what was drawn is not lost by a look at another one
      line = null;
      liftPen();
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
