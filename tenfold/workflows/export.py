"""Exports a run to a folder that predicts without torch, after verification on the test rows.

    task.json facts.json scores.json    as in the run, without PRIVATE and the columns of --by
    net.onnx                           normalisation and network: encoded bytes in, outputs by name
    parity.json                        agreement of its answers with those of the run
    manifest.json                      size and SHA-256 of each of these

Nothing is written where the verification fails.
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.answers.kind import AnswerKind
from tenfold.answers.names import title
from tenfold.core import device, system
from tenfold.core.columns import Column, Columns, Ragged
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.progress import predicting, tell
from tenfold.core.results import SCHEMA, rounded
from tenfold.core.version import __version__
from tenfold.run import evaluate, manifest, rows
from tenfold.run import facts as run_facts
from tenfold.run.evaluate import Evidence
from tenfold.run.folder import (
    EXPORTED,
    EXPORTS,
    INNER,
    beside,
    refuse_others,
    refused_export,
)
from tenfold.run.outputs import OutputPaths
from tenfold.run.run import Run
from tenfold.run.scoring import values_of
from tenfold.task import Answer
from tenfold.training.inference import Infer, OutputColumns, by_onnx, session_of
from tenfold.workflows import int8_cost, onnx_export
from tenfold.workflows.inner import inner_evidence

__all__ = ["Exported", "exported"]

PRIVATE = ("by", "taken")
"""Keys of scores.json that an export leaves out, because they hold values from the rows."""
TOLERANCE = 1e-4
"""Maximum difference of outputs: absolute, or relative for values above one."""


@dataclass(frozen=True)
class Exported:
    """A finished export: its folder, the content of parity.json, and the run's own evaluation.

    `found` is the evaluation of the original run on the rows that parity.json compares. `people`
    is True where the facts of the export, or of an inner run, hold `memory`.
    """

    folder: Path
    parity: dict[str, Any]
    found: Evidence
    people: bool


def exported(
    run: Run,
    data: Any,
    out: str | Path | None,
    *,
    int8: bool,
    max_drop: float,
    without_people: bool = False,
) -> Exported:
    """Writes `<run>/export` (`<run>/export-int8`, or `out`) once its answers match the run's.

    `without_people` leaves out the `memory` of the facts, and of those of inner runs.

    Raises ArtefactRefused where they do not match, or where 8-bit weights lose more than `max_drop`
    points of the headline score; UsageError where the data have moved or the run is an export;
    EnvironmentRefused where a package is missing.
    """
    versions = onnx_export.ready()
    if run.net is None:
        raise refused_export(run.folder, Message("This run is exported already"))
    folder = _place(run, data, out, int8)
    run = run.without_memory() if without_people else run
    tell(Message("Reading the data and predicting the test rows again."))
    found, _ = evaluate.again(run, data, "export")
    content = _graph(run, found)
    with _half(run, folder) as place:
        parity = _proved(run, found, content, place / "net.onnx", own=data is None)
        if int8:
            some = _training_columns(run, data)
            parity |= _cost_of_eight_bits(run, found, content, some, place / "net.onnx", max_drop)
        for name, (inner, evidence) in inner_evidence(run, data).items():
            _export_inner(inner, evidence, place / INNER / name, versions)
        parity |= {"versions": versions}
        _finish(run, place, parity)
        _swap(place, folder)
    return Exported(folder, parity, found, run.has_memory)


def _graph(run: Run, found: Evidence) -> bytes:
    """The network as an ONNX file; the network itself is moved to the CPU."""
    about = {"task": run.task_name, "weights": run.digest, "made by": f"tenfold {__version__}"}
    tell("Converting the network to ONNX.")
    content = onnx_export.graph(run.net, found.columns, about)
    run.net.to(device.choose_device("cpu"))
    return content


def _export_inner(run: Run, found: Evidence, place: Path, versions: dict[str, str]) -> None:
    """Exports an inner run to `place`, verified like the outer run."""
    place.mkdir(parents=True)
    parity = _proved(run, found, _graph(run, found), place / "net.onnx", own=False)
    _finish(run, place, parity | {"versions": versions})


# --- folders --------------------------------------------------------------------------------------


def _place(run: Run, data: Any, out: str | Path | None, int8: bool) -> Path:
    """The folder to write: `out`, or the folder for exports in the run.

    Raises UsageError for a place in the data or in a run, and for a folder with other files.
    """
    folder = run.folder / EXPORTS[int8] if out is None else Path(out)
    own = folder if folder.name in EXPORTS and folder.parent.samefile(run.folder) else None
    OutputPaths.of(data, run).allow_new_folder(folder, own=own)
    what = Message("The folder for the export")
    refuse_others(folder, what, code="export-exists", known=EXPORTED.known)
    return folder


@contextlib.contextmanager
def _half(run: Run, folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` in which the export is written.

    For an export in the run folder, the run is locked meanwhile, and files that an interrupted
    export left there are removed.
    """
    parent = beside(folder, "").parent
    parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        if parent.samefile(run.folder):
            stack.enter_context(system.locked(run.folder))
            for left in manifest.leftovers(parent, EXPORTS[:1]):
                shutil.rmtree(parent / left)
        # Named like the half-written files of a run, which an interrupted process may leave.
        half = tempfile.TemporaryDirectory(dir=parent, prefix=f".{EXPORTS[0]}.")
        place = Path(stack.enter_context(half)) / EXPORTS[0]
        place.mkdir()
        yield place


