// Whether two are the same: {similarity, threshold, name}.

import { against } from "../parts/figures.js";
import { number, saying } from "../words.js";

export const words = {
  en: { yes: "A match", no: "No match", facts: "Similarity {similarity}, threshold {threshold}" },
  zh: { yes: "匹配", no: "不匹配", facts: "相似度 {similarity}，阈值 {threshold}" },
};
const say = saying(words);

export const drawer = {
  brief: ({ similarity, threshold, name = "" }) => [say(similarity >= threshold ? "yes" : "no"), name].filter(Boolean).join(": "),
  draw: ({ similarity, threshold }) => {
    const facts = () => say("facts", { similarity: number(similarity), threshold: number(threshold) });
    return against(similarity, threshold, facts);
  },
};
