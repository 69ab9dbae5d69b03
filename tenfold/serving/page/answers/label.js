// One class: {label, probabilities}.

import { chances } from "../parts/figures.js";
import { saying, share } from "../words.js";

export const words = {
  en: { class_share: "{label} {share}" },
  zh: { class_share: "{label} {share}" },
};
const say = saying(words);

export const drawer = {
  brief: ({ label, probabilities }) => {
    return label in probabilities ? say("class_share", { label, share: share(probabilities[label]) }) : label;
  },
  draw: ({ label, probabilities }) => chances(probabilities, (name) => ({ tint: name === label ? "strong" : "" })),
};
