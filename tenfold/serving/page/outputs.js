// What a model says: its answers, each by the drawer of its kind.
//
// answers/<answer>.js exports a drawer with `brief(answer)`, the answer in a few words, and
// `draw(answer, view)`, the whole of it. `view` knows what was asked: `model`, `values`, and where
// there are any the `stage` of the picture and the `player` of the sound or film. A drawer may also
// have `gathered(predictions)`, which joins those that are shown as one, and `long`: `brief` is
// more than a few words.

import { drawerOf } from "./drawers.js";
import { make, table } from "./elements.js";
import { say } from "./words.js";

/** An answer in a few words, in the language spoken. */
export const brief = (answer) => drawerFor(answer).brief(answer);

/** An answer drawn. */
export function draw(answer, view) {
  const drawer = drawerFor(answer);
  const look = drawer.long ? "headline long" : "headline";
  const head = make("p", { class: look, dir: "auto", text: () => brief(answer) });
  const part = answer.source ? make("p", { class: "soft", text: answer.source }) : null;
  return make("article", { class: "answer", "data-answer": String(answer.answer) }, head, part, drawer.draw(answer, view));
}

/** Predictions as they are shown: each kind may join its own. */
export function gathered(predictions) {
  const drawers = new Set(predictions.map(drawerFor));
  return [...drawers].reduce((all, drawer) => drawer.gathered?.(all) ?? all, predictions);
}

const drawerFor = ({ answer }) => drawerOf("answers", answer) ?? UNKNOWN;

// --- an answer without a file of its own: its JSON as a table ---

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
