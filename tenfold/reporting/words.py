"""How numbers, metrics and words of the documents are said on a page, in the language spoken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tenfold.core.language import again, say, spoken
from tenfold.core.progress import clock

__all__ = ["METRICS", "NAMES", "Metric", "amount", "metric", "named", "number", "share", "span"]


@dataclass(frozen=True)
class Metric:
    """What a metric is called and means; `share` = from 0 to 1, said in percent."""

    title: str
    meaning: str
    share: bool = True
    better: str = "higher"

    def text_of(self, value: float) -> str:
        """The value with its unit."""
        return share(value) if self.share else number(value)

    def gap(self, value: float) -> str:
        """A difference, in percentage points where the metric is a share."""
        if not self.share:
            return f"{value:+.3g}"
        return say("{points} points", points=f"{100 * value:+.1f}")

    def end(self, value: float) -> str:
        """An end of a difference's interval, its unit said before."""
        return f"{100 * value:.1f}" if self.share else f"{value:.3g}"


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
    "ndcg@10": Metric("NDCG@10", "right items among the first ten, the higher the more they count"),
    "recall@10": Metric("Recall@10", "share of the right items that is among the first ten"),
    "mrr@10": Metric("MRR@10", "mean of one over the place of the first right item, up to ten"),
    "map@10": Metric("MAP@10", "mean of the precision at each right item among the first ten"),
    "hit@10": Metric("Hit rate@10", "share of rows with a right item among the first ten"),
    "eer": Metric("Equal error rate", "false accepts equal false rejects", better="lower"),
}


# Words of the documents, for programs, and what a page calls them.
NAMES = {
    "train": "training",
    "valid": "validation",
    "test": "test",
    "read": "reading",
    "encode": "decoding",
    "total": "in all",
    "constant baseline": "constant baseline",
    "nearest centroid": "nearest centroid",
    "naive Bayes": "naive Bayes",
    "linear": "linear model",
    "convolution": "convolution",
    "mixed": "all of them mixed",
    "selected": "part that answers",
    "popularity": "popularity",
    "characters": "characters",
    "tokens": "tokens",
    "steps": "steps",
    "batch": "batch",
    "precision": "arithmetic",
    "epochs": "epochs",
    "decided": "length decided by",
    "temperature": "temperature",
    "ended_early": "ended early at step",
    "validation_scores": "what was tried, on validation",
    "seed": "seed",
    "device": "device",
    "data": "data fingerprint",
    "parameters": "parameters",
    "system": "system",
    "time": "time",
    "height": "height",
    "width": "width",
    "channels": "channels",
    "masked": "with a foreground mask",
    "foreground channel set to one": "foreground channel set to one",
}


def named(word: str) -> str:
    """A word of the documents as a page calls it; one that is not known stays as it is."""
    return say(NAMES.get(word, word.replace("_", " ")))


def metric(name: str) -> Metric:
    """What is known of a metric; one without an entry is called by its own name."""
    found = METRICS.get(name)
    if found is None:
        return Metric(name.replace("_", " "), "", share=False)
    return replace(found, title=say(found.title), meaning=say(found.meaning))


def share(value: float) -> str:
    """0.934 as `93.4 %`; two digits above 99 % and below 1 %."""
    value = float(value)
    digits = 2 if 0 < value < 0.01 or 0.99 < value < 1 else 1
    text = f"{100 * value:.{digits}f}"
    text = text.removesuffix(".0") if value in (0, 1) else text
    return f"{text}%" if spoken() == "zh" else f"{text}\N{NO-BREAK SPACE}%"


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
    """`1 row`, `2,000 rows`; languages without a plural have the entry of many."""
    many = many or f"{one}s"
    if spoken() != "en":
        return say(f"{{count}} {many}", count=f"{count:,}")
    return f"{count:,} {one if count == 1 else many}"


def listed(value: Any) -> str:
    """A JSON value as a person writes it."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    return f"{value:,}" if isinstance(value, int) else again(str(value))
