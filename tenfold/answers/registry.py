"""Registry of answer kinds, found in the files of `answers/` and of the extension folders."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

from tenfold.answers.kind import AnswerKind
from tenfold.answers.metric import Metric
from tenfold.core.rooms import folders

__all__ = ["kinds", "metrics"]


@functools.cache
def kinds() -> dict[str, AnswerKind]:
    """Returns all answer kinds by name."""
    rooms = [Path(__file__).parent, *folders("answers")]
    names = sorted({path.stem for room in rooms for path in room.glob("[!_]*.py")})
    modules = [importlib.import_module(f"tenfold.answers.{name}") for name in names]
    every = [one for module in modules for one in vars(module).values()]
    return {one.name: one for one in every if isinstance(one, AnswerKind)}


@functools.cache
def metrics() -> dict[str, Metric]:
    """Returns the metrics of all answer kinds by their name in JSON documents."""
    return {name: metric for kind in kinds().values() for name, metric in kind.metrics.items()}
