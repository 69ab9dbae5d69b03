"""What is compared without labels: rows of tables, pictures, texts, each in a module of its own.

A module defines `SUBJECT`, a `Subject`, and is found by its name.
"""

from tenfold.recipes.subjects.subject import Subject, find, recognised

__all__ = ["Subject", "find", "recognised"]
