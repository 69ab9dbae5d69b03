"""Candidates for tables: linear, boosted trees, a network, and their blend."""

from tenfold.recipes.tables.candidates import MODELS, fit
from tenfold.recipes.tables.model import SIZES, build, learnt
from tenfold.recipes.tables.texts import Truths

__all__ = ["MODELS", "SIZES", "Truths", "build", "fit", "learnt"]
