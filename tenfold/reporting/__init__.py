"""HTML reports of runs and checks: each is one file that loads nothing from other addresses.

Reports are written in the current language (see tenfold.core.language).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers import charts
from tenfold.core import system
from tenfold.core.columns import Columns, Problem
from tenfold.core.errors import TenfoldError
from tenfold.core.language import say, speaking
from tenfold.core.message import translate
from tenfold.core.results import Explanation
from tenfold.data.prepare import Prepared
from tenfold.media import drawing
from tenfold.media.medium import Medium
from tenfold.media.registry import media_of, shown
from tenfold.media.text.passages import named, passage
from tenfold.reporting import examples, exports, fields, profiles, provenance, rows, words
from tenfold.reporting import model_card as card
from tenfold.reporting.compared import drawn_pair
from tenfold.reporting.notes import notes
from tenfold.reporting.templates import page
from tenfold.run import explain
from tenfold.run.evaluate import Evidence
from tenfold.run.run import Run
from tenfold.task import Task, name_of
from tenfold.training import loop

__all__ = ["document_rows", "model_card", "write", "write_check", "write_gallery"]

EMPTY: dict[str, Any] = {
    name: {} for name in ("fitted", "seconds", "valid", "details", "calibration", "ablations")
} | {
    "by_examples": [],
    "by": [],
    "taken": {"roles": [], "left": [], "notes": []},
    "layers": [],
    "cost": {},
    "environment": {},
}
"""Default values for keys that scores of an earlier version may lack."""
MOST_ERRORS = 24
MOST_LETTERS = 400
"""Maximum number of characters shown of a text in the list of worst errors."""

document_rows = rows.of_prepared


def write(run: Run, found: Evidence | None = None, out: Path | None = None) -> Path:
    """Writes `report.html` into the run folder (or to `out`) and returns its path.

    The report is made from `run.scores` and the evidence. Without evidence, everything that needs
    the data (pictures, duplicates) is left out.
    """
    path = out or run.folder / "report.html"
    system.write_atomically(path, page("report.html.jinja", **_context(run, found)))
    return path


def model_card(run: Run) -> dict[str, Any]:
    """The model card of a run in English, as a JSON object."""
    with speaking("en"):
        document, facts = (
            _document(run, None),
            rows.cut(rows.of_folder(run.folder, run.answer_kind)),
        )
        facts |= _units(examples.first(run.task, run.facts))
        return card.card(run, document, facts, notes(document, facts, loop.log_of(run.folder)))


def _document(run: Run, found: Evidence | None) -> dict[str, Any]:
    """Returns the scores of a run, with missing keys filled from defaults and the evidence."""
    document = EMPTY | run.scores
    if found and not document["calibration"]:
        document |= {"calibration": found.calibration, "by_examples": found.by_examples}
    if found and found.by:
        document |= {"by": found.by}
    judged = len(found.table) if found else int(document.get("rows", {}).get("test", 0))
    return document | {"rows": document.get("rows", {}) | {"judged": judged}}


def _context(run: Run, found: Evidence | None) -> dict[str, Any]:
    document, log = _document(run, found), loop.log_of(run.folder)
    prepared = found.prepared if found else None
    kind, medium = run.answer_kind, examples.first(run.task, run.facts)
    about_rows = rows.of_prepared(prepared) if prepared else rows.of_folder(run.folder, kind)
    facts = rows.shown(about_rows, kind) | _units(medium)
    worst = kind.worst(found.answers, found.table) if found else []
    told = notes(document, facts, log)
    about = card.card(run, document, facts, told)
    pieces = run.scored_kind(document["headline"]).pieces(document["details"])
    own = [
        *kind.choices(run.facts.get("fitted", {})),
        *fields.importance_section(document.get("importance", {}), run),
    ]
    worst_rows = _worst_rows(run, found, worst, document) if found else {}
    errors = _errors(run, found, worst) if found and not worst_rows else []
    return {
        "title": f"{run.folder.resolve().name}",
        "document": document,
        "medium": medium,
        "headline": _headline(document),
        "notes": told,
        "pieces": pieces | {"sections": [*pieces["sections"], *own]},
        "examples": _by_examples(document, facts["classes"]),
        "errors": errors,
        "worst_rows": worst_rows,
        "wrong": len(worst),
        "graded": kind.graded,
        "curves": charts.curves(log) if log else "",
        "certainty": _certainty(document),
        "rows": facts,
        "layers": provenance.network(document["layers"]),
        "card": about,
        "card_tables": card.tables(about),
        "exports": exports.of_folder(run.folder),
        "plan": provenance.plan(run),
        "command": provenance.command(run, prepared),
        "cost": provenance.cost(document),
        "environment": provenance.environment(run, document),
    }


def _units(medium: Medium) -> dict[str, Any]:
    """Returns `unit`, the word for a row (file or row), and `texts`, True if rows are not files."""
    return {"unit": medium.unit, "texts": not medium.files}


def _by_examples(document: dict[str, Any], counts: dict[str, dict[str, int]]) -> str:
    """Returns a chart of the recall of each class against its number of training rows.

    Returns "" for fewer than five classes, or where all classes have many training rows.
    """
    judged = [one for one in document["details"].get("classes", []) if one["support"]]
    told = [(one["class"], counts[one["class"]]["train"], one["recall"]) for one in judged
            if one["class"] in counts]  # fmt: skip
    few = document["by_examples"] and document["by_examples"][0]["most"] is not None
    return charts.examples(told) if len(told) > 4 and few else ""


def _certainty(document: dict[str, Any]) -> str:
    known = document["calibration"]
    if known:
        return charts.reliability(known["after"]["reliability"], known["before"]["reliability"])
    bins = document["details"].get("reliability")
    return charts.reliability(bins) if bins else ""


def _headline(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the headline score with its interval, and bars for this score and the baselines.

    There are no bars where a value lies outside of 0 to 1.
    """
    name = document["headline"]
    said, score = words.metric(name), document["scores"][name]
    known = {key: values[name] for key, values in document["baselines"].items() if name in values}
    ordered = sorted(known.items(), key=lambda one: -one[1])
    interval = None if score["low"] is None else (score["low"], score["high"])
    own = (say("this run"), score["value"], interval)
    bars = [own, *((words.named(key), value, None) for key, value in ordered)]
    values = [score["value"], *(interval or ()), *known.values()]
    return {
        "metric": said,
        "value": score["value"],
        "low": score["low"],
        "high": score["high"],
        "bars": bars if all(0 <= value <= 1 for value in values) else [],
    }


