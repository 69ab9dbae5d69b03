"""Show which parts of an input an answer rests on, as pictures and as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold import draw, explaining
from tenfold.data import Columns, Problem
from tenfold.document import Document
from tenfold.errors import DataRefused, UsageError
from tenfold.progress import advance, tell
from tenfold.reporting import write_gallery
from tenfold.reporting.answers import said
from tenfold.reporting.words import share
from tenfold.results import SCHEMA, Explanation, Prediction, to_json
from tenfold.run import Run, open_run
from tenfold.sources import tables

__all__ = ["explain"]

METHODS = ("both", "occlusion", "gradcam")

LEAST_SIDE = 224


@dataclass
class Explained:
    """One input with its answer, what the answer rests on, and the picture that shows it."""

    source: str
    answer: Prediction | Problem
    explanations: list[Explanation] = field(default_factory=list)
    columns: Columns = field(default_factory=lambda: Columns({}))
    file: str = ""

    def to_json(self) -> dict[str, Any]:
        """`{"source", ...prediction, "explanations", "file"}` or `{"source", "error"}`."""
        if isinstance(self.answer, Problem):
            return {"source": self.source, "error": self.answer.to_json()}
        found = [to_json(one) for one in self.explanations]
        own = {"explanations": found, "file": self.file}
        return {"source": self.source, **to_json(self.answer), **own}


def explain(
    run: str | Path | Run,
    inputs: list[Any] | Any,
    *,
    out: str | Path | None = None,
    method: str = "both",
    limit: int = 16,
    device: str = "auto",
) -> Document:
    """Show which parts of an input an answer rests on, as pictures and as numbers.

    Args:
        run: A run folder.
        inputs: Files, folders, globs, zips, or - for paths on standard input.
        out: Folder for the pictures and their index.html; by default <run>-explained.
        method: both, occlusion (cover and ask again) or gradcam.
        limit: Explain at most this many inputs.
        device: auto, cpu, cuda, cuda:1 ...

    What cannot be read is answered on its own line, the rest go on.

    Example:
        tenfold explain runs/photos-image-classification-1 new/
    """
    _refuse(method, limit)
    opened = run if isinstance(run, Run) else open_run(run, device)
    folder = _folder(opened, out)
    found: list[Explained] = []
    for table in _first(tables(opened.app.inputs(opened.facts), inputs), limit):
        for one in _answered(opened, table, method):
            found.append(one)
            _draw(one, folder, len(found))
            advance("explaining", len(found), limit)
    page = folder / "index.html"
    write_gallery(page, f"Explained by {opened.folder.resolve().name}", list(map(_card, found)))
    if all(isinstance(one.answer, Problem) for one in found):
        raise _unreadable(found)
    content = {
        "schema": SCHEMA,
        "kind": opened.kind,
        "run": str(opened.folder),
        "method": method,
        "page": str(page),
        "inputs": [one.to_json() for one in found],
    }
    return Document(content, "\n".join([*map(_line, found), "", f"Pictures: {page}"]))


def _refuse(method: str, limit: int) -> None:
    if method not in METHODS:
        raise UsageError(
            f"method must be one of {', '.join(METHODS)}, got {method!r}", code="bad-setting"
        )
    if limit < 1:
        raise UsageError(
            f"limit must be a whole number of at least 1, got {limit!r}", code="bad-setting"
        )


def _folder(run: Run, out: str | Path | None) -> Path:
    """Where the pictures go: never into the run folder, which is sealed."""
    home = run.folder.resolve()
    folder = Path(out) if out is not None else run.folder.with_name(f"{home.name}-explained")
    if folder.resolve().is_relative_to(home):
        raise UsageError(
            "The pictures cannot go into the run folder, which is sealed",
            code="bad-setting",
            where=str(folder),
            fix="Choose another --out.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _unreadable(found: list[Explained]) -> DataRefused:
    first = found[0]
    problem = first.answer if isinstance(first.answer, Problem) else Problem("", "")
    return DataRefused(
        f"None of the {len(found)} inputs can be read: {first.source} {problem.reason}",
        code=problem.code,
        where=first.source,
        fix=problem.fix,
    )


# --- one input ------------------------------------------------------------------------------------


def _first(tables: Iterator[pd.DataFrame], limit: int) -> Iterator[pd.DataFrame]:
    """The first rows, as tables."""
    left = limit
    for table in tables:
        if left > 0:
            yield table.iloc[:left].reset_index(drop=True)
        left -= len(table)
        if left < 0:
            tell(f"Only the first {limit} inputs are explained: give --limit for more.")
            return


def _answered(run: Run, table: pd.DataFrame, method: str) -> Iterator[Explained]:
    encoded = run.app.encode(table, run.facts)
    for row, source in enumerate(map(str, table["source"])):
        if row in encoded.problems:
            yield Explained(source, encoded.problems[row])
            continue
        columns = Columns(encoded.columns, np.array([row]))
        (answer,) = run.answer(columns)
        yield Explained(source, answer, _explanations(run, columns, method), columns)


def _explanations(run: Run, columns: Columns, method: str) -> list[Explanation]:
    found = []
    if method != "gradcam":
        found += explaining.occlusion(run.answer, columns)
    if method != "occlusion":
        found += explaining.grad_cam(run.net, columns)
    return found


def _draw(one: Explained, folder: Path, number: int) -> None:
    """Writes the picture beside its heat maps, with the answer below."""
    shown = [name for name, column in one.columns.arrays.items() if draw.is_picture(column)]
    if isinstance(one.answer, Problem) or not shown:
        return
    pixels = one.columns.take(np.arange(1))[shown[0]][0]
    views = [("as the network sees it", draw.picture(pixels, LEAST_SIDE))]
    views += [
        (_title(each), draw.overlay(pixels, each.weights, LEAST_SIDE))
        for each in one.explanations
        if each.over == shown[0]
    ]
    stem = re.sub(r"[^\w.-]+", "_", Path(one.source.partition("#")[0]).stem)[:60]
    one.file = f"{number:03d}-{stem}.png"
    draw.panels(views, _caption(one.answer)).save(folder / one.file)


def _title(one: Explanation) -> str:
    """A heat map's title: covers say how much they cost, as colours only compare."""
    if one.method == "gradcam":
        return "Grad-CAM"
    return f"covered: up to {share(max(0.0, np.max(one.weights)))} less sure"


def _caption(answer: Any) -> str:
    words = said(answer)
    sure = "" if words["sure"] is None else share(words["sure"])
    return f"{draw.short(words['said'], 60)}  {sure}".rstrip()


def _card(one: Explained) -> dict[str, Any]:
    card = {"source": one.source, "file": one.file, "error": "", "others": []}
    if isinstance(one.answer, Problem):
        return card | {"error": f"{one.answer.reason}. {one.answer.fix}"}
    words, chances = said(one.answer), getattr(one.answer, "probabilities", {})
    others = [pair for pair in chances.items() if pair[0] != words["said"]]
    return card | words | {"others": others[:3]}


def _line(one: Explained) -> str:
    if isinstance(one.answer, Problem):
        return f"{one.source}\tERROR\t{one.answer.reason}. {one.answer.fix}".rstrip()
    return f"{one.source}\t{_caption(one.answer)}\t{one.file}"
