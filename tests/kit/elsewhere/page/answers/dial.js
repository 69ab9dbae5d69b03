// A position of a dial: {dial}.

import { make } from "../elements.js";
import { saying } from "../words.js";

export const words = {
  en: { brief: "Dial at {dial}", meter: "Position of the dial" },
  zh: { brief: "刻度 {dial}", meter: "刻度盘的位置" },
};
const say = saying(words);

export const drawer = {
  brief: ({ dial }) => say("brief", { dial: dial.toFixed(2) }),
  draw: ({ dial }) => {
    const hand = make("meter", { id: "dial", min: 0, max: 1, value: dial });
    return make("div", {}, hand, make("p", { class: "soft", text: () => say("meter") }));
  },
};
