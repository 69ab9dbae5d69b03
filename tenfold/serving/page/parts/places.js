// What answers about places of a picture share: names with the colour of their class, a slider.

import { make } from "../elements.js";
import { say } from "../words.js";
import { tone } from "./stage.js";

const swatch = (index) => make("i", { class: "swatch", "aria-hidden": "true", look: { "--tone": tone(index) } });

/** A name behind the colour of the class with this number; without a colour where that is null. */
export const named = (index, name) => {
  return make("span", { class: "legend" }, index === null ? null : swatch(index), make("bdi", { text: name }));
};

/** A slider from 0 to 100; `set(percent)` is called with its place, also at the beginning. */
export function slider(name, start, set, { least = 0, beside = null } = {}) {
  const input = make("input", { type: "range", min: String(least), max: "100", value: String(start), label: name });
  const move = () => set(input.valueAsNumber);
  input.addEventListener("input", move);
  move();
  return make("label", { class: "slider" }, make("span", { text: name }), input, beside);
}

/** A slider for how much is seen of what lies over the picture. */
export function opacity(layer, start = 60) {
  return slider(() => say("opacity"), start, (percent) => (layer.style.opacity = String(percent / 100)));
}
