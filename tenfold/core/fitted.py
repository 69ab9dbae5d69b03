"""What a fit gives: the trained network, what was decided, and the candidates beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Fitted"]


@dataclass(frozen=True)
class Fitted:
    """The result of `Task.fit`.

    `net` is the trained network in eval mode. `facts` become `facts["fitted"]`: JSON, and the
    same whenever the fit is repeated. `candidates` are the other networks that were fitted, by
    name; `seconds` is the wall time that each candidate took.
    """

    net: Any
    facts: dict[str, Any] = field(default_factory=dict)
    candidates: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
