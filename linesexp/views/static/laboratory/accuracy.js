// How many of the page's test pictures the network names rightly, counted in slices that never block the page.

import { forward } from "./network.js";

const COUNT_SLICE_MS = 8;
const REST_BEFORE_COUNT_MS = 200; // after a change, so that a moving slider is not held up

/**
 * A counter: ask(step, edits) begins anew. `tell({now, own, untrained})` hears of every slice: each is
 * {right, done, total}; now: at this step with the edits; own: without; untrained: before training.
 */
export function createCounter(experiment, tell) {
  const total = experiment.labels.length;
  const counts = new WeakMap(); // edits → {step: count}, so that what was counted once stays known
  let timer = null;
  let finish = () => {}; // what was asked last, all at once: paper shows no count that goes on

  function countOf(step, edits) {
    if (!counts.has(edits)) counts.set(edits, {});
    return (counts.get(edits)[step] ??= { right: 0, done: 0, total });
  }

  function named(count, weights) {
    const picture = experiment.testPicture(count.done);
    const { probabilities } = forward(picture, weights, experiment.network).at(-1);
    if (probabilities.indexOf(Math.max(...probabilities)) === picture.label) count.right += 1;
    count.done += 1;
  }

  addEventListener("beforeprint", () => finish());
  return {
    ask(step, edits) {
      clearTimeout(timer);
      const wanted = [
        [step, edits],
        [step, experiment.noEdits],
        [0, experiment.noEdits],
      ];
      const [now, own, untrained] = wanted.map((each) => countOf(...each));
      const say = () => tell({ now, own, untrained });

      // The next of those that are not complete, until this time; false where nothing is left.
      function countUntil(end) {
        const next = wanted.find((each) => countOf(...each).done < total);
        if (!next) return false;
        const count = countOf(...next);
        const weights = experiment.weightsAt(...next);
        while (count.done < total && performance.now() < end) named(count, weights);
        return true;
      }

      function slice() {
        if (countUntil(performance.now() + COUNT_SLICE_MS)) timer = setTimeout(slice, 0);
        say();
      }

      finish = () => {
        while (countUntil(Infinity));
        say();
      };
      say();
      timer = setTimeout(slice, REST_BEFORE_COUNT_MS);
    },
  };
}
