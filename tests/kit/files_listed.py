"""Pictures and the tables that name them, and what was read of them."""

from pathlib import Path

import pandas as pd
import pytest
from pictures_made import png

from tenfold.core.errors import TenfoldError
from tenfold.core.rows import Rows
from tenfold.media.files import labelled, references
from tenfold.media.image.medium import IMAGE
from tenfold.media.reading import of_settings

SHAPES = ("circle", "square", "triangle")


def made(root: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(number))


def numbered(folder: str, count: int, suffix: str = ".png", first: int = 0) -> list[str]:
    return [f"{folder}{number:03}{suffix}" for number in range(first, first + count)]


def told(root: Path, lines: dict[str, list[str]]) -> None:
    for name, texts in lines.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("\n".join(texts) + "\n", encoding="utf-8")


def rows(source, **given) -> Rows:
    found = labelled.read(source, IMAGE, of_settings(given, IMAGE.roles)[0])
    assert found.table["problem"].isna().all(), list(found.table["problem"].dropna())[:2]
    return found


def pairs(found: Rows) -> list[tuple[str, str]]:
    """(path below the folder, label) of each row."""
    folder = found.root.resolve()
    cells = [references.file_of(cell) for cell in found.table["image"]]
    names = [str(cell.relative_to(folder)) for cell in cells]
    return list(zip(names, found.table["label"], strict=True))


def refused(source, **given) -> TenfoldError:
    with pytest.raises(TenfoldError) as error:
        labelled.read(source, IMAGE, of_settings(given, IMAGE.roles)[0])
    assert len(str(error.value)) < 700 and "\\x" not in str(error.value)
    return error.value


def counted(table: pd.DataFrame, column: str = "split") -> dict:
    return table[column].value_counts().to_dict()
