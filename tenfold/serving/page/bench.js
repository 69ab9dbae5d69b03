// One model on the bench: its inputs on one side, its answer on the other.

import { Refused, ask, requestOf, sizeOf } from "./asking.js";
import { batch } from "./batch.js";
import { loadAnswers } from "./drawers.js";
import { make } from "./elements.js";
import { field } from "./inputs.js";
import { options } from "./options.js";
import { isTable, tableField, tableOf } from "./tables.js";
import { refusal, shownAnswer } from "./shown.js";
import { bytes, say, tell } from "./words.js";

const LATE = 150; // milliseconds without an answer before the page says that it waits

const at = (id) => document.getElementById(id);

/** Lays a model out; the returned `take(files, target)` hands it dropped or pasted files. */
export function bench(model) {
  const own = { model, path: `v1/models/${model.id}/predict`, quiet: false, running: null, several: null };
  const events = { changed: (changed) => changedInput(own, changed), files: (one, files) => handOver(own, one, files) };
  own.fields = Object.entries(model.inputs).map(([name, input]) => field(name, input, events));
  own.byName = Object.fromEntries(own.fields.map((one) => [one.name, one]));
  own.options = options(model.options, () => own.answered && submit(own));
  own.closed = own.fields.some(({ drawer }) => drawer.closed);
  lay(own);
  empty(own);
  return { take: (files, target) => take(own, files, target), close: () => leave(own) };
}

function lay(own) {
  const go = make("button", { type: "submit", class: "strong", disabled: own.closed, text: () => say("ask") });
  const typed = own.fields.some(({ drawer }) => drawer.typed);
  const hint = typed ? make("small", { class: "soft", text: () => say("ask_hint") }) : null;
  const single = own.fields.length === 1 && own.fields[0].media;
  const fields = own.fields.map((one) => (single ? one.element : titled(one)));
  const form = at("form");
  form.className = own.fields.length > 1 ? "row-of-fields" : "";
  const table = own.model.table ? tableField((file) => askTable(own, file)) : [];
  form.replaceChildren(...fields, own.options.element, make("div", { class: "row" }, go, hint, ...table));
  form.onsubmit = (event) => {
    event.preventDefault();
    submit(own);
  };
  form.onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(own);
  };
}

/** A medium among other inputs has its name above it; the others carry a label of their own. */
function titled({ media, name, element }) {
  return media ? make("div", { role: "group", label: name }, make("span", { class: "label", text: name }), element) : element;
}

function leave(own) {
  own.running?.abort();
  own.several?.close();
  own.fields.filter(({ media }) => media).forEach((one) => setQuietly(own, one, undefined));
  at("batch").replaceChildren();
}

// --- what is handed over ---

function changedInput(own, changed) {
  if (own.quiet) return;
  own.fields.forEach((one) => one.stage?.clear());
  const alone = own.fields.length === 1 && changed?.media;
  if (alone && changed.value()) submit(own);
  else if (alone) empty(own);
  else if (own.answered) stale(own);
  else if (!at("answer").querySelector(".note")) empty(own);
}

function handOver(own, one, files) {
  if (files.length > 1) several(own, one, files);
  else one.set(files[0]);
}

function take(own, files, target) {
  if (own.model.table && isTable(files[0])) return askTable(own, files[0]);
  const over = own.fields.find(({ element }) => element.contains(target));
  const fit = [over, ...own.fields].find((one) => one?.takes?.(files[0]));
  if (fit) handOver(own, fit, files);
  else fail(own, () => say("wrong_medium"));
}

/** The values of all fields, or null where one is missing, which then says so. */
function collected(own, besides = {}) {
  own.fields.forEach((one) => one.complain(""));
  const values = Object.fromEntries(own.fields.map((one) => [one.name, besides[one.name] ?? one.value()]));
  const given = own.fields.some((one) => values[one.name] !== undefined);
  for (const one of own.fields.filter(({ name }) => values[name] === undefined)) {
    if (!given || !one.optional) {
      one.complain(one.drawer.missing ?? (() => say("missing_input")));
      return null;
    }
    values[one.name] = null;
  }
  return values;
}

function requested(own, besides = {}) {
  const values = collected(own, besides);
  if (!values) return null;
  const wrong = own.options.problem();
  if (wrong) return fail(own, wrong);
  const request = requestOf(values, own.options.values(), own.model.limits?.parts);
  const { bytes: all = Infinity, json = all } = own.model.limits ?? {};
  const [size, limit] = [sizeOf(request), request.json ? json : all];
  if (size > limit) return fail(own, () => say("too_big", { size: bytes(size), limit: bytes(limit) }));
  return { path: own.path, request, values };
}

