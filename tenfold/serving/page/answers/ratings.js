// Items with the rating each would get: {items: [id, rating], titles, otherwise}.

import { first, listed } from "../parts/figures.js";
import { number, saying } from "../words.js";

export const words = {
  en: { best: "{name}: {rating}", rest: "Any other item: {rating}" },
  zh: { best: "{name}：{rating}", rest: "其他任何物品：{rating}" },
};
const say = saying(words);

const rest = (otherwise) => say("rest", { rating: number(otherwise) });

export const drawer = {
  brief: ({ items, titles = {}, otherwise }) => {
    if (!items.length) return rest(otherwise);
    const { name, value } = first(items, titles);
    return say("best", { name, rating: number(value) });
  },
  draw: ({ items, titles = {}, otherwise }) => listed(items, titles, () => rest(otherwise)),
};
