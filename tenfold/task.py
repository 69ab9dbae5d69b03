"""The narrow waist: what one task must say about itself.

    source --read--> Rows --learn--> Facts       Table --encode, targets--> Columns
    Facts --build--> net --fit--> Run            Outputs --decode--> Predictions

a task is one file or package in `tasks/`, named as the command line names it (hyphens
outside, underscores in files). It subclasses Task once, is a frozen dataclass of at most eight
settings, adds no public method, and imports torch lazily.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pandas as pd

from tenfold.answers.kind import Answer, AnswerKind
from tenfold.core.columns import Batch, Column, Encoded, Parts
from tenfold.core.results import Prediction, Scores
from tenfold.core.rows import Judged, Rows
from tenfold.core.settings import NoOptions, merged_options
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading

if TYPE_CHECKING:
    from torch import nn

    from tenfold.core.fitted import Fitted
    from tenfold.core.plan import Plan

__all__ = ["Task", "name_of", "options_of"]

Table = pd.DataFrame
Facts = dict[str, Any]
Outputs = dict[str, Any]
"""Arrays by name; a Ragged where an output has a value for each position of a row."""
AnswersOf = Callable[[Table], list[Answer]]


class InnerRun(Protocol):
    """What `predict` may ask an inner run: what it learnt, and answers to rows."""

    facts: Facts

    def answers_of(self, table: Table) -> list[Answer]:
        """One answer a row."""


class Task(ABC):
    """One task. Subclass once, share by calling functions; hooks stand in flow order.

    `facts` is JSON under six keys: `reading` (how the source was read), `data` (all that
    `encode` may know), `truths` (what `targets` and `decode` may know as well), `net` (what
    `build` may know as well), `fitted` (what fit decided), and `memory` (lookup data from all
    rows, for `ask` alone).
    """

    encoding: ClassVar[int] = 1
    """Raised whenever the same table and facts would encode to other bytes."""
    answers: ClassVar[tuple[AnswerKind, ...]]
    """The kinds of answer that runs of the task may have, the usual one first."""
    options: ClassVar[type] = NoOptions
    """A frozen dataclass of choices at prediction time, beside those of the answers."""

    def __init_subclass__(cls) -> None:
        if cls.__mro__[1] is not Task:
            raise TypeError(f"{cls.__name__}: a task is final; subclass Task, share functions")
        hooks = {name for name, value in vars(Task).items() if inspect.isfunction(value)}
        own = {name for name, value in vars(cls).items() if inspect.isfunction(value)}
        if stray := {name for name in own - hooks if not name.startswith("_")}:
            raise TypeError(f"{cls.__name__} adds public methods {sorted(stray)}")

    @abstractmethod
    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        """Labelled data to rows, with the kind of answer and the inputs that `encode` reads.

        `reading` names columns by role. The table may have split, group, time, weight; an unusable
        row has `problem`.
        """

    @abstractmethod
    def learn(self, train: Rows) -> Facts:
        """All that later hooks may know, from truths and headers of training rows."""

    @abstractmethod
    def inputs(self, facts: Facts) -> dict[str, Input]:
        """What a person hands over: the command line, the schema and the page are drawn from it."""

    @abstractmethod
    def answer(self, facts: Facts) -> AnswerKind:
        """The kind of answer that decode gives."""

    @abstractmethod
    def encode(self, table: Table, facts: Facts) -> Encoded:
        """The arguments of net.forward, row-wise; blind to answers; a failing row is reported."""

    @abstractmethod
    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        """What the loss compares with, row-wise; unknown = -1; {} where there are no answers."""

    @abstractmethod
    def build(self, facts: Facts) -> nn.Module:
        """The untrained network, from facts alone: no disk, no network access.

        Its class attribute `calibrated` names tensors of its state that were fitted on validation.
        """

    @abstractmethod
    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> Fitted:
        """The trained network, what was decided and the other candidates; often loop.fit alone."""

    @abstractmethod
    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        """Outputs of the network to one Prediction a row; numpy only."""

    def encodes(self, facts: Facts) -> dict[str, Input]:
        """Columns that `encode` reads, where these are not what a person hands over."""
        return self.inputs(facts)

    def result(self, facts: Facts) -> AnswerKind:
        """The kind of answer that `predict` gives, where rows are labelled with another."""
        return self.answer(facts)

    def inner(self, rows: Rows) -> dict[str, tuple[Task, Rows]]:
        """Inner runs by name: each a task and the rows it learns from, made of split rows."""
        return {}

    def ask(self, table: Table, facts: Facts, options: Any) -> Table:
        """Rows with references resolved (user=42) and restrictions as columns, before `encode`.

        Always called on an opened run, never in training; asking twice changes nothing.
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
        """What was handed over to (source, answer of the kind `result`), lazily.

        Pipelines make rows of their own; the runs of `inner` answer them.
        """
        for table in tables:
            yield from zip(table["source"], answers_of(table), strict=True)

    def memory(self, table: Table, facts: Facts) -> Facts:
        """Lookup data from all rows, test rows included, after training; only `ask` reads it."""
        return {}

    def show(self, table: Table, facts: Facts) -> Table:
        """The same rows as a person reads them, such as titles for ids; `encode` takes both."""
        return table

    def reference(self, facts: Facts) -> Table | None:
        """Rows that `similar` compares with, where these are not the training rows."""
        return None

    def score(self, run: Any, judged: Judged) -> Scores | None:
        """Scores of an open run where rows are not what is judged: pairs, tracks, clusters.

        `judged.rows.extra` holds what `read` found beside the table. None = rows are scored by the
        kind of answer.
        """
        return None

    def ablations(self, facts: Facts) -> dict[str, Callable[[Batch], Batch]]:
        """The same rows with a part of each taken away, by the part's name: what is it worth?"""
        return {}


def options_of(task: type[Task], *answers: AnswerKind) -> type:
    """The dataclass of choices at prediction time: of kinds of answer, by default of all."""
    kinds = answers or task.answers
    return merged_options(*(kind.options for kind in kinds), task.options)


def name_of(task: Task) -> str:
    """The task, as the command line names it."""
    return type(task).__module__.rsplit(".", 1)[-1].replace("_", "-")
