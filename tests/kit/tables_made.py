"""Generated tables of pots: numbers (some missing), a category and a date, and two answers."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

POTS = {"train": 90, "valid": 40, "test": 40}
CLAYS = {"red": 1.0, "grey": -1.0, "white": 0.0}
KINDS = ("bowl", "jug", "plate")
GRAINS, VARIETIES = {"train": 60, "valid": 20, "test": 20}, ("kama", "rosa", "canadian")
FIRST_DAY = datetime.date(2020, 1, 1)
HANDED = {"height": 24.5, "mass": 2.5, "clay": "red", "found": "2021-05-04"}
"""A row to predict."""


def pot(random: np.random.Generator, kind: int) -> tuple[dict[str, str], float]:
    """The cells of a pot of a kind, and its price."""
    height, mass = 10 + 9 * kind + 4 * random.normal(), 2 + random.gamma(2.0, 0.5)
    clay, days = str(random.choice([*CLAYS])), int(random.integers(900))
    price = height + 3 * mass + 6 * CLAYS[clay] + 0.01 * days + 0.3 * random.normal()
    cells = {
        "height": f"{height:.2f}" if random.random() > 0.05 else "",
        "mass": f"{mass:.3f}" if random.random() > 0.05 else "",
        "clay": clay if random.random() > 0.05 else "",
        "found": str(FIRST_DAY + datetime.timedelta(days)),
    }
    return cells, price


def pots(
    answer: Callable[[int, float], str], folder: Path, seed: int, rows: dict[str, int] | None = None
) -> Path:
    """part.csv of height, mass, clay, found and target, which is `answer(kind, price)`."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (rows or POTS).items():
        random = np.random.default_rng([seed, *part.encode()])
        lines = []
        for row in range(count):
            cells, price = pot(random, row % len(KINDS))
            lines.append(",".join([*cells.values(), answer(row % len(KINDS), price)]) + "\n")
        text = "height,mass,clay,found,target\n" + "".join(lines)
        (folder / f"{part}.csv").write_text(text, encoding="utf-8")
    return folder


def kind(number: int, price: float) -> str:
    """The kind of a pot by its name."""
    return KINDS[number]


def price(number: int, value: float) -> str:
    """The price of a pot."""
    return f"{value:.2f}"


def spoil_pots(folder: Path) -> None:
    """Outside train: other values in every column, and every answer another one."""
    following: dict[str, Any] = dict(zip(KINDS, [*KINDS[1:], KINDS[0]], strict=True))
    for part in ("valid", "test"):
        path = folder / f"{part}.csv"
        head, *lines = path.read_text("utf-8").splitlines()
        spoilt = []
        for height, mass, _, found, answer in (line.split(",") for line in lines):
            moved = following.get(answer) or f"{-float(answer) - 1:.2f}"
            spoilt.append(f"{mass},{height or 999},purple,{int(found[:4]) + 9}{found[4:]},{moved}")
        path.write_text("\n".join([head, *spoilt]) + "\n", "utf-8")


def grains(folder: Path, seed: int, rows: dict[str, int] | None = None) -> Path:
    """part.csv of length, mass (some missing), colour and target: three groups far apart."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (rows or GRAINS).items():
        random = np.random.default_rng([seed, *part.encode()])
        lines = [grain(random, row % len(VARIETIES)) for row in range(count)]
        (folder / f"{part}.csv").write_text("length,mass,colour,target\n" + "".join(lines))
    return folder


def grain(random: np.random.Generator, variety: int) -> str:
    """The line of a grain of a variety."""
    length, mass = 5 + variety + 0.1 * random.normal(), 20 + 9 * (variety % 2) + random.normal()
    weighed = f"{mass:.2f}" if random.random() > 0.1 else ""
    colour = ("brown", "red", "brown")[variety] if random.random() > 0.1 else "white"
    return f"{length:.3f},{weighed},{colour},{VARIETIES[variety]}\n"
