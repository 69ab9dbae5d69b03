"""Damaged annotation files raise tenfold's errors or give problems, never another exception."""

import copy
import random

import pytest
from boxes_made import FORMATS, Seen, coco, picture, region, task, write

from tenfold.core.errors import TenfoldError

RUNS = {"size": [80, 100], "counts": [10, 20, 7970]}
MORE = {
    "outlines": {
        "marks.json": coco(
            {
                "a.jpg": [
                    {"label": "nut", "segmentation": RUNS},
                    {"label": "nut", "segmentation": [[1, 2, 30, 4, 5, 60]]},
                ]
            }
        )
    },
    "people": {
        "project.json": [
            task(
                "a.jpg", {"id": 1, "updated_at": "2026", "result": [region(rotation=20)]}, {"id": 2}
            )
        ]
    },
    "parts": {
        "labels/a.txt": "0 0.25 0.5 0.3 0.5\n",
        "data.yaml": "path: x\ntrain: images\nval: [images]\nnames:\n  0: a\n  1: b\n",
    },
}
VALUES = [
    None,
    "",
    [],
    {},
    -1,
    1e400,
    "x",
    True,
    [None],
    {"a": 1},
    10**30,
    float("nan"),
    "\0",
    "..",
]
TEXTS = [*"0-9.<>/\"'\n ,e\0é", "nan", "1e999", "<object/>", "\n\n"]


def mutated(value, draw):
    """Returns a JSON value or a text with some parts replaced, removed or added."""
    if isinstance(value, str) and len(value) > 30:
        at = draw.randrange(len(value))
        return value[:at] + draw.choice([*TEXTS, ""]) + value[at + draw.randrange(3) :]
    if draw.random() < 0.15:
        return draw.choice(VALUES)
    if isinstance(value, dict):
        return {name: mutated(one, draw) for name, one in value.items() if draw.random() > 0.05}
    return [mutated(one, draw) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", [*FORMATS, *MORE])
def test_damaged_files_are_refused_or_named(tmp_path, name):
    draw, read = random.Random(name), 0
    for number in range(16):
        folder = tmp_path / str(number)
        picture(folder / "images" / "a.jpg", orientation=draw.choice([1, 1, 6]))
        for path, value in (FORMATS | MORE)[name].items():
            write(folder / path, mutated(copy.deepcopy(value), draw))
        try:
            seen = Seen(folder)
        except TenfoldError:
            continue
        read += 1
        for label, x0, y0, x1, y1 in (box for boxes in seen.table.boxes for box in boxes):
            assert label and 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1
    assert read
