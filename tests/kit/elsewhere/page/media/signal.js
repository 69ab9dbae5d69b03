// A row of numbers, separated by blanks.

import { make } from "../elements.js";
import { labelled, typed } from "../parts/fields.js";
import { saying } from "../words.js";

export const words = {
  en: { hint: "Numbers with blanks between", missing: "Write some numbers." },
  zh: { hint: "用空格分隔的数字", missing: "请输入数字。" },
};
const say = saying(words);

export const drawer = {
  typed: true,
  wide: true,
  missing: () => say("missing"),
  field: (name, input, events) => {
    const control = make("textarea", { rows: 3 });
    const value = typed(control, events, () => control.value.trim().split(/\s+/).map(Number));
    return { ...labelled(name, control, [], () => say("hint")), value };
  },
};
