"""Evaluation of a trained run on labelled rows, and the JSON document with the scores."""

from __future__ import annotations

import functools
import math
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from tenfold.answers import calibration, intervals
from tenfold.answers.intervals import Sampling
from tenfold.answers.kind import AnswerKind, Change
from tenfold.core import device, system
from tenfold.core.columns import Batch, Columns, batches, join
from tenfold.core.lazy import lazy
from tenfold.core.message import EMPTY, Message
from tenfold.core.progress import advance, predicting, tell
from tenfold.core.results import SCHEMA, Score, Scores, rounded
from tenfold.core.rows import Judged, Rows
from tenfold.core.version import __version__
from tenfold.data.prepare import Prepared
from tenfold.networks import summary
from tenfold.run import rows as run_rows
from tenfold.run.by_values import by_values
from tenfold.run.importance import importance
from tenfold.run.run import Run
from tenfold.run.scoring import scores_of, values_of
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
    "valued",
]

T = TypeVar("T")

FEW = (10, 30, 100)
"""Classes are grouped by their number of training rows: up to 10, up to 30, up to 100, and more."""


@dataclass
class Evidence:
    """Predictions for labelled rows, their scores, and baseline scores on the same rows."""

    judged: Judged
    answers: Sequence[Answer]
    scores: Scores
    valid: Scores | None = None
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    protocol: Message = EMPTY
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    prepared: Prepared | None = None
    calibration: dict[str, Any] = field(default_factory=dict)
    by_examples: list[dict[str, Any]] = field(default_factory=list)
    by: list[dict[str, Any]] = field(default_factory=list)
    ablations: dict[str, dict[str, float]] = field(default_factory=dict)
    without_near: dict[str, Any] = field(default_factory=dict)
    importance: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    """Number of labels of each class that the run does not know; each counts as an error."""
    seconds: float = 0.0

    @property
    def table(self) -> pd.DataFrame:
        """The rows that were scored."""
        return self.judged.table

    @property
    def columns(self) -> Columns:
        """The encoded inputs of the scored rows."""
        return self.judged.columns


def gather(
    run: Run,
    prepared: Prepared,
    part: str = "",
    valid: Scores | None = None,
    due: float = math.inf,
) -> Evidence:
    """Evaluates a run on the test part of its data, and also on validation.

    Without a test part, the validation part is used; without both, the training part. With `part`,
    only that part is evaluated and the test part is not used. `valid` are validation scores that
    are known already. Validation, the other candidates and the ablations are scored only if this is
    expected to end before `due`, a time of `time.perf_counter`.
    """
    judged, began = part or prepared.judged, time.perf_counter()
    found = evaluated(run, prepared.judged_rows(judged))
    rows, line = len(found.table), prepared.split_line
    latest = due - (time.perf_counter() - began)  # for the begin of scoring another model
    sentence = {
        "test": Message("{rows} test rows; {split}", rows=rows, split=line),
        "valid": Message("{rows} validation rows; {split}", rows=rows, split=line),
        "train": Message(
            "{rows} rows that were also used for training; {split}", rows=rows, split=line
        ),
        "selection": Message(
            "{rows} validation rows, the half for selection; {split}", rows=rows, split=line
        ),
    }[judged]
    found.protocol = intervals.protocol(sentence, found.scores.groups)
    found.quarantined, found.prepared = prepared.quarantined, prepared
    if judged == "test" and len(prepared.rows("valid")):
        later = {"validation": prepared} if valid is None else {}
        scores = [on_validation(run, one) for _, one in _in_time(later, latest)]
        found.valid = scores[0] if scores else valid
    found.baselines |= _trivial(run, prepared, judged) | _rungs(run, found, latest)
    found.ablations = _ablations(run, found, latest)
    found.without_near = _without_near(run, found)
    found.importance = {} if part else importance(run, found.table, latest)
    if found.calibration:
        found.calibration["rows"] = prepared.parts.calibration.rows
    return found


def on_validation(run: Run, prepared: Prepared) -> Scores:
    """Scores of a run on the validation part."""
    judged = prepared.judged_rows("valid")
    return scores_of(run, run.answer_to_score(judged.columns), judged)


