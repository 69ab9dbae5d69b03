// What a person hands over: one drawer for each kind of input, in one table at the end.
//
// A drawer makes a field: `element`, `value()` (undefined where nothing is there yet), `control` to
// focus; a medium also takes a file (`set`), and may have a `stage` to draw on and a `player`.

import { photograph, record } from "./capture.js";
import { button, make, unique } from "./elements.js";
import { stage } from "./stage.js";
import { bytes, say, tell } from "./words.js";

/**
 * The field of a declared input. `events.changed()` is called after each change, `events.files`
 * with what was dropped or chosen, which may be several.
 */
export function field(name, input, events) {
  const own = MEDIA[input.medium](name, input, events);
  const problem = make("p", { class: "problem", role: "alert", id: unique("problem") });
  own.control.setAttribute("aria-describedby", problem.id);
  const complain = (text) => {
    tell(problem, text || "");
    own.control.setAttribute("aria-invalid", String(Boolean(text)));
    if (text) own.control.focus();
  };
  const element = make("div", { class: `field ${input.medium}` }, own.element, problem);
  return Object.assign(own, { name, medium: input.medium, element, complain, media: Boolean(own.set) });
}

// --- media: pictures, sound, film ---

const ACCEPTS = { image: "image/*,.pgm,.ppm,.tif,.tiff", audio: "audio/*", video: "video/*" };

function medium(kind, show, live) {
  return (name, _, events) => {
    const state = { file: undefined, shown: null };
    const parts = mediumParts(kind);
    const own = { set: (file) => put(file), takes: (file) => file.type.startsWith(`${kind}/`) || !file.type };
    const put = (file) => {
      state.shown?.close();
      state.file = file;
      state.shown = file ? show(file) : null;
      parts.fill(state.shown?.element);
      own.stage = state.shown?.lay ? state.shown : null;
      own.player = state.shown?.player ?? null;
      events.changed(own);
    };
    const hand = (files) => files.length && events.files(own, [...files]);
    parts.wire(hand, () => put(undefined), live(hand));
    return Object.assign(own, { element: parts.element, control: parts.zone, value: () => state.file });
  };
}

function mediumParts(kind) {
  const chooser = make("input", { type: "file", class: "unseen", accept: ACCEPTS[kind], multiple: true, tabIndex: -1 });
  chooser.setAttribute("aria-hidden", "true");
  const zone = make("button", { type: "button", class: "zone" });
  const more = kind === "image" ? "drop_paste" : "drop_more";
  zone.append(icon(), make("strong", { text: () => say(`drop_${kind}`) }), make("small", { text: () => say(more) }));
  const holder = make("div", { class: "holder" }, zone);
  const buttons = make("div", { class: "buttons" });
  const open = () => chooser.click();
  zone.addEventListener("click", open);
  const another = button(() => say("another"), open, { hidden: true });
  const fill = (shown) => {
    const focused = buttons.contains(document.activeElement);
    holder.replaceChildren(shown ?? zone);
    buttons.querySelectorAll(".when-filled").forEach((one) => (one.hidden = !shown));
    if (focused && !shown) zone.focus();
    chooser.value = "";
  };
  const wire = (hand, remove, extra) => {
    chooser.addEventListener("change", () => hand(chooser.files));
    const drop = button(() => say("remove"), remove, { hidden: true });
    for (const one of [another, drop]) one.classList.add("when-filled");
    buttons.append(another, drop, ...extra);
  };
  return { element: make("div", {}, holder, buttons, chooser), zone, fill, wire };
}

function icon() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", "M12 15V4m0 0L7.5 8.5M12 4l4.5 4.5M4 15v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3");
  svg.append(path);
  return svg;
}

/** A live source: where the browser refuses it, a sentence says so in the button's place. */
function source(text, start, refused) {
  const said = make("span", { class: "soft", role: "status" });
  let busy = false; // not `disabled`: the focus comes back to the button
  const press = button(text, async () => {
    if (busy) return;
    busy = true;
    await start().catch(() => tell(said, () => say(refused)));
    busy = false;
  });
  return { press, nodes: [press, said] };
}

function camera(hand) {
  const start = async () => {
    const picture = await photograph();
    if (picture) hand([picture]);
  };
  return source(() => say("camera"), start, "no_camera").nodes;
}

