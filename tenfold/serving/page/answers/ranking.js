// Items, best first: {items: [id, score], titles, known, given}.

import { first, listed } from "../parts/figures.js";
import { saying } from "../words.js";

export const words = {
  en: {
    first: "First: {name}",
    none: "The ranking is empty",
    known: "{known} of {given} items are known",
    popular: "None of the items is known: what is most popular",
  },
  zh: {
    first: "第一位：{name}",
    none: "排名为空",
    known: "{given} 个物品中已知 {known} 个",
    popular: "没有已知的物品：给出最热门的",
  },
};
const say = saying(words);

export const drawer = {
  brief: ({ items, titles = {} }) => (items.length ? say("first", first(items, titles)) : say("none")),
  draw: ({ items, titles = {}, ...rest }) => listed(items, titles, basis(rest)),
};

/** How much of what was handed over is known, where that is not all. */
function basis({ known, given }) {
  if (known === undefined || (known && known >= given)) return null;
  return () => say(known ? "known" : "popular", { known, given });
}
