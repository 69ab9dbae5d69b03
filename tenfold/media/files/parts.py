"""Names of folders, files and cells that mean a part of the data: train, valid or test."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable

import pandas as pd

from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.reading import Reading

__all__ = [
    "HOLDERS",
    "fold_numbers",
    "holds_annotations",
    "is_unlabelled",
    "part_of_file",
    "part_of_folder",
    "parts_of_column",
    "without_parts",
]

_NAMES = {
    "train": "train training trn trains 训练 训练集 训练数据 学習",
    "valid": "val valid validation dev development eval evaluation vld testa publictest "
    "验证 验证集 校验 検証",
    "test": "test testing tst tests testb privatetest heldout holdout 测试 测试集 テスト",
}
_PARTS = {word: part for part, words in _NAMES.items() for word in words.split()}
_FILLERS = frozenset(
    "set sets data dataset image images img imgs picture pictures photo photos pic pics jpg png "
    "file files part split list sample samples folder texts text docs labels label annotations "
    "x y seg cls the all raw full 集 数据 图片 图像".split()
)
_UNLABELLED = frozenset(
    "unsup unsupervised unlabelled unlabeled nolabel nolabels unlabelleds 未标注 无标签".split()
)
HOLDERS = frozenset(
    "image images img imgs picture pictures photo photos jpegimages jpg png label labels "
    "annotation annotations original originals augmented aug raw data 图片 图像".split()
)
"""Names of folders that hold all files of a kind and are rarely classes."""
_ANNOTATIONS = frozenset(
    "annotation annotations annots ann label labels mask masks json jsons xml xmls gt groundtruth "
    "标注".split()
)


@functools.lru_cache(4096)
def _words(name: str) -> tuple[str, ...]:
    """Returns the words of a name in lower case: "train", "set" of `trainSet` and `Train_Set`."""
    plain = unicodedata.normalize("NFKC", name)
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain).lower()
    return tuple(word for word in re.split(r"[^a-z\u3040-\u9fff]+", plain) if word)


def holds_annotations(folder: str) -> bool:
    """Returns True for the name of a folder of annotations, whose pictures are often beside it."""
    return not _ANNOTATIONS.isdisjoint(_words(folder))


def part_of_folder(name: str) -> str | None:
    """Returns `train`, `valid` or `test` for a folder or cell with a usual name; None for others.

    Words such as `set`, `images` or `data`, numbers and signs do not count: `train_set`, `Train
    Images`, `x_train` and `train-2024` mean the training part, `bullet_train` does not.
    """
    words = _words(name)
    joined = "".join(words)
    if part := _PARTS.get(joined):
        return part
    kept = [word for word in words if word not in _FILLERS]
    if len(kept) == 1 and (part := _PARTS.get(kept[0])):
        return part
    ends = re.fullmatch(r"(train(?:ing)?|test(?:ing)?|val(?:id(?:ation)?)?)(set|data|list)", joined)
    return _PARTS[ends[1]] if ends else None


_SUFFIXES = r"(\.(csv|tsv|txt|arff|jsonl?|ndjson|parquet|gz|xlsx?|dat|data|conllu?|bio|iob2?))+$"


def part_of_file(name: str) -> str:
    """Returns the part that a word of a file name means, such as `eng.train`; "" for none.

    The suffix does not count. Where several words mean parts, the last one counts.
    """
    last = name.rsplit("/", 1)[-1]
    stem = re.sub(_SUFFIXES, "", last, flags=re.I)
    found = [part for word in _words(stem) if (part := part_of_folder(word))]
    return found[-1] if found else part_of_folder(stem) or ""


def is_unlabelled(name: str) -> bool:
    """Returns True for the usual name of a folder of examples without labels, such as `unsup`."""
    return bool({*_words(name)} & _UNLABELLED) or "".join(_words(name)) in _UNLABELLED


_YES, _NO = frozenset("true 1 yes t y 是".split()), frozenset("false 0 no f n 否".split())


def parts_of_column(name: str, cells: Iterable[object]) -> dict[str, str] | None:
    """Returns the part of each distinct cell if a column holds the parts of a split, else None.

    That is a column in which every cell means a part, whatever its name, or a column of true and
    false called `is_train`, `is_valid`, `is_test` or similar. Empty cells have the part "".
    """
    told = {str(cell).strip() for cell in cells if cell is not None and cell == cell} - {""}
    if not told:
        return None
    parts = {cell: part_of_folder(cell) for cell in told}
    if all(parts.values()):
        return {cell: part or "" for cell, part in parts.items()}
    words = [word for word in _words(name) if word not in ("is", "in", "for")]
    part = _PARTS.get(words[-1]) if len(words) == 1 else None
    if part is None or any(cell.lower() not in _YES | _NO for cell in told):
        return None
    other = "train" if part != "train" else "test"
    return {cell: part if cell.lower() in _YES else other for cell in told}


def fold_numbers(cells: Iterable[object]) -> list[str]:
    """Returns the distinct cells in order where they number 3 to 20 folds, from 0 or 1; else []."""
    told = {str(cell).strip() for cell in cells if cell is not None and cell == cell} - {""}
    if not 3 <= len(told) <= 20 or not all(cell.isdecimal() for cell in told):
        return []
    numbers = sorted(told, key=int)
    first = int(numbers[0])
    counted = [int(cell) for cell in numbers] == list(range(first, first + len(numbers)))
    return numbers if first in (0, 1) and counted else []


def without_parts(table: pd.DataFrame, taken: Taken, reading: Reading) -> pd.DataFrame:
    """Returns the table without the column `split` where the user gave `--split none`.

    `taken` then states this in place of where the parts come from.
    """
    if not reading.ignores_parts:
        return table
    given = "split" in table and bool(table["split"].fillna("").astype(bool).any())
    if given or reading.found.get("split") or any(one.role == "part" for one in taken.roles):
        taken.drop("part")
        taken.note(Message("Parts given by the data are not used (--split none)."))
    return table.drop(columns="split", errors="ignore")
