"""The prediction of anomaly detection: how strange a row is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenfold.core.language import say
from tenfold.core.results import Prediction

__all__ = ["Oddity"]


@dataclass(frozen=True)
class Oddity(Prediction):
    """How strange a row is: `score`, larger for stranger rows, and the `threshold` of alarms.

    `p` is the share of good calibration rows that are at least as strange. `parts` are the columns
    that make the row strange, with their shares of the score, the largest first.
    """

    columns: ClassVar[tuple[str, ...]] = ("strange", "score", "threshold", "p", "because")
    score: float
    threshold: float
    p: float = 0.0
    parts: tuple[tuple[str, float], ...] = ()

    @property
    def strange(self) -> bool:
        """True if the score reaches the threshold."""
        return self.score >= self.threshold

    @property
    def because(self) -> str:
        """The columns that make the row strange, with their shares in percent."""
        return ", ".join(f"{name} {100 * share:.0f} %" for name, share in self.parts)

    @property
    def line(self) -> str:
        """One line for the terminal, with cells separated by tabs."""
        said = say("strange") if self.strange else say("usual")
        return "\t".join(filter(None, [said, f"{self.score:.4g}", self.because]))

    @property
    def cells(self) -> tuple[str, ...]:
        """Values of `columns` in a table of predictions."""
        figures = (f"{self.score:.7g}", f"{self.threshold:.7g}", f"{self.p:.4g}")
        return (str(int(self.strange)), *figures, self.because)

    @property
    def chances(self) -> dict[str, float]:
        """Empty: a row is strange or not by its score."""
        return {}
