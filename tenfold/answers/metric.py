"""Description of metrics for display: title, meaning, unit, and which direction is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenfold.core.language import say, spoken
from tenfold.core.message import Message, as_message

__all__ = [
    "ACCURACY",
    "AVERAGE_PRECISION",
    "BRIER",
    "CALIBRATION_ERROR",
    "LOG_LOSS",
    "MACRO_F1",
    "MAE",
    "NO_INTERVAL",
    "RMSE",
    "ROC_AUC",
    "Metric",
    "main_metric",
    "number",
    "share",
]


NO_INTERVAL = "–"


def main_metric(headline: str, values: Mapping[str, Any]) -> str:
    """Returns the name of the main metric of rows: the headline, if their truths allow it.

    `values` are the metrics that they allow, by name; the first one replaces the headline.
    """
    return headline if headline in values else next(iter(values), headline)


@dataclass(frozen=True)
class Metric:
    """Title and meaning of a metric; `share` is True for values from 0 to 1, shown in percent."""

    title: str
    meaning: str
    share: bool = True
    better: str = "higher"

    def text_of(self, value: float) -> str:
        """Formats a value with its unit."""
        return share(value) if self.share else number(value)

    def gap(self, value: float) -> Message:
        """Formats a difference, in percentage points if the metric is a share."""
        if not self.share:
            return as_message(f"{'+' if value >= 0 else ''}{_short(value)}")
        return Message("{points} points", points=f"{100 * value:+.1f}")

    def interval(self, low: float | None, high: float | None) -> str:
        """Formats an interval; a dash if there is none."""
        if low is None or high is None:
            return NO_INTERVAL
        return say("{low} to {high}", low=self.text_of(low), high=self.text_of(high))

    def end(self, value: float | None) -> str:
        """Formats one end of the interval of a difference, without the unit; a dash for None."""
        if value is None:
            return NO_INTERVAL
        return f"{100 * value:.1f}" if self.share else _short(value)


ACCURACY = Metric("Accuracy", "share of rows predicted correctly")
MACRO_F1 = Metric("Macro F1", "unweighted mean of the F1 of all classes")
CALIBRATION_ERROR = Metric(
    "Calibration error", "mean difference between probability and accuracy", better="lower"
)
LOG_LOSS = Metric(
    "Log loss", "mean negative logarithm of the probability of the true answer", False, "lower"
)

BRIER = Metric(
    "Brier score",
    "mean squared difference between probabilities and the true class, summed over classes, "
    "or that of one class where there are two",
    False,
    "lower",
)
ROC_AUC = Metric(
    "ROC AUC",
    "probability that a row of the class has a higher score for it than another row; with more "
    "than two classes the mean over classes",
    False,
)
AVERAGE_PRECISION = Metric(
    "Average precision", "area under the precision-recall curve, mean over classes"
)

RMSE = Metric("RMSE", "root of the mean squared error", False, "lower")
MAE = Metric("MAE", "mean absolute error", False, "lower")


def share(value: float) -> str:
    """Formats 0.934 as `93.4 %`; two decimals above 99 % and below 1 %."""
    value = float(value)
    digits = 2 if 0 < value < 0.01 or 0.99 < value < 1 else 1
    text = f"{100 * value:.{digits}f}"
    text = text.removesuffix(".0") if value in (0, 1) else text
    return f"{text}%" if spoken() == "zh" else f"{text}\N{NO-BREAK SPACE}%"


def _short(value: float) -> str:
    """Formats a number with three significant digits, large ones as whole numbers."""
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.3g}"


def number(value: float) -> str:
    """Formats a number with four significant digits, large ones as whole numbers."""
    value = float(value)
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
