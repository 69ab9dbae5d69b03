// A text of any length.

import { make } from "../elements.js";
import { labelled, typed } from "../parts/fields.js";
import { saying } from "../words.js";

export const words = {
  en: { missing: "Write something first." },
  zh: { missing: "请先输入文字。" },
};
const say = saying(words);

export const drawer = {
  typed: true,
  wide: true,
  missing: () => say("missing"),
  field: (name, { optional }, events) => {
    const control = make("textarea", { rows: optional ? 2 : 7, dir: "auto", placeholder: "…" });
    return { ...labelled(name, control), value: typed(control, events, () => control.value) };
  },
};
