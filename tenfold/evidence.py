"""What a trained run shows on rows it never learnt from, and the JSON document that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tenfold import scoring
from tenfold.app import Answer
from tenfold.data import Columns
from tenfold.prepare import Prepared
from tenfold.results import SCHEMA, Label, Score, Scores
from tenfold.run import Run

__all__ = ["Evidence", "document", "gather", "judge"]


@dataclass
class Evidence:
    """Answers to labelled rows, their scores, and what trivial methods reach on the same rows."""

    table: pd.DataFrame
    answers: Sequence[Answer]
    scores: Scores
    columns: Columns
    valid: Scores | None = None
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    protocol: str = ""
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    prepared: Prepared | None = None


def gather(run: Run, prepared: Prepared) -> Evidence:
    """Scores on the test part (on validation where there is none), and on validation beside it."""
    judged = "test" if len(prepared.rows("test")) else "valid"
    train = prepared.table("train")
    found = judge(run, prepared.table(judged), prepared.inputs(judged), train)
    found.protocol = f"{len(found.table)} {judged} rows; {prepared.split_line}"
    found.quarantined, found.prepared = prepared.quarantined, prepared
    if judged == "test" and len(prepared.rows("valid")):
        valid = prepared.table("valid")
        found.valid = _scores(run, run.answer(prepared.inputs("valid")), valid, train)
    found.baselines |= _centroids(run, prepared, judged)
    return found


def judge(run: Run, table: pd.DataFrame, columns: Columns, train: pd.DataFrame) -> Evidence:
    """Answers and scores of labelled rows; `train` tells the best constant guess."""
    answers = run.answer(columns)
    scores = _scores(run, answers, table, train)
    guesses = {name: round(one.guess, 6) for name, one in scores.metrics.items()}
    return Evidence(table, answers, scores, columns, baselines={"best constant guess": guesses})


def _scores(
    run: Run, answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame
) -> Scores:
    return run.app.score(list(answers), table) or scoring.score(answers, table, train)


def _centroids(run: Run, prepared: Prepared, judged: str) -> dict[str, dict[str, float]]:
    """The nearest class mean on the encoded values, as an answer of the same kind."""
    train, rows = prepared.inputs("train"), prepared.inputs(judged)
    if run.app.gives(run.facts) is not Label or len(train) != 1 or train.ragged or not rows.rows:
        return {}
    labels = prepared.table("train")["label"]
    classes = sorted(labels.unique(), key=scoring.natural)
    truth = labels.map({label: number for number, label in enumerate(classes)}).to_numpy(np.int64)
    said = scoring.centroids(train, truth, rows, len(classes))
    answers = [
        Label(classes[row.argmax()], dict(zip(classes, map(float, row), strict=True)))
        for row in said
    ]
    scores = scoring.score(answers, prepared.table(judged), prepared.table("train"))
    wanted = ("accuracy", "macro_f1")
    return {"nearest centroid": {name: round(scores.metrics[name].value, 6) for name in wanted}}


def document(
    run: Run, found: Evidence, prepared: Prepared, seconds: dict[str, float]
) -> dict[str, Any]:
    """The JSON document of `train`."""
    counts = {part: len(prepared.rows(part)) for part in ("train", "valid", "test")}
    return {
        **scored(run, found),
        "rows": counts | {"quarantined": len(prepared.quarantined)},
        "valid": _metrics(found.valid.metrics) if found.valid else {},
        "settled": run.facts.get("settled", {}),
        "seconds": seconds,
        "report": str(run.folder / "report.html"),
    }


def scored(run: Run, found: Evidence) -> dict[str, Any]:
    """What `test` and `train` have in common."""
    return {
        "schema": SCHEMA,
        "kind": run.kind,
        "run": str(run.folder),
        "rows": {"test": len(found.table)},
        "protocol": found.protocol,
        "headline": found.scores.headline,
        "scores": _metrics(found.scores.metrics),
        "baselines": found.baselines,
        "details": found.scores.details,
    }


def _metrics(metrics: dict[str, Score]) -> dict[str, dict[str, float]]:
    return {name: score.to_json() for name, score in metrics.items()}
