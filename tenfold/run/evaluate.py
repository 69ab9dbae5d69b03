"""What a trained run shows on rows it never learnt from, and the JSON document that says so."""

from __future__ import annotations

import functools
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers import calibration, intervals
from tenfold.answers.kind import Change
from tenfold.core import device, system
from tenfold.core.columns import Batch, Columns, batches, join
from tenfold.core.errors import DataRefused
from tenfold.core.lazy import lazy
from tenfold.core.progress import tell
from tenfold.core.results import SCHEMA, Score, Scores
from tenfold.core.rows import Judged, Rows
from tenfold.core.version import __version__
from tenfold.data.prepare import Prepared
from tenfold.networks import summary
from tenfold.run import rows as run_rows
from tenfold.run.run import Run
from tenfold.task import Answer
from tenfold.training.inference import Infer, OutputColumns, by_torch

torch = lazy("torch")

__all__ = [
    "Evidence",
    "again",
    "document",
    "environment",
    "evaluated",
    "gather",
    "on_validation",
    "scored",
    "scores_of",
]

FEW = (10, 30, 100)
"""Training rows at which one group of classes ends and the next begins."""


@dataclass
class Evidence:
    """Answers to labelled rows, their scores, and what trivial methods reach on the same rows."""

    judged: Judged
    answers: Sequence[Answer]
    scores: Scores
    valid: Scores | None = None
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    protocol: str = ""
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    prepared: Prepared | None = None
    calibration: dict[str, Any] = field(default_factory=dict)
    by_examples: list[dict[str, Any]] = field(default_factory=list)
    ablations: dict[str, dict[str, float]] = field(default_factory=dict)
    without_near: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def table(self) -> pd.DataFrame:
        """The rows that were judged."""
        return self.judged.table

    @property
    def columns(self) -> Columns:
        """Their encoded inputs."""
        return self.judged.columns


def gather(run: Run, prepared: Prepared, part: str = "", valid: Scores | None = None) -> Evidence:
    """Scores on the test part (on validation where there is none), and on validation beside it.

    With `part`, on those rows alone, and the test part is not looked at. `valid` are validation
    scores that are known already.
    """
    judged = part or prepared.judged
    found = evaluated(run, prepared.judged_rows(judged))
    rows, line = len(found.table), prepared.split_line
    found.protocol = {
        "test": f"{rows} test rows; {line}",
        "valid": f"{rows} valid rows; {line}",
        "train": f"{rows} rows, which were learnt from as well; {line}",
        "selection": f"{rows} validation rows, those that choose; {line}",
    }[judged]
    found.quarantined, found.prepared = prepared.quarantined, prepared
    if judged == "test" and len(prepared.rows("valid")):
        found.valid = valid or on_validation(run, prepared)
    found.baselines |= _trivial(run, prepared, judged) | _rungs(run, found)
    found.ablations = _ablations(run, found)
    found.without_near = _without_near(run, found)
    if found.calibration:
        found.calibration["rows"] = prepared.parts.calibration.rows
    return found


def on_validation(run: Run, prepared: Prepared) -> Scores:
    """Scores on the validation part."""
    judged = prepared.judged_rows("valid")
    return scores_of(run, run.answer(judged.columns), judged)


def evaluated(run: Run, judged: Judged) -> Evidence:
    """Answers and scores of labelled rows."""
    began = time.perf_counter()
    answers = run.answer(judged.columns)
    seconds = time.perf_counter() - began
    scores = scores_of(run, answers, judged)
    guesses = {name: round(one.baseline, 6) for name, one in scores.metrics.items()}
    counts = run.answer_kind.counts(judged.train)
    return Evidence(
        judged,
        answers,
        scores,
        baselines={"constant baseline": guesses},
        calibration=_calibration(run, answers, judged.table),
        by_examples=_by_examples(scores.details.get("classes", []), counts),
        seconds=seconds,
    )


