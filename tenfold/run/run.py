"""A run: a trained model in a folder, with methods for prediction.

task.json facts.json plan.json    task and settings, facts, training plan
weights.safetensors               parameters and buffers
rows.jsonl quarantine.jsonl       every used row, every unusable row
log.jsonl scores.json report.html
manifest.json                     size and SHA-256 of each of these files except the report
export/                           the run without torch: task, facts, scores, net.onnx, parity

An exported folder is complete by itself and is opened in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold.answers.kind import AnswerKind
from tenfold.core import device
from tenfold.core.columns import Columns, Encoded
from tenfold.core.errors import ArtefactRefused, EnvironmentRefused, UsageError, run_refused
from tenfold.core.language import say
from tenfold.core.lazy import installed, lazy
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.rows import without_reported
from tenfold.core.settings import check_settings, local_options
from tenfold.media.medium import Medium
from tenfold.media.reading import Reading
from tenfold.media.registry import media_of
from tenfold.run import facts as run_facts
from tenfold.run import manifest
from tenfold.run.asking import NOT_FINITE, Asked, pieces
from tenfold.run.folder import EXPORTED, FILES, INNER, ended
from tenfold.run.manifest import read
from tenfold.run.scores_text import scores_table, scores_text
from tenfold.task import Answer, Table, Task, name_of, options_of
from tenfold.tasks.registry import find
from tenfold.training.inference import Infer, by_onnx, by_torch, finite, session_of

if TYPE_CHECKING:
    from torch import nn

torch, safetensors = lazy("torch"), lazy("safetensors.torch")

__all__ = ["NOT_FINITE", "Infer", "Run", "open_run"]


@dataclass
class Run:
    """A trained model. `infer` computes the outputs, with torch or with ONNX Runtime."""

    folder: Path
    task: Task
    facts: dict[str, Any]
    infer: Infer
    net: Any = None
    scores: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    """SHA-256 of the file of weights or of the ONNX file, hexadecimal; empty during training."""
    candidates: dict[str, Any] = field(default_factory=dict)
    """The other candidate networks of `fit`, by name; {} for a run opened from disk."""
    inner: dict[str, Run] = field(default_factory=dict)
    """Inner runs by name, which the task trained before its own network."""
    usual: Any = None
    """Options for `ask` where a call gives none; None = the defaults of `options`."""

    @property
    def task_name(self) -> str:
        """The name of the task."""
        return name_of(self.task)

    @property
    def classes(self) -> list[str]:
        """The classes in the order of the network's outputs; [] for a run without classes."""
        return self.answer_kind.classes(self.facts.get("truths", {}))

    @property
    def answer_kind(self) -> AnswerKind:
        """The answer kind of the run."""
        return self.task.answer(self.facts)

    @property
    def media(self) -> dict[str, Medium]:
        """The media of the columns that `encode` reads, by column name."""
        return media_of(self.task.encodes(self.facts))

    @property
    def has_memory(self) -> bool:
        """Whether the run, or an inner run, stores data about people (`memory` in its facts)."""
        inner = any(run.has_memory for run in self.inner.values())
        return inner or bool(self.facts.get("memory"))

    def without_memory(self) -> Run:
        """A copy of the run, and of its inner runs, whose facts hold no `memory`.

        References to the stored data of people cannot be resolved in it.
        """
        facts = {key: value for key, value in self.facts.items() if key != "memory"}
        inner = {name: run.without_memory() for name, run in self.inner.items()}
        return replace(self, facts=facts, inner=inner)

    def refuse_made_rows(self, verb: str) -> None:
        """Raises UsageError where `encode` reads other columns than the user gives.

        `verb` is the command named in the error.
        """
        handed, read = self.task.inputs(self.facts), self.task.encodes(self.facts)
        if handed.keys() != read.keys():
            raise UsageError(
                Message(
                    "This run predicts from {rows} that it derives from {inputs}; {verb} does "
                    "not support that",
                    rows=", ".join(read),
                    inputs=", ".join(handed),
                    verb=verb,
                ),
                code="made-rows",
                where=str(self.folder),
                fix=Message("Use `tenfold predict` instead."),
            )

    @property
    def options(self) -> type:
        """The dataclass of the options at prediction time."""
        return options_of(type(self.task), self.answer_kind, self.result_kind)

    @property
    def result_kind(self) -> AnswerKind:
        """The answer kind of `predict`, which is shown, written and served."""
        return self.task.result(self.facts)

    @property
    def reading(self) -> Reading:
        """How the data of the run were read: the same columns and notation hold for new data."""
        return Reading.of_json(self.facts.get("reading"))

    def scored_kind(self, metric: str) -> AnswerKind:
        """Returns the answer kind that defines a metric: that of the labels, or of `predict`."""
        return self.answer_kind if metric in self.answer_kind.metrics else self.result_kind

    def answer(self, columns: Columns, options: Any = None) -> list[Answer]:
        """Predictions for encoded rows; `columns` are the output columns of `encode`.

        A row with an output of the network that is not finite gets a Problem.
        """
        options, found = options or self.options(), list[Answer]()
        for rows in pieces(columns):
            part = columns.view(rows)
            outputs, bad = finite(self.infer(part), part.rows)
            answers = iter(() if bad.all() else self.task.decode(outputs, self.facts, options))
            found += [NOT_FINITE if wrong else next(answers) for wrong in bad]
        return found

    def answer_to_score(self, columns: Columns) -> list[Answer]:
        """Predictions for encoded rows that are scored, with the `scoring` options of the kind."""
        return self.answer(columns, self.options(**self.answer_kind.scoring))

    def ask(self, table: Table, options: Any = None) -> Table:
        """The rows prepared for `encode`: references resolved, restrictions as columns."""
        table = without_reported(table.reset_index(drop=True))
        return self.task.ask(table, self.facts, options or self.usual or self.options())

    def encode(self, table: Table, options: Any = None) -> Encoded:
        """Encodes rows, with or without labels, after preparing them with `ask`."""
        return self.task.encode(self.ask(table, options), self.facts)

    def answers_of(self, table: Table, options: Any = None) -> list[Answer]:
        """One answer per row: a Prediction, or the Problem of a row that cannot be read."""
        encoded = self.encode(table, options)
        answers = self.answer(Columns(encoded.columns), options)
        return [encoded.problems.get(row, answer) for row, answer in enumerate(answers)]

    def predict(self, tables: Iterator[Table], **options: Any) -> Iterator[tuple[str, Answer]]:
        """Yields (source, answer) for each row of the tables of inputs.

        Raises UsageError for an unknown option or one out of range.
        """
        wanted = self.checked_options(options)
        return self.task.predict(tables, Asked(self, wanted), self.facts, wanted, self.inner)

    def with_files(self, values: dict[str, Any]) -> Run:
        """A copy of the run whose rows are asked with these `local` options, by name.

        Raises UsageError for an option that the run does not have, or that names no file.
        """
        check_settings(local_options(self.options), values, self.task_name)
        return replace(self, usual=self.options(**values))

    def checked_options(self, values: dict[str, Any]) -> Any:
        """Returns the options at prediction time from their values by name.

        Raises UsageError for an unknown option, or a value that is out of range or unknown.
        """
        wanted = check_settings(self.options, values, self.task_name)
        for kind in dict.fromkeys((self.answer_kind, self.result_kind)):
            wanted = kind.resolved(wanted, self.facts.get("truths", {}))
        return wanted

    @property
    def home(self) -> Path:
        """The run folder; for an exported run inside a run folder, that run folder."""
        around = self.folder.resolve().parent
        exported = (self.folder / "net.onnx").exists() and (around / "rows.jsonl").exists()
        return self.folder.parent if exported and self.folder.name != "." else self.folder

    def to_json(self) -> dict[str, Any]:
        """The scores of the run as a JSON document."""
        return self.scores

    def __str__(self) -> str:
        if self.scores:
            return scores_text(self.scores)
        return say("{task} run in {folder}", task=self.task_name, folder=self.folder)

    def __repr__(self) -> str:
        best = self.scores.get("scores", {}).get(self.scores.get("headline", ""), {})
        score = f", {self.scores['headline']} {best['value']:.4f}" if best else ""
        return f"<Run {self.folder.name}: {self.task_name}{score}>"

    def _repr_html_(self) -> str:
        return f"<b>{self.task_name}</b> in {self.folder.name}{scores_table(self.scores)}"


