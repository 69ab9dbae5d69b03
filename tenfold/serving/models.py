"""The served models: runs with their ids, inputs, options, size limits and JSON descriptions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.core.message import Message
from tenfold.media.input import Input
from tenfold.media.medium import Medium
from tenfold.media.registry import known, media_of
from tenfold.run.folder import EXPORTS
from tenfold.run.run import Run
from tenfold.serving.declared import options
from tenfold.serving.replies import Refused
from tenfold.serving.settings import Settings

__all__ = ["Model", "Question", "RequestOptions", "RequestRow", "identifiers", "model_of"]

RequestRow = dict[str, Any]
PARTS = 8
"""Maximum number of parts of a form, unless a model has more inputs and options."""
FRAME = 64 << 10
"""Bytes of a form that are not content: boundaries and the headers of its parts."""


@dataclass(frozen=True)
class RequestOptions:
    """Checked options; requests with equal `key` may be predicted in one batch."""

    key: tuple[Any, ...]
    values: dict[str, Any] = field(compare=False, default_factory=dict)


@dataclass(slots=True)
class Question:
    """The content of a request: rows (cells by the names of the inputs) and options."""

    rows: list[RequestRow]
    wanted: RequestOptions


@dataclass(frozen=True)
class Model:
    """One run with its id and its limits.

    `batch` is the maximum number of rows of a request or batch, `json` the maximum bytes of a JSON
    body.
    """

    id: str
    run: Run
    declared: dict[str, Input]
    """The inputs of the task."""
    batch: int
    json: int
    sizes: dict[str, int]
    """Maximum bytes of a part of a form, by input."""
    file_bytes: int
    """Maximum bytes of files in one body."""
    inputs: dict[str, Input]
    """What a request gives a value for: the inputs, or the fields that an input is composed of."""
    media: dict[str, Medium]
    """The medium of each of them."""
    owners: dict[str, Medium]
    """The medium of each input of the task."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "checked", lru_cache(256)(self._checked))

    @property
    def options(self) -> type:
        """The dataclass of the options at prediction time."""
        return self.run.options

    @property
    def parts(self) -> int:
        """Maximum number of parts of a form."""
        return max(PARTS, len(self.inputs) + len(options(self.options)))

    @property
    def form_one(self) -> int:
        """Maximum bytes of a form with one row."""
        return min(sum(self.sizes.values()), max(self.file_bytes, self.json)) + FRAME

    @property
    def form_many(self) -> int:
        """Maximum bytes of a form with several rows."""
        return min(self.parts * max(self.sizes.values()), max(self.file_bytes, self.json)) + FRAME

    def wanted(self, options: dict[str, Any]) -> RequestOptions:
        """The options after checking that each is known and in range.

        Raises Refused for an unknown option or a wrong value.
        """
        try:
            key = tuple(sorted((name, type(one).__name__, one) for name, one in options.items()))
            found: RequestOptions = self.checked(key)  # type: ignore[attr-defined]
        except TypeError:  # the value is a list or an object
            raise Refused(422, code="bad-setting") from None
        return found

    def _checked(self, key: tuple[Any, ...]) -> RequestOptions:
        values = {name: value for name, _, value in key}
        if values.keys() - options(self.options):  # unknown, or a file of this machine
            raise Refused(422, code="unknown-setting")
        try:
            self.run.checked_options(values)
        except UsageError as error:
            raise Refused(422, code=error.code) from None
        return RequestOptions(key, values)

    def table(self, rows: Sequence[RequestRow]) -> pd.DataFrame:
        """The rows as a table for the task; `source` is the number of the row."""
        columns = {name: [row[name] for row in rows] for name in self.declared}
        typed = {
            name: pd.Series(cells, dtype=self.owners[name].dtype) for name, cells in columns.items()
        }
        return pd.DataFrame(typed | {"source": list(map(str, range(len(rows))))})

    def sample(self) -> RequestRow:
        """A sample row for the first prediction."""
        return {name: self.owners[name].sample(one) for name, one in self.declared.items()}

    def optional(self, name: str) -> bool:
        """True for a field of an input, whose value may be missing."""
        return name not in self.declared

    @property
    def table_input(self) -> str:
        """The name of the only input, where it has fields: many rows may come as CSV; else ""."""
        (first, *more) = self.declared
        return first if not more and self.declared[first].fields else ""

    def row(self, values: dict[str, Any]) -> RequestRow:
        """The row of a value for each of `inputs`: fields are composed to the cell of their input.

        Raises InputRefused where the values do not fit together.
        """
        found = {}
        for name, one in self.declared.items():
            if one.fields:
                own = {key: values[key] for key in one.fields}
                found[name] = self.owners[name].composed(own, one, self.run.reading)
            else:
                found[name] = values[name]
        return found

    def rows_of_table(self, content: bytes) -> list[RequestRow]:
        """The rows of a table in a request, at most one more than a request may have.

        Raises TenfoldError where the content is not a table with the needed columns.
        """
        name = self.table_input
        rows = self.owners[name].table(content, self.run.reading)
        return [{name: cell} for cell, _ in itertools.islice(rows, self.batch + 1)]

    def document(self) -> dict[str, Any]:
        """The description of the model that /v1/models returns."""
        scores, kind = self.run.scores, self.run.result_kind
        headline = scores.get("headline", "")
        return {
            "id": self.id,
            "task": self.run.task_name,
            "hash": self.run.digest,
            "inputs": {
                name: {"medium": one.medium, "choices": list(one.choices)}
                | ({"optional": True} if self.optional(name) else {})
                for name, one in self.inputs.items()
            },
            "table": self.table_input,
            "answer": kind.name,
            "options": options(self.options),
            "classes": kind.classes(self.run.facts.get("truths", {})),
            "headline": headline,
            "score": scores.get("scores", {}).get(headline),
            "limits": {
                "bytes": max(self.form_one, self.json),
                "json": self.json,
                "batch": self.batch,
                "parts": self.parts,
            },
        }


def model_of(run: Run, name: str, settings: Settings) -> Model:
    """The model that serves the run under the id `name`.

    Its run has no `memory` unless `settings.known_people` is set: what a run stores about people is
    then out of reach of every request.

    Raises ArtefactRefused where the run has an input of an unknown medium.
    """
    run = run if settings.known_people else run.without_memory()
    declared = run.task.inputs(run.facts)
    inputs = _flat(declared)
    every = [*declared.values(), *inputs.values()]
    if strange := [one.medium for one in every if one.medium not in known()]:
        raise ArtefactRefused(
            Message(
                "The run takes inputs of the unknown medium {medium!r} and cannot be served",
                medium=strange[0],
            ),
            code="run-unbuildable",
            where=str(run.folder),
            fix=Message("Update tenfold."),
        )
    media = media_of(inputs)
    sizes = {name: getattr(settings, medium.limit) for name, medium in media.items()}
    largest = max((sizes[name] for name, medium in media.items() if medium.files), default=0)
    whole = max(settings.stream, largest) if largest else 0
    if (own := next(iter(_composed(declared)), "")) and own not in sizes:
        sizes[own] = settings.json  # a table of rows
    owners = media_of(declared)
    return Model(
        name, run, declared, settings.batch, settings.json, sizes, whole, inputs, media, owners
    )


def _composed(declared: dict[str, Input]) -> list[str]:
    return [name for name, one in declared.items() if one.fields]


def _flat(declared: dict[str, Input]) -> dict[str, Input]:
    """The inputs, with those that have fields replaced by their fields."""
    found: dict[str, Input] = {}
    for name, one in declared.items():
        found |= dict(one.fields) if one.fields else {name: one}
    return found


def identifiers(runs: Sequence[Run]) -> list[str]:
    """A unique id `[a-z0-9-]{1,64}` for each run, made from the name of its folder.

    Where the name has no ASCII letter or digit, such as a Chinese name, the id is `run-` and the
    first digits of the run's hash.
    """
    found: list[str] = []
    for run in runs:
        stem = _slug(_name(run.folder)) or f"run-{run.digest[:8]}".rstrip("-")
        name, number = stem[:64], 1
        while name in found:
            number += 1
            name = f"{stem[: 63 - len(str(number))]}-{number}"
        found.append(name)
    return found


def _name(folder: Path) -> str:
    """The name of the run folder; an export inside a run folder is named after that run."""
    home = folder.resolve()
    if home.name in EXPORTS and (home.parent / "manifest.json").is_file():
        return f"{home.parent.name}{home.name.removeprefix(EXPORTS[0])}"
    return home.name


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
