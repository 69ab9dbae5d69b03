// Fields that are typed or chosen, with the name of their input.

import { make, unique } from "../elements.js";

/** A control with its label, `more` below it and a hint under it: {element, control}. */
export function labelled(name, control, more = [], hint) {
  control.id = unique("input");
  const label = make("label", { for: control.id, text: name });
  const small = hint ? make("small", { class: "soft", text: hint }) : null;
  return { element: make("div", {}, label, control, small, ...more), control };
}

/** The value of a control as `read` reads it, undefined while it is empty; tells of changes. */
export function typed(control, events, read) {
  control.addEventListener("input", () => events.changed());
  return () => (control.value.trim() === "" ? undefined : read(control));
}
