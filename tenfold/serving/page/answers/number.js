// A number: {value, unit}, with `low` and `high` where there is an interval.

import { make } from "../elements.js";
import { number, saying } from "../words.js";

export const words = {
  en: { between: "between {low} and {high}" },
  zh: { between: "介于 {low} 与 {high} 之间" },
};
const say = saying(words);

const interval = ({ low, high }) => typeof low === "number" && typeof high === "number";

export const drawer = {
  brief: ({ value, unit = "" }) => `${number(value)} ${unit}`.trim(),
  draw: (answer) => {
    if (!interval(answer)) return make("div");
    const { value, low, high } = answer;
    const at = (high - low || 1) / 2;
    const place = (one) => `${Math.min(100, Math.max(0, 50 + (50 * (one - (low + high) / 2)) / (1.6 * at)))}%`;
    const band = make("i", { look: { left: place(low), right: `calc(100% - ${place(high)})` } });
    const scale = make("div", { class: "scale", "aria-hidden": "true" }, band, make("b", { look: { left: place(value) } }));
    const text = () => say("between", { low: number(low), high: number(high) });
    return make("div", {}, scale, make("p", { class: "soft", text }));
  },
};
