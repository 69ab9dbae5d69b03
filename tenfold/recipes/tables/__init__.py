"""Candidates for tables: linear, boosted trees, a network, and their blend."""

from tenfold.recipes.tables.candidates import MODELS, fit
from tenfold.recipes.tables.model import SIZES, build, learnt

__all__ = ["MODELS", "SIZES", "build", "fit", "learnt"]