# --- errors ---------------------------------------------------------------------------------------


def _errors(run: Run, found: Evidence, worst: list[int]) -> list[dict[str, Any]]:
    """The worst errors, each with its pictures or texts and its explanation."""
    order = np.array(worst[:MOST_ERRORS], np.int64)
    if not len(order):
        return []
    columns = found.columns.view(order)
    media = run.media
    pictured = shown(media, columns.arrays)
    taken = columns.only(list(pictured)).take(np.arange(len(order))) if pictured else {}
    table = run.task.show(found.table.iloc[order].reset_index(drop=True), run.facts)
    maps = _maps(run, table, columns, media)
    cards, kind = [], run.answer_kind
    for place, row in enumerate(map(int, order)):
        right = kind.truth_text(table, place)
        one = maps.get(place)
        pictures = [medium.picture(taken[name][place]) for name, medium in pictured.items()]
        if one is not None and one.over in taken:
            heat = pictured[one.over].overlay(taken[one.over][place], one.weights)
            pictures.append(heat)
        answer = found.answers[row]
        pair = drawn_pair(kind, media, table, place, answer)
        images = pair or [drawing.thumbnail(one) for one in pictures if one is not None]
        source = str(table["source"].iloc[place]) if "source" in table else ""
        cells = examples.written(media, table.iloc[place])
        parts = None if isinstance(answer, Problem) else kind.marks(answer)
        passages = [
            passage(text, _over(one, name), MOST_LETTERS)
            if parts is None
            else named(text, marks, MOST_LETTERS, others)
            for name, text in cells.items()
            for marks, others in _both(parts, kind.true_marks(table, place))
        ]
        card: dict[str, Any] = {"truth": right, "source": source, "images": images}
        card |= {"passages": passages, "named": parts is not None, "compared": bool(pair)}
        wrong = "" if isinstance(answer, Problem) else kind.error_text(answer, table, place)
        cards.append(card | kind.said(answer, right) | {"wrong": wrong})
    return cards


