// Times of a sound or a film.

import { button, make } from "../elements.js";
import { clock, say } from "../words.js";

/** A time; where there is a player, a button that plays from there. */
export function moment(seconds, player) {
  if (!player) return make("span", { class: "figure", text: clock(seconds) });
  const play = () => {
    player.currentTime = seconds;
    player.play().catch(() => player.pause()); // a file that the browser cannot play stays still
  };
  return button(clock(seconds), play, { class: "link figure", label: () => say("seek", { time: clock(seconds) }) });
}
