"""The base class AnswerKind: all that shared code needs to know about a form of prediction.

Each answer kind is one final class in its own file, with one instance. A labelled row has its true
label in the columns `truths`. A run gives a prediction of the class `prediction`, or a Problem
where a row cannot be read. Splits, class mappings, checks, metrics, comparisons, reports and pages
use the methods of the kind and never name a column.

Shapes: N rows of a table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
import pandas as pd

from tenfold.answers.classification.refusals import not_two_classes
from tenfold.answers.files import TABLES, Format
from tenfold.answers.intervals import Interval, Sampling, Weighted, weights_of
from tenfold.answers.metric import Metric, main_metric, share
from tenfold.core.columns import Columns, Problem
from tenfold.core.errors import DataRefused
from tenfold.core.language import say
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.results import ExplainedPart, Prediction, Recalled, Score, Scores
from tenfold.core.rows import plain_truth, unit_keys
from tenfold.core.settings import NoOptions

if TYPE_CHECKING:
    from PIL.Image import Image

    from tenfold.answers.sections import Section

drawing = lazy("tenfold.media.drawing")

__all__ = ["Answer", "AnswerKind", "Change", "MetricValues", "Recalled"]

Answer = Prediction | Problem
MetricValues = dict[str, Interval]
"""Value, lower end and upper end of the 95 % interval (see `Interval`), by metric."""
Change = Callable[[np.ndarray], np.ndarray]
"""A function that changes probabilities, (N, K) -> (N, K)."""
Marks = list[tuple[str, int, int]]
"""Parts of a text as (name, start, end) in characters, end excluded."""


class AnswerKind(ABC):
    """One answer kind. Write one subclass in a file; share code by calling functions.

    Methods take a table of labelled rows and a list of answers, one for each row in the same order.
    """

    name: ClassVar[str]
    """The name of the kind in JSON documents, in page code, and of its file."""
    prediction: ClassVar[type[Prediction]]
    truths: ClassVar[tuple[str, ...]]
    """Columns that hold the true label of a row."""
    headline: ClassVar[str]
    """Name of the main metric, one of `metrics`."""
    metrics: ClassVar[dict[str, Metric]]
    options: ClassVar[type] = NoOptions
    """A frozen dataclass of prediction options that every task with this kind has."""
    scoring: ClassVar[Mapping[str, Any]] = {}
    """Values of `options` for rows to be scored, such as a threshold low enough for all metrics."""
    files: ClassVar[Mapping[str, Format]] = TABLES
    """Output formats of `predict --out FILE` by file suffix, such as ".csv"."""
    baseline_columns: ClassVar[tuple[str, ...]] = ()
    """More columns of the training rows that `constant` needs; they are saved in the run folder."""
    has_examples: ClassVar[bool] = False
    """True if a row as a whole is an example of each of its `strata`, such as its class."""
    unlabelled: ClassVar[bool] = False
    """True if rows need no label, so that any data fit: a task of such kinds must be named."""
    exclusive: ClassVar[bool] = False
    """True if the probabilities of a row sum to one."""
    graded: ClassVar[bool] = False
    """True if a prediction is more or less near the true label; such a kind has `distances`."""
    blank_truth: ClassVar[Problem] = Problem(
        "no-label", Message("has no label"), Message("Add a label, or remove the line.")
    )
    """The Problem of a row without a true label."""

    def __init_subclass__(cls) -> None:
        if cls.__mro__[1] is not AnswerKind:
            raise TypeError(f"{cls.__name__}: an answer kind is final; share functions")

    # --- labelled rows ----------------------------------------------------------------------------

    def blank(self, table: pd.DataFrame) -> np.ndarray:
        """Returns (N,) True for rows without a true label; such test rows are ignored."""
        cells = table[[name for name in self.truths if name in table]]
        return np.asarray((cells.isna() | (cells == "")).any(axis=1), bool)

    def units(self, table: pd.DataFrame) -> pd.Series:
        """Returns (N,) keys; rows with the same key stay in the same part of a split."""
        return unit_keys(table)

    def fits_all(self, table: pd.DataFrame) -> bool:
        """Returns True if all rows are used for training and scoring, without a held-out part."""
        return False

    def only_scored(self, table: pd.DataFrame) -> np.ndarray:
        """Returns (N,) True for rows that no model is fitted to: they are validated and tested on.

        None by default. Where a split is drawn, half of them are validation rows, the others test
        rows, by stratum.
        """
        return np.zeros(len(table), bool)

    def refuse(self, table: pd.DataFrame) -> DataRefused | None:
        """Returns the error if no model can be trained on these rows, else None."""
        return None

    def refuse_checked(self, table: pd.DataFrame) -> DataRefused | None:
        """Returns an error that stops training but not the report of `check`, or None."""
        return None

    def notices(self, table: pd.DataFrame) -> list[Message]:
        """Returns notes on the true labels of split rows, for the user to read before training."""
        return []

    def strata(self, table: pd.DataFrame) -> list[tuple[str, ...]]:
        """Returns the strata of each row (e.g. its classes), used for a stratified split."""
        return [("",)] * len(table)

    def truth_values(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """Returns the true labels as numbers (N,): 0 or 1 for each class, or a value named "".

        {} if the kind has neither. They are compared with the fields of inputs.
        """
        return {}

    def counts(self, table: pd.DataFrame) -> Counter[str]:
        """Returns the number of rows of each class; empty if the kind has no classes."""
        return Counter()

    def distribution(self, table: pd.DataFrame) -> dict[str, Any]:
        """Returns the distribution of the true labels of split rows as JSON; {} for classes."""
        return {}

    def distribution_section(self, found: dict[str, Any]) -> Section | None:
        """Returns `distribution` as a section of pages, which show it where they list classes."""
        return None

    def same(self, one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
        """Returns True if two rows, from tables or from JSON, have the same true label."""
        return all(plain_truth(one.get(n)) == plain_truth(other.get(n)) for n in self.truths)

    def classes_in(self, table: pd.DataFrame) -> set[str]:
        """Returns the class names that a class mapping may change; empty if there are none."""
        return set()

    def renamed(
        self, table: pd.DataFrame, names: Mapping[str, str | None]
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Renames classes (None = drop); returns the new table and (N,) True for dropped rows."""
        return table, np.zeros(len(table), bool)

    def truth_text(self, table: pd.DataFrame, row: int) -> str:
        """Returns the true label of a row as text; empty if the table has none."""
        if not self.truths or not set(self.truths) <= set(table):
            return ""
        return str(table[self.truths[0]].iloc[row])

    # --- predictions compared with true labels ----------------------------------------------------

    @abstractmethod
    def measure(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> MetricValues:
        """Computes all metrics; `sampling` computes their intervals, over rows or over groups."""

    def measure_trained(
        self,
        answers: Sequence[Answer],
        table: pd.DataFrame,
        sampling: Sampling,
        train: pd.DataFrame,
    ) -> MetricValues:
        """Computes more metrics, for which the training rows are needed; none by default."""
        return {}

    @abstractmethod
    def constant(self, train: pd.DataFrame) -> Prediction:
        """Returns the constant baseline: the best prediction that ignores the input."""

    @abstractmethod
    def retained(self, before: Any, after: Any) -> float:
        """Returns how strongly `after` still supports the prediction `before`.

        `after` is the prediction for the same input with a part of it hidden. For probabilities:
        1 = fully, 0 = not at all.
        """

    def retained_text(self, value: float, answer: Any) -> str:
        """Returns a value of `retained` for `answer`, or a difference of two, as text.

        By default in percent: the values are probabilities.
        """
        return share(value)

    def retained_title(self, answer: Any) -> str:
        """Returns the name of the values of `retained` for `answer`."""
        return say("Probability of {answer}", answer=self.said(answer)["said"])

    @abstractmethod
    def worst(self, answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
        """Returns the positions of wrong predictions, the worst first."""

    def distances(self, answers: Sequence[Answer], table: pd.DataFrame) -> np.ndarray:
        """Returns (N,) how far each prediction is from the true label; for `graded` kinds only."""
        raise NotImplementedError

    @abstractmethod
    def bootstrap(self, answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
        """Returns the main metric in the form used for bootstrapping (see `Weighted`)."""

    @abstractmethod
    def same_decision(self, before: Any, after: Any, tolerance: float) -> bool:
        """Returns True if two predictions for one input decide alike, scores within `tolerance`."""

    def baseline(self, train: pd.DataFrame, table: pd.DataFrame) -> Sequence[Answer]:
        """Returns the constant baseline's prediction for each row of a table."""
        return [self.constant(train)] * len(table)

    def baselines(
        self, train: tuple[pd.DataFrame, Columns], judged: tuple[pd.DataFrame, Columns]
    ) -> dict[str, dict[str, float]]:
        """Returns metrics of further trivial baselines by name, from rows and encoded inputs."""
        return {}

    def details(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> dict[str, Any]:
        """Returns more results as JSON, such as a table of classes or a confusion matrix.

        An interval among them is computed by `sampling`, as in `measure`.
        """
        return {}

    def recalled(self, answers: Sequence[Answer], table: pd.DataFrame) -> Recalled:
        """Returns whether each true class was predicted; empty if the kind has no classes."""
        return Recalled(np.zeros(0, np.int64), [], np.zeros(0, bool))

    def extras(
        self, answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame
    ) -> dict[str, Any]:
        """Returns more details, for which the training rows are needed."""
        return {}

    def valued(
        self,
        answers: Sequence[Answer],
        table: pd.DataFrame,
        train: pd.DataFrame,
        costs: str,
        positive: str,
    ) -> dict[str, Any]:
        """Returns the details that depend on stated costs of errors and on the positive class.

        They replace those of `extras`. `costs` and `positive` are the texts that the user gave, ""
        = not given. Raises UsageError where they do not fit the classes, and by default.
        """
        raise not_two_classes(costs)

    def averages(self, answers: Sequence[Answer]) -> dict[str, float]:
        """Returns the mean answer as numbers: the probability of each class, or a value named "".

        {} if the kind has neither.
        """
        return {}

    def calibration(
        self, answers: Sequence[Answer], table: pd.DataFrame, change: Change
    ) -> dict[str, Any]:
        """Returns the calibration of the answers after `change` is applied to their probabilities.

        The keys are `ece`, `log_loss` and `reliability` (see `calibration.certainty`). Returns {}
        if the kind has no probabilities.
        """
        return {}

    @final
    def score(self, answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame) -> Scores:
        """Computes all metrics with 95 % intervals and the value of the constant baseline."""
        sampling = Sampling.of(table)
        values = self.measure(answers, table, sampling)
        values |= self.measure_trained(answers, table, sampling, train)
        baseline = self.values(self.baseline(train, table), table, train)
        headline = main_metric(self.headline, values)
        metrics = {name: Score(*three, baseline.get(name, 0.0)) for name, three in values.items()}
        details = self.details(answers, table, sampling) | self.extras(answers, table, train)
        return Scores(headline, metrics, len(table), details, sampling.count)

    @final
    def values(
        self, answers: Sequence[Answer], table: pd.DataFrame, train: pd.DataFrame | None = None
    ) -> dict[str, float]:
        """Computes all metrics without intervals; without `train`, those that do not need it."""
        sampling = Sampling(times=0, weights=weights_of(table))
        found = self.measure(answers, table, sampling)
        if train is not None:
            found |= self.measure_trained(answers, table, sampling, train)
        return {name: value for name, (value, _, _) in found.items()}

    @final
    def decides_alike(self, before: Answer, after: Answer, tolerance: float) -> bool:
        """Returns `same_decision` of two answers; a Problem equals only another Problem."""
        if isinstance(before, Problem) or isinstance(after, Problem):
            return isinstance(before, Problem) and isinstance(after, Problem)
        return self.same_decision(before, after, tolerance)

    # --- display of answers -----------------------------------------------------------------------

    @abstractmethod
    def words(self, answer: Any, truth: str = "") -> dict[str, Any]:
        """Returns the prediction for display as a dictionary with three keys.

        `said` is the text, `sure` its probability or None, and `right` the probability of the true
        label or None.
        """

    @final
    def said(self, answer: Answer, truth: str = "") -> dict[str, Any]:
        """Returns `words` of an answer, also for a row that could not be read."""
        if isinstance(answer, Problem):
            return {"said": say("no answer"), "sure": None, "right": None}
        return self.words(answer, truth)

    def classes(self, truths: Mapping[str, Any]) -> list[str]:
        """Returns class names in the order of the outputs, from `facts["truths"]`; [] if none."""
        return []

    def resolved(self, options: Any, truths: Mapping[str, Any]) -> Any:
        """Returns the options with names resolved; raises UsageError for an unknown name."""
        return options

    def explainable(self, truths: Mapping[str, Any]) -> list[str]:
        """Returns the names that `explain` can explain, by default the classes."""
        return self.classes(truths)

    def explains(self, name: str, truths: Mapping[str, Any]) -> bool:
        """Returns True if `explain` can explain `name`; by default one of `explainable`."""
        return name in self.explainable(truths)

    def about(self, answer: Any, name: str) -> Answer:
        """Returns `answer` changed so that it predicts only `name`; by default `answer` itself.

        A Problem where the answer does not contain `name`, such as a box with this number.
        """
        found: Prediction = answer
        return found

    def explained(self, answer: Any, about: Any) -> ExplainedPart:
        """Returns the part of `answer` to explain: `about`, the answer or what `about` returned."""
        return ExplainedPart(about)

    def weighed_by(self, answer: Any, other: Any) -> Prediction:
        """Returns `answer` with the probabilities of `other`; by default `answer` itself."""
        found: Prediction = answer
        return found

    def draw(self, answer: Any, picture: Image) -> Image:
        """Draws the answer on the image of its input.

        By default, the first two cells of `answer.line` are the caption below the image.
        """
        found: Image = drawing.captioned(picture, "  ".join(answer.line.split("\t")[:2]))
        return found

    def true_answer(self, table: pd.DataFrame, row: int) -> Prediction | None:
        """Returns the true label of a row as an answer to `draw`; None if it is stated in words.

        Reports then draw the answer and the truth on pictures side by side.
        """
        return None

    def error_text(self, answer: Any, table: pd.DataFrame, row: int) -> str:
        """Returns what is wrong with a partly right answer, for reports; "" by default."""
        return ""

    def marks(self, answer: Any) -> Marks | None:
        """Returns the parts of a text that the answer marks; None if the kind never marks any."""
        return None

    def true_marks(self, table: pd.DataFrame, row: int) -> Marks:
        """Returns the parts of a text that the true label marks."""
        return []

    def choices(self, fitted: Mapping[str, Any]) -> list[Section]:
        """Returns sections of the report on what the fit chose (`facts["fitted"]`)."""
        return []

    def pieces(self, details: dict[str, Any]) -> dict[str, Any]:
        """Returns the parts of the report made from the details (see `answers/sections.py`)."""
        return {"classes": [], "confused": [], "sections": []}
