// The rows of a table file: asked about in parts, the answers beside the columns as CSV.

import { Refused } from "./asking.js";
import { csvOf, download, patiently } from "./batch.js";
import { button, make } from "./elements.js";
import { brief } from "./outputs.js";
import { say, tell } from "./words.js";

const SHOWN = 100; // rows on the page; the CSV has all
const LEGACY = ["gb18030", "windows-1252"]; // tried in turn where a file is not UTF-8

export const isTable = (file) => /\.(csv|tsv|tab)$/i.test(file.name);

/** The button that chooses a table, and its hidden chooser. */
export function tableField(hand) {
  const chooser = make("input", { type: "file", class: "unseen", accept: ".csv,.tsv,.tab,text/csv", tabIndex: -1 });
  chooser.setAttribute("aria-hidden", "true");
  chooser.addEventListener("change", () => {
    if (chooser.files.length) hand(chooser.files[0]);
    chooser.value = "";
  });
  return [button(() => say("ask_table"), () => chooser.click()), chooser];
}

/**
 * A section that answers the rows of a file, at most `most` at a time. `asking(part, signal)` gives
 * a result for each row of a CSV. Throws Refused where the file has no rows.
 */
export async function tableOf(file, asking, most) {
  const [names, ...records] = recordsOf(await textOf(file));
  if (!records.length) throw new Refused(422, "missing-input");
  const rows = records.map((cells, place) => ({ file: { name: `${file.name}:${place + 2}` }, cells }));
  const stopper = new AbortController();
  const parts = laid(rows, names, () => stopper.abort());
  const told = () => parts.tell(rows, stopper.signal.aborted);
  told();
  const done = inParts(rows, names, { asking, most, signal: stopper.signal, told }).then(() => {
    told();
    parts.end();
  });
  return { element: parts.element, done, close: () => stopper.abort() };
}

function laid(rows, names, stopped) {
  const progress = make("p", { class: "soft", role: "status" });
  const bar = make("progress", { max: rows.length, value: 0, label: () => say("table_title") });
  const stop = button(() => say("stop"), stopped);
  const csv = button(() => say("csv"), () => download(csvOf(rows, names)), { disabled: true });
  const title = make("h2", { text: () => say("table_title") });
  const body = make("tbody", {}, rows.slice(0, SHOWN).map(line));
  const head = make("tr", {}, ["table_row", "answer"].map((key) => make("th", { scope: "col", text: () => say(key) })));
  const table = make("div", { class: "scroll" }, make("table", {}, make("thead", {}, head), body));
  const more = rows.length > SHOWN ? make("p", { class: "soft", text: () => say("table_more", { count: SHOWN }) }) : null;
  const element = make("section", { class: "card batch" }, make("div", { class: "row" }, title, progress, bar, stop, csv), table, more);
  const told = (all, ended) => {
    bar.value = all.filter(answered).length;
    tell(progress, () => sentence(all, ended));
  };
  const end = () => {
    stop.remove();
    bar.remove();
    csv.disabled = false;
  };
  return { element, tell: told, end };
}

/** A row on the page; `row.show()` fills in what was answered. */
function line(row) {
  const said = make("td", { class: "soft", text: () => say("waiting") });
  row.show = () => {
    said.className = row.refused ? "bad" : "";
    tell(said, () => row.refused?.sentence() ?? row.predictions.map(brief).join("; "));
  };
  const cells = make("bdi", { text: row.cells.filter((cell) => cell.trim()).slice(0, 8).join(" · ") });
  return make("tr", {}, make("th", { scope: "row" }, cells), said);
}

const answered = (row) => Boolean(row.predictions || row.refused);

function sentence(rows, stopped) {
  const words = [say("several_progress", { done: rows.filter(answered).length, count: rows.length })];
  const errors = rows.filter((row) => row.refused).length;
  if (errors) words.push(say("several_errors", { count: errors }));
  if (stopped) words.push(say("stopped"));
  return words.join(" · ");
}

async function inParts(rows, names, { asking, most, signal, told }) {
  for (let start = 0; start < rows.length && !signal.aborted; start += most) {
    const part = rows.slice(start, start + most);
    try {
      settle(part, await patiently(() => asking(written(names, part), signal)));
    } catch (error) {
      if (!(error instanceof Refused)) return; // stopped
      for (const row of part) Object.assign(row, { refused: error });
    }
    for (const row of part) row.show?.();
    told();
  }
}

function settle(part, results) {
  if (results.length !== part.length) throw new Refused(422);
  part.forEach((row, place) => {
    const { predictions, error } = results[place];
    Object.assign(row, error ? { refused: new Refused(422, error.code) } : { predictions });
  });
}

// --- text ---

/** Some rows as a CSV file. All cells are quoted, so that no row is a blank line. */
function written(names, rows) {
  const quoted = (cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",");
  const lines = [names, ...rows.map(({ cells }) => cells)].map((cells) => `${quoted(cells)}\n`);
  return new File(lines, "rows.csv", { type: "text/csv" });
}

async function textOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const wide = { "255,254": "utf-16le", "254,255": "utf-16be" }[bytes.slice(0, 2).join()];
  for (const name of wide ? [wide] : ["utf-8", ...LEGACY]) {
    try {
      return new TextDecoder(name, { fatal: true }).decode(bytes);
    } catch {
      continue; // another encoding
    }
  }
  throw new Refused(0, "unreadable");
}

/** The records of a delimited text, without blank lines: lists of cells. */
export function recordsOf(text) {
  const separator = separatorOf(text);
  const records = [];
  let [cells, cell, quoted] = [[], "", false];
  const ended = () => {
    cells.push(cell);
    if (cells.length > 1 || cell.trim()) records.push(cells);
    [cells, cell] = [[], ""];
  };
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (quoted && letter === '"' && text[at + 1] === '"') cell += text[(at += 1)];
    else if (quoted) letter === '"' ? (quoted = false) : (cell += letter);
    else if (letter === '"' && !cell) quoted = true;
    else if (letter === separator) (cells.push(cell), (cell = ""));
    else if (letter === "\n" || letter === "\r") ended();
    else cell += letter;
  }
  ended();
  return records;
}

/** The sign that stands most often in the first line, outside of quotes. */
function separatorOf(text) {
  const first = text.slice(0, 1 << 20).replace(/"[^"]*"/g, "").split(/[\r\n]/, 1)[0];
  const count = (sign) => first.split(sign).length;
  return [",", ";", "\t", "|"].reduce((best, sign) => (count(sign) > count(best) ? sign : best));
}
