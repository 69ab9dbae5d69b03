// A category of a table's row, chosen or typed; the cell may be empty.

import { make } from "../elements.js";
import { labelled, typed } from "../parts/fields.js";
import { saying } from "../words.js";

export const words = {
  en: { none: "(choose)", missing: "Choose one." },
  zh: { none: "（请选择）", missing: "请选择一项。" },
};
const say = saying(words);

export const drawer = {
  optional: true,
  missing: () => say("missing"),
  field: (name, { choices }, events) => {
    const control = choices.length ? select(choices) : make("input", { type: "text", dir: "auto" });
    return { ...labelled(name, control), value: typed(control, events, () => control.value) };
  },
};

function select(choices) {
  const none = make("option", { value: "", text: () => say("none") });
  return make("select", {}, none, choices.map((one) => make("option", { value: String(one), text: String(one) })));
}
