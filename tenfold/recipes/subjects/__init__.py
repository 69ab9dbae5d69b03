"""What is compared without labels: rows of tables, pictures, texts, each in a module of its own.

A module defines `SUBJECT`, a `Subject`, and is found by its name.
"""

from tenfold.recipes.subjects.subject import Subject, features_of, find, recognised

__all__ = ["Subject", "features_of", "find", "recognised"]
