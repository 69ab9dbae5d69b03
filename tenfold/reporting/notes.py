"""The most important findings on a run: sentences from its scores, log and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tenfold.core.language import say
from tenfold.core.text import short
from tenfold.reporting.words import metric, named, plural, share

__all__ = ["notes", "weakness"]

NotesDocument = dict[str, Any]
Notes = Iterator[tuple[str, str]]
MOST = 7


def notes(
    document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]
) -> list[tuple[str, str]]:
    """Returns at most seven findings as (tone, sentence) pairs, most important first.

    The tone is `good` for a good result and `look` for one that needs attention.
    """
    found = [note for rule in RULES for note in rule(document, rows, log)]
    return found[:MOST]


def _against_baselines(
    document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]
) -> Notes:
    name = document["headline"]
    said, score = metric(name), document["scores"][name]
    known = {key: values[name] for key, values in document["baselines"].items() if name in values}
    if not known:
        return
    lower = said.better == "lower"
    best = (min if lower else max)(known, key=lambda key: known[key])
    words = {"baseline": named(best), "value": said.text_of(known[best])}
    worst, sign = score["high" if lower else "low"], -1 if lower else 1
    if worst is None and sign * score["value"] > sign * known[best]:
        text = "Better than the {baseline} ({value}); too few groups to know whether significantly."
        yield "look", say(text, **words)
    elif worst is not None and sign * worst > sign * known[best]:
        yield "good", say("Significantly better than the {baseline} ({value}).", **words)
    elif sign * score["value"] > sign * known[best]:
        yield (
            "look",
            say("Better than the {baseline} ({value}), but not significantly so.", **words),
        )
    else:
        yield "look", say("No better than the {baseline} ({value}).", **words)


def _few_rows(document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]) -> Notes:
    score, judged = document["scores"][document["headline"]], document["rows"].get("judged", 0)
    if score["low"] is None:
        yield (
            "look",
            say(
                "Scored on rows from too few groups: how far the true score may be from this one "
                "is not known."
            ),
        )
    elif metric(document["headline"]).share and score["high"] - score["low"] > 0.08:
        yield (
            "look",
            say(
                "Scored on only {rows}: the true score may lie anywhere from {low} to {high}.",
                rows=plural(judged, "row"),
                low=share(score["low"]),
                high=share(score["high"]),
            ),
        )


def _unlike_validation(
    document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]
) -> Notes:
    name = document["headline"]
    valid = document.get("valid", {}).get(name)
    if not valid or metric(name).better == "lower":
        return
    low, high = valid["low"], document["scores"][name]["high"]
    if low is not None and high is not None and low > high:
        text = (
            "The validation score ({value}) is significantly better than the test "
            "score: the two parts differ."
        )
        yield "look", say(text, value=metric(name).text_of(valid["value"]))


def _weakest_class(
    document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]
) -> Notes:
    classes = [one for one in document.get("details", {}).get("classes", []) if one["support"] >= 5]
    if len(classes) < 2:
        return
    weakest = min(classes, key=lambda one: float(one["recall"]))
    mean = sum(one["recall"] for one in classes) / len(classes)
    if weakest["recall"] < mean - 0.1:
        yield "look", weakness(weakest)


def weakness(weakest: NotesDocument) -> str:
    """A sentence on the class with the lowest recall."""
    return say(
        "Class with the lowest recall: {name}, {hit} of {rows} predicted correctly.",
        name=short(weakest["class"], 40),
        hit=round(weakest["recall"] * weakest["support"]),
        rows=weakest["support"],
    )


def _certainty(document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]) -> Notes:
    bins = document.get("details", {}).get("reliability", [])
    error = document["scores"].get("ece", {}).get("value", 0.0)
    if not bins or error < 0.05:
        return
    total = sum(count for *_, count in bins)
    gap = sum((sure - right) * count for sure, right, count in bins) / max(1, total)
    text = (
        "The probabilities are too high: probability and accuracy differ by {gap} on average."
        if gap > 0
        else "The probabilities are too low: probability and accuracy differ by {gap} on average."
    )
    yield "look", say(text, gap=share(error))


def _learnt_too_long(
    document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]
) -> Notes:
    losses = [(row["valid_loss"], row["epoch"]) for row in log if "valid_loss" in row]
    if len(losses) < 4:
        return
    best, when = min(losses)
    if losses[-1][0] > 1.15 * best:
        text = "Validation loss was lowest after {epochs} epochs: fewer --epochs may do as well."
        yield "look", say(text, epochs=f"{when:g}")


def _uneven(document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]) -> Notes:
    uneven = rows.get("uneven")
    if uneven and uneven["ratio"] >= 3:
        (most, many), (least, few) = uneven["most"], uneven["least"]
        yield (
            "look",
            say(
                "Classes are imbalanced: {most} has {many}, {least} has {few}.",
                most=short(most, 40),
                many=plural(many, "training row"),
                least=short(least, 40),
                few=f"{few:,}",
            ),
        )


def _few_examples(
    document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]
) -> Notes:
    uneven = rows.get("uneven")
    if uneven and uneven["median"] < 50:
        text = (
            "Half of the classes have {rows} training rows or fewer: more examples would help most."
        )
        yield "look", say(text, rows=uneven["median"])


def _left_out(document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]) -> Notes:
    if count := rows.get("quarantined", {}).get("count", 0):
        text = "{files} could not be used; the reasons are listed below."
        noun = "row" if rows.get("texts") else "file"
        yield "look", say(text, files=plural(count, noun))
    if count := rows.get("leaks", {}).get("count", 0):
        text = "{rows} left out: also in validation or test."
        yield "look", say(text, rows=plural(count, "training row"))
    if count := rows.get("conflicts", {}).get("count", 0):
        text = "The same content has different labels {times}."
        yield "look", say(text, times=plural(count, "time"))


def _near(document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]) -> Notes:
    if found := document.get("without_near"):
        headline = document["headline"]
        value = f"{found['scores'][headline]['value']:.4f}"
        text = (
            "Some scored rows have near duplicates in training; without these rows the "
            "score is {value} ({rows})."
        )
        yield "look", say(text, value=value, rows=plural(found["rows"], "row"))


def _tuned(document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]) -> Notes:
    found = document.get("tuned", {})
    if "trial" in found:
        yield "look", say("A trial of a search: scored on validation, not on the test part.")
    elif found.get("selected") == "winner":
        gain, said = found["gain"], metric(document["headline"])
        yield (
            "good",
            say(
                "Settings selected among {trials} on validation: {gain} compared with the "
                "default settings (95 % interval {low} to {high}).",
                trials=plural(found["trials"], "trial"),
                gain=said.gap(gain["value"]),
                low=said.end(gain["low"]),
                high=said.end(gain["high"]),
            ),
        )
    elif found:
        text = say(
            "{trials} of a search: none was significantly better than the default settings, which "
            "are kept.",
            trials=plural(found["trials"], "trial"),
        )
        yield "look", text


def _refitted(document: NotesDocument, rows: NotesDocument, log: Sequence[NotesDocument]) -> Notes:
    if found := document.get("refit"):
        text = (
            "Retrained on {rows} (training and validation) with the choices made in the "
            "first training."
        )
        yield "good", say(text, rows=plural(found["rows"], "row"))
    fold = document.get("fold", {})
    if fold.get("pooled"):
        text = (
            "This run was trained without held-out rows: its scores come from a "
            "cross-validation with {folds}."
        )
        yield "look", say(text, folds=plural(fold["count"], "fold"))
    elif fold and fold["number"] is not None:
        text = (
            "One of {folds} of a cross-validation: this run was tested on the rows of its own fold."
        )
        yield "look", say(text, folds=plural(fold["count"], "fold"))


RULES: tuple[Callable[[NotesDocument, NotesDocument, Sequence[NotesDocument]], Notes], ...] = (
    _tuned,
    _refitted,
    _against_baselines,
    _few_rows,
    _unlike_validation,
    _weakest_class,
    _certainty,
    _learnt_too_long,
    _uneven,
    _few_examples,
    _left_out,
    _near,
)