def _finish(run: Run, place: Path, parity: dict[str, Any]) -> None:
    system.write_atomically(place / "task.json", (run.folder / "task.json").read_bytes())
    scores = manifest.read(run.folder / "scores.json")
    public = {name: value for name, value in scores.items() if name not in PRIVATE}
    system.write_atomically(place / "scores.json", manifest.pretty(public))
    run_facts.write(place, _without_by(run.facts))
    system.write_atomically(place / "parity.json", manifest.pretty(parity))
    manifest.seal(place, EXPORTED)


def _without_by(facts: dict[str, Any]) -> dict[str, Any]:
    """Returns the facts without the names of columns that are only reported by."""
    reading = {name: value for name, value in facts.get("reading", {}).items() if name != "by"}
    rest = {name: value for name, value in facts.items() if name != "reading"}
    return rest | ({"reading": reading} if reading else {})


def _swap(place: Path, folder: Path) -> None:
    """Moves the new folder to its place; an earlier export is replaced."""
    old = place.with_name("before")
    if folder.exists():
        folder.rename(old)
    place.rename(folder)
    system.fsync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


# --- verification ---------------------------------------------------------------------------------


def _proved(run: Run, found: Evidence, content: bytes, path: Path, own: bool) -> dict[str, Any]:
    """Writes the network and compares its answers on the rows of `found` with the run's.

    Raises ArtefactRefused where an output differs by more than the tolerance, a decision differs
    that is not a tie, or the headline score differs.
    """
    path.write_bytes(content)
    infer = by_onnx(session_of(path, "cpu"))
    tell("Comparing the predictions of torch and ONNX Runtime.")
    with predicting("torch"):
        before = run.infer(found.columns)
    with predicting("ONNX Runtime"):
        after = infer(found.columns)
    # Integer outputs are decisions and are compared as answers.
    measured = [name for name in before if np.issubdtype(_values(before[name]).dtype, np.inexact)]
    worst = {name: _furthest(before[name], after[name]) for name in measured}
    tell("Scoring the predictions, and timing both networks.")
    other = replace(run, infer=infer)
    answers = run.task.decode(after, run.facts, run.options(**run.answer_kind.scoring))
    counts = _counts(run.answer_kind, found.answers, answers)
    values = _headlines(other, found, answers, own)
    parity = {
        "schema": SCHEMA,
        "precision": "float32",
        "opset": onnx_export.OPSET,
        "rows": len(found.table),
        "protocol": found.protocol,
        "tolerance": TOLERANCE,
        "largest_difference": worst,
        "decisions": counts,
        "headline": found.scores.headline,
        "values": values,
        "bytes": len(content),
        "milliseconds": {
            "torch": _pace(run.infer, found.columns),
            "onnx": _pace(infer, found.columns),
        },
    }
    if difference := _difference(parity):
        raise _differs(difference, path)
    return parity


def _difference(parity: dict[str, Any]) -> Message | None:
    """The first difference that is too large, as a message; None where the answers match."""
    worst, counts = parity["largest_difference"], parity["decisions"]
    if far := [name for name, value in worst.items() if not value <= TOLERANCE]:
        return Message(
            "its {output} differ by {difference:.2g}", output=far[0], difference=worst[far[0]]
        )
    if counts["different"]:
        return Message(
            "{different} of {count} decisions differ",
            different=counts["different"],
            count=parity["rows"],
        )
    values, allowed = parity["values"], counts["tied"] / max(1, parity["rows"]) + TOLERANCE
    size = max(1.0, abs(values["torch"]))
    if max(values.values()) - min(values.values()) > allowed * size:
        said = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
        return Message("its {headline} differs ({said})", headline=parity["headline"], said=said)
    return None


def _furthest(first: Column, second: Column) -> float:
    """The largest difference of two outputs, relative for values above one."""
    before, after = _values(first), _values(second)
    if before.shape != after.shape:
        return float("inf")
    off = np.abs(after.astype(np.float64) - before) / np.maximum(1.0, np.abs(before))
    return float(f"{off.max(initial=0.0):.3g}")


def _values(column: Column) -> np.ndarray:
    return np.asarray(column.values if isinstance(column, Ragged) else column)