def evaluated(run: Run, judged: Judged) -> Evidence:
    """Predictions, scores, baselines and calibration of a run on labelled rows."""
    began = time.perf_counter()
    with predicting("predicting"):
        answers = run.answer_to_score(judged.columns)
    seconds = time.perf_counter() - began
    scores = scores_of(run, answers, judged)
    guesses = {name: round(one.baseline, 6) for name, one in scores.metrics.items()}
    return Evidence(
        judged,
        answers,
        scores,
        baselines={"constant baseline": guesses},
        calibration=_calibration(run, answers, judged.table),
        by_examples=_by_examples(run.answer_kind, answers, judged),
        by=by_values(run, answers, judged),
        seconds=seconds,
    )


def again(run: Run, data: Any, verb: str = "test", by: Sequence[str] = ()) -> tuple[Evidence, int]:
    """Evaluates a run on `data` or, without them, on its own test rows, read again.

    A run without test rows is evaluated on its validation rows, else on its training rows. Scores
    are also reported by the columns `by`, () = those of the training, where the data have them.
    Returns the evidence and the number of rows of `data` excluded as training or validation rows.
    Raises DataRefused where no row is left to score; UsageError where the data of the run are not
    found, or for a trial of a hyperparameter search without `data`.
    """
    known = run_rows.rows_of(run)
    rows, bad, part, left_out = run_rows.to_score(run, data, known, f"{verb} RUN DATA", by)
    return _evaluated(run, rows, bad, known, part), left_out


def valued(run: Run, found: Evidence, costs: str = "", positive: str = "") -> Evidence:
    """The evidence with the details for stated costs of errors and another positive class.

    Unchanged if both are "". Raises UsageError where they do not fit the classes of the run.
    """
    if not costs and not positive:
        return found
    train, kind = found.judged.train, run.answer_kind
    more = kind.valued(found.answers, found.table, train, costs, positive)
    return replace(found, scores=replace(found.scores, details=found.scores.details | more))


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
    found.unknown = run_rows.unknown_classes(run, found.table)
    count = len(found.table)
    sentence = {
        "test": Message("{rows} rows of the run's own test part", rows=count),
        "valid": Message("{rows} rows of the run's own validation part", rows=count),
        "train": Message("{rows} rows of the run's own training part", rows=count),
        "": run_rows.given(run, found.table, known),
    }[part]
    found.protocol = intervals.protocol(sentence, found.scores.groups)
    return found


def _calibration(run: Run, answers: Sequence[Answer], table: pd.DataFrame) -> dict[str, Any]:
    """Calibration with the fitted temperature and without; {} where no temperature was fitted."""
    temperature = run.facts.get("fitted", {}).get("temperature")
    if not temperature or not len(table):
        return {}
    kind = run.answer_kind
    before = functools.partial(
        calibration.undone,
        temperature=float(temperature),
        exclusive=kind.exclusive,
        bias=run.facts["fitted"].get("bias", ()),
    )
    changes: dict[str, Change] = {"before": before, "after": lambda chances: chances}
    found = {name: kind.calibration(answers, table, change) for name, change in changes.items()}
    known = run.scores.get("calibration", {}).get("rows", 0)
    return {"temperature": temperature, "rows": known, **found}


def _by_examples(
    kind: AnswerKind, answers: Sequence[Answer], judged: Judged
) -> list[dict[str, Any]]:
    """Recall with 95 % interval of classes grouped by their number of training rows (FEW)."""
    found: list[dict[str, Any]] = []
    recalled, counts = kind.recalled(answers, judged.table), kind.counts(judged.train)
    names = np.array(recalled.classes, dtype=object)
    examples = np.array([counts[name] for name in names], np.int64)
    rows, hits, sampling = recalled.rows, recalled.hits, Sampling.of(judged.table)
    for least, most in zip((0, *(end + 1 for end in FEW)), (*FEW, None), strict=True):
        inside = (examples >= least) & (examples <= (np.inf if most is None else most))
        if not inside.any():
            continue
        value, low, high = map(rounded, sampling.at(rows[inside]).share(hits[inside]))
        about = {"classes": len(set(names[inside])), "rows": int(inside.sum())}
        three = {"value": value, "low": low, "high": high}
        found.append({"least": least, "most": most, **about, **three})
    return found


# --- ablations, candidates, baselines -------------------------------------------------------------


def _in_time(models: dict[str, T], latest: float) -> Iterator[tuple[str, T]]:
    """Yields the models to score, by name, until the time `latest`; reports which are left out."""
    for number, (name, one) in enumerate(models.items()):
        if time.perf_counter() > latest:
            names = ", ".join([*models][number:])
            tell(Message("Not scored for lack of time, give more --minutes: {names}.", names=names))
            return
        advance(Message("testing {name}", name=name), 0, 0)
        yield name, one


