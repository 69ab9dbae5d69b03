"""Texts of a hyperparameter search: the table of its trials, and its winner compared with the
default settings.
"""

from __future__ import annotations

from typing import Any

from tenfold.answers.names import column
from tenfold.core.language import counted, plural, say
from tenfold.core.message import Message, as_message, translate
from tenfold.core.text import padded, width
from tenfold.reporting import comparison, words
from tenfold.run.compare import Compared
from tenfold.run.scores_text import scores_text

__all__ = ["said", "text", "verdict"]

TuningContent = dict[str, Any]
ENDED = {"pruned": Message("pruned"), "failed": Message("failed")}


def said(settings: TuningContent) -> Message:
    """The settings that differ from the defaults, as text."""
    if not settings:
        return Message("default settings")
    return as_message(", ".join(f"{name} {value}" for name, value in settings.items()))


def verdict(
    winner: TuningContent, default: TuningContent, found: Compared | None, won: bool
) -> Message:
    """Whether the winner beat the default settings, in one or two sentences."""
    if not winner["trial"]:
        return Message(
            "Tuning did not beat the default settings: no trial reached a better validation score "
            "than their {metric} of {value:.4f}. They are kept.",
            metric=words.title(winner["headline"]),
            value=default["value"],
        )
    if found is None:
        return Message(
            "Whether tuning beat the default settings is unknown: no validation row is left that "
            "was not used to select. They are kept."
        )
    rows = counted(found.rows, "validation row")
    if found.groups is not None:
        groups = counted(found.groups, "group")
        rows = Message("{rows} of {groups}", rows=rows, groups=groups)
    trial = Message("trial {number}", number=winner["trial"])
    result = comparison.result(found, (trial, Message("the default settings")))
    if won:
        return Message(
            "Tuning beat the default settings. On {rows} not used to select, {result}",
            rows=rows,
            result=result,
        )
    return Message(
        "Tuning did not significantly beat the default settings, which are kept. On {rows} not "
        "used to select: {result}",
        rows=rows,
        result=result,
    )


def text(content: TuningContent, scores: TuningContent) -> str:
    """Returns the document of `tune` as text for the terminal; `scores` are of the final run."""
    trials = content["trials"]
    lines = [_heading(content), "", *_table(content), "", translate(content["verdict"])]
    if content["winner"]:
        lines.append(
            say(
                "{value:.4f} is the best of {trials} on the rows used to select it, so it is too "
                "optimistic: quote the score of the test part.",
                value=trials[content["winner"]]["value"],
                trials=plural(len(trials), "trial"),
            )
        )
    return "\n".join([*lines, "", scores_text(scores)])


def _heading(content: TuningContent) -> str:
    ended = [one["ended"] for one in content["trials"]]
    early = ended.count("pruned")
    return say(
        "{task}: {trials} in {folder}{early}, compared on {rows}",
        task=content["task"],
        trials=plural(len(ended), "trial"),
        folder=content["folder"],
        early=say(", {count} ended early", count=early) if early else "",
        rows=plural(content["rows"]["selection"], "validation row"),
    )


def _table(content: TuningContent) -> list[str]:
    """A line for each trial, below the titles of the columns."""
    heads = (say("trial"), column(content["headline"]), say("seconds"), say("settings"))
    wide = [max(5, width(heads[0])), max(10, width(heads[1])), max(7, width(heads[2]))]
    rows = [heads]
    for one in content["trials"]:
        ended = translate(ENDED.get(one["ended"], one["ended"]))
        value = ended if one["value"] is None else f"{one['value']:.4f}"
        mark = "  " + say("<- best on validation") if one["trial"] == content["winner"] else ""
        settings = f"{translate(said(one['settings']))}{mark}"
        rows.append((str(one["trial"]), value, f"{one['seconds']:.1f}", settings))
    return [
        "  "
        + "  ".join(
            padded(cell, most, right=True) for cell, most in zip(row[:3], wide, strict=True)
        )
        + f"  {row[3]}"
        for row in rows
    ]
