"""Facts, random pictures and what goes to the loop, for tests of image classification."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from subjects import Call
from torch import nn

from tenfold.answers.label import LABEL
from tenfold.answers.labels import LABELS
from tenfold.core.columns import Columns, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.core.rows import Rows
from tenfold.task import Facts
from tenfold.tasks import registry
from tenfold.training import loop

TASK = "image-classification"
EVEN, UNEVEN = {"a": 8, "b": 8, "c": 8}, {"a": 36, "b": 9, "c": 4}


def train_table(
    counts: dict[str, int], sides: list[tuple[int, int]] | None = None, channels: int = 1
) -> pd.DataFrame:
    """Headers and labels of training rows; nothing else is asked for by learn."""
    label = np.repeat(list(counts), list(counts.values()))
    found = sides or [(24, 24)]
    return pd.DataFrame(
        {
            "label": label,
            "height": [found[row % len(found)][0] for row in range(len(label))],
            "width": [found[row % len(found)][1] for row in range(len(label))],
            "channels": channels,
        }
    )


def facts_of(counts: dict[str, int] | None = None, settings: Any = None, **look: Any) -> Facts:
    table = train_table(counts or {"cat": 8, "dog": 8}, **look)
    return registry.find(TASK, **settings or {}).learn(Rows(table, answer=LABEL))


def facts_at(height: int, width: int, channels: int, settings: Any, **look: Any) -> Facts:
    """The same for pictures stored at just these sides."""
    facts = facts_of(EVEN, settings, channels=channels, **look)
    facts["data"] |= {"height": height, "width": width}
    return facts | {"net": registry.find(TASK, **settings)._net(facts, sum(EVEN.values()))}


def noise(facts: Facts, rows: int = 16) -> Parts:
    """Random pictures of the size that the facts say, each class in turn."""
    random, data = np.random.default_rng(1), facts["data"]
    shape = (rows, data["height"], data["width"], data["channels"] + data["masked"])
    image = random.integers(0, 256, shape, np.uint8)
    answer = np.arange(rows) % len(facts["truths"]["classes"])
    columns = Columns({"image": image, "label": answer})
    return Parts(columns, columns.view(np.arange(rows // 2)), columns.view(np.arange(rows // 2)))


def handed_over(facts: Facts, patch: pytest.MonkeyPatch, **settings: Any) -> Call:
    """What goes to the loop."""
    seen: list[Call] = []

    def capture(net: nn.Module, *rest: Any) -> Any:
        net.eval()
        seen.append(Call(net, *rest))
        return Fitted(net)

    patch.setattr(loop, "fit", capture)
    task = registry.find(TASK, **settings)
    plan = Plan(facts=facts, device="cpu")
    torch.manual_seed(0)
    task.fit(task.build(facts), noise(facts), plan)
    return seen[0]


def several_facts() -> Facts:
    table = train_table({"x": 6}).drop(columns="label")
    rows = [("a",), ("a", "b"), (), ("c",), ("b", "c"), ("a", "b", "c")]
    table = table.assign(labels=pd.Series(rows, dtype=object))
    return registry.find(TASK).learn(Rows(table, answer=LABELS))


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)