def _ablations(run: Run, found: Evidence, latest: float) -> dict[str, dict[str, float]]:
    """Scores on the same rows with a part of each input removed, by the name of the ablation."""
    changed = {}
    for name, change in _in_time(run.task.ablations(run.facts), latest):
        less = replace(run, infer=_without(run, change))
        values = values_of(less, less.answer_to_score(found.columns), found.judged)
        changed[name] = _rounded(values)
    return changed


def _rungs(run: Run, found: Evidence, latest: float) -> dict[str, dict[str, float]]:
    """Scores of the other candidates on the same rows; {} for a run opened from disk."""
    others = {}
    for name, net in _in_time(run.candidates, latest):
        other = replace(run, infer=by_torch(net), net=net)
        values = values_of(other, other.answer_to_score(found.columns), found.judged)
        others[name] = _rounded(values)
    return others


def _without_near(run: Run, found: Evidence) -> dict[str, Any]:
    """Scores on the rows without a near copy in training; {} where these are all rows, or none."""
    if "near" not in found.table:
        return {}
    kept = ~found.table["near"].isin(set(found.judged.train["near"].dropna()))
    if kept.all() or not kept.any():
        return {}
    answers = [one for one, stays in zip(found.answers, kept, strict=True) if stays]
    scores = scores_of(run, answers, found.judged.only(kept.to_numpy().nonzero()[0]))
    return {"rows": len(answers), "scores": _metrics(scores.metrics)}


def _without(run: Run, change: Callable[[Batch], Batch], size: int = 512) -> Infer:
    """The run's inference function, applied after `change` has altered each batch of inputs."""

    def infer(columns: Columns) -> OutputColumns:
        blocks = [run.infer(Columns({**change(columns.take(rows))}))
                  for rows in batches(columns.rows, size)]  # fmt: skip
        return blocks[0] if len(blocks) == 1 else join(blocks)

    return infer


def _trivial(run: Run, prepared: Prepared, judged: str) -> dict[str, dict[str, float]]:
    """Scores of further baselines of the answer kind, from rows and encoded inputs."""
    train, rows = ((prepared.table(part), prepared.inputs(part)) for part in ("train", judged))
    found = run.answer_kind.baselines(train, rows)
    return {name: _rounded(values) for name, values in found.items()}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: float(rounded(value) or 0.0) for name, value in values.items()}


# --- as JSON --------------------------------------------------------------------------------------


def document(
    run: Run, found: Evidence, prepared: Prepared, seconds: dict[str, float]
) -> dict[str, Any]:
    """The JSON document of `train`."""
    counts = {part: len(prepared.rows(part)) for part in ("train", "valid", "test")}
    return {
        **scored(run, found),
        "taken": prepared.split_rows.taken.to_json(),
        "rows": counts | {"quarantined": len(prepared.quarantined)},
        "valid": _metrics(found.valid.metrics) if found.valid else {},
        "ablations": found.ablations,
        "without_near": found.without_near,
        **({"importance": found.importance} if found.importance else {}),
        "fitted": run.facts.get("fitted", {}),
        "seconds": seconds,
        "layers": (table := _layers(run, prepared)),
        "cost": _cost(run, found) | {"flops_a_row": summary.totals(table)["flops"]},
        "environment": environment(run),
        "report": str(run.folder / "report.html"),
    }


def scored(run: Run, found: Evidence) -> dict[str, Any]:
    """The entries that the JSON documents of `test` and `train` share."""
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
        "by": found.by,
    }


def _metrics(metrics: dict[str, Score]) -> dict[str, dict[str, float | None]]:
    return {name: score.to_json() for name, score in metrics.items()}


def _layers(run: Run, prepared: Prepared) -> list[dict[str, Any]]:
    """Summary table of the network's layers; [] where it is not a torch network."""
    if run.net is None:
        return []
    return summary.table(run.net, prepared.inputs("train").take(np.zeros(2, np.int64)))


def _cost(run: Run, found: Evidence) -> dict[str, float | int]:
    """Milliseconds per row, parameters, bytes of weights and of memory (0 where unknown)."""
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
    """Current versions, system, device and time (UTC)."""
    place = next(run.net.parameters()).device if run.net is not None else None
    return {
        "tenfold": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__) if run.net is not None else "none",
        "system": f"{platform.system()} {platform.machine()}",
        "device": device.name(place) if place else platform.processor(),
        "time": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }
