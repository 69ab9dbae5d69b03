"""Tiny generated data, one world a task: what the contract suite holds every kind against.

A world is a labelled folder with given parts that a small model learns in seconds, the settings
that make it do so, and ways to spoil what learning must not see. A new task adds one entry
to WORLDS. Everything is a function of the seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tables_made
import units_made
from PIL import Image, ImageDraw


@dataclass(frozen=True)
class World:
    """How to make data of one task, and how to learn on them.

    `make(folder, seed)` writes a labelled folder with train, valid and test parts. `spoil(folder)`
    changes every answer and every content outside the train part; None where every row is fitted,
    whatever its part. `settings` and `plan` are
    arguments of train that beat the constant guess in 2 to 4 seconds on one core. `floor` is the
    lowest value the loss can take (label smoothing keeps it from zero), `by_heart` the headline
    score that the rows of one batch reach when they are learnt by heart; of an error, the share of
    the baseline's error that is then gone. `hand_over(folder)` is something to predict.
    """

    make: Callable[[Path, int], Path]
    spoil: Callable[[Path], None] | None
    hand_over: Callable[[Path], Any]
    settings: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    floor: float = 0.0
    by_heart: float = 1.0


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


# --- pictures with boxes ---

TINTS = {"circle": (200, 60, 50), "square": (50, 90, 210), "triangle": (40, 160, 70)}
SCENES = {"train": 24, "valid": 12, "test": 16}


def scene(
    random: np.random.Generator, side: int = 64
) -> tuple[np.ndarray, list[tuple[str, float, float, float, float]]]:
    """A picture (side, side, 3) of one to three coloured shapes, and their boxes in pixels."""
    picture = Image.new(
        "RGB", (side, side), tuple(int(one) for one in random.integers(190, 250, 3))
    )
    draw, boxes = ImageDraw.Draw(picture), []
    quarters = random.permutation(4)[: int(random.integers(1, 4))]
    for quarter in quarters:
        name = str(random.choice([*TINTS]))
        radius = side * random.uniform(0.12, 0.18)
        x, y = (np.array([quarter % 2, quarter // 2]) + random.uniform(0.45, 0.55, 2)) * side / 2
        box = (x - radius, y - radius, x + radius, y + radius)
        ink = tuple(int(one) for one in np.array(TINTS[name]) + random.integers(-25, 25, 3))
        if name == "circle":
            draw.ellipse(box, fill=ink)
        elif name == "square":
            draw.rectangle(box, fill=ink)
        else:
            draw.polygon([(x, box[1]), (box[2], box[3]), (box[0], box[3])], fill=ink)
        boxes.append((name, *map(float, box)))
    noisy = np.asarray(picture, np.float32) + random.normal(0, 6, (side, side, 3))
    return noisy.clip(0, 255).astype(np.uint8), boxes


def boxed(folder: Path, seed: int, rows: dict[str, int] | None = None, side: int = 64) -> Path:
    """part/images/number.png and part/labels/number.txt (YOLO) with data.yaml."""
    for part, count in (rows or SCENES).items():
        for place in ("images", "labels"):
            (folder / part / place).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            pixels, boxes = scene(np.random.default_rng([seed, index, *part.encode()]), side)
            Image.fromarray(pixels).save(folder / part / "images" / f"{index:03}.png")
            lines = [
                f"{[*TINTS].index(name)} {(x0 + x1) / 2 / side:.6f} {(y0 + y1) / 2 / side:.6f} "
                f"{(x1 - x0) / side:.6f} {(y1 - y0) / side:.6f}\n"
                for name, x0, y0, x1, y1 in boxes
            ]
            (folder / part / "labels" / f"{index:03}.txt").write_text("".join(lines))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(TINTS))
    paths = "".join(
        f"{key}: {part}/images\n"
        for key, part in (("train", "train"), ("val", "valid"), ("test", "test"))
    )
    (folder / "data.yaml").write_text(f"{paths}names:\n{names}")
    return folder


def _spoil_boxed(folder: Path) -> None:
    """Outside train: other pixels in every file, and every box under the next class's number."""
    for part in ("valid", "test"):
        for path in sorted((folder / part / "images").glob("*.png")):
            Image.fromarray(255 - np.asarray(Image.open(path))).resize((80, 96)).save(path)
        for path in sorted((folder / part / "labels").glob("*.txt")):
            rows = [line.split() for line in path.read_text().splitlines()]
            spoilt = [" ".join([str((int(row[0]) + 1) % len(TINTS)), *row[1:]]) for row in rows]
            path.write_text("".join(f"{line}\n" for line in spoilt))


# --- pictures with masks ---

SEGMENTED = {"train": 24, "valid": 10, "test": 10}
INKS = {1: (200, 60, 60), 2: (60, 80, 200)}


