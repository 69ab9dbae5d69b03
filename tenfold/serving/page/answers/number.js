// A number: {value, unit, decimals}, with `low`, `high` and their `level` where there is an interval.

import { make } from "../elements.js";
import { number, saying, share } from "../words.js";

export const words = {
  en: { between: "between {low} and {high}", level: "between {low} and {high}, with a probability of {level}" },
  zh: { between: "介于 {low} 与 {high} 之间", level: "介于 {low} 与 {high} 之间，概率为 {level}" },
};
const say = saying(words);

const interval = ({ low, high }) => typeof low === "number" && typeof high === "number";

/** A value with as many decimals as the run shows, else with four digits that count. */
const figure = (value, decimals) => (Number.isInteger(decimals) ? plain(value.toFixed(decimals)) : number(value));
const plain = (text) => (Number(text) === 0 ? text.replace("-", "") : text);

export const drawer = {
  brief: ({ value, unit = "", decimals }) => `${figure(value, decimals)} ${unit}`.trim(),
  draw: (answer) => {
    if (!interval(answer)) return make("div");
    const { value, low, high, decimals, level } = answer;
    const at = (high - low || 1) / 2;
    const place = (one) => `${Math.min(100, Math.max(0, 50 + (50 * (one - (low + high) / 2)) / (1.6 * at)))}%`;
    const band = make("i", { look: { left: place(low), right: `calc(100% - ${place(high)})` } });
    const scale = make("div", { class: "scale", "aria-hidden": "true" }, band, make("b", { look: { left: place(value) } }));
    const ends = { low: figure(low, decimals), high: figure(high, decimals) };
    const text = () => (level ? say("level", { ...ends, level: share(level) }) : say("between", ends));
    return make("div", {}, scale, make("p", { class: "soft", text }));
  },
};
