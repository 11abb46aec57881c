// What the network looks at: test pictures to pick from.

import { canvasOf, element } from "./elements.js";
import { paintPicture } from "./painting.js";

/** The picture, large, and test pictures to pick. State: picture. */
export function buildInput(home, experiment, state) {
  const large = canvasOf(200, "the picture that the network looks at");
  const pick = element("input", {
    type: "number",
    min: 0,
    max: experiment.labels.length - 1,
    value: 0,
    "aria-label": "Number of the test picture",
    oninput: () => {
      const index = Number(pick.value);
      if (Number.isInteger(index) && index >= 0 && index < experiment.labels.length) {
        state.set({ picture: experiment.testPicture(index) });
      }
    },
  });
  home.append(large, element("label", {}, "test picture ", pick));
  state.on(["picture"], () => paintPicture(large, state.get("picture")));
}
