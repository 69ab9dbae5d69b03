// A text with its parts marked: [name, start, end], counted in characters as Python counts them.

import { make } from "../elements.js";
import { share } from "../words.js";
import { tone } from "./stage.js";

/** The answer's text, or else the one handed over, with `parts` marked; `sure` are their shares. */
export function passage(answer, parts, view, look = "") {
  const { text = handedOver(view), probabilities: sure = [] } = answer;
  const types = [...new Set(parts.map(([type]) => type))];
  const places = parts.map(([type, start, end], row) => ({ type, start, end, sure: sure[row] }));
  return make("p", { class: `passage ${look}`.trim(), dir: "auto", tabIndex: 0 }, marked([...text], places, types));
}

const handedOver = ({ values }) => Object.values(values).find((value) => typeof value === "string") ?? "";

function marked(letters, all, types) {
  const found = [];
  let place = 0;
  for (const { type, start, end, sure } of all.sort((a, b) => a.start - b.start)) {
    if (start < place) continue; // inside one that is marked already
    found.push(letters.slice(place, start).join(""));
    const text = letters.slice(start, end).join("");
    const tip = sure === undefined ? type : `${type} ${share(sure)}`;
    const look = { "--tone": tone(types.indexOf(type)) };
    found.push(make("mark", { look, tip }, text, make("small", { text: type })));
    place = end;
  }
  return [...found, letters.slice(place).join("")];
}
