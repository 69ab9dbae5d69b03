// The language of the page: every text is told by a function, so that a switch tells it anew.

import { chinese, said } from "./chinese.js";
import { english } from "./english.js";

const BOOKS = { en: english, zh: chinese };
const NAMES = { en: "en", zh: "zh-CN" };
const PLAIN = new Set(["log_loss", "rmse", "mae", "r2", "count_error", "roc_auc", "brier", "silhouette", "nmi", "ari"]); // metrics that are no shares

let spoken = "en";
const told = new WeakMap();

/** The sentence of a key in the language spoken, its {gaps} filled. */
export const say = (key, gaps = {}) => filled(BOOKS[spoken][key], gaps);

/**
 * A `say` that looks first in sentences of a file's own, {en: {key: sentence}, zh: {...}}: in
 * English where one is not translated.
 */
export const saying = (own) => (key, gaps = {}) => {
  return filled(own[spoken]?.[key] ?? own.en[key] ?? BOOKS[spoken][key], gaps);
};

const filled = (sentence, gaps) => sentence.replace(/\{(\w+)\}/g, (_, name) => String(gaps[name] ?? ""));

export const knows = (key) => key in english;

/** What a model says of itself: its own English where there is no translation. */
export const sayModel = (text) => (spoken === "zh" && said[text]) || text;

/** Sets a text of a node, or one of its attributes, now and after each change of language. */
export function tell(node, text, attribute = "") {
  const texts = told.get(node) ?? new Map();
  told.set(node, texts.set(attribute, text));
  node.dataset.told = "";
  put(node, text, attribute);
  return node;
}

function put(node, text, attribute) {
  const words = typeof text === "function" ? text() : text;
  if (attribute) node.setAttribute(attribute, words);
  else if (node.textContent !== words) node.textContent = words;
}

/** Speaks a language from now on, on the whole page. */
export function speak(language) {
  spoken = language in BOOKS ? language : "en";
  document.documentElement.lang = NAMES[spoken];
  for (const node of document.querySelectorAll("[data-told]")) {
    for (const [attribute, text] of told.get(node) ?? []) put(node, text, attribute);
  }
}

export const language = () => spoken;
export const otherLanguage = () => (spoken === "en" ? "zh" : "en");

// --- numbers ---

/** 0.934 as 93.4 %; two digits above 99 % and below 1 %, as the report writes it. */
export function share(value) {
  const digits = (value > 0 && value < 0.01) || (value > 0.99 && value < 1) ? 2 : 1;
  const text = value === 0 || value === 1 ? String(100 * value) : (100 * value).toFixed(digits);
  return spoken === "zh" ? `${text}%` : `${text}\u00a0%`;
}

/** Four digits that count. */
export const number = (value) => String(Number(Number(value).toPrecision(4)));

export function bytes(size) {
  const units = ["B", "KB", "MB", "GB"];
  const step = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(1, size)) / 3)));
  const scaled = size / 1000 ** step;
  return `${scaled.toFixed(step && scaled < 100 ? 1 : 0)} ${units[step]}`;
}

/** Seconds as 1:03.2. */
export function clock(seconds) {
  const tenths = Math.round(10 * Math.max(0, seconds));
  const rest = `${Math.floor(tenths / 10) % 60}`.padStart(2, "0");
  return `${Math.floor(tenths / 600)}:${rest}.${tenths % 10}`;
}

/** A metric's title, and its values as it is usual for it. */
export function metric(name) {
  const key = `metric_${name}`;
  if (!knows(key)) return { title: name.replaceAll("_", " "), say: number };
  return { title: say(key), say: PLAIN.has(name) ? number : share };
}
