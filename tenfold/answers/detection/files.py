"""Files of predicted boxes: CSV with a row per box, COCO JSON, a zip of YOLO label files.

The readers of boxes read all three, so that corrected predictions can be used as labels.
"""

from __future__ import annotations

import contextlib
import csv
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tenfold.answers.files import HEADER, TABLES, Format, WriteAnswer
from tenfold.core.columns import Problem
from tenfold.core.document import cell_text
from tenfold.core.results import Prediction
from tenfold.media.files.references import printable

__all__ = ["FILES"]

COLUMNS = ("source", "label", "x0", "y0", "x1", "y1", "score", "width", "height", "error")
"""Corners, width and height of the picture are in pixels."""
COCO_NOTE = {"info": {"description": "boxes predicted by tenfold"}}
ZIP_NOTE = b"boxes predicted by tenfold"

Row = tuple[str, list[float], float]
"""A class, corners in pixels, and a score."""


def _size(answer: Any) -> tuple[int, int]:
    """Returns (width, height) in pixels; (1, 1), so that pixels are fractions, if not known."""
    return answer.size or (1, 1)


def _rows(answer: Any) -> list[Row]:
    """Returns the boxes of an answer in pixels with at most two decimals."""
    (width, height), places = _size(answer), 2 if answer.size else 6
    sides, found = (width, height, width, height), []
    for (label, *box), score in zip(answer.boxes, answer.scores, strict=True):
        pixels = [round(value * side, places) for value, side in zip(box, sides, strict=True)]
        found.append((label, pixels, round(score, 6)))
    return found


# --- CSV ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _csv(path: Path, prediction: type[Prediction], classes: Sequence[str]) -> Iterator[WriteAnswer]:
    """Writes a row for each box, with corners in pixels; one row without them if there is none.

    UTF-8 with a byte order mark.
    """
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)

        def write(source: str, answer: Any) -> None:
            name = cell_text(printable(source))
            if isinstance(answer, Problem):
                reason = cell_text(printable(answer.reason))
                writer.writerow([name, *[""] * (len(COLUMNS) - 2), reason])
                return
            size = answer.size or ("", "")
            for label, box, score in _rows(answer):
                writer.writerow([name, cell_text(label), *box, score, *size, ""])
            if not answer.boxes:
                writer.writerow([name, *[""] * 6, *size, ""])

        yield write


def _wrote_csv(path: Path, prediction: type[Prediction]) -> bool:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        return next(csv.reader([file.readline(HEADER)]), []) == [*COLUMNS]


# --- COCO -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _coco(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes one JSON object with `images`, `annotations` (boxes with scores) and `categories`.

    All ids begin at 1. A picture that could not be read is left out.
    """
    images: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    ids = _numbered(classes, 1)

    def write(source: str, answer: Any) -> None:
        if isinstance(answer, Problem):
            return
        size = zip(("width", "height"), answer.size or (), strict=False)
        images.append({"id": len(images) + 1, "file_name": printable(source), **dict(size)})
        for label, (x0, y0, x1, y1), score in _rows(answer):
            sides = round(x1 - x0, 6), round(y1 - y0, 6)
            number = ids.setdefault(label, len(ids) + 1)
            place = {"image_id": len(images), "category_id": number, "bbox": [x0, y0, *sides]}
            area = {"area": round(sides[0] * sides[1], 4), "iscrowd": 0, "score": score}
            marks.append({"id": len(marks) + 1, **place, **area})

    yield write
    categories = [{"id": number, "name": name} for name, number in ids.items()]
    parts = {"images": images, "annotations": marks, "categories": categories}
    path.write_text(json.dumps(COCO_NOTE | parts, ensure_ascii=False), encoding="utf-8")


def _numbered(classes: Sequence[str], first: int) -> dict[str, int]:
    return {name: number for number, name in enumerate(classes, first)}


def _wrote_coco(path: Path, prediction: type[Prediction]) -> bool:
    head = json.dumps(COCO_NOTE)[:-1]
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(len(head)) == head


# --- YOLO -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _yolo(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes a zip with a label file for each picture below `labels`, and `data.yaml`.

    A line is class number, centre x, centre y, width, height (fractions), confidence; the label
    file of a picture without boxes is empty.
    """
    ids, used = _numbered(classes, 0), dict[str, int]()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = ZIP_NOTE

        def write(source: str, answer: Any) -> None:
            if isinstance(answer, Problem):
                return
            lines = []
            for (label, *box), score in zip(answer.boxes, answer.scores, strict=True):
                number = ids.setdefault(label, len(ids))
                lines.append(" ".join([str(number), *map(_text, [*_centred(box), score])]))
            name = _label_file(source, used)
            archive.writestr(name, "".join(f"{line}\n" for line in lines))

        yield write
        archive.writestr("data.yaml", _settings(ids))


def _centred(box: Sequence[float]) -> list[float]:
    x0, y0, x1, y1 = box
    return [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]


def _text(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _label_file(source: str, used: dict[str, int]) -> str:
    """Returns the name of the label file of a picture, each name once.

    Of a picture in an archive (`a.zip#path=x/y.png`) it is the name of the member.
    """
    source = source.partition("#path=")[2] or source
    parts = PurePosixPath(printable(source).replace("\\", "/")).with_suffix(".txt").parts
    name = "/".join(part.strip(":/") for part in parts if part.strip(":/.") or part == ".txt")
    used[name] = used.get(name, 0) + 1
    again = f"-{used[name]}" if used[name] > 1 else ""
    return f"labels/{name.removesuffix('.txt')}{again}.txt"


def _settings(ids: Mapping[str, int]) -> str:
    """Returns the text of data.yaml; names are JSON strings, which are YAML too."""
    names = "".join(
        f"  {number}: {json.dumps(name, ensure_ascii=False)}\n" for name, number in ids.items()
    )
    return f"# {ZIP_NOTE.decode()}\npath: .\ntrain: images\nval: images\nnames:\n{names}"


def _wrote_yolo(path: Path, prediction: type[Prediction]) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment == ZIP_NOTE
    except zipfile.BadZipFile:
        return False


FILES: dict[str, Format] = TABLES | {
    ".csv": Format(_csv, _wrote_csv),
    ".json": Format(_coco, _wrote_coco),
    ".zip": Format(_yolo, _wrote_yolo),
}
"""Formats of predicted boxes by file suffix."""