def again(run: Run, data: Any, verb: str = "test") -> tuple[Evidence, int]:
    """Evidence on `data`, or on the run's own test rows; and how many rows were left out.

    Raises DataRefused where no row is left to score, UsageError where the data have moved, and
    for a trial of a search without `data`.
    """
    own = data is None
    if own:
        run_rows.refuse_trial(run)
    source = run_rows.place_of(run, data, f"{verb} RUN DATA")
    known = run_rows.rows_of(run)
    rows, bad = run_rows.read_again(run, source)
    table = rows.table
    seen = {row["digest"] for row in known if row["split"] != "test"}
    fresh = ~table["digest"].isin(seen)
    left_out = 0 if own else int((~fresh).sum())
    parts = {row["split"] for row in known}
    part = next((name for name in ("test", "valid") if name in parts), "train")
    table = run_rows.own_rows(run, table, known, part) if own else table[fresh]
    if table.empty:
        raise DataRefused("No row is left to score", code="no-rows", where=str(source))
    if left_out:
        tell(f"{left_out} rows were seen in training: left out.")
    rows = rows.with_table(table.reset_index(drop=True))
    return _evaluated(run, rows, bad, known, part if own else ""), left_out


def _evaluated(
    run: Run,
    rows: Rows,
    bad: list[dict[str, Any]],
    known: list[dict[str, Any]],
    part: str,
) -> Evidence:
    table = rows.table
    encoded = run.encode(table)
    failed = pd.Series([encoded.problems.get(row) for row in range(len(table))], dtype=object)
    kept = failed.isna().to_numpy()
    bad += run_rows.good(table.assign(problem=failed))[1]
    train = pd.DataFrame([row for row in known if row["split"] == "train"])
    judged = Judged(rows, Columns(encoded.columns), train)
    found = evaluated(run, judged.only(kept.nonzero()[0]))
    found.quarantined = bad
    found.protocol = f"{len(found.table)} rows " + (
        "of the run's own test part"
        if part == "test"
        else "of the run's own validation part"
        if part == "valid"
        else "which the run learnt from"
        if part
        else "of data given, none seen in training"
    )
    return found


def scores_of(run: Run, answers: Sequence[Answer], judged: Judged) -> Scores:
    """Scores as the task has them, else as the kind of answer does."""
    own = run.task.score(run, judged)
    return own or run.answer_kind.score(answers, judged.table, judged.train)


def _calibration(run: Run, answers: Sequence[Answer], table: pd.DataFrame) -> dict[str, Any]:
    """How honest answers are with the temperature that was fitted and without; {} with none."""
    temperature = run.facts.get("fitted", {}).get("temperature")
    if not temperature or not len(table):
        return {}
    kind = run.answer_kind
    before = functools.partial(
        calibration.undone, temperature=float(temperature), exclusive=kind.exclusive
    )
    changes: dict[str, Change] = {"before": before, "after": lambda chances: chances}
    found = {name: kind.calibration(answers, table, change) for name, change in changes.items()}
    known = run.scores.get("calibration", {}).get("rows", 0)
    return {"temperature": temperature, "rows": known, **found}


def _by_examples(classes: list[dict[str, Any]], counts: Counter[str]) -> list[dict[str, Any]]:
    """Classes judged, by how many training rows they had: what share of their rows was found."""
    found: list[dict[str, Any]] = []
    classes = [one for one in classes if one["support"]]
    for least, most in zip((0, *(end + 1 for end in FEW)), (*FEW, None), strict=True):
        inside = [
            one
            for one in classes
            if least <= counts[one["class"]] and (most is None or counts[one["class"]] <= most)
        ]
        if not inside:
            continue
        rows = sum(one["support"] for one in inside)
        hits = sum(round(one["recall"] * one["support"]) for one in inside)
        value, low, high = (round(x, 6) for x in intervals.wilson(np.arange(rows) < hits))
        group = {"least": least, "most": most, "classes": len(inside), "rows": rows}
        found.append(group | {"value": value, "low": low, "high": high})
    return found


# --- beside the run -------------------------------------------------------------------------------


def _ablations(run: Run, found: Evidence) -> dict[str, dict[str, float]]:
    """Scores of the same rows with a part of each taken away, by the part's name."""
    changed = {}
    for name, change in run.task.ablations(run.facts).items():
        less = replace(run, infer=_without(run, change))
        scores = scores_of(less, less.answer(found.columns), found.judged)
        changed[name] = _values(scores)
    return changed


def _rungs(run: Run, found: Evidence) -> dict[str, dict[str, float]]:
    """Scores of the other candidates of a run that has just been trained, on the same rows."""
    others = {}
    for name, net in run.candidates.items():
        other = replace(run, infer=by_torch(net), net=net)
        scores = scores_of(other, other.answer(found.columns), found.judged)
        others[name] = _values(scores)
    return others


