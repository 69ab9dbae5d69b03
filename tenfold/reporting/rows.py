"""Facts on the rows for reports: counts, classes, files left out, duplicates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers import charts
from tenfold.answers.kind import AnswerKind
from tenfold.core.message import restored
from tenfold.core.text import natural
from tenfold.data.prepare import Prepared
from tenfold.reporting.words import named

__all__ = ["PARTS", "counted", "cut", "of_folder", "of_prepared", "shown"]

PARTS = ("train", "valid", "test")
MOST = 40


def of_prepared(prepared: Prepared) -> dict[str, Any]:
    """Facts on the rows of prepared data, as in the JSON document of `check`."""
    used = prepared.used
    lists = ("quarantined", "ignored", "duplicates", "near", "leaks", "conflicts")
    return {
        "found": prepared.found,
        "used": len(used),
        "beyond": prepared.beyond,
        **({} if prepared.lines is None else {"lines": prepared.lines}),
        **{name: getattr(prepared, name) for name in lists},
        "classes": counted(used, prepared.answer),
        **_distribution(used, prepared.answer),
        "split": prepared.split_line,
        "parts": {part: int((used["split"] == part).sum()) for part in PARTS},
        "taken": prepared.split_rows.taken.to_json(),
    }


def of_folder(folder: Path, answer: AnswerKind) -> dict[str, Any]:
    """Facts on the rows of a run, as far as its folder stores them."""
    used = pd.DataFrame(_lines(folder / "rows.jsonl"), columns=None)
    split = used["split"] if "split" in used else pd.Series(dtype=object)
    return {
        "used": len(used),
        "beyond": 0,
        "quarantined": _lines(folder / "quarantine.jsonl"),
        "classes": counted(used, answer),
        **_distribution(used, answer),
        "parts": {part: int((split == part).sum()) for part in PARTS},
    }


def _distribution(used: pd.DataFrame, answer: AnswerKind) -> dict[str, Any]:
    found = answer.distribution(used) if len(used) else {}
    return {"distribution": found} if found else {}


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [restored(json.loads(line)) for line in lines]


def counted(used: pd.DataFrame, answer: AnswerKind) -> dict[str, dict[str, int]]:
    """Number of rows of each class by part; {} where answers have no classes."""
    counts = {part: answer.counts(used[used["split"] == part]) for part in PARTS if len(used)}
    classes = sorted({name for one in counts.values() for name in one}, key=natural)
    return {name: {part: counts[part][name] for part in PARTS} for name in classes}


def cut(rows: dict[str, Any]) -> dict[str, Any]:
    """The facts with long lists cut (`count` is their length), and with the class imbalance."""
    found: dict[str, Any] = dict(rows)
    for name in ("quarantined", "ignored", "duplicates", "near", "leaks", "conflicts"):
        if name in rows:
            found[name] = {"first": rows[name][:MOST], "count": len(rows[name])}
    return found | ({"uneven": _uneven(rows["classes"])} if rows["classes"] else {})


def shown(rows: dict[str, Any], answer: AnswerKind) -> dict[str, Any]:
    """The facts for a page: long lists cut, a chart of the classes, the distribution as section."""
    found = cut(rows)
    if rows.get("distribution"):
        found["distribution"] = answer.distribution_section(rows["distribution"])
    if rows["classes"]:
        each = [(name, [one[part] for part in PARTS]) for name, one in rows["classes"].items()]
        found["balance"] = charts.balance(each, [named(part) for part in PARTS])
    return found


def _uneven(classes: dict[str, dict[str, int]]) -> dict[str, Any]:
    """The largest and the smallest class of the training rows, their ratio, and the median."""
    train = {name: counts["train"] for name, counts in classes.items()}
    most, least = max(train, key=lambda name: train[name]), min(train, key=lambda name: train[name])
    return {
        "most": (most, train[most]),
        "least": (least, train[least]),
        "ratio": train[most] / max(1, train[least]),
        "median": int(np.median(list(train.values()))),
    }
