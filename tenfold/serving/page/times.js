// Answers that run along a sound, a film or a text: words, events, passages.

import { button, make, table } from "./elements.js";
import { tone } from "./stage.js";
import { clock, say, share } from "./words.js";

const PAUSE = 0.8; // seconds of silence that begin a new line of a transcript
const LINE = 12; // words a line holds at most

/** A time; where there is a player, a button that plays from there. */
function moment(seconds, player) {
  if (!player) return make("span", { class: "figure", text: clock(seconds) });
  const play = () => {
    player.currentTime = seconds;
    player.play().catch(() => player.pause()); // a file that the browser cannot play stays still
  };
  return button(clock(seconds), play, { class: "link figure", label: () => say("seek", { time: clock(seconds) }) });
}

// --- words: [text, start, end] ---

function lines(words) {
  const found = [];
  for (const word of words) {
    const last = found.at(-1);
    const goes = last && last.length < LINE && word[1] - last.at(-1)[2] < PAUSE;
    if (goes) last.push(word);
    else found.push([word]);
  }
  return found;
}

const joined = (words) => words.map(([text]) => text).join(" ").replace(/(?<=\p{Script=Han}) (?=\p{Script=Han})/gu, "");

export const words = {
  brief: ({ words: all }) => (all.length ? joined(all) : say("no_words")),
  draw: ({ words: all }, view) => {
    if (!all.length) return make("div");
    const rows = lines(all).map((line) => [moment(line[0][1], view.player), joined(line)]);
    return table(() => say("words_table"), [() => say("time"), () => say("text")], rows);
  },
};

// --- events: [label, start, end, score] ---

const events = (answer) => answer.events ?? [[answer.label, answer.start, answer.end, answer.score]];

export const event = {
  brief: (answer) => (events(answer).length ? say("event_brief", { count: events(answer).length }) : say("event_none")),
  draw: (answer, view) => {
    const rows = events(answer).map(([label, start, end, score]) => {
      const until = end === undefined || end === null ? "" : clock(end);
      return [moment(start, view.player), until, label, () => (typeof score === "number" ? share(score) : "")];
    });
    const heads = [() => say("time"), "", () => say("event"), () => say("certainty")];
    return rows.length ? table(() => say("event_table"), heads, rows) : make("div");
  },
};

// --- spans: [type, start, end] of a text, counted in characters as Python counts them ---

export const spans = {
  brief: (answer) => say("spans_brief", { count: answer.spans.length }),
  draw: (answer, view) => {
    const letters = [...(answer.text ?? Object.values(view.values).find((value) => typeof value === "string") ?? "")];
    const types = [...new Set(answer.spans.map(([type]) => type))];
    return make("p", { class: "passage", dir: "auto" }, marked(letters, answer.spans, types));
  },
};

function marked(letters, all, types) {
  const found = [];
  let place = 0;
  for (const [type, start, end] of [...all].sort((a, b) => a[1] - b[1])) {
    if (start < place) continue; // inside one that is marked already
    found.push(letters.slice(place, start).join(""));
    const text = letters.slice(start, end).join("");
    const name = make("small", { text: type });
    found.push(make("mark", { look: { "--tone": tone(types.indexOf(type)) } }, text, name));
    place = end;
  }
  return [...found, letters.slice(place).join("")];
}
