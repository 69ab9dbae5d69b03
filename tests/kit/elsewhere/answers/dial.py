"""Scores where the answer is the position of a dial, a number from 0 to 1.

Shapes: N rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from tenfold.answers.files import TABLES, Format, WriteAnswer
from tenfold.answers.intervals import Sampling, Weighted
from tenfold.answers.kind import Answer, AnswerKind, MetricValues
from tenfold.answers.metric import MAE, Metric
from tenfold.answers.sections import Cell, Section, SectionTable
from tenfold.core.language import spoken
from tenfold.core.results import Prediction
from tenfold.core.settings import setting

__all__ = ["DIAL", "Dial", "DialKind", "DialOptions"]

NEAR = 0.1
"""Largest error of an answer that counts as right."""
TITLES = {"en": "Positions of the dial", "zh": "刻度盘的位置"}


@dataclass(frozen=True)
class Dial(Prediction):
    """A position of the dial."""

    columns: ClassVar[tuple[str, ...]] = ("dial",)
    dial: float

    @property
    def line(self) -> str:
        return f"{self.dial:.3f}"

    @property
    def cells(self) -> tuple[str, ...]:
        return (f"{self.dial:.4f}",)

    @property
    def chances(self) -> dict[str, float]:
        return {}


@dataclass(frozen=True)
class DialOptions:
    """Choices at prediction time of answers with a dial."""

    step: float = setting(0.0, "round to multiples of this, 0 = not at all", low=0.0, high=1.0)


def _errors(answers: Sequence[Answer], table: pd.DataFrame) -> np.ndarray:
    """(N,) absolute errors; 1 where there is no answer."""
    said = [one.dial if isinstance(one, Dial) else np.nan for one in answers]
    off = np.abs(np.array(said, float) - table["dial"].to_numpy(float))
    return np.where(np.isnan(off), 1.0, off)


def _mean(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts.sum(1)))


@contextlib.contextmanager
def _gauges(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """A folder with a text file an answer, which holds its position in per cent."""
    path.mkdir(parents=True, exist_ok=True)

    def write(source: str, answer: Answer) -> None:
        if isinstance(answer, Dial):
            (path / f"{Path(source).stem}.txt").write_text(f"{answer.dial:.0%}\n")

    yield write


class DialKind(AnswerKind):
    """The position of a dial; the truth is a number in the column `dial`."""

    name = "dial"
    prediction = Dial
    truths = ("dial",)
    options = DialOptions
    files: ClassVar[Mapping[str, Format]] = {
        **TABLES,
        ".gauges": Format(_gauges, lambda path, prediction: False),
    }
    headline = "mae"
    metrics: ClassVar[dict[str, Metric]] = {
        "mae": MAE,
        "within": Metric("Within a tenth", "share of rows whose error is at most 0.1"),
    }

    def measure(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> MetricValues:
        off = _errors(answers, table)
        return {"mae": sampling.mean(off), "within": sampling.share(off <= NEAR)}

    def constant(self, train: pd.DataFrame) -> Dial:
        known = "dial" in train and len(train)
        return Dial(round(float(train["dial"].mean()), 6) if known else 0.5)

    def retained(self, before: Dial, after: Dial) -> float:
        return 1.0 - abs(before.dial - after.dial)

    def worst(self, answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
        off = _errors(answers, table)
        return [int(row) for row in np.argsort(-off, kind="stable") if off[row] > NEAR]

    def bootstrap(self, answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
        return _errors(answers, table)[:, None], _mean

    def same_decision(self, before: Dial, after: Dial, tolerance: float) -> bool:
        return abs(before.dial - after.dial) <= max(tolerance, 1e-4)

    def details(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> dict[str, Any]:
        tenths = np.histogram(table["dial"].to_numpy(float), 10, (0.0, 1.0))[0]
        return {"positions": [int(count) for count in tenths]}

    def words(self, answer: Dial, truth: str = "") -> dict[str, Any]:
        return {"said": f"{answer.dial:.2f}", "sure": None, "right": None}

    def draw(self, answer: Dial, picture: Image.Image) -> Image.Image:
        found = picture.convert("RGB")
        place = round(answer.dial * (found.height - 1))
        ImageDraw.Draw(found).line([(0, place), (found.width, place)], "red")
        return found

    def pieces(self, details: dict[str, Any]) -> dict[str, Any]:
        counts, title = details.get("positions", []), TITLES[spoken()]
        rows = [
            [Cell(f"{tenth / 10:.1f}"), Cell(str(count), count / max(1, sum(counts)))]
            for tenth, count in enumerate(counts)
        ]
        table = SectionTable(title, ["from", "rows"], rows)
        return {
            "classes": [],
            "confused": [],
            "sections": [Section("dial", title, tables=[table])] if counts else [],
        }


DIAL = DialKind()