def _counts(kind: AnswerKind, before: Sequence[Answer], after: Sequence[Answer]) -> dict[str, int]:
    """How many decisions are equal, differ in a tie, or differ."""
    pairs = list(zip(before, after, strict=True))
    equal = sum(kind.decides_alike(one, other, 0.0) for one, other in pairs)
    alike = sum(kind.decides_alike(one, other, TOLERANCE) for one, other in pairs)
    return {"equal": equal, "tied": alike - equal, "different": len(pairs) - alike}


def _headlines(run: Run, found: Evidence, answers: Sequence[Answer], own: bool) -> dict[str, float]:
    """Returns the headline score by torch, by ONNX and, if it is of these rows, as recorded."""
    name = found.scores.headline
    values = {"torch": found.scores.best.value, "onnx": _headline(run, found, answers)}
    recorded = run.scores.get("scores", {}).get(name, {}).get("value")
    whole = run.scores.get("rows", {}).get("test") in (0, len(found.table))
    pooled = run.scores.get("fold", {}).get("pooled")  # scored by other runs on other rows
    if own and whole and not pooled and recorded is not None:
        values["recorded"] = recorded
    return {key: float(rounded(value) or 0.0) for key, value in values.items()}


def _headline(other: Run, found: Evidence, answers: Sequence[Answer]) -> float:
    """Returns the headline score of `answers`, given by the run `other`, on the rows of `found`."""
    return values_of(other, answers, found.judged)[found.scores.headline]


def _pace(infer: Infer, columns: Columns, times: int = 7) -> dict[str, float]:
    """Median milliseconds per row: for one row alone, and in a batch of up to 128 rows."""
    alone, many = columns.view(np.zeros(1)), columns.view(np.arange(min(columns.rows, 128)))
    found = {}
    for name, some in (("alone", alone), ("among_many", many)):
        infer(some)
        seconds = statistics.median(_seconds(infer, some) for _ in range(times))
        found[name] = round(1000 * seconds / some.rows, 4)
    return found


def _seconds(infer: Infer, columns: Columns) -> float:
    began = time.perf_counter()
    _outputs: OutputColumns = infer(columns)
    return time.perf_counter() - began


def _differs(what: Message, path: Path) -> ArtefactRefused:
    return ArtefactRefused(
        Message("The exported network does not give the answers of the run: {what}", what=what),
        code="export-differs",
        where=path.name,
        fix=Message("Please report this problem. Nothing was written, and the run is unchanged."),
    )


# --- 8-bit quantization ---------------------------------------------------------------------------


def _training_columns(run: Run, data: Any) -> Columns:
    """Encoded training rows, from which the range of every activation is calibrated.

    Raises UsageError where the data hold none of the training rows.
    """
    source = rows.place_of(run, data, "export RUN DATA")
    table, _ = rows.looked_at(run, source)
    table = rows.own_rows(run, table, rows.rows_of(run), "train")
    count = min(len(table), onnx_export.CALIBRATED_ON)
    spread = np.linspace(0, len(table) - 1, count).astype(np.int64)
    some = table.iloc[spread].reset_index(drop=True)
    if some.empty:
        raise UsageError(
            Message("--int8 is calibrated on training rows, and none was found in the data"),
            code="nothing-to-calibrate",
            fix=Message("Give the data that this run was trained on."),
        )
    encoded = run.encode(some)
    kept = np.setdiff1d(np.arange(len(some)), np.array([*encoded.problems], np.int64))
    return Columns(encoded.columns, kept)


def _cost_of_eight_bits(
    run: Run, found: Evidence, content: bytes, some: Columns, path: Path, most: float
) -> dict[str, Any]:
    """Writes the 8-bit network; returns its score on the rows of `found` and its loss of score.

    Raises ArtefactRefused where the headline score is worse by more than `most` points, or by more
    than `most` percent where it is not a share.
    """
    small = onnx_export.eight_bits(content, some)
    path.write_bytes(small)
    infer = by_onnx(session_of(path, "cpu"))
    other = replace(run, infer=infer)
    with predicting("8 bits"):
        answers = other.answer_to_score(found.columns)
    name, value = found.scores.headline, _headline(other, found, answers)
    metric = run.scored_kind(name).metrics[name]
    drop = int8_cost.drop(metric, found.scores.best.value, value)
    cost = {
        "value": rounded(value),
        "drop": round(drop, 4),
        "max_drop": most,
        "unit": "points" if metric.share else "percent",
        "decisions": _counts(run.answer_kind, found.answers, answers),
        "bytes": len(small),
        "milliseconds": _pace(infer, found.columns),
        "calibrated_on": some.rows,
    }
    if drop > most:
        raise int8_cost.refused(str(run.folder), metric, cost, found.scores.best.value)
    tell(
        Message(
            "8-bit quantization changes {name} from {before:.4f} to {after:.4f}.",
            name=title(name),
            before=found.scores.best.value,
            after=value,
        )
    )
    return {"precision": "int8", "int8": cost}
