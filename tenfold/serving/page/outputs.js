// What a model says: one drawer for each kind of prediction, in one table at the end.
//
// A drawer has `brief(answer)`, the answer in a few words, and `draw(answer, view)`, the whole of
// it. `view` knows what was asked: `model`, `values`, and where there are any the `stage` of the
// picture and the `player` of the sound or film.

import { button, make, table } from "./elements.js";
import { boxes, mask } from "./places.js";
import { event, spans, tags, words } from "./times.js";
import { number, say, share, tell } from "./words.js";

const FEW = 10; // bars that are shown before all are asked for

/** An answer in a few words, in the language spoken. */
export const brief = (answer) => drawerOf(answer).brief(answer);

/** An answer drawn. */
export function draw(answer, view) {
  const head = make("p", { class: "headline", dir: "auto", text: () => brief(answer) });
  const part = answer.source ? make("p", { class: "soft", text: answer.source }) : null;
  return make("article", { class: "answer", "data-answer": String(answer.answer) }, head, part, drawerOf(answer).draw(answer, view));
}

const drawerOf = (answer) => (Object.hasOwn(ANSWERS, answer.answer) ? ANSWERS[answer.answer] : UNKNOWN);

/** Predictions as they are shown: events that were told one by one stand in one table. */
export function gathered(predictions) {
  const events = predictions.filter((one) => one.answer === "event" && !one.events);
  if (events.length < 2) return predictions;
  const others = predictions.filter((one) => !events.includes(one));
  return [...others, { answer: "event", events: events.map((one) => [one.label, one.start, one.end, one.score]) }];
}

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

const best = (chances) => Object.entries(chances).sort(([, a], [, b]) => b - a);

// --- classes ---

const label = {
  brief: ({ label: name, probabilities }) => {
    return name in probabilities ? say("class_share", { label: name, share: share(probabilities[name]) }) : name;
  },
  draw: ({ label: name, probabilities }) => {
    const rows = best(probabilities).map(([one, value]) => ({ name: one, value, tint: one === name ? "strong" : "" }));
    return bars(rows, () => say("probabilities"));
  },
};

const labels = {
  brief: ({ labels: names }) => (names.length ? names.join(", ") : say("none_chosen")),
  draw: ({ labels: names, probabilities }) => {
    const rows = best(probabilities).map(([name, value]) => {
      const chosen = names.includes(name);
      return { name, value, tint: chosen ? "strong" : "", note: chosen ? () => say("chosen") : "" };
    });
    return bars(rows, () => say("probabilities"));
  },
};

// --- numbers ---

const interval = ({ low, high }) => typeof low === "number" && typeof high === "number";

const numbers = {
  brief: ({ value, unit = "" }) => `${number(value)} ${unit}`.trim(),
  draw: (answer) => {
    if (!interval(answer)) return make("div");
    const { value, low, high } = answer;
    const at = (high - low || 1) / 2;
    const place = (one) => `${Math.min(100, Math.max(0, 50 + (50 * (one - (low + high) / 2)) / (1.6 * at)))}%`;
    const band = make("i", { look: { left: place(low), right: `calc(100% - ${place(high)})` } });
    const scale = make("div", { class: "scale", "aria-hidden": "true" }, band, make("b", { look: { left: place(value) } }));
    const text = () => say("number_interval", { low: number(low), high: number(high) });
    return make("div", {}, scale, make("p", { class: "soft", text }));
  },
};

/** A score against a threshold, on a scale that holds both. */
function against(score, threshold, key) {
  const facts = make("p", { class: "soft", text: () => say(key, { score: number(score), threshold: number(threshold) }) });
  const [low, high] = [Math.min(0, score, threshold), Math.max(score, threshold)];
  const wide = (high <= 1 ? 1 : 1.25 * high) - low;
  const place = (value) => `${(100 * (value - low)) / wide}%`;
  const fill = make("i", { look: { left: "0", width: place(score) } });
  const scale = make("div", { class: "scale", "aria-hidden": "true" }, fill, make("b", { look: { left: place(threshold) } }));
  return make("div", { class: score >= threshold ? "above" : "below" }, scale, facts);
}

const oddity = {
  brief: ({ score, threshold }) => say(score >= threshold ? "odd" : "usual"),
  draw: ({ score, threshold }) => against(score, threshold, "oddity_facts"),
};

const match = {
  brief: ({ similarity, threshold, name = "" }) => [say(similarity >= threshold ? "match_yes" : "match_no"), name].filter(Boolean).join(": "),
  draw: ({ similarity, threshold }) => against(similarity, threshold, "match_facts"),
};

// --- order and groups ---

const pairs = (items) => items.map((one) => (Array.isArray(one) ? one : [one]));

/** Items in order, by title where they have one, with a figure each and what the answer rests on. */
const listed = (items, titles, note, figure) => {
  const rows = pairs(items).map(([name, value]) => {
    const id = String(name);
    const title = make("bdi", { text: titles[id] ?? id });
    const own = titles[id] && titles[id] !== id ? make("small", { class: "soft", text: ` ${id}` }) : null;
    return make("li", {}, title, own, value === undefined ? null : make("span", { class: "figure", text: figure(value) }));
  });
  const list = make("ol", { class: "ranking", label: () => say("ranking_table") }, rows);
  return make("div", {}, list, note ? make("p", { class: "soft", text: note }) : null);
};

/** How much of what was handed over is known, where that is not all. */
const basis = ({ known, given }) => {
  if (known === undefined || (known && known >= given)) return null;
  return () => say(known ? "ranking_known" : "ranking_popular", { known, given });
};

const first = (items, titles) => titles[String(pairs(items)[0][0])] ?? pairs(items)[0][0];

const ranking = {
  brief: ({ items, titles = {} }) => (items.length ? say("ranking_brief", { name: first(items, titles) }) : say("ranking_none")),
  draw: ({ items, titles = {}, ...rest }) => listed(items, titles, basis(rest), number),
};

const ratings = {
  brief: ({ items, titles = {}, otherwise }) => {
    if (!items.length) return say("ratings_other", { rating: number(otherwise) });
    return say("ratings_brief", { name: first(items, titles), rating: number(pairs(items)[0][1]) });
  },
  draw: ({ items, titles = {}, otherwise }) => listed(items, titles, () => say("ratings_other", { rating: number(otherwise) }), number),
};

const group = {
  brief: ({ group: name }) => say("group_brief", { name }),
  draw: ({ group: name, probabilities = {} }) => {
    const rows = best(probabilities).map(([one, value]) => ({ name: one, value, tint: one === String(name) ? "strong" : "" }));
    return rows.length ? bars(rows, () => say("probabilities")) : make("div");
  },
};

// --- anything else: its JSON as a table ---

const UNKNOWN = {
  brief: ({ answer }) => say("unknown_brief", { answer: String(answer) }),
  draw: ({ answer, source, ...rest }) => readable(rest),
};

function readable(value) {
  if (value === null || typeof value !== "object") return make("span", { text: String(value) });
  if (Array.isArray(value) && value.every((one) => one === null || typeof one !== "object")) {
    return make("span", { text: value.join(", ") });
  }
  const rows = Object.entries(value).map(([name, one]) => [name, readable(one)]);
  return table(() => say("answer"), [() => say("key"), () => say("value")], rows);
}

// --- the table ---

export const ANSWERS = { label, labels, number: numbers, boxes, mask, words, spans, tags, ranking, ratings, group, oddity, match, event };