function microphone(hand) {
  let running = null;
  const toggle = async () => {
    if (running) {
      const file = await running.stop();
      running = null;
      tell(press, () => say("record"));
      hand([file]);
    } else {
      running = await record((time) => tell(press, () => say("stop_record", { time })));
    }
  };
  const { press, nodes } = source(() => say("record"), toggle, "no_microphone");
  return nodes;
}

/** Sound or film in the browser's own player. */
function played(tag) {
  return (file) => {
    const address = URL.createObjectURL(file);
    const player = make(tag, { controls: true, src: address, label: file.name });
    const facts = make("figcaption", { text: () => say("file_facts", { name: file.name, size: bytes(file.size) }) });
    const element = make("figure", { class: "stage" }, make("div", { class: "room" }, player), facts);
    return { element, player, close: () => URL.revokeObjectURL(address) };
  };
}

// --- words and numbers ---

function labelled(name, control, more = [], hint) {
  control.id = unique("input");
  const label = make("label", { for: control.id, text: name });
  const small = hint ? make("small", { class: "soft", text: hint }) : null;
  return { element: make("div", {}, label, control, small, ...more), control };
}

function typed(control, events, read) {
  control.addEventListener("input", () => events.changed());
  return () => (control.value.trim() === "" ? undefined : read(control));
}

function text(name, _, events) {
  const control = make("textarea", { rows: 7, dir: "auto", placeholder: "…" });
  return { ...labelled(name, control), value: typed(control, events, () => control.value) };
}

function tokens(name, _, events) {
  const control = make("textarea", { rows: 4, dir: "auto" });
  const read = () => control.value.trim().split(/\s+/u);
  return { ...labelled(name, control, [], () => say("tokens_hint")), value: typed(control, events, read) };
}

function number(name, _, events) {
  const control = make("input", { type: "number", step: "any", inputmode: "decimal" });
  return { ...labelled(name, control), value: typed(control, events, () => control.valueAsNumber) };
}

function category(name, { choices }, events) {
  const control = choices.length ? select(choices) : make("input", { type: "text", dir: "auto" });
  return { ...labelled(name, control), value: typed(control, events, () => control.value) };
}

function select(choices) {
  const none = make("option", { value: "", text: () => say("category_none") });
  return make("select", {}, none, choices.map((one) => make("option", { value: String(one), text: String(one) })));
}

// --- lists ---

const OFFERED = 50; // completions at a time: a list of all names of a shop would stop the browser

function items(name, { choices }, events) {
  const offers = make("datalist", { id: unique("offers") });
  const control = make("input", { type: "text", list: offers.id, autocomplete: "off", dir: "auto" });
  const list = make("ul", { class: "chips", role: "list", label: () => say("items_list", { name }) });
  const chosen = [];
  const offer = () => offers.replaceChildren(...matching(choices, control.value).map((value) => make("option", { value })));
  const redraw = () => {
    list.replaceChildren(...chosen.map((item, place) => chip(item, () => remove(place))));
    events.changed();
  };
  const remove = (place) => {
    chosen.splice(place, 1);
    redraw();
    control.focus();
  };
  const add = () => {
    const word = control.value.trim();
    if (!word) return;
    if (!chosen.includes(word)) chosen.push(word);
    control.value = "";
    redraw();
    control.focus();
  };
  control.addEventListener("input", offer);
  control.addEventListener("keydown", (event) => event.key === "Enter" && control.value.trim() && (event.preventDefault(), add()));
  offer();
  const row = make("div", { class: "buttons" }, button(() => say("items_add"), add));
  const field = labelled(name, control, [offers, row, list], () => say("items_hint"));
  return { ...field, value: () => (chosen.length ? [...chosen] : undefined) };
}

function matching(choices, typed) {
  const word = typed.trim().toLocaleLowerCase();
  const fits = [];
  for (const choice of choices) {
    if (fits.length === OFFERED) break;
    if (String(choice).toLocaleLowerCase().includes(word)) fits.push(String(choice));
  }
  return fits;
}

function chip(item, remove) {
  const away = button("×", remove, { class: "away", label: () => say("remove_named", { name: item }) });
  return make("li", {}, make("bdi", { text: item }), away);
}

// --- the table ---

export const MEDIA = {
  image: medium("image", stage, camera),
  audio: medium("audio", played("audio"), microphone),
  video: medium("video", played("video"), () => []),
  text,
  tokens,
  number,
  category,
  items,
};
