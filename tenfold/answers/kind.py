"""Everything that shared code asks about a kind of answer; one final class a file, one instance.

A row of labelled data has a truth in the columns `truths`; a run gives an answer of the class
`prediction`, or a Problem where a row cannot be read. Splits, class mappings, refusals, metrics,
comparisons, reports and pages ask the kind and name no column.

Shapes: N rows of a table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
import pandas as pd

from tenfold.answers.files import TABLES, Writer
from tenfold.answers.intervals import Weighted
from tenfold.answers.metric import Metric
from tenfold.core.columns import Columns, Problem
from tenfold.core.errors import DataRefused
from tenfold.core.language import say
from tenfold.core.lazy import lazy
from tenfold.core.results import Prediction, Score, Scores
from tenfold.core.settings import NoOptions

if TYPE_CHECKING:
    from PIL.Image import Image

drawing = lazy("tenfold.media.drawing")

__all__ = ["Answer", "AnswerKind", "Change", "MetricValues", "unit_keys"]

Answer = Prediction | Problem
MetricValues = dict[str, tuple[float, float, float]]
"""Value, low and high end of the 95 % interval, by metric."""
Change = Callable[[np.ndarray], np.ndarray]
"""A change of probabilities, (N, K) -> (N, K)."""
Marks = list[tuple[str, int, int]]
"""(name, first, behind the last) character of parts of a text."""

RESAMPLED = 200
"""Resamples behind an interval."""


class AnswerKind(ABC):
    """One kind of answer. Subclass once a file; share by calling functions.

    Methods take tables of labelled rows and answers to them, one a row and in their order.
    """

    name: ClassVar[str]
    """The word of JSON documents and of the page's code; the file is called so too."""
    prediction: ClassVar[type[Prediction]]
    truths: ClassVar[tuple[str, ...]]
    """Columns that hold the truth of a row."""
    headline: ClassVar[str]
    """The metric to quote, one of `metrics`."""
    metrics: ClassVar[dict[str, Metric]]
    options: ClassVar[type] = NoOptions
    """A frozen dataclass of choices at prediction time that every task of this kind has."""
    files: ClassVar[Mapping[str, Writer]] = TABLES
    """What `predict --out FILE` can write, by the end of the file's name, such as ".csv"."""
    baseline_columns: ClassVar[tuple[str, ...]] = ()
    """Further columns of the training rows that `constant` needs: kept in the run folder."""
    has_examples: ClassVar[bool] = False
    """True where a whole row is an example of each of its `strata`, as of a class."""
    exclusive: ClassVar[bool] = False
    """True where the probabilities of a row sum to one."""
    blank_truth: ClassVar[Problem] = Problem(
        "no-label", "has no label", "Fill it in, or remove the line."
    )
    """Why a row without a truth cannot be used."""

    def __init_subclass__(cls) -> None:
        if cls.__mro__[1] is not AnswerKind:
            raise TypeError(f"{cls.__name__}: an answer kind is final; share functions")

    # --- labelled rows ----------------------------------------------------------------------------

    def blank(self, table: pd.DataFrame) -> np.ndarray:
        """(N,) True for rows without a truth; such rows of a test part are ignored."""
        cells = table[[name for name in self.truths if name in table]]
        return np.asarray((cells.isna() | (cells == "")).any(axis=1), bool)

    def units(self, table: pd.DataFrame) -> pd.Series:
        """(N,) keys of what stays on one side of a split."""
        return unit_keys(table)

    def fits_all(self, table: pd.DataFrame) -> bool:
        """True where all rows are learnt from and scored, with no part held out."""
        return False

    def refuse(self, table: pd.DataFrame) -> DataRefused | None:
        """Why nothing at all can be learnt from these rows."""
        return None

    def refuse_checked(self, table: pd.DataFrame) -> DataRefused | None:
        """Why nothing should be learnt from these rows; `check` still reports them."""
        return None

    def notices(self, table: pd.DataFrame) -> list[str]:
        """Sentences about the truths of split rows that a person should read before training."""
        return []

    def strata(self, table: pd.DataFrame) -> list[tuple[str, ...]]:
        """What each row stands for, so that every part of a split gets some of each."""
        return [("",)] * len(table)

    def counts(self, table: pd.DataFrame) -> Counter[str]:
        """Rows of each class; empty where answers have no classes."""
        return Counter()

    def same(self, one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
        """True where two rows have the same truth, from tables or from JSON."""
        return all(_plain(one.get(name)) == _plain(other.get(name)) for name in self.truths)

    def classes_in(self, table: pd.DataFrame) -> set[str]:
        """Class names that a class mapping may change; empty where there are none."""
        return set()

    def renamed(
        self, table: pd.DataFrame, names: Mapping[str, str | None]
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """The table under new class names (None = dropped), and (N,) True for dropped rows."""
        return table, np.zeros(len(table), bool)

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        """The truth of a row in words; empty where the table has none."""
        if not self.truths or not set(self.truths) <= set(table):
            return ""
        return str(table[self.truths[0]].iloc[row])

    # --- answers beside truths --------------------------------------------------------------------

    @abstractmethod
    def measure(self, answers: Sequence[Answer], table: pd.DataFrame, times: int) -> MetricValues:
        """Metrics with intervals from `times` resamples."""

    @abstractmethod
    def constant(self, train: pd.DataFrame) -> Prediction:
        """The best answer that looks at no input: the trivial baseline."""

    @abstractmethod
    def retained(self, before: Any, after: Any) -> float:
        """How much of one answer another keeps: 1 = all of it, 0 = nothing."""

    @abstractmethod
    def worst(self, answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
        """Positions of wrong answers, the most wrong first."""

    @abstractmethod
    def bootstrap(self, answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
        """The headline as a function of how often each row counts."""

    @abstractmethod
    def same_decision(self, before: Any, after: Any, tolerance: float) -> bool:
        """True where two answers to one input decide the same.

        A choice between two that are nearer than `tolerance` may fall either way.
        """

    def baseline(self, train: pd.DataFrame, table: pd.DataFrame) -> Sequence[Answer]:
        """The constant answer to each row of a table."""
        return [self.constant(train)] * len(table)

    def baselines(
        self,
        train: tuple[pd.DataFrame, Columns],
        judged: tuple[pd.DataFrame, Columns],
    ) -> dict[str, Scores]:
        """Scores of further trivial methods by name, from rows and their encoded inputs."""
        return {}

    def details(self, answers: Sequence[Answer], table: pd.DataFrame) -> dict[str, Any]:
        """More than metrics, as JSON: a table of classes, a confusion matrix ..."""
        return {}

    def extras(
        self, answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame
    ) -> dict[str, Any]:
        """Further details that need the training rows."""
        return {}

    def calibration(
        self, answers: Sequence[Answer], table: pd.DataFrame, change: Change
    ) -> dict[str, Any]:
        """`ece`, `log_loss` and `reliability` of changed probabilities; {} without any."""
        return {}

    @final
    def score(self, answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame) -> Scores:
        """Metrics with 95 % intervals, each beside what the constant baseline reaches."""
        values = self.measure(answers, table, RESAMPLED)
        baseline = self.measure(self.baseline(train, table), table, 0)
        metrics = {
            name: Score(*three, baseline.get(name, (0.0, 0.0, 0.0))[0])
            for name, three in values.items()
        }
        details = self.details(answers, table) | self.extras(answers, table, train)
        return Scores(self.headline, metrics, len(table), details)

    @final
    def decides_alike(self, before: Answer, after: Answer, tolerance: float) -> bool:
        """`same_decision`, where a Problem is only like another Problem."""
        if isinstance(before, Problem) or isinstance(after, Problem):
            return isinstance(before, Problem) and isinstance(after, Problem)
        return self.same_decision(before, after, tolerance)

    # --- answers as they are shown ----------------------------------------------------------------

    @abstractmethod
    def words(self, answer: Any, truth: str = "") -> dict[str, Any]:
        """`said`, `sure` (probability or None), `right` (probability of the truth or None)."""

    @final
    def said(self, answer: Answer, truth: str = "") -> dict[str, Any]:
        """`words`, also of a row that could not be read."""
        if isinstance(answer, Problem):
            return {"said": say("no answer"), "sure": None, "right": None}
        return self.words(answer, truth)

    def classes(self, truths: Mapping[str, Any]) -> list[str]:
        """Class names in the order of the network's outputs, from the facts; [] without any."""
        return []

    def explainable(self, truths: Mapping[str, Any]) -> list[str]:
        """Names that an explanation may be asked about."""
        return self.classes(truths)

    def about(self, answer: Any, name: str) -> Prediction:
        """The same scores, as if one of `explainable` alone had been predicted."""
        found: Prediction = answer
        return found

    def weighed_by(self, answer: Any, other: Any) -> Prediction:
        """The same decision with the probabilities of another answer, where it has such."""
        found: Prediction = answer
        return found

    def draw(self, answer: Any, picture: Image) -> Image:
        """The answer on the picture of its input; default: the first two cells of it below."""
        found: Image = drawing.captioned(picture, "  ".join(answer.line.split("\t")[:2]))
        return found

    def marks(self, answer: Any) -> Marks | None:
        """The parts of a text that an answer names, in order; None for answers that name none."""
        return None

    def true_marks(self, table: pd.DataFrame, row: int) -> Marks:
        """The parts of a text that a labelled row names."""
        return []

    def pieces(self, details: dict[str, Any]) -> dict[str, Any]:
        """What the report shows of the details: see `sections.pieces`."""
        return {"classes": [], "confused": [], "sections": []}


def unit_keys(table: pd.DataFrame) -> pd.Series:
    """(N,) a row's group where it has one, else its group of near copies, else its digest."""
    digest = table["digest"].astype(str)
    if "near" in table:
        digest = digest.where(table["near"].isna(), table["near"].astype(str))
    if "group" not in table:
        return digest
    group = table["group"]
    return digest.where(group.isna(), "group " + group.astype(str))


def _plain(cell: Any) -> Any:
    """A truth as JSON has it: tuples are lists there, and a missing one is None."""
    if isinstance(cell, (list, tuple)):
        return [_plain(one) for one in cell]
    return None if isinstance(cell, float) and cell != cell else cell
