// Words that are separated already.

import { make } from "../elements.js";
import { labelled, typed } from "../parts/fields.js";
import { saying } from "../words.js";

export const words = {
  en: { hint: "Separated by spaces or lines", missing: "Write something first." },
  zh: { hint: "用空格或换行分隔", missing: "请先输入文字。" },
};
const say = saying(words);

export const drawer = {
  typed: true,
  wide: true,
  missing: () => say("missing"),
  field: (name, input, events) => {
    const control = make("textarea", { rows: 4, dir: "auto" });
    const read = () => control.value.trim().split(/\s+/u);
    return { ...labelled(name, control, [], () => say("hint")), value: typed(control, events, read) };
  },
};
