// Short ways to make elements. Text is always set as text, never as markup.

/** element("button", {class: "x", "aria-pressed": "false", onclick: f}, "words", child, …). */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/** A canvas with a description, shown `width` px wide. */
export function canvasOf(width, description, attributes = {}) {
  const canvas = element("canvas", { role: "img", "aria-label": description, ...attributes });
  canvas.style.width = `${width}px`;
  return canvas;
}

/** `untrained`, `epoch 0.15`, `epoch 7`; for a model of which no steps are known, what it is. */
export function stepName(step) {
  if (step === undefined) return "as the model has it";
  return step === 0 ? "untrained" : `epoch ${step % 1 ? step.toFixed(2) : step}`;
}

/** A number with a true minus sign. */
export function numberWords(value, digits = 2) {
  if (value === null || !Number.isFinite(value)) return "–";
  const words = value.toFixed(digits);
  return Number(words) === 0 ? words.replace("-", "") : words.replace("-", "−");
}

/** Set an element's text, if it is another: a live region reads out what is set, changed or not. */
export function setText(home, text) {
  if (home.textContent !== text) home.textContent = text;
}
