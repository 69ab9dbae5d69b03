// Options: choices at prediction time, each with the range and help that the model declares.

import { button, make, unique } from "./elements.js";
import { say, sayModel, tell } from "./words.js";

const STEPS = 200; // a slider offers at most so many places; wider ranges are typed

/** The panel of a model's options: `values()` holds those that differ from their defaults. */
export function options(options, changed) {
  const rows = Object.entries(options).map(([name, option]) => row(name, option, () => update()));
  const title = make("summary", { text: () => say("options") });
  const element = make("details", { class: "options", hidden: !rows.length }, title);
  const values = () => Object.fromEntries(rows.filter((one) => one.differs()).map((one) => [one.name, one.value()]));
  const update = () => {
    const count = Object.keys(values()).length;
    tell(title, () => (count ? say("options_changed", { count }) : say("options")));
    restore.disabled = !count;
    changed();
  };
  const restore = button(() => say("restore"), () => (rows.forEach((one) => one.reset()), update()), { disabled: true });
  element.append(...rows.map((one) => one.element), restore);
  return { element, values, problem: () => rows.map((one) => one.problem()).find(Boolean) };
}

function row(name, option, changed) {
  const own = control(option);
  const id = unique("option");
  const about = make("small", { class: "soft", id: `${id}-help`, text: () => helpOf(option) });
  own.input.id = id;
  own.input.setAttribute("aria-describedby", about.id);
  const shown = make("output", { for: id });
  const show = () => (shown.textContent = own.input.type === "range" ? own.input.value : "");
  own.input.addEventListener("input", show);
  own.input.addEventListener("change", changed);
  const reset = () => (own.put(option.default), show());
  reset();
  const first = own.value(); // a slider may have rounded the default to one of its places
  const head = make("div", { class: "option-head" }, make("label", { for: id, text: name }), shown);
  const element = make("div", { class: `option ${own.input.type}` }, head, own.input, about);
  const differs = () => own.value() !== undefined && own.value() !== first;
  return { name, element, value: own.value, differs, reset, problem: () => broken(name, option, own.input) };
}

function helpOf({ help = "", unit = "", ...option }) {
  const range = rangeOf(option);
  return [sayModel(help), [range, unit].filter(Boolean).join(" ")].filter(Boolean).join(" · ");
}

const has = (value) => value !== undefined && value !== null;

function rangeOf({ type, choices, low, high }) {
  if (type === "boolean" || choices?.length) return "";
  if (has(low) && has(high)) return say("range", { low, high });
  if (has(low)) return say("at_least", { low });
  return has(high) ? say("at_most", { high }) : "";
}

function broken(name, option, input) {
  if (input.validity.valid) return "";
  return () => say("bad_option", { name, range: rangeOf(option) });
}

function control(option) {
  if (option.type === "boolean") return ticked();
  if (option.choices?.length) return chosen(option.choices);
  return option.type === "string" ? written() : counted(option);
}

function ticked() {
  const input = make("input", { type: "checkbox" });
  return { input, value: () => input.checked, put: (value) => (input.checked = Boolean(value)) };
}

function chosen(choices) {
  const input = make("select", {}, choices.map((one, place) => make("option", { value: String(place), text: String(one) })));
  const put = (value) => (input.value = String(choices.indexOf(value)));
  return { input, value: () => choices[Number(input.value)], put };
}

function written() {
  const input = make("input", { type: "text", dir: "auto" });
  return { input, value: () => input.value || undefined, put: (value) => (input.value = value ?? "") };
}

/** A slider, or a field for a number: for a wide range, or where no number stands for the default. */
function counted({ type, low, high, default: usual }) {
  const whole = type === "integer";
  const slides = usual !== null && has(low) && has(high) && (whole ? high - low <= STEPS : high - low <= 1);
  const step = whole ? "1" : slides ? String((high - low) / STEPS) : "any";
  const input = make("input", { type: slides ? "range" : "number", step });
  if (has(low)) input.min = low;
  if (has(high)) input.max = high;
  const value = () => (input.value === "" ? undefined : Number(input.value));
  return { input, value, put: (one) => (input.value = has(one) ? String(one) : "") };
}
