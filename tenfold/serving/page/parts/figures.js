// Figures that several answers are drawn with: bars, a scale with a threshold, a list in order.

import { button, make } from "../elements.js";
import { number, say, share, tell } from "../words.js";

const FEW = 10; // bars that are shown before all are asked for

// --- bars ---

/** Bars of values from 0 to 1 with their names: a list for screen readers. */
export function bars(rows, caption, say_ = share) {
  const list = make("ol", { class: "bars", role: "list", label: caption });
  const all = button(() => say(list.dataset.all ? "show_fewer" : "show_all", { count: rows.length }), () => {
    list.dataset.all = list.dataset.all ? "" : "yes";
    fill();
  }, { class: "link" });
  const fill = () => {
    const shown = list.dataset.all ? rows : rows.slice(0, FEW);
    list.replaceChildren(...shown.map((row) => bar(row, say_)));
    tell(all, () => say(list.dataset.all ? "show_fewer" : "show_all", { count: rows.length }));
  };
  fill();
  return make("div", {}, list, rows.length > FEW ? all : null);
}

function bar({ name, value, tint = "", note, of = value }, say_) {
  const fill = make("i", { look: { width: `${100 * Math.min(1, Math.max(0, of))}%` } });
  const title = make("span", { class: "name" }, make("bdi", { text: name, title: name }), note ? make("small", { text: note }) : null);
  const figure = make("span", { class: "figure", text: () => say_(value) });
  return make("li", { class: tint }, title, make("span", { class: "track", "aria-hidden": "true" }, fill), figure);
}

/** Bars of the probabilities of classes, best first; `facts(name)` gives a bar's tint and note. */
export function chances(probabilities, facts) {
  const best = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
  return bars(best.map(([name, value]) => ({ name, value, ...facts(name) })), () => say("probabilities"));
}

// --- a score against a threshold ---

/** A score and a threshold on a scale that holds both; `tint` colours it, `facts` says it in words. */
export function against(score, threshold, facts, tint = "") {
  const [low, high] = [Math.min(0, score, threshold), Math.max(score, threshold)];
  const wide = (high <= 1 ? 1 : 1.25 * high) - low;
  const place = (value) => `${(100 * (value - low)) / wide}%`;
  const fill = make("i", { look: { left: "0", width: place(score) } });
  const scale = make("div", { class: "scale", "aria-hidden": "true" }, fill, make("b", { look: { left: place(threshold) } }));
  return make("div", { class: tint }, scale, make("p", { class: "soft", text: facts }));
}

// --- items in order ---

const pairs = (items) => items.map((one) => (Array.isArray(one) ? one : [one]));

/** Items, [id, value] or id alone, by title where they have one; `note` says what they rest on. */
export function listed(items, titles, note) {
  const rows = pairs(items).map(([name, value]) => {
    const id = String(name);
    const title = make("bdi", { text: titles[id] ?? id });
    const own = titles[id] && titles[id] !== id ? make("small", { class: "soft", text: ` ${id}` }) : null;
    return make("li", {}, title, own, value === undefined ? null : make("span", { class: "figure", text: number(value) }));
  });
  const list = make("ol", { class: "ranking", label: () => say("ranking_table") }, rows);
  return make("div", {}, list, note ? make("p", { class: "soft", text: note }) : null);
}

/** Title and value of the first item. */
export function first(items, titles) {
  const [[id, value]] = pairs(items);
  return { name: titles[String(id)] ?? id, value };
}
