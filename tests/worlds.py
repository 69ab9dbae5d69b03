"""Tiny generated data, one world a kind of work: what the contract suite holds every kind against.

A world is a labelled folder with given parts that a small model learns in seconds, the settings
that make it do so, and ways to spoil what learning must not see. A new application adds one entry
to WORLDS. Everything is a function of the seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw


@dataclass(frozen=True)
class World:
    """How to make data of one kind of work, and how to learn on them.

    `make(folder, seed)` writes a labelled folder with train, valid and test parts. `spoil(folder)`
    changes every answer and every content outside the train part, in place. `knobs` and `plan` are
    arguments of train that beat the constant guess in 2 to 4 seconds on one core. `floor` is the
    lowest value the loss can take (label smoothing keeps it from zero). `hand_over(folder)` is
    something to predict.
    """

    make: Callable[[Path, int], Path]
    spoil: Callable[[Path], None]
    hand_over: Callable[[Path], Any]
    knobs: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    floor: float = 0.0


# --- pictures ---

SHAPES = {"circle": 0, "cross": 2, "triangle": 3}
EACH = {"train": 24, "valid": 8, "test": 10}


def shape(
    name: str, random: np.random.Generator, side: int = 24, colour: bool = False
) -> np.ndarray:
    """(side, side) or (side, side, 3) uint8: one drawn shape, dark on a light, noisy ground."""
    picture = Image.new("L", (side, side), int(random.integers(180, 240)))
    draw, radius = ImageDraw.Draw(picture), side * random.uniform(0.24, 0.34)
    x, y = side * random.uniform(0.40, 0.60, 2)
    ink, turn = int(random.integers(0, 90)), float(random.uniform(0, 30))
    if name == "circle":
        draw.circle((x, y), radius, fill=ink)
    elif name == "triangle":
        draw.regular_polygon((x, y, radius * 1.2), 3, rotation=int(turn), fill=ink)
    else:
        draw.line((x - radius, y, x + radius, y), fill=ink, width=side // 8)
        draw.line((x, y - radius, x, y + radius), fill=ink, width=side // 8)
    noisy = np.asarray(picture, np.float32) + random.normal(0, 8, (side, side))
    grey = noisy.clip(0, 255).astype(np.uint8)
    if not colour:
        return grey
    tint = random.uniform(0.6, 1.0, 3)
    return (grey[..., None] * tint).astype(np.uint8)


def shapes(folder: Path, seed: int, each: dict[str, int] | None = None, **look: Any) -> Path:
    """part/class/number.png of three drawn shapes; without parts where `each` has the key ""."""
    for part, count in (each or EACH).items():
        for number, name in enumerate(SHAPES):
            place = folder / part / name
            place.mkdir(parents=True, exist_ok=True)
            for index in range(count):
                random = np.random.default_rng([seed, number, index, *part.encode()])
                Image.fromarray(shape(name, random, **look)).save(place / f"{index:03}.png")
    return folder


def _spoil_pictures(folder: Path) -> None:
    """Outside train: other pixels in every file, and every file under the next class's name."""
    for part in ("valid", "test"):
        classes = sorted((folder / part).iterdir())
        for path in sorted((folder / part).rglob("*.png")):
            pixels = np.asarray(Image.open(path))
            Image.fromarray(255 - pixels.T[::-1]).resize((31, 17)).save(path)
        names = [place.name for place in classes]
        for place, name in zip(classes, names[1:] + names[:1], strict=True):
            place.rename(place.with_name(f"{name}-"))
        for name in names:
            (folder / part / f"{name}-").rename(folder / part / name)


def _smoothed(classes: int, smoothing: float) -> float:
    """The entropy of a smoothed answer: no cross-entropy falls below it."""
    other = smoothing / classes
    right = 1 - smoothing + other
    return -right * math.log(right) - (classes - 1) * other * math.log(other)


WORLDS: dict[str, World] = {
    "image-classification": World(
        make=shapes,
        spoil=_spoil_pictures,
        hand_over=lambda folder: folder / "test" / "circle" / "000.png",
        knobs={"size": "tiny", "augment": "shift"},
        plan={"epochs": 30, "batch": 24},
        floor=_smoothed(len(SHAPES), 0.15),
    ),
}
