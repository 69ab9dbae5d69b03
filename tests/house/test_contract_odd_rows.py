"""The laws of odd rows, for every task: none at all, a truth never seen, no validation."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from learning import HERE
from subjects import Subject, handed_over, some
from subjects import subject as subject

from tenfold.core.columns import Columns, Parts, Ragged
from tenfold.training.batches import tensors


def values(column: Any) -> np.ndarray:
    return column.values if isinstance(column, Ragged) else column


def test_an_empty_table_survives(subject: Subject):
    table = some(subject)
    for hook in ("encode", "targets"):
        made = [getattr(subject.task, hook)(part, subject.facts) for part in (table, table[:0])]
        full, empty = made if hook == "targets" else [one.columns for one in made]
        assert set(full) == set(empty)
        for name, column in empty.items():
            assert len(column) == 0
            assert values(column).dtype == values(full[name]).dtype
            assert values(column).shape[1:] == values(full[name]).shape[1:]
    assert subject.run.answers_of(table[:0]) == []


def test_an_answer_never_seen_is_unknown_and_ignored_by_the_loss(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
):
    table = some(subject)
    if "label" not in table:
        pytest.skip("has no single label: another column says the answer")
    foreign = table.assign(label=["never seen", *table["label"][1:]])
    call = handed_over(subject, monkeypatch)
    targets = subject.task.targets(foreign, subject.facts)
    for column in targets.values():
        assert np.asarray(column)[0] == -1 and (np.asarray(column)[1:] >= 0).all()
    columns = Columns(subject.task.encode(table, subject.facts).columns | targets)
    call.net.eval()
    with torch.no_grad():
        every = call.loss(call.net, tensors(columns.take(np.arange(len(table))), HERE))
        known = call.loss(call.net, tensors(columns.take(np.arange(1, len(table))), HERE))
    torch.testing.assert_close(every, known)


@pytest.mark.parametrize("rows", [1, 5])
def test_no_rows_in_validation_survive(subject: Subject, rows: int):
    train = subject.prepared.parts.train
    nothing = train.view(np.zeros(0))
    fitted = subject.task.fit(
        subject.net(), Parts(train.view(np.arange(rows)), nothing, nothing), subject.plan(epochs=2)
    )
    assert all(torch.isfinite(value).all() for value in fitted.net.state_dict().values())
    json.dumps(fitted.facts, allow_nan=False)
