// Something that happens in a sound or film: {label, start, end, score}, or several of them as
// {events: [label, start, end, score]}.

import { make, table } from "../elements.js";
import { moment } from "../parts/times.js";
import { clock, saying, share } from "../words.js";

export const words = {
  en: { count: "Events: {count}", none: "No event", table: "Events with their times", event: "Event" },
  zh: { count: "事件：{count}", none: "没有事件", table: "事件及其时间", event: "事件" },
};
const say = saying(words);

const row = ({ label, start, end, score }) => [label, start, end, score];
const rowsOf = (answer) => answer.events ?? [row(answer)];

export const drawer = {
  /** Events that were told one by one stand in one table. */
  gathered: (predictions) => {
    const events = predictions.filter((one) => one.answer === "event" && !one.events);
    if (events.length < 2) return predictions;
    const others = predictions.filter((one) => !events.includes(one));
    return [...others, { answer: "event", events: events.map(row) }];
  },
  brief: (answer) => (rowsOf(answer).length ? say("count", { count: rowsOf(answer).length }) : say("none")),
  draw: (answer, view) => {
    const rows = rowsOf(answer).map(([label, start, end, score]) => {
      const until = end === undefined || end === null ? "" : clock(end);
      return [moment(start, view.player), until, label, () => (typeof score === "number" ? share(score) : "")];
    });
    const heads = [() => say("time"), "", () => say("event"), () => say("certainty")];
    return rows.length ? table(() => say("table"), heads, rows) : make("div");
  },
};
