// A transcript: {words: [text, start, end] in seconds}.

import { make, table } from "../elements.js";
import { moment } from "../parts/times.js";
import { saying } from "../words.js";

export const words = {
  en: { table: "Transcript with times", none: "No words were heard", text: "Text" },
  zh: { table: "带时间的转写", none: "没有听到话语", text: "文字" },
};
const say = saying(words);

const PAUSE = 0.8; // seconds of silence that begin a new line of a transcript
const LINE = 12; // words a line holds at most

export const drawer = {
  long: true,
  brief: ({ words: all }) => (all.length ? joined(all) : say("none")),
  draw: ({ words: all }, view) => {
    if (!all.length) return make("div");
    const rows = lines(all).map((line) => [moment(line[0][1], view.player), joined(line)]);
    return table(() => say("table"), [() => say("time"), () => say("text")], rows);
  },
};

function lines(all) {
  const found = [];
  for (const word of all) {
    const last = found.at(-1);
    const goes = last && last.length < LINE && word[1] - last.at(-1)[2] < PAUSE;
    if (goes) last.push(word);
    else found.push([word]);
  }
  return found;
}

/** The words with spaces between them, but not between Chinese characters. */
const joined = (all) => all.map(([text]) => text).join(" ").replace(/(?<=\p{Script=Han}) (?=\p{Script=Han})/gu, "");
