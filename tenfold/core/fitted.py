"""The result of a fit: the trained network, the values that were chosen, other candidates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Fitted"]


@dataclass(frozen=True)
class Fitted:
    """The result of `Task.fit`.

    `net` is the trained network in eval mode. `facts` holds the values that the fit chose, such
    as the number of steps; it is JSON, identical when the fit is repeated, and stored as
    `facts["fitted"]` of the run. `candidates` are the other fitted networks by name.
    `seconds` is the wall time of each candidate.
    """

    net: Any
    facts: dict[str, Any] = field(default_factory=dict)
    candidates: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