// --- asking ---

async function submit(own) {
  if (own.closed) return;
  const asked = requested(own);
  if (!asked) return;
  const signal = start(own);
  const late = setTimeout(waits, LATE);
  try {
    const answer = await answered(asked, signal);
    if (await drawable(own, signal)) show(own, asked, answer);
  } catch (error) {
    refused(own, error, () => submit(own));
  } finally {
    clearTimeout(late);
  }
}

/** The server's document, once all that draws it is loaded. */
async function answered({ path, request }, signal) {
  const answer = await ask(path, request, signal);
  await loadAnswers(answer.predictions);
  return answer;
}

/** The newest question counts: one still on its way is given up. */
function start(own) {
  own.running?.abort();
  own.running = new AbortController();
  return own.running.signal;
}

function waits() {
  tell(at("status"), () => say("asking"));
  at("answer").classList.add("stale");
  at("answer").setAttribute("aria-busy", "true");
}

function refused(own, error, again) {
  if (error.name === "AbortError") return;
  if (!(error instanceof Refused)) throw error;
  fail(own, () => error.sentence(), error.request);
  if (error.status === 401) own.model.unlock(again);
}

// --- the answer ---

function place(...nodes) {
  const answer = at("answer");
  answer.classList.remove("stale");
  answer.removeAttribute("aria-busy");
  answer.replaceChildren(...nodes);
}

function empty(own) {
  own.running?.abort();
  own.answered = false;
  own.fields.forEach((one) => one.stage?.clear());
  tell(at("status"), "");
  place(make("p", { class: "soft nothing", text: () => say("nothing_yet") }));
}

function fail(own, sentence, request = "") {
  own.running?.abort();
  own.answered = false;
  own.fields.forEach((one) => one.stage?.clear());
  tell(at("status"), "");
  place(refusal(sentence, request));
  return null;
}

function stale(own) {
  own.answered = false;
  own.running?.abort();
  tell(at("status"), "");
  at("answer").removeAttribute("aria-busy");
  at("answer").classList.add("stale");
  at("answer").prepend(make("p", { class: "note", text: () => say("stale") }));
}

/** Waits for the pictures, whose shape boxes and masks need; false where the question is given up. */
async function drawable(own, signal) {
  await Promise.all(own.fields.map((one) => one.stage?.shown));
  return !signal.aborted;
}

function show(own, asked, answer) {
  const pictures = own.fields.filter((one) => one.stage);
  own.answered = true;
  own.fields.forEach((one) => one.stage?.clear());
  const view = {
    model: own.model,
    values: asked.values,
    stage: pictures[0]?.stage ?? null,
    player: own.fields.find((one) => one.player)?.player ?? null,
  };
  const { element, status } = shownAnswer(asked, answer, view, own.byName, (error) => refused(own, error, () => submit(own)));
  place(element);
  tell(at("status"), status);
  element.firstChild.scrollIntoView({ block: "nearest" });
}

// --- several files ---

function several(own, one, files) {
  if (!requested(own, { [one.name]: files[0] })) return;
  const asking = async (file, signal) => {
    const asked = requested(own, { [one.name]: file });
    if (!asked) throw new Refused(413, "too-large");
    return answered(asked, signal);
  };
  const showRow = async (file, answer) => {
    if (one.value() !== file) setQuietly(own, one, file);
    if (await drawable(own, start(own))) show(own, requested(own), answer);
  };
  own.several?.close();
  own.several = batch(files, asking, showRow);
  at("batch").replaceChildren(own.several.element);
  own.several.element.scrollIntoView({ block: "nearest" });
  setQuietly(own, one, files[0]);
  empty(own);
}

// --- the rows of a table ---

async function askTable(own, file) {
  const wrong = own.options.problem();
  if (wrong) return fail(own, wrong);
  const path = `v1/models/${own.model.id}/batch`;
  const asking = async (part, signal) => {
    const { results } = await ask(path, { parts: [[own.model.table, part], ...Object.entries(own.options.values())] }, signal);
    await loadAnswers(results.flatMap(({ predictions }) => predictions ?? []));
    return results;
  };
  own.several?.close();
  try {
    own.several = await tableOf(file, asking, own.model.limits?.batch ?? 1);
  } catch (error) {
    return refused(own, error, () => askTable(own, file));
  }
  at("batch").replaceChildren(own.several.element);
  own.several.element.scrollIntoView({ block: "nearest" });
  return own.several.done;
}

/** Shows a file without asking about it. */
function setQuietly(own, one, file) {
  own.quiet = true;
  one.set(file);
  own.quiet = false;
}
