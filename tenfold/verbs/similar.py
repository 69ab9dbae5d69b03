"""Find the nearest training rows of an input by the feature vectors of a run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image, ImageOps

from tenfold.answers.kind import AnswerKind
from tenfold.core.columns import Problem
from tenfold.core.document import Answers
from tenfold.core.facts import plain
from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.core.settings import check_settings, setting
from tenfold.core.text import short
from tenfold.data.inputs import drawn_input, tables
from tenfold.data.scan import scan
from tenfold.media import drawing
from tenfold.media.files.references import Unreadable, error_line, printable
from tenfold.media.medium import Medium
from tenfold.run import embed
from tenfold.run.embed import Training
from tenfold.run.outputs import OutputPaths, pictures_of, tell_drawn
from tenfold.run.run import Run, open_run
from tenfold.task import Table

__all__ = ["Neighbour", "Similar", "similar"]

SIDE, MOST_DRAWN = 160, 10
TITLE = "title"
"""Column of a reference table with the title of each row."""


@dataclass(frozen=True)
class _Choices:
    k: int = setting(5, "how many training rows to show", low=1, high=1000)


@dataclass(frozen=True)
class Neighbour:
    """One training row: its name, its true label, and the cosine similarity of the embeddings.

    `words` is the true label in words, or the title of a reference row. `itself` is True where the
    content is the same, byte for byte: the row itself or a copy of it.
    """

    source: str
    truth: dict[str, Any]
    words: str
    similarity: float
    itself: bool
    row: int

    def to_json(self) -> dict[str, Any]:
        """`{"source", the columns of the true label or "title", "similarity", "itself"}`."""
        own = {"similarity": self.similarity, "itself": self.itself}
        return {"source": self.source, **self.truth, **own}

    def __str__(self) -> str:
        itself = " " + say("(itself)") if self.itself else ""
        shown = f"{self.words} {self.similarity:.4f} {self.source}"
        return f"{printable(shown)}{itself}".strip()


@dataclass(frozen=True)
class Similar:
    """One input and its nearest training rows, or the problem why there are none."""

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
    force: bool = False,
    device: str = "auto",
    **files: Any,
) -> Answers[Similar]:
    """Find the nearest training rows of an input by the feature vectors of a run.

    Args:
        run: Run folder.
        inputs: Files, folders, globs, archives or texts; - reads one a line from standard input.
        k: Number of neighbours, nearest first.
        data: Training data of the run; by default read again from their place.
        draw: Folder for pictures of each input beside its neighbours.
        force: Overwriting of existing pictures that tenfold did not write.
        device: Device: auto, cpu, cuda, cuda:1 ...
        files: Options of the task that name files, such as with_.

    Similarity is the cosine of the angle between two embeddings: 1 = the same direction, 0 =
    nothing in common. All training rows are compared. Their embeddings are computed once and kept
    in the cache. For an input that is a training row, that row comes first. An input that cannot be
    read gets a line with the error; the others are still compared.

    Example:
        tenfold similar runs/photos-image-classification-1 new/ --k 3
    """
    check_settings(_Choices, {"k": k}, "similar")
    opened = open_run(run, device).with_files(files)
    opened.refuse_made_rows("similar")
    declared = opened.task.inputs(opened.facts)
    drawn = None if draw is None else drawn_input(declared)
    if draw is not None:
        outputs = OutputPaths.of([inputs, data], opened, force=force)
        outputs.allow_folder(draw, {"[0-9]*.png": pictures_of})
    handed = tables(declared, inputs, opened.reading)
    first = list(itertools.islice(handed, 1))  # raises at once for an empty input
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
    number = drawn = 0
    for table in handed:
        for row, one in enumerate(_answered(run, table, training, copies, k)):
            if draws is not None and one.problem is None:
                draws.draw(one, table[draws.column].iloc[row], number)
                drawn += 1
            number += 1
            yield one
    if draws is not None:
        tell_drawn(draws.folder, drawn)


def _answered(
    run: Run, table: Table, training: Training, copies: dict[str, list[int]], k: int
) -> Iterator[Similar]:
    """Yields, for each row of a table, the `k` most similar training rows.

    `copies` maps a digest to the training rows with this content; these come first.
    """
    ready = run.ask(table)
    digests = _digests(run, ready[[*table.columns]])  # without restrictions of predictions
    found = embed.embed(run, ready)
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
    Message("has no word or item that this run knows, so it has no neighbours"),
    Message("Check the spelling, or train on data that contain this word or item."),
)


def _digests(run: Run, table: Table) -> list[str]:
    """Digests of the rows' content; empty where a row cannot be read."""
    looked = table.assign(problem=pd.Series([None] * len(table), table.index, dtype=object))
    root = Path("similar")  # a root of its own keeps the stored digests of other tables
    return list(scan(looked, run.media, root)["digest"])


def _neighbour(
    kind: AnswerKind, training: Training, row: int, score: float, same: dict[int, float]
) -> Neighbour:
    table, known = training.table, training.table.iloc[row]
    truth = {name: plain(known[name]) for name in (*kind.truths, TITLE) if name in table}
    words = str(truth[TITLE]) if TITLE in truth else kind.truth_text(table, row)
    return Neighbour(str(known["source"]), truth, words, round(score, 6), row in same, row)


# --- as pictures ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Drawer:
    """Draws inputs and their neighbours, from the first input column that can be drawn."""

    folder: Path
    column: str
    medium: Medium
    training: Training

    def draw(self, one: Similar, cell: Any, number: int) -> None:
        """Saves the input and its nearest neighbours as one picture, with their labels."""
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
        drawing.save(drawing.panels(shown, caption), self.folder / f"{number:05d}-{stem}.png")

    def _square(self, cell: Any) -> Image.Image:
        """The whole cell on a white square; an empty square where the cell cannot be read."""
        try:
            picture = self.medium.draw(cell)
        except Unreadable:
            picture = None
        if picture is None:
            return Image.new("RGB", (SIDE, SIDE), "white")
        small = max(picture.size) < SIDE // 2
        how = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
        return ImageOps.pad(picture, (SIDE, SIDE), how, color="white")
