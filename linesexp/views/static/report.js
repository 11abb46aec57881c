// Motion starts only when asked: each animation shows its first frame until its button is pressed.
for (const figure of document.querySelectorAll("figure[data-moving]")) {
  const image = figure.querySelector("img");
  const button = figure.querySelector("button");
  const still = image.src;
  button.hidden = false;
  button.addEventListener("click", () => {
    const playing = button.getAttribute("aria-pressed") === "true";
    image.src = playing ? still : figure.dataset.moving;
    button.setAttribute("aria-pressed", String(!playing));
    button.textContent = playing ? "Play" : "Stop";
  });
}
