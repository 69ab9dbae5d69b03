"""Facts of a run (its stored values), copied as if loaded from disk or given as JSON for hashing.

Facts are values that JSON can store, arrays, and contents of files as bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

__all__ = ["digestible", "plain"]


def plain(facts: Any) -> Any:
    """Returns a copy of facts as if loaded from disk: keys are strings, tuples become lists.

    Arrays and bytes stay unchanged. Raises TypeError for a value that JSON cannot store.
    """
    if isinstance(facts, dict):
        return {str(key): plain(value) for key, value in facts.items()}
    if isinstance(facts, (list, tuple)):
        return [plain(value) for value in facts]
    if isinstance(facts, (np.ndarray, bytes)):
        return facts
    return json.loads(json.dumps(facts))


def digestible(facts: Any) -> str:
    """Returns facts as JSON text for hashing; arrays and bytes are replaced by their SHA-256."""
    return json.dumps(facts, sort_keys=True, default=_hashed)


def _hashed(value: Any) -> dict[str, str]:
    if isinstance(value, np.ndarray):
        head = f"{value.dtype.str}{value.shape}".encode()
        content = head + np.ascontiguousarray(value).tobytes()
        return {"array": hashlib.sha256(content).hexdigest()}
    if isinstance(value, bytes):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    raise TypeError(f"{type(value).__name__} is no fact")
