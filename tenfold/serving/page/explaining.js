// What an answer rests on: heat over the picture, marked words, bars of features or columns.

import { make } from "./elements.js";
import { bars } from "./parts/figures.js";
import { opacity } from "./parts/places.js";
import { heat } from "./parts/stage.js";
import { number, say } from "./words.js";

const NOTHING = 1e-6; // weights below this are the same answer

/** Explanations drawn; `fields` are the inputs by name, `values` what was handed over. */
export function explained(explanations, fields, values) {
  const title = make("h3", { text: () => say("explained") });
  if (!explanations.length) return make("section", {}, title, soft("explain_none"));
  const single = explanations.filter(({ base, weights }) => base === undefined && weights.flat().length === 1);
  const rest = explanations.filter((one) => !single.includes(one));
  const parts = rest.map((one) => drawn(one, fields[one.over], values[one.over]));
  return make("section", { class: "explained" }, title, parts, single.length ? features(single) : null);
}

const soft = (key) => make("p", { class: "soft", text: () => say(key) });

function drawn(explanation, field, value) {
  const { over, weights, places } = explanation;
  if (explanation.base !== undefined) return contributions(explanation);
  if (weights.flat().every((weight) => Math.abs(weight) < NOTHING)) return soft("explain_even");
  if (places && typeof value === "string") return overPlaces(value, places, weights);
  if (field?.stage && Array.isArray(weights[0])) return overPicture(weights, field.stage);
  const words = Array.isArray(value) ? value : typeof value === "string" ? wordsOf(value, weights.length) : null;
  return words ? overWords(words, weights.flat(), typeof value === "string") : strip(over, weights);
}

// --- pictures ---

function overPicture(weights, stage) {
  const layer = stage.lay(heat(weights));
  stage.grey(true);
  const tick = make("input", { type: "checkbox", checked: true });
  tick.addEventListener("change", () => {
    layer.hidden = !tick.checked;
    stage.grey(tick.checked);
  });
  const toggle = make("label", { class: "tick" }, tick, make("span", { text: () => say("show_heat") }));
  const legend = make("div", { class: "heat-legend", "aria-hidden": "true" }, side("cool", "speaks_against"), side("warm", "speaks_for"));
  return make("div", {}, soft("explain_picture"), legend, make("div", { class: "row" }, toggle, opacity(layer, 75)));
}

const side = (tint, key) => make("span", { class: tint, text: () => say(key) });

// --- words ---

/** A text with its parts marked; `places` count characters as Python counts them. */
function overPlaces(text, places, weights) {
  const letters = [...text];
  const most = Math.max(...weights.map(Math.abs));
  const parts = [];
  let last = 0;
  places.forEach(([start, end], place) => {
    parts.push(letters.slice(last, start).join(""), marked(letters.slice(start, end).join(""), weights[place], most));
    last = end;
  });
  parts.push(letters.slice(last).join(""));
  return passage(parts);
}

function marked(text, weight, most) {
  const look = { "--strength": String(0.55 * Math.abs(weight / most)) };
  return make("span", { class: weight > 0 ? "warm" : "cool", tip: number(weight), look, text });
}

const passage = (parts) => {
  return make("div", {}, soft("explain_text"), make("p", { class: "passage", dir: "auto", tabIndex: 0 }, parts));
};

/** The parts of a text that the weights are of: its words, or its characters where those fit. */
function wordsOf(text, count) {
  const letters = [...text];
  return letters.length === count ? letters : text.match(/\S+\s*/gu) ?? [];
}

function overWords(words, weights, isText) {
  const most = Math.max(...weights.map(Math.abs));
  const marks = words.map((word, place) => {
    const weight = weights[Math.min(weights.length - 1, Math.floor((place * weights.length) / words.length))];
    return marked(word, weight, most);
  });
  const spaced = marks.flatMap((mark) => [mark, " "]); // after tokens; a text has spaces of its own
  return passage(isText ? marks : spaced);
}

// --- features: one weight each ---

function features(single) {
  const rows = single.map(({ over, weights }) => ({ name: over, value: Number(weights.flat()[0]) }));
  const most = Math.max(...rows.map(({ value }) => Math.abs(value)), NOTHING);
  rows.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const scaled = rows.map((row) => ({ ...row, of: Math.abs(row.value) / most, tint: row.value > 0 ? "warm" : "cool" }));
  return make("div", {}, soft("explain_features"), bars(scaled, () => say("explained"), number));
}

// --- columns: what each value adds to the answer of the typical values ---

function contributions({ names, values, typical, weights, base, total }) {
  const ends = { base: number(base), total: number(total) };
  const title = make("p", { class: "soft", text: () => say(names.length ? "explain_columns" : "explain_typical", ends) });
  const most = Math.max(...weights.map(Math.abs), NOTHING);
  const rows = weights.map((value, at) => ({
    name: names[at] ? `${names[at]} = ${values[at] || "–"}` : say("other_columns", { count: values[at] }),
    note: names[at] ? say("typical_value", { value: typical[at] || "–" }) : undefined,
    tint: value > 0 ? "warm" : "cool",
    of: Math.abs(value) / most,
    value,
  }));
  rows.sort((a, b) => b.of - a.of);
  return make("div", { class: "contributions" }, title, bars(rows, () => say("explained"), (value) => signed(value, most)));
}

/** A contribution with its sign, in the digits that matter beside the largest one. */
function signed(value, most) {
  const step = 10 ** (Math.floor(Math.log10(most)) - 3);
  const text = number(Math.round(Math.abs(value) / step) * step);
  return value > 0 ? `+${text}` : `−${text}`;
}

// --- sound and film: along the time ---

function strip(over, weights) {
  const along = weights.map((one) => (Array.isArray(one) ? one.reduce((a, b) => a + b, 0) / one.length : one));
  const most = Math.max(...along.map(Math.abs), NOTHING);
  const parts = along.map((weight) => {
    const look = { height: `${(100 * Math.abs(weight)) / most}%` };
    return make("i", { class: weight > 0 ? "warm" : "cool", look });
  });
  const label = () => `${over}: ${along.map(number).join(", ")}`;
  return make("div", {}, soft("explain_strip"), make("div", { class: "strip", role: "img", label }, parts));
}