def _worst_rows(
    run: Run, found: Evidence, worst: list[int], document: dict[str, Any]
) -> dict[str, Any]:
    """The worst errors as a table of the fields of the rows; {} for inputs without fields."""
    order = np.array(worst[:MOST_ERRORS], np.int64)
    if not len(order) or not any(one.field_cover for one in run.media.values()):
        return {}
    table = run.task.show(found.table.iloc[order].reset_index(drop=True), run.facts)
    maps = _maps(run, table, found.columns.view(order), run.media)
    answers = [found.answers[row] for row in order]
    return fields.worst_rows(run, table, answers, maps, document.get("importance", {}))


def _both(parts: Any, true: Any) -> list[tuple[Any, Any]]:
    """Returns [(predicted, true), (true, predicted)] parts; [(None, None)] if `parts` is None."""
    return [(None, None)] if parts is None else [(parts, true), (true, parts)]


def _over(one: Explanation | None, name: str) -> Explanation | None:
    """The explanation if it belongs to the input `name`, else None."""
    return one if one is not None and one.over == name else None


def _maps(
    run: Run, table: pd.DataFrame, columns: Columns, media: dict[str, Medium]
) -> dict[int, Explanation]:
    """Returns explanations by row: Grad-CAM if the network has a feature map, else occlusion.

    Occlusion stops after two seconds; the remaining rows have no explanation.
    """
    maps = explain.grad_cam(run.net, columns, media=media) if explain.has_map(run.net) else []
    if maps:
        return dict(enumerate(maps))
    found, began = {}, time.perf_counter()
    for row in range(columns.rows):
        if covered := explain.covered(run, table, columns, row):
            found[row] = covered[0]
        if time.perf_counter() - began > 2:
            break
    return found


# --- check ----------------------------------------------------------------------------------------


def write_check(
    prepared: Prepared,
    document: dict[str, Any],
    out: Path,
    *,
    task: Task,
    views: dict[str, Any] | None = None,
    refusal: TenfoldError | None = None,
) -> Path:
    """Writes the page of `check` to `out` and returns its path.

    The page shows counts, rows left out, examples, and the estimated cost of training.
    """
    data = prepared.root.name if prepared.root else "data"
    media = media_of(task.encodes(prepared.facts))
    medium = examples.first(task, prepared.facts)
    context = {
        "title": say("Check of {data}", data=data),
        "task": name_of(task),
        "data": data,
        "rows": rows.shown(document, prepared.answer) | _units(medium),
        "medium": medium,
        "examples": examples.examples(task, prepared),
        "views": examples.changed(media, views),
        "sizes": examples.sizes(media, prepared),
        "estimate": document.get("estimate") or {},
        "refusal": _refused(refusal) if refusal else "",
        "learnt": _learnt(prepared.facts["data"]),
        "profile": profiles.shown(document.get("profile", {}), document["taken"]["left"]),
    }
    system.write_atomically(out, page("check.html.jinja", **context))
    return out


def _refused(error: TenfoldError) -> str:
    """Why the data are refused and how to fix it; the location is in the message."""
    return " ".join(filter(None, [translate(error.message) + say("."), translate(error.fix)]))


def _learnt(data: dict[str, Any]) -> str:
    """How a row is encoded, as a sentence; boolean facts are listed only when true."""
    plain = {name: value for name, value in data.items() if isinstance(value, (int, float, str))}
    plain = {name: value for name, value in plain.items() if len(str(value)) < 80}
    said = {
        name: words.named(name)
        + (
            ""
            if isinstance(value, bool)
            else f" {translate(value if isinstance(value, str) else str(value))}"
        )
        for name, value in plain.items()
        if value is not False
    }
    return say(", ").join(said.values())


# --- pages ----------------------------------------------------------------------------------------


def write_gallery(out: Path, title: str, cards: list[dict[str, Any]], medium: Medium) -> Path:
    """Writes the page of `explain` to `out` and returns its path.

    `cards` are the explained inputs; `medium` supplies the sentences of the page.
    """
    text = page("gallery.html.jinja", title=title, cards=cards, medium=medium)
    system.write_atomically(out, text)
    return out
