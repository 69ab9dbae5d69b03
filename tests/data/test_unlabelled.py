"""Parts in which nothing is labelled: stated, and neither used nor scored."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tenfold.answers.registry import kinds
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.data import unlabelled


def rows(labels: dict[str, list[str]]) -> Rows:
    lines = [(part, one) for part, each in labels.items() for one in each]
    table = pd.DataFrame(lines, columns=["split", "label"]).assign(problem=None)
    table["source"] = [f"row {row}" for row in range(len(table))]
    return Rows(table, answer=kinds()["label"])


@pytest.mark.parametrize(
    ("labels", "parts", "stated"),
    [
        ({"train": ["a", "b"], "test": ["", ""]}, {"train"}, ["test"]),
        ({"train": ["a", "b"], "valid": [""], "test": ["a"]}, {"train", "test"}, ["validation"]),
        ({"train": ["a"], "valid": ["", ""], "test": [""]}, {"train"}, ["validation", "test"]),
        ({"train": ["a"], "valid": ["", "b"], "test": ["", "a"]}, {"train", "valid", "test"}, []),
    ],
)
def test_parts_without_labels_are_stated(
    labels: dict[str, list[str]],
    parts: set[str],
    stated: list[str],
    monkeypatch: pytest.MonkeyPatch,
):
    heard: list[Message] = []
    monkeypatch.setattr(unlabelled, "tell", heard.append)
    kept, gone = unlabelled.without_unlabelled(rows(labels))
    assert set(kept.table["split"]) == parts
    assert [one.values["part"] for one in heard] == stated
    assert len(kept.table) + len(gone) == sum(map(len, labels.values()))
    left = unlabelled.with_problems(kept)
    codes = [one.code for one in left["problem"] if one]
    assert codes == ["no-label"] * (1 if parts == {"train", "valid", "test"} else 0)


def test_data_in_which_nothing_is_labelled_are_not_scored():
    with pytest.raises(DataRefused) as refused:
        unlabelled.refuse_unlabelled(rows({"": ["", ""]}), "data.csv")
    assert refused.value.code == "no-labels" and refused.value.exit_code == 3
    unlabelled.refuse_unlabelled(rows({"": ["", "a"]}), str(Path("data.csv")))
