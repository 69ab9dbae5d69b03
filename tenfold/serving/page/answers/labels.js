// Any number of classes: {labels, probabilities}.

import { chances } from "../parts/figures.js";
import { saying } from "../words.js";

export const words = {
  en: { chosen: "chosen", none_chosen: "No class reaches the threshold" },
  zh: { chosen: "选中", none_chosen: "没有类别达到阈值" },
};
const say = saying(words);

export const drawer = {
  long: true,
  brief: ({ labels }) => (labels.length ? labels.join(", ") : say("none_chosen")),
  draw: ({ labels, probabilities }) => {
    const marked = { tint: "strong", note: () => say("chosen") };
    return chances(probabilities, (name) => (labels.includes(name) ? marked : {}));
  },
};