def masked_scene(random: np.random.Generator, side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """(side, side, 3) uint8 and (side, side) uint8: discs (1) and squares (2) on a ground (0)."""
    mask = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(mask)
    for number in random.permutation(2) + 1:
        x, y = random.uniform(0.2, 0.8, 2) * side
        radius = side * random.uniform(0.12, 0.22)
        shape = draw.ellipse if number == 1 else draw.rectangle
        shape((x - radius, y - radius, x + radius, y + radius), fill=int(number))
    numbers = np.asarray(mask)
    table = np.array([[120, 130, 110], *INKS.values()], float)
    picture = table[numbers] * random.uniform(0.8, 1.1) + random.normal(0, 12, (side, side, 3))
    return picture.clip(0, 255).astype(np.uint8), numbers


def masked(folder: Path, seed: int, each: dict[str, int] | None = None, side: int = 32) -> Path:
    """part/images/number.png and part/masks/number.png with the classes 0, 1 and 2."""
    for part, count in (each or SEGMENTED).items():
        for name in ("images", "masks"):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            random = np.random.default_rng([seed, index, *part.encode()])
            for name, pixels in zip(("images", "masks"), masked_scene(random, side), strict=True):
                Image.fromarray(pixels).save(folder / part / name / f"{index:03}.png")
    return folder


def _spoil_masked(folder: Path) -> None:
    """Outside train: other pixels in every picture, and the classes of its mask exchanged."""
    for part in ("valid", "test"):
        for path in sorted((folder / part / "images").glob("*.png")):
            pixels = np.asarray(Image.open(path))
            Image.fromarray(255 - pixels[::-1]).save(path)
        for path in sorted((folder / part / "masks").glob("*.png")):
            pixels = np.asarray(Image.open(path))
            Image.fromarray(np.array([2, 0, 1], np.uint8)[pixels]).save(path)


# --- tagged tokens ---

NAMES = {
    "PER": "Anna Boris Clara Dmitri Elena Farid".split(),
    "LOC": "Paris Lagos Quito Osaka Turin".split(),
}
VERBS = "visits calls leaves likes remembers".split()


def tagged_sentence(random: np.random.Generator) -> list[tuple[str, str]]:
    """A person of one or two names does something in a place."""
    person = list(random.choice(NAMES["PER"], int(random.integers(1, 3)), replace=False))
    place = str(random.choice(NAMES["LOC"]))
    names = [(name, "B-PER" if not number else "I-PER") for number, name in enumerate(person)]
    verb = [(str(random.choice(VERBS)), "O")]
    number = ("at", "O"), (str(random.integers(10_000)), "O")
    return [("today", "O"), *number, *names, *verb, ("in", "O"), (place, "B-LOC"), (".", "O")]


def tagged(folder: Path, seed: int, rows: dict[str, int] | None = None) -> Path:
    """part.conll: a token and its BIO tag a line."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (rows or ROWS).items():
        random = np.random.default_rng([seed, *part.encode()])
        sentences = [tagged_sentence(random) for _ in range(count)]
        lines = ["".join(f"{word}\t{tag}\n" for word, tag in one) for one in sentences]
        (folder / f"{part}.conll").write_text("\n".join(lines), encoding="utf-8")
    return folder


def _spoil_tagged(folder: Path) -> None:
    """Outside train: other words, and other types."""
    for part in ("valid", "test"):
        path = folder / f"{part}.conll"
        text = path.read_text(encoding="utf-8").replace("PER", "ORG").replace("today", "never")
        path.write_text(text, encoding="utf-8")


def _smoothed(classes: int, smoothing: float) -> float:
    """The entropy of a smoothed answer: no cross-entropy falls below it."""
    other = smoothing / classes
    right = 1 - smoothing + other
    return -right * math.log(right) - (classes - 1) * other * math.log(other)


# --- texts ---

TOPICS = {
    "food": "soup bread tasty fresh menu waiter spicy dinner 好吃 面条 味道 厨师".split(),
    "sport": "goal match team coach score league runner ball 比赛 球队 进球 教练".split(),
    "weather": "rain cloud storm sunny wind cold snow warm 下雨 晴天 台风 气温".split(),
}
FILLERS = "the a was very and today we saw it then 今天 我们 觉得 很".split()
ROWS = {"train": 60, "valid": 24, "test": 30}


def sentence(topic: str, random: np.random.Generator) -> str:
    """Some words of a topic among words that tell nothing."""
    words = [*random.choice(TOPICS[topic], 3), *random.choice(FILLERS, int(random.integers(3, 8)))]
    return " ".join(random.permutation(words))


def texts(folder: Path, seed: int, rows: dict[str, int] | None = None) -> Path:
    """part.csv of text,label: three topics, two languages."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (rows or ROWS).items():
        random = np.random.default_rng([seed, *part.encode()])
        labels = [list(TOPICS)[row % len(TOPICS)] for row in range(count)]
        lines = [f"{sentence(label, random)},{label}\n" for label in labels]
        (folder / f"{part}.csv").write_text("text,label\n" + "".join(lines), encoding="utf-8")
    return folder


def _spoil_texts(folder: Path) -> None:
    """Outside train: other words in every text, and the next topic as its label."""
    following = dict(zip(TOPICS, [*list(TOPICS)[1:], next(iter(TOPICS))], strict=True))
    for part in ("valid", "test"):
        path = folder / f"{part}.csv"
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        rows = [line.rpartition(",") for line in lines]
        spoilt = [f"{text[::-1]} unheard,{following[label]}" for text, _, label in rows]
        path.write_text("\n".join([head, *spoilt]) + "\n", encoding="utf-8")


# --- people and items ---

RING = 8
PEOPLE = {"train": 5, "valid": 1, "test": 1}


def walks(folder: Path, seed: int, people: int = 60) -> Path:
    """part.csv of user,item,time: everybody walks on along one of three rings of items."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([seed, 7])
    rows: dict[str, list[str]] = {part: [] for part in PEOPLE}
    for person in range(people):
        ring, place, day = "abc"[person % 3], int(random.integers(RING)), 1_600_000_000
        for part, count in PEOPLE.items():
            for _ in range(count):
                rows[part].append(f"{person:03},{ring}{place % RING},{day}\n")
                place, day = place + 1, day + 86_400
    for part, lines in rows.items():
        (folder / f"{part}.csv").write_text("user,item,time\n" + "".join(lines), "utf-8")
    return folder


def _spoil_walks(folder: Path) -> None:
    """Outside train: every item is that of another ring."""
    for part in ("valid", "test"):
        path = folder / f"{part}.csv"
        head, *lines = path.read_text("utf-8").splitlines()
        rows = [line.split(",") for line in lines]
        spoilt = [
            f"{user},{'bca'['abc'.index(item[0])]}{item[1:]},{day}" for user, item, day in rows
        ]
        path.write_text("\n".join([head, *spoilt]) + "\n", "utf-8")


WORLDS: dict[str, World] = {
    "clustering": World(
        make=tables_made.grains,
        spoil=None,
        settings={"model": "kmeans"},
        hand_over=lambda folder: {"length": 5.1, "mass": 21.0, "colour": "brown"},
    ),
    "image-classification": World(
        make=shapes,
        spoil=_spoil_pictures,
        hand_over=lambda folder: folder / "test" / "circle" / "000.png",
        settings={"size": "tiny", "augment": "shift"},
        plan={"epochs": 30, "batch": 24},
        floor=_smoothed(len(SHAPES), 0.15),
    ),
    "object-detection": World(
        make=boxed,
        spoil=_spoil_boxed,
        hand_over=lambda folder: folder / "test" / "images" / "000.png",
        settings={"size": "tiny", "augment": "crop,flip"},
        plan={"epochs": 40, "batch": 8},
        floor=0.3,  # edges are exact to a tenth of the boxes, not to a hundredth
    ),
    "image-segmentation": World(
        make=masked,
        spoil=_spoil_masked,
        hand_over=lambda folder: folder / "test" / "images" / "000.png",
        settings={"size": "tiny", "augment": "flip"},
        plan={"epochs": 25, "batch": 8},
        by_heart=0.98,  # some pixels at the borders of shapes stay wrong
    ),
    "recommendation": World(
        make=walks,
        spoil=_spoil_walks,
        hand_over=lambda folder: "a1|a2|a3",
        settings={"model": "sasrec", "size": "tiny", "dropout": 0.1, "learning_rate": 0.01},
        plan={"epochs": 30, "batch": 20},
    ),
    "tabular-classification": World(
        make=partial(tables_made.pots, tables_made.kind),
        spoil=tables_made.spoil_pots,
        hand_over=lambda folder: tables_made.HANDED,
        settings={"model": "network", "size": "tiny"},
        plan={"epochs": 40, "batch": 30},
    ),
    "tabular-regression": World(
        make=partial(tables_made.pots, tables_made.price),
        spoil=tables_made.spoil_pots,
        hand_over=lambda folder: tables_made.HANDED,
        settings={"model": "network", "size": "tiny"},
        plan={"epochs": 40, "batch": 30},
        by_heart=0.9,
    ),
    "anomaly-detection": World(
        make=units_made.units,
        spoil=units_made.spoil_units,
        hand_over=lambda folder: units_made.HANDED,
        settings={"model": "neighbours", "false_alarms": 0.1},
    ),
    "text-classification": World(
        make=texts,
        spoil=_spoil_texts,
        hand_over=lambda folder: "the soup was very tasty",
        settings={"size": "tiny"},
        plan={"epochs": 30, "batch": 20},
        floor=_smoothed(len(TOPICS), 0.15),
    ),
    "token-classification": World(
        make=tagged,
        spoil=_spoil_tagged,
        hand_over=lambda folder: "today Anna calls in Quito .",
        settings={"size": "tiny"},
        plan={"epochs": 20, "batch": 20},
    ),
}
