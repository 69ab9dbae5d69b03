"""A second fit on the rows of training and validation, with everything chosen by a first one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from learning import watching

from tenfold.core.columns import Columns, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.task import Task

AGAIN = ("steps", "batch", "precision", "decided", "epochs")
"""Facts of the loop, which the second fit writes anew."""


class Untouched:
    """Rows at which nobody may look."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"{name} of rows that may not be looked at")


def refitted(task: Task, parts: Parts, plan: Plan, fixed: dict[str, Any]) -> Fitted:
    """The second fit, on all of `parts` joined."""
    joined = np.concatenate([view_rows(parts.train), view_rows(parts.selection)])
    hidden: Any = Untouched()
    torch.manual_seed(plan.seed)
    net = task.build(plan.facts)
    rows = Parts(Columns(parts.train.arrays, joined), hidden, hidden)
    return task.fit(net, rows, replace(plan, epochs=None, batch=None, fixed=fixed))


def view_rows(columns: Columns) -> np.ndarray:
    return np.arange(columns.rows) if columns.index is None else columns.index


def assert_repeats(task: Task, parts: Parts, plan: Plan, first: Fitted, selected: str = "") -> None:
    """The second fit keeps the candidate (or `selected` in its place), its steps and choices."""
    fixed = first.facts | ({"selected": selected} if selected else {})
    with watching() as heard:
        second = refitted(task, parts, plan, fixed)
    assert not heard.told("is selected")
    assert second.facts.get("selected") == fixed.get("selected")
    assert second.candidates == {}
    steps = {**fixed, **fixed.get("budgets", {}).get(fixed.get("selected"), {})}
    if heard.steps:
        assert second.facts["steps"] == heard.steps[-1] == steps["steps"]
        assert second.facts["batch"] == steps["batch"]
    if "temperature" in fixed:
        assert float(second.net.temperature) == pytest.approx(fixed["temperature"])
    for name, value in second.facts.items():
        if name not in (*AGAIN, "parts", "cost"):
            assert value == fixed[name], name
    for name, value in second.facts.get("cost", {}).items():
        assert value == fixed["cost"][name]
    whole = task.build(plan.facts | {"fitted": second.facts})
    whole.load_state_dict(second.net.state_dict())
