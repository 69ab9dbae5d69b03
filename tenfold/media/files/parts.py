"""Folder and file names that mean a part of the data: train, valid or test."""

from __future__ import annotations

__all__ = ["part_of_folder"]

_NAMES = {
    "train": "train",
    "training": "train",
    "training_set": "train",
    "val": "valid",
    "valid": "valid",
    "validation": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
    "test_set": "test",
}


def part_of_folder(name: str) -> str | None:
    """Returns `train`, `valid` or `test` for one of their usual names; None for any other name."""
    return _NAMES.get(name.lower())
