// A date of a table's row, with or without a time; the cell may be empty.

import { make } from "../elements.js";
import { labelled, typed } from "../parts/fields.js";
import { saying } from "../words.js";

export const words = {
  en: { hint: "Such as 2024-03-31 or 2024-03-31 15:30", missing: "Write a date." },
  zh: { hint: "例如 2024-03-31 或 2024-03-31 15:30", missing: "请输入一个日期。" },
};
const say = saying(words);

export const drawer = {
  optional: true,
  missing: () => say("missing"),
  field: (name, input, events) => {
    const control = make("input", { type: "text", autocomplete: "off" });
    return { ...labelled(name, control, [], () => say("hint")), value: typed(control, events, () => control.value.trim()) };
  },
};
