// The laboratory: opens the run that the page carries and puts its parts together.

import { buildArithmetic } from "./arithmetic.js";
import { buildBench } from "./bench.js";
import { buildClasses } from "./classes.js";
import { buildComparison } from "./comparison.js";
import { openExperiment } from "./experiment.js";
import { buildInput } from "./input.js";
import { buildLayers } from "./layers.js";
import { bestMatch, openLikeness } from "./operators.js";
import { energyShares } from "./shares.js";
import { createState } from "./state.js";
import { buildShare } from "./share.js";
import { buildStage } from "./stage.js";
import { buildTime } from "./time.js";
import { tuningOf } from "./tuning.js";

const PARTS = {
  "lab-time": buildTime,
  "lab-input": buildInput,
  "lab-classes": buildClasses,
  "lab-layers": buildLayers,
  "lab-arithmetic": buildArithmetic,
  "lab-bench": buildBench,
  "lab-comparison": buildComparison,
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
    kernel: 0,
    place: null,
    twin: false,
  });
  document.querySelector(".laboratory").hidden = false;
  for (const [home, build] of Object.entries(PARTS)) build(document.getElementById(home), experiment, state);
  // For the console, and for the tests of this page.
  const measures = { bestMatch, energyShares, openLikeness, tuningOf };
  window.laboratory = { experiment, state, openExperiment, measures };
  document.documentElement.dataset.laboratory = "open";
}

openLaboratory();
