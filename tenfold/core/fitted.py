"""The result of a fit: the trained network, its decisions, and the other candidates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Fitted"]


@dataclass(frozen=True)
class Fitted:
    """The result of `Task.fit`.

    `net` is the trained network in eval mode. `facts` become `facts["fitted"]`; they are JSON and
    identical when the fit is repeated. `candidates` are the other fitted networks by name.
    `seconds` is the wall time of each candidate.
    """

    net: Any
    facts: dict[str, Any] = field(default_factory=dict)
    candidates: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
