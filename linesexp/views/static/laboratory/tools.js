// Pen, eraser and line, with the sliders that shape them.

import { element } from "./elements.js";

const THICKEST = 8; // px
const KEYS = "On the keyboard, with the picture focused: Space puts it down and lifts it, the arrow keys draw while it is down.";
const HINTS = {
  pen: `Draw on the picture with mouse, pen or finger. ${KEYS}`,
  eraser: `Wipe over what you want to remove. ${KEYS}`,
  line: "Click or tap where the line's middle should be, or use the button. The sliders then change the line you added last.",
};

/**
 * {node, tool(), number(name)}: pen, eraser or line, and the sliders thickness, contrast, angle and length.
 *
 * lines: what the network learned from, to begin with; null for own pictures. changed(): a slider moved;
 * place(): a line is wanted in the middle; chosen(): another tool was taken.
 */
export function buildTools(shape, lines, { changed, place, chosen }) {
  const middle = ([low, high]) => Math.round((low + high) / 2);
  const longest = Math.ceil(Math.hypot(shape.height, shape.width));
  const angle = lines ? lines.anglesDeg.at(-1) : 90;
  const sliders = {
    thickness: slider("thickness", 1, THICKEST, Math.min(THICKEST, lines ? middle(lines.thicknessPx) : 2), " px"),
    contrast: slider("contrast", 1, 100, 100, " %"),
    angle: slider("angle", 0, 180, Math.round(angle), "°"),
    length: slider("length", 1, longest, lines ? middle(lines.lengthPx) : Math.round(shape.height / 2), " px"),
  };
  const hint = element("p", { class: "lab-note" });
  const button = element("button", { type: "button", onclick: place }, "Add a line in the middle");
  const ofLine = element("div", {}, sliders.angle.node, sliders.length.node, button);
  const choices = ["pen", "eraser", "line"].map((name) =>
    element(
      "label",
      {},
      element("input", { type: "radio", name: "lab-tool", value: name, checked: name === "pen", onchange: () => pick(name) }),
      ` ${name}`,
    ),
  );
  let tool = "pen";

  function pick(name) {
    tool = name;
    ofLine.hidden = name !== "line";
    sliders.contrast.node.hidden = name === "eraser";
    hint.textContent = HINTS[name];
    chosen();
  }

  function slider(name, min, max, value, unit) {
    const words = element("output", {}, `${value}${unit}`);
    const input = element("input", {
      type: "range",
      min,
      max,
      value,
      "aria-label": name,
      "aria-valuetext": `${value}${unit}`,
      oninput: () => {
        words.textContent = `${input.value}${unit}`;
        input.setAttribute("aria-valuetext", words.textContent);
        changed();
      },
    });
    return { input, node: element("label", { class: "lab-slider" }, element("span", {}, name), input, words) };
  }

  pick(tool);
  const node = element("fieldset", { class: "lab-tools" }, element("legend", {}, "Draw"));
  node.append(element("div", { class: "lab-buttons" }, ...choices), sliders.thickness.node, sliders.contrast.node, ofLine, hint);
  return { node, tool: () => tool, number: (name) => Number(sliders[name].input.value) };
}
