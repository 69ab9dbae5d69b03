// A number of a table's row; the cell may be empty.

import { make } from "../elements.js";
import { labelled, typed } from "../parts/fields.js";
import { saying } from "../words.js";

export const words = {
  en: { missing: "Write a number." },
  zh: { missing: "请输入一个数。" },
};
const say = saying(words);

export const drawer = {
  optional: true,
  missing: () => say("missing"),
  field: (name, input, events) => {
    const control = make("input", { type: "number", step: "any", inputmode: "decimal" });
    return { ...labelled(name, control), value: typed(control, events, () => control.valueAsNumber) };
  },
};
