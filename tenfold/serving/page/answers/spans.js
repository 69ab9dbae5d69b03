// Passages of a text: {spans: [name, start, end], probabilities} beside each other.

import { passage } from "../parts/passages.js";
import { saying } from "../words.js";

export const words = {
  en: { count: "Passages found: {count}" },
  zh: { count: "找到的片段：{count}" },
};
const say = saying(words);

export const drawer = {
  brief: ({ spans }) => say("count", { count: spans.length }),
  draw: (answer, view) => passage(answer, answer.spans, view),
};
