// A tag for each word of a text: {tags: [name, start, end], probabilities} beside each other.

import { passage } from "../parts/passages.js";
import { saying } from "../words.js";

export const words = {
  en: { count: "Words tagged: {count}" },
  zh: { count: "标注的词：{count}" },
};
const say = saying(words);

export const drawer = {
  brief: ({ tags }) => say("count", { count: tags.length }),
  draw: (answer, view) => passage(answer, answer.tags, view, "tagged"),
};
