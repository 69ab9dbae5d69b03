"""Find the training rows that are nearest to an input, as the network of a run sees them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from tenfold.answers.kind import AnswerKind
from tenfold.core.columns import Problem
from tenfold.core.document import Answers
from tenfold.core.facts import plain
from tenfold.core.settings import check_settings, setting
from tenfold.core.text import short
from tenfold.data.inputs import drawn_input, tables
from tenfold.data.scan import scan
from tenfold.media import drawing
from tenfold.media.files.references import Unreadable, error_line, printable
from tenfold.media.medium import Medium
from tenfold.run import embed
from tenfold.run.embed import Training
from tenfold.run.run import Run, open_run
from tenfold.task import Table

__all__ = ["Neighbour", "Similar", "similar"]

SIDE, MOST_DRAWN = 160, 10
TITLE = "title"
"""Column of a reference table that names a row for people."""


@dataclass(frozen=True)
class _Choices:
    k: int = setting(5, "how many training rows to show", low=1, high=1000)


@dataclass(frozen=True)
class Neighbour:
    """One training row: its name, its truth, the cosine of the angle between the embeddings.

    `words` is the truth, or the title of a reference row, in words. `itself` = the content is the
    same, byte for byte: the very row, or a copy of it.
    """

    source: str
    truth: dict[str, Any]
    words: str
    similarity: float
    itself: bool
    row: int

    def to_json(self) -> dict[str, Any]:
        """`{"source", the truth as its kind has it or "title", "similarity", "itself"}`."""
        own = {"similarity": self.similarity, "itself": self.itself}
        return {"source": self.source, **self.truth, **own}

    def __str__(self) -> str:
        itself = " (itself)" if self.itself else ""
        return f"{self.words} {self.similarity:.4f} {printable(self.source)}{itself}".strip()


@dataclass(frozen=True)
class Similar:
    """One input and the training rows that are nearest to it, or why it cannot be read."""

    source: str
    neighbours: tuple[Neighbour, ...] = ()
    problem: Problem | None = None

    def to_json(self) -> dict[str, Any]:
        """`{"source", "neighbours"}` or `{"source", "error"}`."""
        if self.problem is not None:
            return {"source": self.source, "error": self.problem.to_json()}
        return {"source": self.source, "neighbours": [one.to_json() for one in self.neighbours]}

    def __str__(self) -> str:
        if self.problem is not None:
            return error_line(self.source, self.problem)
        return "\t".join([printable(self.source), *map(str, self.neighbours)])


def similar(
    run: str | Path | Run,
    inputs: list[Any] | Any,
    *,
    k: int = 5,
    data: str | Path | pd.DataFrame | None = None,
    draw: str | Path | None = None,
    device: str = "auto",
) -> Answers[Similar]:
    """Find the training rows that are nearest to an input, as the network of a run sees them.

    Args:
        run: A run folder.
        inputs: Files, folders, globs, zips, texts, or - for one a line on standard input.
        k: How many training rows to show for each input, nearest first.
        data: The data that the run was trained on; without, they are read where they lay.
        draw: Write a picture of each input beside its neighbours into this folder, if pictures.
        device: auto, cpu, cuda, cuda:1 ...

    Near is the cosine of the angle between two embeddings: 1 = the same direction, 0 = nothing in
    common. All training rows are compared. Their embeddings are made once and kept in the cache.
    An input that the run was trained on shows itself first. What cannot be read is answered on
    its own line, the rest go on.

    Example:
        tenfold similar runs/photos-image-classification-1 new/ --k 3
    """
    check_settings(_Choices, {"k": k}, "similar")
    opened = open_run(run, device)
    opened.refuse_made_rows("similar")
    declared = opened.task.inputs(opened.facts)
    drawn = None if draw is None else drawn_input(declared)
    handed = tables(declared, inputs)
    first = list(itertools.islice(handed, 1))  # that nothing was handed over is said at once
    training = embed.of_training(opened, data, "similar RUN INPUT --data DATA")
    draws = None if draw is None or drawn is None else _Drawer(Path(draw), *drawn, training)
    found = _found(opened, itertools.chain(first, handed), training, k, draws)
    return Answers(found, lambda one: one.problem is not None)


def _found(
    run: Run, handed: Iterator[Table], training: Training, k: int, draws: _Drawer | None
) -> Iterator[Similar]:
    copies: dict[str, list[int]] = {}
    for row, digest in enumerate(training.table["digest"]):
        copies.setdefault(digest, []).append(row)
    number = 0
    for table in handed:
        for row, one in enumerate(_answered(run, table, training, copies, k)):
            if draws is not None and one.problem is None:
                draws.draw(one, table[draws.column].iloc[row], number)
            number += 1
            yield one


def _answered(
    run: Run, table: Table, training: Training, copies: dict[str, list[int]], k: int
) -> Iterator[Similar]:
    """One answer a row of a table."""
    digests = _digests(run, table)
    found = embed.embed(run, table)
    asked = embed.unit(found.vectors)
    most = max((len(copies.get(digest, ())) for digest in digests), default=0)
    scores, rows = embed.nearest(asked, training.units, k + most)
    for row, source in enumerate(map(str, table["source"])):
        if row in found.problems:
            yield Similar(source, problem=found.problems[row])
            continue
        if not found.vectors[row].any():
            yield Similar(source, problem=NOTHING)
            continue
        same = {one: 1.0 for one in copies.get(digests[row], ())}
        pairs = zip(map(int, rows[row]), map(float, scores[row]), strict=True)
        near = list((same | {one: score for one, score in pairs if one not in same}).items())
        yield Similar(
            source, tuple(_neighbour(run.answer_kind, training, *one, same) for one in near[:k])
        )


NOTHING = Problem(
    "nothing-known",
    "holds nothing that this run knows: nothing is near it",
    "Check how it is written, or train with it.",
)


def _digests(run: Run, table: Table) -> list[str]:
    """Digests of the rows' content; empty where there is nothing to read."""
    looked = table.assign(problem=pd.Series([None] * len(table), table.index, dtype=object))
    root = Path("similar")  # what is remembered of other tables stays as it is
    return list(scan(looked, run.media, root)["digest"])


