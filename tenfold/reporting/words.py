"""How numbers and metrics are said on a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tenfold.progress import clock

__all__ = ["METRICS", "Metric", "amount", "metric", "number", "share", "span"]


@dataclass(frozen=True)
class Metric:
    """What a metric is called and means; `share` = from 0 to 1, said in percent."""

    title: str
    meaning: str
    share: bool = True
    better: str = "higher"

    def say(self, value: float) -> str:
        """The value with its unit."""
        return share(value) if self.share else number(value)


METRICS = {
    "accuracy": Metric("Accuracy", "share of rows whose answer is right"),
    "top5_accuracy": Metric("Top-5 accuracy", "the right class is among the five most probable"),
    "macro_f1": Metric("Macro F1", "mean over classes of F1, every class counting the same"),
    "micro_f1": Metric("Micro F1", "F1 over all decisions, every one counting the same"),
    "ece": Metric(
        "Calibration error", "mean gap of how sure answers are and how often right", better="lower"
    ),
    "log_loss": Metric(
        "Log loss", "mean of minus the logarithm of the right answer's probability", False, "lower"
    ),
    "average_precision": Metric("Average precision", "mean over classes, all thresholds together"),
    "roc_auc": Metric("ROC AUC", "chance that a right row ranks above a wrong one"),
    "rmse": Metric("RMSE", "root of the mean squared error", False, "lower"),
    "mae": Metric("MAE", "mean absolute error", False, "lower"),
    "r2": Metric("R²", "share of the variance that is explained", False),
    "wer": Metric("Word error rate", "words wrong, missing or added, a word said", better="lower"),
    "cer": Metric("Character error rate", "the same for characters", better="lower"),
    "eer": Metric("Equal error rate", "false accepts equal false rejects", better="lower"),
}


def metric(name: str) -> Metric:
    """What is known of a metric; one without an entry is called by its own name."""
    return METRICS.get(name) or Metric(name.replace("_", " "), "", share=False)


def share(value: float) -> str:
    """0.934 as `93.4 %`; two digits above 99 % and below 1 %."""
    value = float(value)
    digits = 2 if 0 < value < 0.01 or 0.99 < value < 1 else 1
    text = f"{100 * value:.{digits}f}"
    return f"{text.removesuffix('.0') if value in (0, 1) else text}\N{NO-BREAK SPACE}%"


def number(value: float) -> str:
    """Four digits that count."""
    return f"{float(value):.4g}"


def amount(size: float) -> str:
    """Bytes as `3.4 MB`."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return ""


def span(seconds: float) -> str:
    """A time in words; below ten seconds with a digit more."""
    return f"{seconds:.1f} s" if seconds < 10 else clock(seconds)


def plural(count: int, one: str, many: str = "") -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(value: Any) -> str:
    """A JSON value as a person writes it."""
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
