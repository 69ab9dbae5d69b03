"""What a person should know first: sentences from scores, log and rows, most telling first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tenfold import draw
from tenfold.reporting.words import metric, plural, share

__all__ = ["notes"]

Document = dict[str, Any]
Notes = Iterator[tuple[str, str]]
MOST = 7


def notes(document: Document, rows: Document, log: Sequence[Document]) -> list[tuple[str, str]]:
    """At most seven (`good` or `look`, sentence)."""
    found = [note for rule in RULES for note in rule(document, rows, log)]
    return found[:MOST]


def _against_baselines(document: Document, rows: Document, log: Sequence[Document]) -> Notes:
    name = document["headline"]
    said, score = metric(name), document["scores"][name]
    known = {key: values[name] for key, values in document["baselines"].items() if name in values}
    if not known or said.better == "lower":
        return
    best = max(known, key=lambda key: known[key])
    if score["low"] > known[best]:
        yield "good", f"Surely better than the {best} ({said.say(known[best])})."
    elif score["value"] > known[best]:
        yield "look", f"Better than the {best} ({said.say(known[best])}), but not surely so."
    else:
        yield "look", f"No better than the {best} ({said.say(known[best])}), which is far simpler."


def _few_rows(document: Document, rows: Document, log: Sequence[Document]) -> Notes:
    score, judged = document["scores"][document["headline"]], document["rows"].get("judged", 0)
    if metric(document["headline"]).share and score["high"] - score["low"] > 0.08:
        low, high = share(score["low"]), share(score["high"])
        few = f"Judged on {plural(judged, 'row')} only" if judged else "Judged on few rows"
        yield "look", f"{few}: the true score may lie anywhere from {low} to {high}."


def _unlike_validation(document: Document, rows: Document, log: Sequence[Document]) -> Notes:
    name = document["headline"]
    valid = document.get("valid", {}).get(name)
    if not valid or metric(name).better == "lower":
        return
    if valid["low"] > document["scores"][name]["high"]:
        said = metric(name).say(valid["value"])
        yield "look", f"Validation ({said}) is surely better than the test: the two parts differ."


def _weakest_class(document: Document, rows: Document, log: Sequence[Document]) -> Notes:
    classes = [one for one in document.get("details", {}).get("classes", []) if one["support"] >= 5]
    if len(classes) < 2:
        return
    weakest = min(classes, key=lambda one: float(one["recall"]))
    mean = sum(one["recall"] for one in classes) / len(classes)
    if weakest["recall"] < mean - 0.1:
        hit = round(weakest["recall"] * weakest["support"])
        name = draw.short(weakest["class"], 40)
        yield "look", f"Weakest class: {name}, {hit} of {weakest['support']} found."


def _certainty(document: Document, rows: Document, log: Sequence[Document]) -> Notes:
    bins = document.get("details", {}).get("reliability", [])
    error = document["scores"].get("ece", {}).get("value", 0.0)
    if not bins or error < 0.05:
        return
    total = sum(count for *_, count in bins)
    gap = sum((sure - right) * count for sure, right, count in bins) / max(1, total)
    more = "surer than they should be" if gap > 0 else "less sure than they could be"
    yield "look", f"Answers are {more}: certainty and accuracy differ by {share(error)} on average."


def _learnt_too_long(document: Document, rows: Document, log: Sequence[Document]) -> Notes:
    losses = [(row["valid_loss"], row["epoch"]) for row in log if "valid_loss" in row]
    if len(losses) < 4:
        return
    best, when = min(losses)
    if losses[-1][0] > 1.15 * best:
        lowest = f"Validation loss was lowest after {when:g} passes"
        yield "look", f"{lowest}: fewer --epochs may do as well."


def _uneven(document: Document, rows: Document, log: Sequence[Document]) -> Notes:
    uneven = rows.get("uneven")
    if uneven and uneven["ratio"] >= 3:
        (most, many), (least, few) = uneven["most"], uneven["least"]
        one, other = draw.short(most, 40), draw.short(least, 40)
        yield (
            "look",
            f"Classes are uneven: {one} has {plural(many, 'training row')}, {other} {few:,}.",
        )


def _few_examples(document: Document, rows: Document, log: Sequence[Document]) -> Notes:
    uneven = rows.get("uneven")
    if uneven and uneven["median"] < 50:
        few = f"Half of the classes have {uneven['median']} training rows or fewer"
        yield "look", f"{few}: more examples would help most."


def _left_out(document: Document, rows: Document, log: Sequence[Document]) -> Notes:
    if count := rows.get("quarantined", {}).get("count", 0):
        yield "look", f"{plural(count, 'file')} could not be used: see below why."
    if count := rows.get("leaks", {}).get("count", 0):
        yield "look", f"{plural(count, 'training row')} stood in validation or test too: left out."
    if count := rows.get("conflicts", {}).get("count", 0):
        yield "look", f"The same content stands under different answers {plural(count, 'time')}."


RULES: tuple[Callable[[Document, Document, Sequence[Document]], Notes], ...] = (
    _against_baselines,
    _few_rows,
    _unlike_validation,
    _weakest_class,
    _certainty,
    _learnt_too_long,
    _uneven,
    _few_examples,
    _left_out,
)
