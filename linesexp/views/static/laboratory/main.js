// The laboratory: opens the run that the page carries and puts its parts together.

import { buildArithmetic } from "./arithmetic.js";
import { buildClasses } from "./classes.js";
import { openExperiment } from "./experiment.js";
import { buildInput } from "./input.js";
import { buildLayers } from "./layers.js";
import { createState } from "./state.js";
import { buildShare } from "./share.js";
import { buildStage } from "./stage.js";
import { buildTime } from "./time.js";

const PARTS = {
  "lab-time": buildTime,
  "lab-input": buildInput,
  "lab-classes": buildClasses,
  "lab-layers": buildLayers,
  "lab-arithmetic": buildArithmetic,
  "lab-stage": buildStage,
  "lab-share": buildShare,
};

async function openLaboratory() {
  const data = JSON.parse(document.getElementById("laboratory-data").textContent);
  const experiment = await openExperiment(data);
  const state = createState({
    step: experiment.steps.length - 1,
    picture: experiment.testPicture(0),
    edits: experiment.noEdits,
    layer: "conv1",
    map: 0,
    place: null,
    twin: false,
  });
  document.querySelector(".laboratory").hidden = false;
  for (const [home, build] of Object.entries(PARTS)) build(document.getElementById(home), experiment, state);
  // For the console, and for the tests of this page.
  window.laboratory = { experiment, state, openExperiment };
  document.documentElement.dataset.laboratory = "open";
}

openLaboratory();
