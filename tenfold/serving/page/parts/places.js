// What answers about places of a picture share: names with the colour of their class, a slider.

import { make } from "../elements.js";
import { say } from "../words.js";
import { tone } from "./stage.js";

const swatch = (index) => make("i", { class: "swatch", "aria-hidden": "true", look: { "--tone": tone(index) } });

/** A name behind the colour of the class with this number; without a colour where that is null. */
export const named = (index, name) => {
  return make("span", { class: "legend" }, index === null ? null : swatch(index), make("bdi", { text: name }));
};

/** A slider for how much is seen of what lies over the picture. */
export function opacity(layer, start = 60) {
  const input = make("input", { type: "range", min: "0", max: "100", value: String(start), label: () => say("opacity") });
  const set = () => (layer.style.opacity = String(input.valueAsNumber / 100));
  input.addEventListener("input", set);
  set();
  return make("label", { class: "slider" }, make("span", { text: () => say("opacity") }), input);
}
