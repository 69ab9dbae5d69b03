"""Generated tables of units in a test bay: good ones, hot ones and leaking ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

UNITS = {"train": (90, 3), "valid": (40, 12), "test": (40, 20)}
"""Good and strange units of each part."""
KINDS = ("hot", "leak")
HANDED = {"temp": 60.4, "bar": 8.1, "rpm": 1490.0, "valve": "brass"}
"""A row to predict."""


def unit(random: np.random.Generator, kind: str) -> list[str]:
    """The cells temp, bar, rpm and valve of a unit; `kind` is "ok" or how it is strange."""
    load = random.normal()
    temp, bar, rpm = 60 + 2 * load + random.normal(), 8 + 0.3 * random.normal(), 1500 + 40 * load
    temp += 25 if kind == "hot" else 0
    bar -= 4 if kind == "leak" else 0
    cells = [f"{temp:.2f}", f"{bar:.3f}", f"{rpm + 5 * random.normal():.1f}"]
    valve = str(random.choice(["brass", "steel"]))
    return [cell if random.random() > 0.03 else "" for cell in [*cells, valve]]


def units(folder: Path, seed: int, rows: dict[str, tuple[int, int]] | None = None) -> Path:
    """part.csv of temp, bar, rpm, valve and target: ok, hot or leak, in turns."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, (good, strange) in (rows or UNITS).items():
        random = np.random.default_rng([seed, *part.encode()])
        kinds = ["ok"] * good + [KINDS[number % len(KINDS)] for number in range(strange)]
        lines = [",".join([*unit(random, kind), kind]) for kind in random.permutation(kinds)]
        text = "temp,bar,rpm,valve,target\n" + "\n".join(lines) + "\n"
        (folder / f"{part}.csv").write_text(text, encoding="utf-8")
    return folder


def spoil_units(folder: Path) -> None:
    """Outside train: other values in every column, and every answer another one."""
    following = {"ok": "hot", "hot": "leak", "leak": "ok"}
    for part in ("valid", "test"):
        path = folder / f"{part}.csv"
        head, *lines = path.read_text("utf-8").splitlines()
        rows = [line.split(",") for line in lines]
        spoilt = [
            f"{bar or 7},{rpm or 7},{temp or 7},tin {valve},{following[kind]}"
            for temp, bar, rpm, valve, kind in rows
        ]
        path.write_text("\n".join([head, *spoilt]) + "\n", "utf-8")
