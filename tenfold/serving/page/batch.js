// Several files at once: asked about in turn, answers in a table, the table as CSV.

import { Refused } from "./asking.js";
import { button, make } from "./elements.js";
import { brief } from "./outputs.js";
import { say, tell } from "./words.js";

/**
 * A section that answers `files` in turn. `one(file, signal)` asks about a file and gives the
 * server's answer; `show(file, answer)` shows a row's answer as if it had been asked alone.
 */
export function batch(files, one, show) {
  const stopper = new AbortController();
  const rows = files.map((file) => row(file, show));
  const progress = make("p", { class: "soft", role: "status" });
  const bar = make("progress", { max: files.length, value: 0, label: () => say("several") });
  const stop = button(() => say("stop"), () => stopper.abort());
  const csv = button(() => say("csv"), () => download(csvOf(rows)), { disabled: true });
  const said = () => tell(progress, () => told(rows, stopper.signal.aborted));
  const body = make("tbody", {}, rows.map(({ element }) => element));
  const title = make("h2", { text: () => say("several") });
  const head = make("div", { class: "row" }, title, progress, bar, stop, csv);
  const element = make("section", { class: "card batch" }, head, make("div", { class: "scroll" }, make("table", {}, heads(), body)));
  said();
  const done = inTurn(rows, one, stopper.signal, () => (said(), (bar.value += 1))).then(() => {
    said();
    stop.remove();
    bar.remove();
    csv.disabled = false;
  });
  return { element, done, close: () => stopper.abort() };
}

const heads = () => make("thead", {}, make("tr", {}, ["file", "answer"].map((key) => make("th", { scope: "col", text: () => say(key) }))));

function told(rows, stopped) {
  const done = rows.filter((row) => row.done()).length;
  const errors = rows.filter((row) => row.refused).length;
  const words = [say("several_progress", { done, count: rows.length })];
  if (errors) words.push(say("several_errors", { count: errors }));
  if (stopped) words.push(say("stopped"));
  return words.join(" · ");
}

async function inTurn(rows, one, signal, told) {
  for (const row of rows) {
    if (signal.aborted) return;
    try {
      row.answered(await patiently(() => one(row.file, signal)));
      if (row === rows[0]) row.show();
    } catch (error) {
      if (!(error instanceof Refused)) return; // stopped
      row.failed(error);
    }
    told();
  }
}

/** A busy server is asked again after the time it names, a few times. */
export async function patiently(ask, tries = 5) {
  try {
    return await ask();
  } catch (error) {
    if (error.status !== 503 || tries <= 1) throw error;
    await new Promise((settled) => setTimeout(settled, 1000 * error.seconds));
    return patiently(ask, tries - 1);
  }
}

function row(file, show) {
  const open = button(file.name, () => own.show(), { class: "link", disabled: true });
  tell(open, () => say("show_one", { name: file.name }), "aria-label");
  const said = make("td", { class: "soft", text: () => say("waiting") });
  const element = make("tr", {}, make("th", { scope: "row" }, open), said);
  const own = { file, element, show: () => show(file, own.answer), done: () => Boolean(own.predictions || own.refused) };
  own.answered = (answer) => {
    Object.assign(own, { answer, predictions: answer.predictions });
    said.className = "";
    open.disabled = false;
    tell(said, () => own.predictions.map(brief).join("; "));
  };
  own.failed = (refused) => {
    own.refused = refused;
    said.className = "bad";
    tell(said, () => refused.sentence());
  };
  return own;
}

// --- CSV: the same columns as `tenfold predict --csv` ---

/**
 * Rows of one kind as CSV: a column a class where there are classes, else the answer's JSON. Rows of
 * a table have `cells`, which stand before the answer under the names `asked`.
 */
export function csvOf(rows, asked = []) {
  const answers = rows.flatMap(({ file, cells = [], predictions, refused }) => {
    return (predictions ?? [null]).map((answer) => ({ source: answer?.source ?? file.name, cells, answer, refused }));
  });
  const classes = [...new Set(answers.flatMap(({ answer }) => Object.keys(answer?.probabilities ?? {})))];
  classes.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const lines = answers.map(({ source, cells, answer, refused }) => {
    const chances = classes.map((name) => answer?.probabilities?.[name] ?? "");
    return [source, ...asked.map((_, place) => cells[place] ?? ""), answer ? inOneCell(answer) : "", refused ? refused.code || refused.message : "", ...chances];
  });
  const taken = new Set(["source", "label", "error", ...classes]);
  const names = asked.map((name) => (taken.has(name) ? `${name} (asked)` : name));
  return [["source", ...names, "label", "error", ...classes], ...lines].map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

function inOneCell({ answer, source, probabilities, ...rest }) {
  const [only, ...more] = Object.values(rest);
  if (more.length || only === undefined) return JSON.stringify(rest);
  return Array.isArray(only) ? only.map((one) => (typeof one === "object" ? JSON.stringify(one) : one)).join("|") : only;
}

/** A cell that no spreadsheet runs as a formula. */
function cell(value) {
  const text = String(value);
  const figure = /^[+-] ?\d[\d.,' \u00a0]*%?$/.test(text) || !Number.isNaN(Number(text));
  const safe = /^[=+\-@\t\r]/.test(text) && !figure ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Hands a text over as the file answers.csv. */
export function download(text) {
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  make("a", { href: address, download: "answers.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
