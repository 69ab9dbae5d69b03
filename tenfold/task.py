"""The base class Task: the methods that each task implements for the rest of tenfold.

    source --read--> Rows --learn--> Facts       Table --encode, targets--> Columns
    Facts --build--> net --fit--> Run            Outputs --decode--> Predictions

A task is one file or package in `tasks/`. Its file has the name of the task on the command line,
with underscores in place of hyphens. It subclasses Task once, is a frozen dataclass of at
most eight settings, adds no public method, and imports torch lazily.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pandas as pd

from tenfold.answers.kind import Answer, AnswerKind
from tenfold.core.columns import Batch, Column, Encoded, Parts, Problem
from tenfold.core.results import Prediction, Scores
from tenfold.core.rows import Judged, Rows
from tenfold.core.settings import NoOptions, merged_options
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, ColumnRole, Reading

if TYPE_CHECKING:
    from torch import nn

    from tenfold.core.fitted import Fitted
    from tenfold.core.plan import Plan

__all__ = ["Task", "name_of", "options_of"]

Table = pd.DataFrame
Facts = dict[str, Any]
Outputs = dict[str, Any]
"""Network outputs by name: arrays, or a `Ragged` where rows have different lengths."""


class AnswersOf(Protocol):
    """What `predict` may ask of its own run, with the options of this prediction."""

    def __call__(self, table: Table) -> list[Answer]:
        """Returns one answer for each row of the table."""

    def outputs(self, table: Table) -> tuple[Outputs, dict[int, Problem]]:
        """Returns the outputs of the network, and the Problem of each row that has none.

        For tasks that join the outputs of several rows before they decode them, such as windows.
        """


class InnerRun(Protocol):
    """The part of an inner run that `predict` may use: its facts and its predictions."""

    facts: Facts

    def answers_of(self, table: Table) -> list[Answer]:
        """Returns one answer for each row of the table."""


class Task(ABC):
    """One task. Subclass it once; share code by calling functions, not by inheritance.

    The methods stand in the order in which they are called. `facts` is JSON under six keys:
    `reading` (how the source was read), `data` (all that `encode` may use), `truths` (used by
    `targets` and `decode` too), `net` (used by `build` too), `fitted` (what `fit` decided), and
    `memory` (lookup data from all rows, used by `ask` only).
    """

    encoding: ClassVar[int] = 1
    """Version of the encoding. Increase it when the same table and facts encode to other bytes."""
    answers: ClassVar[tuple[AnswerKind, ...]]
    """The answer kinds that runs of the task may have, the usual one first."""
    roles: ClassVar[tuple[ColumnRole, ...]] = ()
    """The roles of columns of its inputs: usually those of its media, such as `TEXT.roles`."""
    options: ClassVar[type] = NoOptions
    """A frozen dataclass of prediction options, in addition to those of the answer kinds."""

    def __init_subclass__(cls) -> None:
        if cls.__mro__[1] is not Task:
            raise TypeError(f"{cls.__name__}: a task is final; subclass Task, share functions")
        hooks = {name for name, value in vars(Task).items() if inspect.isfunction(value)}
        own = {name for name, value in vars(cls).items() if inspect.isfunction(value)}
        if stray := {name for name in own - hooks if not name.startswith("_")}:
            raise TypeError(f"{cls.__name__} adds public methods {sorted(stray)}")

    @abstractmethod
    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        """Reads labelled data into rows, with the answer kind and the inputs for `encode`.

        `reading` states how to read the source, for example which column is the target. The table
        may have the columns split, group, time and weight. Its column `problem` holds the reason
        why a row cannot be used, or None.
        """

    @abstractmethod
    def learn(self, train: Rows) -> Facts:
        """Returns the facts that later methods use, computed from the training rows only.

        It reads the true labels and the headers of files, such as the size of an image.
        """

    @abstractmethod
    def inputs(self, facts: Facts) -> dict[str, Input]:
        """Returns the inputs that the user gives.

        The options of the command line, the server's schema and its web page are built from them.
        """

    @abstractmethod
    def answer(self, facts: Facts) -> AnswerKind:
        """Returns the kind of answer that `decode` gives."""

    @abstractmethod
    def encode(self, table: Table, facts: Facts) -> Encoded:
        """Returns the arguments of `net.forward`, each row encoded independently of the others.

        It never uses true labels. A row that cannot be encoded is reported in `problems`.
        """

    @abstractmethod
    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        """Returns the loss targets of each row: -1 for an unknown label; {} without labels."""

    @abstractmethod
    def build(self, facts: Facts) -> nn.Module:
        """Returns the untrained network, built from facts without disk or network access.

        The network's class attribute `calibrated` names the parameters and buffers that are fitted
        on validation rows after training, such as a temperature.
        """

    @abstractmethod
    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> Fitted:
        """Trains the network and returns it with the decisions made and the other candidates.

        Often this is only a call of `loop.fit`.
        """

    @abstractmethod
    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        """Converts outputs of the network to one Prediction for each row; uses numpy only."""

    def encodes(self, facts: Facts) -> dict[str, Input]:
        """Returns the columns that `encode` reads; by default the inputs that the user gives."""
        return self.inputs(facts)

    def result(self, facts: Facts) -> AnswerKind:
        """Returns the kind of answer that `predict` gives; by default the kind of the labels."""
        return self.answer(facts)

    def inner(self, rows: Rows) -> dict[str, tuple[Task, Rows]]:
        """Returns the task and the rows of each run to train before this one, by name.

        These inner runs are kept in the run folder for `predict`. `rows` are already split into
        training, validation and test rows.
        """
        return {}

    def ask(self, table: Table, facts: Facts, options: Any) -> Table:
        """Resolves references in the rows (such as user=42) to the stored data that they name.

        It also adds columns with restrictions of the predictions, such as items to exclude.

        Called before `encode` on an opened run, never in training. A second call changes nothing.
        References are looked up in the `memory` of the facts. Facts may lack it, to protect the
        people stored there: each cell with a reference then becomes the same Problem with the code
        `people-withheld`, whether the person is known or not.
        """
        return table

    def predict(
        self,
        tables: Iterator[Table],
        answers_of: AnswersOf,
        facts: Facts,
        options: Any,
        inner: Mapping[str, InnerRun],
    ) -> Iterator[tuple[str, Answer]]:
        """Yields (source, answer) for each row of the tables, lazily; answers are of kind `result`.

        A task that is a pipeline may derive other rows and predict them with the runs in `inner`.
        """
        for table in tables:
            yield from zip(table["source"], answers_of(table), strict=True)

    def memory(self, table: Table, facts: Facts) -> Facts:
        """Returns lookup data built after training from all rows, test rows too; for `ask` only.

        A server removes it unless `--known-people` is given; an export can leave it out.
        """
        return {}

    def show(self, table: Table, facts: Facts) -> Table:
        """Returns the rows with readable values, such as titles for ids; `encode` accepts both."""
        return table

    def reference(self, facts: Facts) -> Table | None:
        """Returns the rows that the command `similar` searches; None = the training rows."""
        return None

    def score(self, run: Any, judged: Judged) -> Scores | None:
        """Scores a run on units other than rows, such as pairs, tracks or clusters.

        `judged.rows.extra` holds data that `read` found outside the table. A table of other units
        keeps the column `group` of their rows, because confidence intervals resample whole groups.
        Returns None if the answer kind scores the rows.
        """
        return None

    def ablations(self, facts: Facts) -> dict[str, Callable[[Batch], Batch]]:
        """Returns functions that remove one part of each row, by the part's name, for ablation."""
        return {}


def options_of(task: type[Task], *answers: AnswerKind) -> type:
    """Returns the dataclass of prediction options for these answer kinds, by default for all."""
    kinds = answers or task.answers
    return merged_options(*(kind.options for kind in kinds), task.options)


def name_of(task: Task) -> str:
    """Returns the name of the task on the command line."""
    return type(task).__module__.rsplit(".", 1)[-1].replace("_", "-")
