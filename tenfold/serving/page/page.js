// The page: which models there are, which one is on the bench, in which language and colours.

import { Refused, ask, useToken } from "./asking.js";
import { bench } from "./bench.js";
import { loadModels } from "./drawers.js";
import { button, make } from "./elements.js";
import { refusal } from "./shown.js";
import { language, metric, otherLanguage, say, sayModel, speak, tell } from "./words.js";

const at = (id) => document.getElementById(id);
const HERE = new Set(["localhost", "127.0.0.1", "[::1]"]);
const state = { models: [], bench: null };

// --- language and colours ---

/** A choice kept for the next visit, where the browser keeps any. */
function kept(name, value) {
  try {
    if (value) localStorage.setItem(`tenfold-${name}`, value);
    return localStorage.getItem(`tenfold-${name}`);
  } catch {
    return null; // storage is switched off: the choice holds until the page is closed
  }
}

function chooseLanguage(name) {
  speak(name);
  at("language").lang = otherLanguage() === "zh" ? "zh-CN" : "en";
}

const darkNow = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

function chooseTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  tell(at("theme"), () => say(darkNow() ? "light" : "dark"));
  tell(at("theme"), () => say(darkNow() ? "light_label" : "dark_label"), "aria-label");
}

function dress() {
  const words = { skip: "skip", "models-word": "model", language: "other_language", "input-title": "input" };
  for (const [id, key] of Object.entries({ ...words, "answer-title": "answer", documentation: "documentation", schema: "schema" })) {
    tell(at(id), () => say(key));
  }
  chooseTheme(kept("theme"));
  chooseLanguage(kept("language") ?? (/^zh\b/i.test(navigator.language) ? "zh" : "en"));
  at("language").addEventListener("click", () => chooseLanguage(kept("language", otherLanguage()) ?? otherLanguage()));
  at("theme").addEventListener("click", () => {
    const theme = darkNow() ? "light" : "dark";
    chooseTheme(kept("theme", theme) ?? theme);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chooseTheme());
}

// --- models ---

async function load() {
  try {
    state.models = (await ask("v1/models")).models;
    await loadModels(state.models);
    document.body.classList.remove("waiting");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    at("about").replaceChildren(refusal(() => error.sentence(), error.request));
    if (error.status === 401) unlock(load);
    return;
  }
  const list = state.models.map(({ id }) => make("option", { value: id, text: id }));
  at("models").replaceChildren(...list);
  at("models-row").hidden = list.length < 2;
  if (list.length) choose(state.models[0]);
  else at("about").replaceChildren(make("p", { text: () => say("no_models") }));
}

function choose(model) {
  state.bench?.close();
  tell(document.querySelector("title"), () => say("title", { model: model.id }));
  at("about").replaceChildren(...about(model));
  state.bench = bench({ ...model, unlock });
}

function about({ id, task, hash, headline, score }) {
  const facts = make("p", { class: "soft facts" }, make("span", { text: () => sayModel(task.replaceAll("-", " ")) }), " · ");
  facts.append(make("span", { text: () => say("hash") }), " ", make("code", { text: hash.slice(0, 12), title: hash }));
  const told = score ? scored(headline, score) : make("p", { class: "soft", text: () => say("no_score") });
  const here = HERE.has(location.hostname);
  const privacy = () => say(here ? "private_here" : "private_there", { host: location.host });
  return [make("div", {}, make("h1", {}, make("bdi", { text: id })), facts), told, make("p", { class: "private", text: privacy })];
}

function scored(headline, { value, low, high, baseline }) {
  const as = (one) => metric(headline).say(one);
  const big = make("strong", { text: () => say("tested", { metric: metric(headline).title, value: as(value) }) });
  const interval = () => (low === null ? [] : [say("interval", { low: as(low), high: as(high) })]);
  const rest = () => [...interval(), say("baseline", { baseline: as(baseline) })].join(" · ");
  return make("p", { class: "score" }, big, " ", make("span", { class: "soft", text: rest }));
}

// --- token ---

function unlock(again) {
  const input = make("input", { type: "password", autocomplete: "off", id: "token", required: true });
  const hint = make("small", { class: "soft", id: "token-hint", text: () => say("token_hint") });
  input.setAttribute("aria-describedby", hint.id);
  const go = button(() => say("token_use"), () => undefined, { type: "submit", class: "strong" });
  const label = make("label", { for: "token", text: () => say("token") });
  const form = at("token-form");
  form.replaceChildren(make("h2", { text: () => say("token_title") }), make("div", { class: "row" }, label, input, go), hint);
  form.hidden = false;
  form.onsubmit = (event) => {
    event.preventDefault();
    useToken(input.value);
    form.hidden = true;
    again();
  };
  input.focus();
}

// --- dropping and pasting anywhere ---

function receive() {
  const drag = (on) => document.body.classList.toggle("dragging", on);
  const holds = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => holds(event) && (event.preventDefault(), drag(true)));
  document.addEventListener("dragleave", (event) => event.relatedTarget || drag(false));
  document.addEventListener("drop", (event) => {
    drag(false);
    if (!holds(event)) return;
    event.preventDefault();
    hand(event.dataTransfer.files, event.target);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) hand(event.clipboardData.files, event.target);
  });
}

function hand(files, target) {
  if (files.length) state.bench?.take([...files], target);
}

dress();
receive();
at("models").addEventListener("change", () => choose(state.models.find(({ id }) => id === at("models").value)));
document.documentElement.dataset.language = language();
load();
