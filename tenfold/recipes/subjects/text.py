"""Texts, compared by the directions of their words and groups of characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Columns, Encoded
from tenfold.core.lazy import lazy
from tenfold.core.rows import Rows
from tenfold.media.files import references
from tenfold.media.files.records import is_table, table_of
from tenfold.media.input import Input
from tenfold.media.reading import Reading
from tenfold.media.text import columns, labelled, tokens
from tenfold.media.text.medium import TEXT
from tenfold.media.text.ngrams import vocabulary
from tenfold.recipes.subjects.subject import Subject, holds

if TYPE_CHECKING:
    from torch import nn

torch, sparse = lazy("torch"), lazy("scipy.sparse")
linalg = lazy("scipy.sparse.linalg")
networks, wrappers = lazy("tenfold.networks.subjects.projected"), lazy("tenfold.networks.subjects")

__all__ = ["SUBJECT"]

INPUTS = {"text": Input("text")}
SUFFIXES = (".txt", ".text", ".md")
"""Suffixes of files of texts."""
SEEN = 50_000
"""Number of training texts from which the vocabularies and directions are learnt."""
FEW = 500
"""Number of training texts below which n-grams that occur in only one text are kept too."""
WIDTH = 64
"""Number of directions."""


class TextSubject(Subject):
    """Texts; their n-grams of words, or of characters where words are not divided by blanks."""

    name = "text"
    roles = TEXT.roles
    columns = ("ids",)

    def fits(self, source: Any, reading: Reading) -> bool:
        if isinstance(source, pd.DataFrame):
            return TEXT.column in source.columns
        path = Path(source)
        if reading.columns.get(TEXT.name) or holds(path, _is_text):
            return True
        if not path.is_file() or not is_table(path.name):
            return False
        cell = references.file_cell(path.absolute())
        names = table_of(cell, path.name, columns.known_to(reading), reading).names
        return _texts_alone([one.strip().lower() for one in names], reading)

    def read(self, source: Any, reading: Reading) -> Rows:
        rows = labelled.read(source, replace(reading, needs_labels=False))
        table = rows.table
        if "label" in table and table["label"].nunique() > max(1, len(table) // 2):
            table = table.assign(label="")  # a name for each text is no label
        return rows.with_table(table)

    def learn(self, train: pd.DataFrame) -> dict[str, Any]:
        return {"subject": self.name, **_vocabularies(list(train["text"])[:SEEN])}

    def inputs(self, facts: Mapping[str, Any]) -> dict[str, Input]:
        return INPUTS

    def encode(self, table: pd.DataFrame, data: Mapping[str, Any]) -> Encoded:
        read, problems = tokens.texts_of(table["text"])
        return Encoded({"ids": vocabulary.encoded(tokens.block(read), data)}, problems)

    def features(self, facts: Mapping[str, Any]) -> nn.Module:
        found: nn.Module = networks.TextFeatures(vocabulary.count(facts["data"]), WIDTH)
        return found

    def learn_features(self, features: Any, train: Columns) -> None:
        weights = _directions(train.ragged("ids"), len(features.weights) - 1)
        features.weights.zero_()
        features.weights[1:, : weights.shape[1]] = torch.from_numpy(weights)

    def network(self, features: nn.Module, model: nn.Module) -> nn.Module:
        found: nn.Module = wrappers.OfTexts(features, model)
        return found


def _texts_alone(names: Sequence[str], reading: Reading) -> bool:
    """Returns True for columns of texts beside at most one other, such as an id, and labels.

    A table with more columns is compared by all of them; `--text` chooses the texts.
    """
    roles = {name.strip().lower() for name in reading.roles.values()}
    others = [one for one in names if not columns.known(one) and one not in roles]
    return any(one in columns.TEXTS for one in names) and len(others) <= 1


def _is_text(name: str) -> bool:
    return name.removesuffix(".gz").endswith(SUFFIXES)


def _vocabularies(read: Sequence[str]) -> dict[str, Any]:
    """Returns the vocabularies of n-grams, and the lengths of n-grams, for `vocabulary.encoded`."""
    blocks = [tokens.block(read[at : at + 4096]) for at in range(0, len(read), 4096)]
    alone = np.mean([one.single for one in blocks]) > 0.3
    cut = {"words": 1, "least": 1, "most": 2} if alone else {"words": 1, "least": 1, "most": 0}
    least = 1 if len(read) < FEW else 2
    words = [one.grams(cut["words"], 1, 0)[1] for one in blocks]
    characters = [one.grams(0, cut["least"], cut["most"])[1] for one in blocks]
    return cut | {
        "grams": vocabulary.often(words, least),
        "characters": vocabulary.often(characters, least),
    }


def _directions(ids: Any, known: int) -> np.ndarray:
    """Returns (V, F) the first singular vectors of the texts, times the weight of each n-gram."""
    found = sparse.csr_array(
        (np.ones(len(ids.values), np.float32), ids.values - 1, ids.offsets),
        shape=(len(ids.lengths), known),
    )
    found.data[:] = 1.0
    idf = np.log((1 + found.shape[0]) / (1 + np.bincount(found.indices, minlength=known))) + 1
    found = found * idf[None]
    length = np.sqrt(found.multiply(found).sum(1)).clip(1e-9)
    found = sparse.csr_array(found / length[:, None])
    width = min(WIDTH, min(found.shape) - 1)
    if width < 1:
        return np.zeros((known, 0), np.float32)
    start = np.ones(min(found.shape)) / min(found.shape) ** 0.5
    vectors = linalg.svds(found, width, v0=start, random_state=0)[2][::-1].T
    signs = np.sign(vectors[np.abs(vectors).argmax(0), np.arange(width)])
    return np.asarray(vectors * signs * idf[:, None], np.float32)


SUBJECT = TextSubject()
