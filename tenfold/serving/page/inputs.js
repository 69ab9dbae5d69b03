// What a person hands over: a field for each input, by the drawer of its medium.
//
// media/<medium>.js exports a drawer with `field(name, input, events)`, which gives {element,
// value() (undefined where nothing is there yet), control to focus}; a field that takes files has
// `set(file)` and `takes(file)` as well, and may have a `stage` to draw on and a `player`. Further
// facts of a drawer: `missing()`, the sentence that asks for a value; `optional`, an empty field
// may be sent; `typed`, lines are written in it; `wide`, it takes a whole row of the form.

import { drawerOf } from "./drawers.js";
import { make, unique } from "./elements.js";
import { labelled } from "./parts/fields.js";
import { say, tell } from "./words.js";

/**
 * The field of a declared input. `events.changed()` is called after each change, `events.files`
 * with what was dropped or chosen, which may be several.
 */
export function field(name, input, events) {
  const drawer = drawerOf("media", input.medium) ?? UNKNOWN;
  const own = drawer.field(name, input, events);
  const problem = make("p", { class: "problem", role: "alert", id: unique("problem") });
  own.control.setAttribute("aria-describedby", problem.id);
  const complain = (text) => {
    tell(problem, text || "");
    own.control.setAttribute("aria-invalid", String(Boolean(text)));
    if (text) own.control.focus();
  };
  const element = make("div", { class: drawer.wide ? "field wide" : "field" }, own.element, problem);
  return Object.assign(own, { name, drawer, element, complain, media: Boolean(own.set), optional: drawer.optional || input.optional });
}

// --- a medium without a file of its own: a sentence in the place of a field ---

const UNKNOWN = {
  closed: true, // nothing can be asked on this page
  wide: true,
  field: (name, { medium }) => {
    const control = make("output", { class: "soft", tabIndex: 0, text: () => say("unknown_medium", { medium: String(medium) }) });
    return { ...labelled(name, control), value: () => undefined };
  },
};
