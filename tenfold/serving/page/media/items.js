// A list of items, typed one by one, with completion where there are choices.

import { button, make, unique } from "../elements.js";
import { labelled } from "../parts/fields.js";
import { saying } from "../words.js";

export const words = {
  en: {
    add: "Add",
    hint: "Type a name and press Enter",
    list: "Chosen for {name}",
    remove_one: "Remove {name}",
    missing: "Add at least one.",
  },
  zh: {
    add: "添加",
    hint: "输入名称后按回车",
    list: "{name} 的已选项",
    remove_one: "移除 {name}",
    missing: "请至少添加一项。",
  },
};
const say = saying(words);

const OFFERED = 50; // completions at a time: a list of all names of a shop would stop the browser

export const drawer = { wide: true, missing: () => say("missing"), field };

function field(name, { choices }, events) {
  const offers = make("datalist", { id: unique("offers") });
  const control = make("input", { type: "text", list: offers.id, autocomplete: "off", dir: "auto" });
  const list = make("ul", { class: "chips", role: "list", label: () => say("list", { name }) });
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
  const row = make("div", { class: "buttons" }, button(() => say("add"), add));
  const own = labelled(name, control, [offers, row, list], () => say("hint"));
  return { ...own, value: () => (chosen.length ? [...chosen] : undefined) };
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
  const away = button("×", remove, { class: "away", label: () => say("remove_one", { name: item }) });
  return make("li", {}, make("bdi", { text: item }), away);
}