# --- on disk --------------------------------------------------------------------------------------


def open_run(folder: str | Path | Run, device_wish: str = "auto") -> Run:
    """Opens the run in `folder` after checking every file against the manifest.

    A Run is returned unchanged. Raises UsageError where the folder does not hold a run,
    ArtefactRefused where the run is unfinished, damaged or from a newer version.
    """
    if isinstance(folder, Run):
        return folder
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(
            Message("The run folder {folder!r} does not exist", folder=str(folder)),
            code="no-such-run",
            fix=Message("`tenfold runs` lists the runs here."),
        )
    if not (folder / "manifest.json").is_file():
        raise _unfinished(folder)
    if (folder / "net.onnx").is_file():
        return _open_exported(folder, device_wish)
    if not installed("torch") and (folder / "export").is_dir():
        tell(Message("torch is not installed: the exported network is used."))
        return _open_exported(folder / "export", device_wish)
    files = manifest.verified(folder, FILES)
    facts = run_facts.read(folder)
    device.prepare()
    task = _app_of(folder)
    net = _built(folder, task, facts)
    _load(net, folder / "weights.safetensors")
    digest = files["weights.safetensors"]["sha256"]
    net.to(device.choose_device(device_wish))
    run = Run(folder, task, facts, by_torch(net), net, _scores(folder), digest)
    return replace(run, inner=_inner(folder, device_wish))


