// Fields that take a file: dropped, chosen, pasted, or from a live source.

import { button, make } from "../elements.js";
import { bytes, say, tell } from "../words.js";

/**
 * A field for a file. `facts`: `type` (image, audio ...) and `accept` as browsers name types of
 * files, `drop` and `more` the two sentences of the empty zone, `show(file)` which gives {element,
 * close} and perhaps `lay` (then it is a stage) or `player`, `live(hand)` the nodes of a live
 * source, `low` for a lower zone.
 */
export function zone(facts, events) {
  const state = { file: undefined, shown: null };
  const parts = zoneParts(facts);
  const own = { set: (file) => put(file), takes: (file) => file.type.startsWith(`${facts.type}/`) || !file.type };
  const put = (file) => {
    state.shown?.close();
    state.file = file;
    state.shown = file ? facts.show(file) : null;
    parts.fill(state.shown?.element);
    own.stage = state.shown?.lay ? state.shown : null;
    own.player = state.shown?.player ?? null;
    events.changed(own);
  };
  const hand = (files) => files.length && events.files(own, [...files]);
  parts.wire(hand, () => put(undefined), facts.live?.(hand) ?? []);
  return Object.assign(own, { element: parts.element, control: parts.zone, value: () => state.file });
}

function zoneParts({ accept, drop, more = () => say("drop_more"), low = false }) {
  const chooser = make("input", { type: "file", class: "unseen", accept, multiple: true, tabIndex: -1 });
  chooser.setAttribute("aria-hidden", "true");
  const zone = make("button", { type: "button", class: "zone" });
  zone.append(icon(), make("strong", { text: drop }), make("small", { text: more }));
  const holder = make("div", { class: low ? "holder low" : "holder" }, zone);
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

/** The button of a live source; where the browser refuses it, a sentence says so beside it. */
export function source(text, start, refused) {
  const said = make("span", { class: "soft", role: "status" });
  let busy = false; // not `disabled`: the focus comes back to the button
  const press = button(text, async () => {
    if (busy) return;
    busy = true;
    await start().catch(() => tell(said, refused));
    busy = false;
  });
  return { press, nodes: [press, said] };
}

/** Sound or film in the browser's own player. */
export function played(tag) {
  return (file) => {
    const address = URL.createObjectURL(file);
    const player = make(tag, { controls: true, src: address, label: file.name });
    const facts = make("figcaption", { text: () => say("file_facts", { name: file.name, size: bytes(file.size) }) });
    const element = make("figure", { class: "stage" }, make("div", { class: "room" }, player), facts);
    return { element, player, close: () => URL.revokeObjectURL(address) };
  };
}
