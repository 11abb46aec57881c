// The laboratory: opens what the page carries and puts together the parts that apply to it.

import { buildArithmetic } from "./arithmetic.js";
import { buildBench } from "./bench.js";
import { buildClasses } from "./classes.js";
import { buildComparison } from "./comparison.js";
import { buildCurves } from "./curves.js";
import { openExperiment } from "./experiment.js";
import { buildInput } from "./input.js";
import { buildLayers } from "./layers.js";
import { bestMatch, chanceOf, openLikeness, openNull } from "./operators.js";
import { energyShares } from "./shares.js";
import { createState } from "./state.js";
import { buildShare } from "./share.js";
import { buildStage } from "./stage.js";
import { buildTime } from "./time.js";
import { tuningOf } from "./tuning.js";

// Where a part stands in the page, what of experiment.holds it needs, and what builds it.
const PARTS = [
  ["lab-time", ["steps"], buildTime],
  ["lab-curves", ["steps", "log"], buildCurves],
  ["lab-input", ["network"], buildInput],
  ["lab-classes", ["network"], buildClasses],
  ["lab-layers", ["network"], buildLayers],
  ["lab-arithmetic", ["network"], buildArithmetic],
  ["lab-bench", ["network", "kernels"], buildBench],
  ["lab-comparison", ["kernels"], buildComparison],
  ["lab-stage", [], buildStage],
  ["lab-share", ["kernels"], buildShare],
];

async function openLaboratory() {
  const data = JSON.parse(document.getElementById("laboratory-data").textContent);
  const experiment = await openExperiment(data);
  const state = createState({
    step: Math.max(0, experiment.steps.length - 1),
    picture: experiment.network && experiment.testPicture(0),
    edits: experiment.noEdits,
    layer: experiment.kernelLayers[0]?.name,
    map: 0,
    kernel: 0,
    plane: null,
    place: null, // in what comes out of the layer; null until one is chosen
    standing: null, // the place that is shown
    channel: 0,
    ofClass: null, // whose score is shown; null: the winner's
    twin: false,
  });
  document.querySelector(".laboratory").hidden = false;
  for (const [name, needs, build] of PARTS) {
    const home = document.getElementById(name);
    if (needs.every((need) => experiment.holds.has(need))) build(home, experiment, state);
    else home.remove();
  }
  // For the console, and for the tests of this page.
  const measures = { bestMatch, chanceOf, energyShares, openLikeness, openNull, tuningOf };
  window.laboratory = { experiment, state, openExperiment, measures };
  document.documentElement.dataset.laboratory = "open";
}

openLaboratory();
