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

// --- spans and tags: [name, start, end] of a text, counted in characters as Python counts them ---

const asked = (answer, view) => [...(answer.text ?? Object.values(view.values).find((value) => typeof value === "string") ?? "")];

export const spans = {
  brief: (answer) => say("spans_brief", { count: answer.spans.length }),
  draw: (answer, view) => {
    return passage(answer.spans, answer.probabilities, asked(answer, view), "passage");
  },
};

export const tags = {
  brief: (answer) => say("tags_brief", { count: answer.tags.length }),
  draw: (answer, view) => passage(answer.tags, answer.probabilities, asked(answer, view), "passage tagged"),
};

function passage(all, sure = [], letters, look) {
  const types = [...new Set(all.map(([type]) => type))];
  const places = all.map(([type, start, end], row) => ({ type, start, end, sure: sure[row] }));
  return make("p", { class: look, dir: "auto", tabIndex: 0 }, marked(letters, places, types));
}

function marked(letters, all, types) {
  const found = [];
  let place = 0;
  for (const { type, start, end, sure } of all.sort((a, b) => a.start - b.start)) {
    if (start < place) continue; // inside one that is marked already
    found.push(letters.slice(place, start).join(""));
    const text = letters.slice(start, end).join("");
    const tip = sure === undefined ? type : `${type} ${share(sure)}`;
    const look = { "--tone": tone(types.indexOf(type)) };
    found.push(make("mark", { look, tip }, text, make("small", { text: type })));
    place = end;
  }
  return [...found, letters.slice(place).join("")];
}
