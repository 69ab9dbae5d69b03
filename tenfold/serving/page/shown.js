// An answer with all that belongs to it: the drawing, its explanation, the request and raw answer.

import { Refused, ask, curl } from "./asking.js";
import { button, make } from "./elements.js";
import { explained } from "./explaining.js";
import { brief, draw, gathered } from "./outputs.js";
import { say, tell } from "./words.js";

/**
 * `asked` is {path, request, values}, `answer` the server's document. Gives the element and what
 * a screen reader is told; `refused(error)` is called where explaining goes wrong for
 * a reason that concerns more than the explanation.
 */
export function shownAnswer(asked, answer, view, fields, refused) {
  const predictions = gathered(answer.predictions);
  const drawings = predictions.map((one) => draw(one, view));
  const told = make("span", { class: "soft", role: "status" });
  const why = make("div");
  const command = text(() => say("curl_title"), curl(asked.path, asked.request));
  const raw = text(() => say("raw_title"), JSON.stringify(answer, null, 1));
  const copy = button(() => say("copy_curl"), () => copied(command, told));
  const explain = button(() => say("explain"), () => explaining(asked, { explain, told, why }, view, fields, refused));
  const actions = make("div", { class: "buttons" }, explain, copy, told);
  const element = make("div", {}, drawings, facts(answer), actions, why, command.element, raw.element);
  return { element, status: () => predictions.map(brief).join("; ") };
}

/** A sentence that says why there is no answer. */
export function refusal(sentence, request) {
  const id = request ? make("small", { class: "soft", text: () => say("request", { id: request }) }) : null;
  return make("div", { class: "refusal", role: "alert" }, make("p", { text: sentence }), id);
}

function facts({ milliseconds, request }) {
  const words = () => [
    milliseconds === undefined ? "" : say("took", { time: `${milliseconds.toFixed(1)}\u00a0ms` }),
    request ? say("request", { id: request }) : "",
  ];
  return make("p", { class: "soft facts", text: () => words().filter(Boolean).join(" · ") });
}

function text(title, content) {
  const pre = make("pre", { tabIndex: 0, text: content });
  return { element: make("details", {}, make("summary", { text: title }), pre), pre, content };
}

async function copied({ element, pre, content }, told) {
  try {
    await navigator.clipboard.writeText(content);
    tell(told, () => say("copied"));
  } catch {
    element.open = true; // no permission, or an address without https: the person copies it
    getSelection().selectAllChildren(pre);
    tell(told, () => say("not_copied"));
  }
}

async function explaining(asked, { explain, told, why }, view, fields, refused) {
  explain.disabled = true;
  tell(told, () => say("explaining"));
  try {
    const path = asked.path.replace(/predict$/, "explain");
    const { explanations } = await ask(path, asked.request);
    if (!why.isConnected) return; // another answer stands there now
    view.stage?.clear();
    why.replaceChildren(explained(explanations, fields, asked.values));
    view.stage?.element.scrollIntoView({ block: "nearest" });
    tell(told, "");
  } catch (error) {
    if (!(error instanceof Refused) || error.status === 401) return refused(error);
    explain.disabled = false;
    tell(told, "");
    why.replaceChildren(refusal(() => error.sentence(), error.request));
  }
}
