// Requests to the server, the same request as a line of curl, and refusals as sentences.

import { knows, say } from "./words.js";

let token = ""; // in memory only

export const useToken = (text) => (token = text);

/** A refusal: `sentence()` says it in the language spoken, `request` is the server's number of it. */
export class Refused extends Error {
  constructor(status, code = "", request = "", seconds = 1) {
    super(code || String(status));
    Object.assign(this, { status, code, request, seconds: Number(seconds) || 1 });
  }

  sentence() {
    const keys = [this.code.replaceAll("-", "_"), String(this.status), "other"].map((key) => `error_${key}`);
    return say(keys.find(knows), { status: this.status, seconds: this.seconds });
  }
}

/** JSON from the server. Throws Refused; an aborted request throws AbortError. */
export async function ask(path, request = null, signal = undefined) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const asked = request ? { method: "POST", ...(await body(request, headers)), signal } : { headers, signal };
  const answer = await fetch(path, asked).catch((error) => {
    throw error.name === "AbortError" ? error : new Refused(0, "offline");
  });
  const document = await answer.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return null; // not from our server, or cut off: the status tells what can be told
  });
  if (answer.ok && document) return document;
  const { code, request: id } = document?.error ?? {};
  const number = id ?? answer.headers.get("X-Request-Id") ?? "";
  throw new Refused(answer.status, code, number, answer.headers.get("Retry-After"));
}

// --- one request: a form where files go with it, else JSON ---

const PARTS = 8; // a form may have so many parts where the model does not say

/**
 * What is asked: `parts` are [name, File or text] of a form, else `json` is the document, in which
 * files of a row too long for a form stand as they are until it is sent.
 */
export function requestOf(values, options, most = PARTS) {
  const fields = Object.entries({ ...values, ...options });
  if (fields.some(([, value]) => value instanceof File) && fields.length <= most) {
    return { parts: fields.map(([name, value]) => [name, value instanceof File ? value : plain(value)]) };
  }
  return { json: Object.keys(options).length ? { inputs: values, options } : { inputs: values } };
}

const plain = (value) => (Array.isArray(value) ? JSON.stringify(value) : String(value ?? ""));

async function body({ json, parts }, headers) {
  if (json) return { body: await filled(json), headers: { ...headers, "Content-Type": "application/json" } };
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  return { body: form, headers };
}

async function filled(json) {
  const inputs = Object.entries(json.inputs).map(async ([name, value]) => [name, value instanceof File ? await base64(value) : value]);
  return JSON.stringify({ ...json, inputs: Object.fromEntries(await Promise.all(inputs)) });
}

function base64(file) {
  return new Promise((settled, failed) => {
    const reader = new FileReader();
    reader.onload = () => settled(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(new Refused(0, "unreadable"));
    reader.readAsDataURL(file);
  });
}

/** How many bytes a request holds, about. */
export function sizeOf({ json, parts }) {
  if (parts) return parts.reduce((sum, [name, value]) => sum + 200 + name.length + (value.size ?? value.length), 0);
  const files = Object.values(json.inputs).filter((value) => value instanceof File);
  return new Blob([JSON.stringify(json)]).size + files.reduce((sum, { size }) => sum + (4 * size) / 3, 0);
}

// --- curl ---

/** The same request as one command for a shell. The token is left to a variable of the shell. */
export function curl(path, request) {
  const words = ["curl", quoted(new URL(path, location.href).href)];
  if (token) words.push("-H", '"Authorization: Bearer $TENFOLD_TOKEN"');
  if (request.json) words.push("-H", quoted("Content-Type: application/json"));
  if (request.json) return piped(words, request.json);
  for (const [name, value] of request.parts) {
    if (value instanceof File) words.push("-F", quoted(`${name}=@${fileWord(value.name)}`));
    else words.push("--form-string", quoted(`${name}=${value}`));
  }
  return words.join(" ");
}

/** JSON as an argument; with files in it, which no argument can hold, through a pipe. */
function piped(words, json) {
  const marks = new Map();
  const text = JSON.stringify(json, (_, value) => {
    if (!(value instanceof File)) return value;
    const mark = `file-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;
    marks.set(mark, value.name);
    return mark;
  });
  if (!marks.size) return [...words, "-d", quoted(text)].join(" ");
  const pieces = text.split(new RegExp(`(${[...marks.keys()].join("|")})`));
  const told = pieces.map((one) => (marks.has(one) ? `base64 < ${quoted(marks.get(one))} | tr -d '\\n'` : `printf %s ${quoted(one)}`));
  return `{ ${told.join("; ")}; } | ${words.join(" ")} -d @-`;
}

/** A word of a POSIX shell: nothing in single quotes is special but the single quote itself. */
const quoted = (text) => (/^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** curl reads , ; and quotes in a file's name as its own unless the name is quoted. */
const fileWord = (name) => (/[,;"\\\s]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name);
