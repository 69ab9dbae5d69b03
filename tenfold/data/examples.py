"""Small generated data for the tasks that the tour does not train, the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tenfold.core import system
from tenfold.data import example_tables

__all__ = ["write"]

TOPICS = {
    "sport": "match goal coach league striker race medal referee stadium sprint",
    "food": "soup bread recipe pepper kitchen flavour oven salad butter dessert",
    "weather": "rain storm cloud wind frost thunder sunshine flood drizzle heat",
}
SENTENCES = (
    "the {0} and the {1} were the talk of the day",
    "a {0} like this one needs a good {1}",
    "nobody here had expected the {0} after such a {1}",
    "more about the {0}, the {1} and the {2} tomorrow",
    "{0} or {1}: what people remember of this week",
)
PEOPLE = "Anna Bruno Chloe Diego Emma Farid Grace Hugo Ines Jonas Kira Liam Mei Noah Olga".split()
PLACES = "Lima Quito Oslo Cairo Delhi Rome Kyoto Paris Accra Bern Hanoi Lagos Porto Seoul".split()
TAGGED = (
    "{person} calls from {place} every day",
    "in {place} it is late , says {person}",
    "{person} and {person} travel to {place}",
    "the train to {place} leaves without {person}",
    "letters for {person} arrive from {place} or {place}",
)
ITEMS, USERS = 40, 150
"""Number of items and of users in the example of recommendations."""

SCENES = 80
SCENE_SIDES = (72, 96)
"""Number of drawn pictures of parts, and their height and width in pixels."""
PARTS = {"bolt": (150, 110, 70), "nut": (80, 120, 170), "washer": (70, 150, 90)}
"""Name and colour of each part in these pictures; its class number is its place."""


def write(home: Path) -> None:
    """Writes the example of each task below `home`: five tables or texts, and two folders.

    They are topics.csv, names.conll, watched.csv, customers.csv and flats.csv, boxes/ and masks/.
    """
    for name, text in _texts().items():
        system.write_atomically(home / name, text + "\n")
    done = home / ".parts-complete"
    if not done.exists():
        _write_scenes(home / "boxes", home / "masks")
        system.write_atomically(done, "")


def _texts() -> dict[str, str]:
    """Returns the content of the text files, by name."""
    random, found = np.random.default_rng(0), dict[str, str]()
    lines = ["text,label"]
    for number in range(360):
        topic = [*TOPICS][number % len(TOPICS)]
        words = random.permutation(TOPICS[topic].split())
        sentence = SENTENCES[int(random.integers(len(SENTENCES)))].format(*words)
        lines.append(f'"{sentence}",{topic}')
    found["topics.csv"] = "\n".join(lines)
    sentences = (_tagged(TAGGED[number % len(TAGGED)], random) for number in range(200))
    found["names.conll"] = "\n\n".join(sentences)
    found["watched.csv"] = "\n".join(["user,item,time", *_watched(random)])
    found["customers.csv"], found["flats.csv"] = example_tables.customers(), example_tables.flats()
    return found


def _tagged(sentence: str, random: np.random.Generator) -> str:
    """A sentence with a name for each placeholder: one token and its tag in each line."""
    names = {"{person}": (PEOPLE, "B-person"), "{place}": (PLACES, "B-place")}
    lines = []
    for word in sentence.split():
        choices, tag = names.get(word, ([word], "O"))
        lines.append(f"{random.choice(choices)} {tag}")
    return "\n".join(lines)


def _watched(random: np.random.Generator) -> Iterator[str]:
    """Yields "user,episode,time" lines: users watch the episodes of a series, mostly in order."""
    for user in range(USERS):
        place = int(random.integers(ITEMS))
        for time in range(int(random.integers(6, 14))):
            yield f"user{user:03d},episode{place:02d},{1_700_000_000 + 86_400 * time + user}"
            place = (place + int(random.choice([1, 1, 1, 2]))) % ITEMS


# --- pictures of parts, with boxes and with masks -------------------------------------------------


def _write_scenes(boxes: Path, masks: Path) -> None:
    """Writes the same pictures twice: with boxes as YOLO has them, and with palette masks."""
    for folder in (boxes / "images", boxes / "labels", masks / "images", masks / "masks"):
        folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"  {number}: {name}\n" for number, name in enumerate(PARTS))
    system.write_atomically(boxes / "data.yaml", f"train: images\nnames:\n{lines}")
    system.write_atomically(masks / "classes.txt", "\n".join(["background", *PARTS]) + "\n")
    for number in range(SCENES):
        picture, mask, found = _scene(np.random.default_rng([1, number]))
        name = f"{number:03d}"
        picture.save(boxes / "images" / f"{name}.png")
        picture.save(masks / "images" / f"{name}.png")
        mask.save(masks / "masks" / f"{name}.png")
        system.write_atomically(boxes / "labels" / f"{name}.txt", "".join(map(_yolo_line, found)))


def _yolo_line(box: tuple[int, int, int, int, int]) -> str:
    """Returns class, centre and size in fractions, of a box (class, left, top, right, bottom)."""
    part, left, top, right, bottom = box
    height, width = SCENE_SIDES
    middle = ((left + right) / 2 / width, (top + bottom) / 2 / height)
    numbers = [*middle, (right - left) / width, (bottom - top) / height]
    return " ".join([str(part), *(f"{one:.6f}" for one in numbers)]) + "\n"


def _scene(
    random: np.random.Generator,
) -> tuple[Image.Image, Image.Image, list[tuple[int, int, int, int, int]]]:
    """Returns a picture of up to four parts, its mask (0 = background), and their boxes."""
    height, width = SCENE_SIDES
    ground = random.normal(random.uniform(150, 220), 8, (height, width, 3)).clip(0, 255)
    picture, mask = Image.fromarray(ground.astype(np.uint8)), Image.new("P", (width, height))
    mask.putpalette([0, 0, 0, *(value for colour in PARTS.values() for value in colour)])
    places = [(left, top) for left in range(0, width, 32) for top in range(0, height, 36)]
    found = []
    for place in random.permutation(places)[: int(random.integers(1, 5))]:
        part, side = int(random.integers(len(PARTS))), int(random.integers(16, 28))
        left, top = (int(one + random.integers(1, 4)) for one in place)
        outline = _outline(part, left, top, side)
        tint = random.uniform(0.7, 1.2)
        colour = tuple(int(min(255, tint * value)) for value in [*PARTS.values()][part])
        _draw(ImageDraw.Draw(picture), outline, colour, (90, 90, 90) if part else colour)
        _draw(ImageDraw.Draw(mask), outline, part + 1, part + 1)
        xs, ys = [x for x, _ in outline], [y for _, y in outline]
        found.append((part, min(xs), min(ys), max(xs) + 1, max(ys) + 1))
    return picture, mask, found


def _outline(part: int, left: int, top: int, side: int) -> list[tuple[int, int]]:
    """Returns the corners of a part: a bar, a hexagon, or a disc (16 corners)."""
    if part == 0:
        right, bottom = left + side, top + max(6, side // 3)
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    corners = 6 if part == 1 else 16
    turns = np.arange(corners) * 2 * np.pi / corners
    middle = side / 2
    return [
        (round(left + middle + middle * np.cos(turn)), round(top + middle + middle * np.sin(turn)))
        for turn in turns
    ]


def _draw(pen: ImageDraw.ImageDraw, outline: list[tuple[int, int]], fill: Any, edge: Any) -> None:
    pen.polygon(outline, fill=fill, outline=edge)