def _open_exported(folder: Path, device_wish: str) -> Run:
    """Opens an exported run.

    Raises ArtefactRefused where the inputs of the ONNX network do not fit the task.
    """
    files = manifest.verified(folder, EXPORTED)
    task, facts = _app_of(folder), run_facts.read(folder)
    session = session_of(folder / "net.onnx", device_wish)
    if {one.name for one in session.get_inputs()} != _eaten(folder, task, facts):
        raise run_refused(
            folder, Message("has a network whose inputs differ from those of its task"), "network"
        )
    digest = files["net.onnx"]["sha256"]
    run = Run(folder, task, facts, by_onnx(session), None, _scores(folder), digest)
    return replace(run, inner=_inner(folder, device_wish))


def _inner(folder: Path, device_wish: str) -> dict[str, Run]:
    """The inner runs of a run folder, each verified like any other run."""
    places = sorted((folder / INNER).iterdir()) if (folder / INNER).is_dir() else []
    return {place.name: open_run(place, device_wish) for place in places}


def _eaten(folder: Path, task: Task, facts: Any) -> set[str]:
    """Names of the network inputs of a task, found by encoding an empty table."""
    try:
        none = pd.DataFrame({name: [] for name in task.encodes(facts)}, dtype=object)
        return set(Columns(task.encode(none, facts).columns).take(np.zeros(0, np.int64)))
    except Exception as error:  # unknown facts may cause any error
        raise _unbuildable(folder, error) from error


def _scores(folder: Path) -> dict[str, Any]:
    scores = read(folder / "scores.json")
    if not isinstance(scores, dict) or not isinstance(scores.get("rows"), dict):
        raise run_refused(folder, Message("has a scores.json without scores"), "unreadable")
    return scores | {"run": str(folder), "report": str(folder / "report.html")}


def _unfinished(folder: Path) -> Exception:
    if found := ended(folder):
        return ArtefactRefused(
            Message(
                "This run was stopped early by a search: {reason}",
                reason=found.get("message", "it was poor"),
            ),
            code="ended-run",
            where=str(folder),
            fix=Message("Open another run of that search; `tenfold runs` lists them."),
        )
    if (folder / "plan.json").exists():
        return ArtefactRefused(
            Message("This run is not finished"),
            code="unfinished-run",
            where=str(folder),
            fix=Message("Run the same `tenfold train` command again to continue the training."),
        )
    return UsageError(
        Message("{folder!r} is not a run folder", folder=str(folder)),
        code="no-such-run",
        where=str(folder),
        fix=Message("`tenfold runs` lists the runs here."),
    )


def _app_of(folder: Path) -> Task:
    """Returns the task of a run, with its settings, as task.json states them.

    Raises ArtefactRefused where the task does not exist or the settings are invalid.
    """
    about = read(folder / "task.json")
    try:
        return find(about["task"], **about["settings"])
    except Exception as error:  # unknown settings may cause any error
        raise _unbuildable(folder, error) from error


def _built(folder: Path, task: Task, facts: Any) -> nn.Module:
    try:
        return task.build(facts)
    except EnvironmentRefused:
        raise
    except Exception as error:  # unknown facts may cause any error
        raise _unbuildable(folder, error) from error


def _unbuildable(folder: Path, error: Exception) -> ArtefactRefused:
    reason = Message("{kind}: {error}", kind=type(error).__name__, error=error)
    return run_refused(folder, Message("cannot be built ({reason})", reason=reason), "unbuildable")


def _load(net: nn.Module, path: Path) -> None:
    try:
        state = safetensors.load_file(path)
    except Exception as error:  # the library raises its own error classes
        raise run_refused(
            path.parent, Message("has damaged weights ({error})", error=error), "weights"
        ) from error
    wanted = net.state_dict()
    if set(wanted) != set(state):
        name = sorted(set(wanted) ^ set(state))[0]
        raise run_refused(
            path.parent, Message("has weights of another network ({name})", name=name), "weights"
        )
    for name, value in state.items():
        if value.shape != wanted[name].shape or value.dtype != wanted[name].dtype:
            raise run_refused(
                path.parent, Message("has weights of another size ({name})", name=name), "weights"
            )
        if value.is_floating_point() and not math.isfinite(float(value.double().sum())):
            raise run_refused(
                path.parent,
                Message("has weights that are not finite ({name})", name=name),
                "weights",
            )
    net.load_state_dict(state)
