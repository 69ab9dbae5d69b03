// How unusual something is: {score, threshold}.

import { against } from "../parts/figures.js";
import { number, saying } from "../words.js";

export const words = {
  en: { odd: "Unusual", usual: "Usual", facts: "Score {score}, threshold {threshold}" },
  zh: { odd: "异常", usual: "正常", facts: "得分 {score}，阈值 {threshold}" },
};
const say = saying(words);

export const drawer = {
  brief: ({ score, threshold }) => say(score >= threshold ? "odd" : "usual"),
  draw: ({ score, threshold }) => {
    const facts = () => say("facts", { score: number(score), threshold: number(threshold) });
    return against(score, threshold, facts, score >= threshold ? "warm" : "");
  },
};
