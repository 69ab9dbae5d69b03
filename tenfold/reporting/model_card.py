"""The model card of a run: intended use, training data, test and limits.

M. Mitchell et al. 2019, "Model cards for model reporting" (arXiv 1810.03993).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenfold.core.language import say
from tenfold.core.message import translate
from tenfold.reporting import words
from tenfold.reporting.notes import weakness
from tenfold.run import folder
from tenfold.run.run import Run
from tenfold.tasks.registry import names

__all__ = ["card", "tables"]

CardDocument = dict[str, Any]
CardNotes = Sequence[tuple[str, str]]


def card(run: Run, document: CardDocument, rows: CardDocument, notes: CardNotes) -> CardDocument:
    """The model card; its keys are stable, its sentences are in the current language."""
    plan = folder.plan_of(run.folder)
    versions = plan.get("versions", {})
    headline = document["headline"]
    score = document["scores"][headline]
    return {
        "name": run.folder.resolve().name,
        "task": run.task_name,
        "use": say(
            "{work} It is meant for inputs like the training data.",
            work=translate(names().get(run.task_name, run.task_name)),
        ),
        "not_for": [
            say("Inputs unlike the training data; the model answers them without a warning."),
            say(
                "Decisions about people, or decisions where an error does harm, without human "
                "review."
            ),
        ],
        "learnt_from": {
            **rows["parts"],
            "classes": {name: one["train"] for name, one in rows["classes"].items()},
            "fingerprint": str(plan.get("data", "")),
        },
        "tested": {
            "protocol": document["protocol"],
            "metric": headline,
            **{name: score[name] for name in ("value", "low", "high", "baseline")},
        },
        "limits": _limits(document, notes),
        "made": {
            "tenfold": str(versions.get("tenfold", "")),
            "torch": str(versions.get("torch", "")),
            "device": document["environment"].get("device", ""),
            "time": document["environment"].get("time", ""),
        },
    }


def _limits(document: CardDocument, notes: CardNotes) -> list[str]:
    """The weaknesses shown by the scores and the notes, and what was not tested."""
    found = [text for tone, text in notes if tone == "look"]
    classes = [one for one in document["details"].get("classes", []) if one["support"] >= 5]
    weakest = min(classes, key=lambda one: float(one["recall"]), default=None)
    if weakest and weakest["recall"] < 1 and weakness(weakest) not in found:
        found.append(weakness(weakest))
    for group in document["by_examples"]:
        if group["most"] and group["most"] <= 10:
            found.append(
                say(
                    "{classes} with at most {most} training rows: {share} of their scored rows "
                    "were predicted correctly.",
                    classes=words.plural(group["classes"], "class", "classes"),
                    most=group["most"],
                    share=words.share(group["value"]),
                )
            )
    return [
        *found,
        say("The scores hold for rows like the scored ones; when the data change, test again."),
        _fairness([one["column"] for one in document.get("by", [])]),
    ]


def _fairness(columns: list[str]) -> str:
    """What was compared between groups of people: the values of the columns of `--by`, if any."""
    if not columns:
        return say("Fairness between groups of people was not tested; no claim is made about it.")
    return say(
        "Scores were compared by {columns}; other groups of people were not compared.",
        columns=say(", ").join(columns),
    )


def tables(found: CardDocument) -> dict[str, list[tuple[str, str]]]:
    """The card as tables of (word, value) rows for the page, by section."""
    learnt, tested, made = found["learnt_from"], found["tested"], found["made"]
    said = words.metric(tested["metric"])
    interval = said.interval(tested["low"], tested["high"])
    rows = {
        "learnt_from": [
            *((say("rows of {part}", part=words.named(part)), f"{learnt[part]:,}")
              for part in ("train", "valid", "test")),
            (say("classes"), f"{len(learnt['classes']):,}" if learnt["classes"] else ""),
            (words.named("data"), learnt["fingerprint"][:16]),
        ],
        "tested": [
            (say("scored rows"), translate(tested["protocol"])),
            (said.title, said.text_of(tested["value"])),
            (say("95 % interval"), interval),
            (words.named("constant baseline"), said.text_of(tested["baseline"])),
        ],
        "made": [(words.named(name), translate(value)) for name, value in made.items()],
    }  # fmt: skip
    return {name: [one for one in many if one[1]] for name, many in rows.items()}
