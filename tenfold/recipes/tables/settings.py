"""Settings that the tasks on tables share; each call returns a new field of a dataclass."""

from __future__ import annotations

from typing import Any

from tenfold.core.settings import Range, setting
from tenfold.recipes.tables.candidates import MODELS
from tenfold.recipes.tables.model import SIZES

__all__ = ["derived", "learning_rate", "model", "size"]


def size() -> Any:
    """Returns the setting of the size of the network."""
    return setting("small", "model size of the network", choices=SIZES, search=("tiny", "medium"))


def model() -> Any:
    """Returns the setting of the candidate."""
    return setting("auto", "model, auto = best on validation", choices=MODELS)


def derived() -> Any:
    """Returns the setting of derived columns."""
    return setting(True, "columns derived from others, kept if they lower the loss")


def learning_rate() -> Any:
    """Returns the setting of the learning rate of the network."""
    return setting(
        0.0,
        "learning rate, 0 = that of the recipe",
        low=0.0,
        high=1.0,
        search=Range(0.005, 0.06),
    )
