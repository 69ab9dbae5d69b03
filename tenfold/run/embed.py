"""Embeddings of runs whose network has an output `embedding`, and nearest-neighbour search.

Shapes: N rows, Q query rows, D values of an embedding, k neighbours.
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
from tenfold.core.message import Message
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
"""Number of rows that are encoded together."""


@dataclass(frozen=True)
class Embedded:
    """Embeddings (N, D) of a table; `problems` holds the problems of rows that cannot be read."""

    vectors: np.ndarray
    problems: dict[int, Problem] = field(default_factory=dict)


def embed(run: Run, table: Table) -> Embedded:
    """Embeddings of the rows of a table, float32: the network's output `embedding`, flattened.

    Raises UsageError where the network has no such output.
    """
    encoded = run.encode(table)
    outputs = run.infer(Columns(encoded.columns))
    if NAME not in outputs:
        raise UsageError(
            Message(
                "The network of this run has no output {name!r}, only {outputs}",
                name=NAME,
                outputs=", ".join(sorted(outputs)),
            ),
            code="no-embedding",
            where=str(run.folder),
            fix=Message("Use a run whose network has this output."),
        )
    found = np.asarray(outputs[NAME], np.float32)
    return Embedded(found.reshape(len(found), -1), encoded.problems)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, D) normalised to length 1; zero vectors stay zero, NaN counts as 0."""
    vectors = np.nan_to_num(vectors).astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


# --- training rows --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Training:
    """The rows that `similar` searches, with their embeddings `units` (N, D) of length 1.

    These reference rows are the training rows that were found, unless the task defines others.
    """

    table: pd.DataFrame
    units: np.ndarray


def of_training(run: Run, data: Any, verb: str) -> Training:
    """The reference rows of a run with their embeddings, which are cached.

    These are the rows of `Task.reference` where the task has them, else the training rows, read
    again from the data. Raises UsageError where the data are not found, DataRefused where they hold
    none of the training rows. `verb` is the command named in these errors.
    """
    own = run.task.reference(run.facts)
    if own is not None:
        bare = own[[*run.media, "source"]]  # without titles, which are not part of the digest
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
            Message("None of the {count} training rows of this run was found", count=wanted),
            code="no-rows",
            where=str(source)
            if data is None or not isinstance(data, pd.DataFrame)
            else "DataFrame",
            fix=Message("Give the data that this run was trained on: tenfold {verb}.", verb=verb),
        )
    if len(table) < wanted:
        tell(
            Message(
                "Training rows that do not exist any more: {count} of {total}.",
                count=wanted - len(table),
                total=wanted,
            )
        )
    found = _kept(run, table)
    fine = np.array([row not in found.problems for row in range(len(table))])
    units = found.columns[NAME]
    if not fine.all():
        table, units = table[fine].reset_index(drop=True), np.asarray(units)[fine]
    return Training(table, np.asarray(units))


def _kept(run: Run, table: pd.DataFrame) -> Encoded:
    """Returns the embeddings of a table's rows, normalised to length 1, and caches them.

    The cache key is a hash of network, facts, rows and versions.
    """
    files = [run.digest, system.digest_file(run.folder / "facts.json")]
    versions = [f"{one.name} {one.version}" for one in run.media.values()]
    parts = [NAME, __version__, run.task_name, str(type(run.task).encoding), *versions, *files]
    name = cache.key([*parts, *table["digest"]])
    return cache.load(name) or cache.store(name, _made(run, table))


def _made(run: Run, table: pd.DataFrame) -> Iterator[Encoded]:
    for start in range(0, len(table), ROWS):
        found = embed(run, table.iloc[start : start + ROWS])
        yield Encoded({NAME: unit(found.vectors)}, found.problems)
        advance(Message("training rows"), min(start + ROWS, len(table)), len(table))


# --- nearest neighbours ---------------------------------------------------------------------------


def nearest(
    asked: np.ndarray, units: np.ndarray, k: int, block: int = 8192
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest neighbours of query vectors `asked`, by exact search, nearest first.

    All vectors must have length 1. Returns cosine similarities (Q, k) and row numbers (Q, k). Rows
    are compared in blocks; ties are in the order of the rows.
    """
    scores, rows = np.zeros((len(asked), 0), np.float32), np.zeros((len(asked), 0), np.int64)
    for start in range(0, len(units), block):
        part = np.asarray(units[start : start + block])
        own = np.broadcast_to(np.arange(start, start + len(part)), (len(asked), len(part)))
        scores, rows = _best(np.hstack([scores, asked @ part.T]), np.hstack([rows, own]), k)
    return scores.clip(-1, 1), rows


def _best(scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest scores of each line (Q, M) with their rows, sorted; ties by row number."""
    k = min(k, scores.shape[1])
    least = np.partition(scores, -k, axis=1)[:, -k, None]
    line, place = np.nonzero(scores >= least)
    value, row = scores[line, place], rows[line, place]
    order = np.lexsort((row, -value, line))
    first = np.searchsorted(line, np.arange(len(scores)))
    kept = order[np.arange(len(order)) - first[line] < k]
    return value[kept].reshape(-1, k), row[kept].reshape(-1, k)