def _without_near(run: Run, found: Evidence) -> dict[str, Any]:
    """Scores on the rows that have no near copy in training; {} where none has one."""
    if "near" not in found.table:
        return {}
    kept = ~found.table["near"].isin(set(found.judged.train["near"].dropna()))
    if kept.all() or not kept.any():
        return {}
    answers = [one for one, stays in zip(found.answers, kept, strict=True) if stays]
    scores = scores_of(run, answers, found.judged.only(kept.to_numpy().nonzero()[0]))
    return {"rows": len(answers), "scores": _metrics(scores.metrics)}


def _without(run: Run, change: Callable[[Batch], Batch], size: int = 512) -> Infer:
    """The run's way to outputs, a part of each row taken away before."""

    def infer(columns: Columns) -> OutputColumns:
        blocks = [run.infer(Columns({**change(columns.take(rows))}))
                  for rows in batches(columns.rows, size)]  # fmt: skip
        return blocks[0] if len(blocks) == 1 else join(blocks)

    return infer


def _trivial(run: Run, prepared: Prepared, judged: str) -> dict[str, dict[str, float]]:
    """Scores of further trivial methods, from rows and their encoded values."""
    train, rows = ((prepared.table(part), prepared.inputs(part)) for part in ("train", judged))
    found = run.answer_kind.baselines(train, rows)
    return {name: _values(scores) for name, scores in found.items()}


def _values(scores: Scores) -> dict[str, float]:
    return {name: round(one.value, 6) for name, one in scores.metrics.items()}


# --- as JSON --------------------------------------------------------------------------------------


def document(
    run: Run, found: Evidence, prepared: Prepared, seconds: dict[str, float]
) -> dict[str, Any]:
    """The JSON document of `train`."""
    counts = {part: len(prepared.rows(part)) for part in ("train", "valid", "test")}
    return {
        **scored(run, found),
        "rows": counts | {"quarantined": len(prepared.quarantined)},
        "valid": _metrics(found.valid.metrics) if found.valid else {},
        "ablations": found.ablations,
        "without_near": found.without_near,
        "fitted": run.facts.get("fitted", {}),
        "seconds": seconds,
        "layers": (table := _layers(run, prepared)),
        "cost": _cost(run, found) | {"flops_a_row": summary.totals(table)["flops"]},
        "environment": environment(run),
        "report": str(run.folder / "report.html"),
    }


def scored(run: Run, found: Evidence) -> dict[str, Any]:
    """What `test` and `train` have in common."""
    return {
        "schema": SCHEMA,
        "task": run.task_name,
        "run": str(run.folder),
        "rows": {"test": len(found.table)},
        "protocol": found.protocol,
        "headline": found.scores.headline,
        "scores": _metrics(found.scores.metrics),
        "baselines": found.baselines,
        "details": found.scores.details,
        "calibration": found.calibration,
        "by_examples": found.by_examples,
    }


def _metrics(metrics: dict[str, Score]) -> dict[str, dict[str, float]]:
    return {name: score.to_json() for name, score in metrics.items()}


def _layers(run: Run, prepared: Prepared) -> list[dict[str, Any]]:
    """The layers of the network; [] where it is none of torch."""
    if run.net is None:
        return []
    return summary.table(run.net, prepared.inputs("train").take(np.zeros(2, np.int64)))


def _cost(run: Run, found: Evidence) -> dict[str, float | int]:
    """What an answer takes, and the run on disk and in memory (0 where it is not known)."""
    weights = run.folder / "weights.safetensors"
    place = next(run.net.parameters()).device if run.net is not None else None
    on_device = torch.cuda.max_memory_allocated(place) if place and place.type == "cuda" else 0
    return {
        "milliseconds_a_row": round(1000 * found.seconds / max(1, len(found.table)), 4),
        "parameters": sum(one.numel() for one in run.net.parameters()) if run.net else 0,
        "weights": weights.stat().st_size if weights.exists() else 0,
        "memory": system.peak_memory(),
        "device_memory": int(on_device),
    }


def environment(run: Run) -> dict[str, str]:
    """Versions, system, processor and the time (UTC), as they are now."""
    place = next(run.net.parameters()).device if run.net is not None else None
    return {
        "tenfold": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__) if run.net is not None else "none",
        "system": f"{platform.system()} {platform.machine()}",
        "device": device.name(place) if place else platform.processor(),
        "time": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }
