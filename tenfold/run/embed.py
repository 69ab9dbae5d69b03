"""Feature vectors of any run whose network has an output `embedding`, and the nearest of them.

Shapes: N rows, Q rows asked about, D values of an embedding, k neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core import system
from tenfold.core.columns import Columns, Encoded, Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.progress import advance, tell
from tenfold.core.version import __version__
from tenfold.data import cache
from tenfold.data.scan import scan
from tenfold.run import rows as run_rows
from tenfold.run.run import Run
from tenfold.task import Table

__all__ = ["Embedded", "Training", "embed", "nearest", "of_training", "unit"]

NAME = "embedding"
ROWS = 256
"""Rows that are encoded together."""


@dataclass(frozen=True)
class Embedded:
    """The vectors (N, D) of a table; rows that cannot be read have a problem, and zeros."""

    vectors: np.ndarray
    problems: dict[int, Problem] = field(default_factory=dict)


def embed(run: Run, table: Table) -> Embedded:
    """One vector a row, float32: what the last layer of the run's network sees.

    Raises UsageError where the network of the run has no such output.
    """
    encoded = run.encode(table)
    outputs = run.infer(Columns(encoded.columns))
    if NAME not in outputs:
        raise UsageError(
            f"The network of this run gives no {NAME}, only {', '.join(sorted(outputs))}",
            code="no-embedding",
            where=str(run.folder),
            fix="Features need a run whose network has that output.",
        )
    found = np.asarray(outputs[NAME], np.float32)
    return Embedded(found.reshape(len(found), -1), encoded.problems)


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors (N, D) at length 1; one of zeros stays as it is, near to nothing."""
    vectors = np.nan_to_num(vectors).astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


# --- the rows that a run learnt from --------------------------------------------------------------


@dataclass(frozen=True)
class Training:
    """The training rows of a run that are still there, and their vectors at length 1 (N, D)."""

    table: pd.DataFrame
    units: np.ndarray


def of_training(run: Run, data: Any, verb: str) -> Training:
    """The training rows of a run, read again; vectors are made once and kept in the user's cache.

    Raises UsageError where the data are not where they were, DataRefused where they hold none of
    the training rows.
    """
    own = run.task.reference(run.facts)
    if own is not None:
        bare = own[[*run.media, "source"]]  # titles are not part of the content
        bare = bare.assign(problem=pd.Series([None] * len(own), dtype=object))
        table = scan(bare, run.media)
        table = table.join(own.drop(columns=bare.columns, errors="ignore"))
        return Training(table, np.asarray(_kept(run, table).columns[NAME]))
    source = run_rows.place_of(run, data, verb)
    known = run_rows.rows_of(run)
    table = run_rows.own_rows(run, run_rows.looked_at(run, source)[0], known, "train")
    wanted = sum(row["split"] == "train" for row in known)
    if table.empty:
        raise DataRefused(
            f"None of the {wanted} training rows of the run is there",
            code="no-rows",
            where=str(source)
            if data is None or not isinstance(data, pd.DataFrame)
            else "DataFrame",
            fix=f"Give the data that the run was trained on: tenfold {verb}.",
        )
    if len(table) < wanted:
        tell(f"{wanted - len(table)} of {wanted} training rows are no longer there.")
    found = _kept(run, table)
    fine = np.array([row not in found.problems for row in range(len(table))])
    units = found.columns[NAME]
    if not fine.all():
        table, units = table[fine].reset_index(drop=True), np.asarray(units)[fine]
    return Training(table, np.asarray(units))


def _kept(run: Run, table: pd.DataFrame) -> Encoded:
    """Vectors at length 1 from the cache, under a name made of network, rows and versions."""
    files = [run.digest, system.digest_file(run.folder / "facts.json")]
    versions = [f"{one.name} {one.version}" for one in run.media.values()]
    parts = [NAME, __version__, run.task_name, str(type(run.task).encoding), *versions, *files]
    name = cache.key([*parts, *table["digest"]])
    return cache.load(name) or cache.store(name, _made(run, table))


def _made(run: Run, table: pd.DataFrame) -> Iterator[Encoded]:
    for start in range(0, len(table), ROWS):
        found = embed(run, table.iloc[start : start + ROWS])
        yield Encoded({NAME: unit(found.vectors)}, found.problems)
        advance("training rows", min(start + ROWS, len(table)), len(table))


# --- the nearest ----------------------------------------------------------------------------------


def nearest(
    asked: np.ndarray, units: np.ndarray, k: int, block: int = 8192
) -> tuple[np.ndarray, np.ndarray]:
    """(Q, k) cosine similarities and rows, nearest first, of vectors at length 1; exact.

    All rows are compared, a block of them at a time; equally near ones come in the order of rows.
    """
    scores, rows = np.zeros((len(asked), 0), np.float32), np.zeros((len(asked), 0), np.int64)
    for start in range(0, len(units), block):
        part = np.asarray(units[start : start + block])
        own = np.broadcast_to(np.arange(start, start + len(part)), (len(asked), len(part)))
        scores, rows = _best(np.hstack([scores, asked @ part.T]), np.hstack([rows, own]), k)
    return scores.clip(-1, 1), rows


def _best(scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest of each line (Q, M), in order; `rows` rise where scores are equal."""
    k = min(k, scores.shape[1])
    least = np.partition(scores, -k, axis=1)[:, -k, None]
    line, place = np.nonzero(scores >= least)
    value, row = scores[line, place], rows[line, place]
    order = np.lexsort((row, -value, line))
    first = np.searchsorted(line, np.arange(len(scores)))
    kept = order[np.arange(len(order)) - first[line] < k]
    return value[kept].reshape(-1, k), row[kept].reshape(-1, k)
