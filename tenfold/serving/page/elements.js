// Making elements. Data become text and attributes, never markup.

import { tell } from "./words.js";

let count = 0;

/** A name no other element has. */
export const unique = (word) => `${word}-${(count += 1)}`;

/**
 * An element: `text` and `label` (its aria-label) may be functions, told anew in another language;
 * `on` holds listeners, `look` style properties; every other fact is an attribute.
 */
export function make(tag, facts = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) set(node, name, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

function set(node, name, value) {
  if (value === undefined || value === null || value === false) return;
  const tellers = { text: "", label: "aria-label", hint: "placeholder", tip: "title", alt: "alt" };
  if (name in tellers) tell(node, value, tellers[name]);
  else if (name === "on") for (const [what, does] of Object.entries(value)) node.addEventListener(what, does);
  else if (name === "look") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
  else if (name in node && typeof value !== "string") node[name] = value;
  else node.setAttribute(name, value);
}

/** A button that is none of a form's. */
export function button(text, click, facts = {}) {
  return make("button", { type: "button", class: "quiet", text, on: { click }, ...facts });
}

/** A table with a caption for screen readers; cells are texts, functions or nodes. */
export function table(caption, heads, rows) {
  const head = make("tr", {}, heads.map((text) => make("th", { scope: "col", text })));
  const body = rows.map((cells) => make("tr", {}, cells.map(cell)));
  const title = make("caption", { class: "unseen", text: caption });
  const whole = make("table", {}, title, make("thead", {}, head), make("tbody", {}, body));
  return make("div", { class: "scroll", tabIndex: 0, role: "region", label: caption }, whole);
}

function cell(value, index) {
  const tag = index ? "td" : "th";
  const facts = index ? {} : { scope: "row" };
  return value instanceof Node ? make(tag, facts, value) : make(tag, { ...facts, text: value });
}
