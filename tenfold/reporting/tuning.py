"""The texts of a hyperparameter search: its trials as a table, and winner against default."""

from __future__ import annotations

from typing import Any

from tenfold.core.document import scores_text
from tenfold.reporting import comparison, words
from tenfold.run.compare import Compared

__all__ = ["said", "text", "verdict"]

TuningContent = dict[str, Any]


def said(settings: TuningContent) -> str:
    """The settings that differ from the defaults, as text."""
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "default settings"


def verdict(
    winner: TuningContent, default: TuningContent, found: Compared | None, won: bool
) -> str:
    """Whether the winner beat the default settings, in one or two sentences."""
    metric = words.metric(winner["headline"])
    if not winner["trial"]:
        return (
            f"Tuning did not beat the default settings: no trial reached a better validation score "
            f"than their {metric.title} of {default['value']:.4f}. They are kept."
        )
    if found is None:
        return (
            "Whether tuning beat the default settings is unknown: no validation row is left that "
            "was not used to select. They are kept."
        )
    rows = f"{words.plural(found.rows, 'validation row')} not used to select"
    names = (f"trial {winner['trial']}", "the default settings")
    if won:
        return f"Tuning beat the default settings. On {rows}, {comparison.verdict(found, names)}"
    return (
        f"Tuning did not significantly beat the default settings, which are kept. On {rows}: "
        f"{comparison.verdict(found, names)}"
    )


def text(content: TuningContent, scores: TuningContent) -> str:
    """The document as text for the terminal; `scores` are those of the final run."""
    rows = words.plural(content["rows"]["selection"], "validation row")
    ended = [one["ended"] for one in content["trials"]]
    early = f", {ended.count('pruned')} ended early" if "pruned" in ended else ""
    lines = [
        f"{content['task']}: {words.plural(len(ended), 'trial')} in {content['folder']}{early}, "
        f"compared on {rows}",
        "",
        f"  trial  {content['headline']:>10}  seconds  settings",
    ]
    for one in content["trials"]:
        value = one["ended"] if one["value"] is None else f"{one['value']:.4f}"
        mark = "  <- best on validation" if one["trial"] == content["winner"] else ""
        lines.append(
            f"  {one['trial']:5}  {value:>10}  {one['seconds']:7.1f}  {said(one['settings'])}{mark}"
        )
    best = content["trials"][content["winner"]]["value"]
    lines += ["", content["verdict"]]
    if content["winner"]:
        lines.append(
            f"{best:.4f} is the best of {len(ended)} trials on the rows used to select it, so it "
            "is too optimistic: quote the score of the test part."
        )
    return "\n".join([*lines, "", scores_text(scores)])
