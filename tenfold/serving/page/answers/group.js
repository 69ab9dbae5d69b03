// A group without a name of its own: {group, probabilities}.

import { make } from "../elements.js";
import { chances } from "../parts/figures.js";
import { saying } from "../words.js";

export const words = {
  en: { group: "Group {name}" },
  zh: { group: "第 {name} 组" },
};
const say = saying(words);

export const drawer = {
  brief: ({ group }) => say("group", { name: group }),
  draw: ({ group, probabilities = {} }) => {
    if (!Object.keys(probabilities).length) return make("div");
    return chances(probabilities, (name) => ({ tint: name === String(group) ? "strong" : "" }));
  },
};