def _neighbour(
    kind: AnswerKind, training: Training, row: int, score: float, same: dict[int, float]
) -> Neighbour:
    table, known = training.table, training.table.iloc[row]
    truth = {name: plain(known[name]) for name in (*kind.truths, TITLE) if name in table}
    words = str(truth[TITLE]) if TITLE in truth else kind.truth_text(table, row)
    return Neighbour(str(known["source"]), truth, words, round(score, 6), row in same, row)


def _shown(truth: Any) -> Any:
    """A truth as JSON has it where it is a value or a set of names; None for any other."""
    if isinstance(truth, (list, tuple)):
        return list(truth) if all(isinstance(one, str) for one in truth) else None
    return truth.item() if isinstance(truth, np.generic) else truth


# --- as pictures ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Drawer:
    """Writes inputs beside their neighbours, by the input column that can be drawn."""

    folder: Path
    column: str
    medium: Medium
    training: Training

    def draw(self, one: Similar, cell: Any, number: int) -> None:
        """Writes the input beside its nearest neighbours, each under its answer and similarity."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shown = [("the input", self._square(cell))]
        for near in one.neighbours[:MOST_DRAWN]:
            how = "itself" if near.itself else f"{near.similarity:.3f}"
            title = f"{how} {short(near.words, 14)}"
            shown.append((title, self._square(self.training.table[self.column].iloc[near.row])))
        name = short(Path(one.source.partition("#")[0]).name, 60)
        what = self.medium.plural
        caption = f"{name}: the nearest training {what}, by the cosine of their embeddings"
        stem = re.sub(r"[^\w.-]+", "_", Path(one.source.partition("#")[0]).stem)[:80]
        drawing.panels(shown, caption).save(self.folder / f"{number:05d}-{stem}.png")

    def _square(self, cell: Any) -> Image.Image:
        """The cell on a white square, whole; an empty one where it is no longer there."""
        try:
            picture = self.medium.draw(cell)
        except Unreadable:
            picture = None
        if picture is None:
            return Image.new("RGB", (SIDE, SIDE), "white")
        small = max(picture.size) < SIDE // 2
        how = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
        return ImageOps.pad(picture, (SIDE, SIDE), how, color="white")
