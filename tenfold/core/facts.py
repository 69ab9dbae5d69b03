"""Facts in memory: plain values as JSON has them, arrays, and bytes of files that a task needs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

__all__ = ["digestible", "plain"]


def plain(facts: Any) -> Any:
    """A copy of facts as they come back from disk: keys are texts, tuples are lists.

    Arrays and bytes stay as they are. Raises TypeError for what is no fact.
    """
    if isinstance(facts, dict):
        return {str(key): plain(value) for key, value in facts.items()}
    if isinstance(facts, (list, tuple)):
        return [plain(value) for value in facts]
    if isinstance(facts, (np.ndarray, bytes)):
        return facts
    return json.loads(json.dumps(facts))


def digestible(facts: Any) -> str:
    """JSON that tells facts apart, arrays and bytes by their hash."""
    return json.dumps(facts, sort_keys=True, default=_hashed)


def _hashed(value: Any) -> dict[str, str]:
    if isinstance(value, np.ndarray):
        head = f"{value.dtype.str}{value.shape}".encode()
        content = head + np.ascontiguousarray(value).tobytes()
        return {"array": hashlib.sha256(content).hexdigest()}
    if isinstance(value, bytes):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    raise TypeError(f"{type(value).__name__} is no fact")
