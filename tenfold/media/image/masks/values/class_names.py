"""Reads the file that names the classes of masks: a name, its number and its colour.

classes.txt     ground          0 ground        ground 128 64 128       128 64 128  ground
labelmap.txt    ground:128,64,128::                                     (CVAT)
classes.csv     name,r,g,b      id,name         name,color              (#804080)
classes.json    ["ground"]      {"0": "ground"}     {"ground": [128, 64, 128]}
                [{"name": "ground", "id": 0, "color": "#804080"}], also below "classes"
data.yaml       classes: or names: with lines "0: ground" or "- ground"
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.files import lines as text_lines
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.references import Unreadable, fetch, speakable

__all__ = ["ClassName", "colour_text", "found_names", "is_void", "parsed", "parsed_colour"]

_NAMED = re.compile(
    r"class|label|colou?r|palette|categor|names|codes|legend|config|meta|^data\.|^dataset\."
    r"|类别|标签|颜色",
    re.I,
)
_SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".yaml", ".yml")
_VOID = re.compile(
    r"[\W_]*(void|ignored?|ignore[ _-]?(region|label)?|un-?label+ed|not[ _-]?label+ed|do ?n.?t care"
    r"|unannotated|忽略|未标注)(\b|_).*|.*\((ignored?|void)\)\W*",
    re.I,
)
LARGEST = 1 << 20
MOST_NAMES = 2000


@dataclass(frozen=True)
class ClassName:
    """The name of a class, its number in masks and its colour 0xRRGGBB, each None if not stated."""

    name: str
    number: int | None = None
    colour: int | None = None

    @property
    def void(self) -> bool:
        """True where the name means unlabelled pixels, such as `void`."""
        return is_void(self.name)


def is_void(name: str) -> bool:
    """Returns True for names such as `void`, `ignore`, `unlabelled`."""
    return _VOID.fullmatch(name.strip()) is not None


def colour_text(colour: int) -> str:
    """Returns a colour for sentences, such as `(128, 64, 128)`."""
    return f"({colour >> 16 & 255}, {colour >> 8 & 255}, {colour & 255})"


def found_names(tree: Tree) -> list[tuple[list[ClassName], Entry]]:
    """Returns the class names in each file of a folder or archive, the shortest paths first."""
    found = list[tuple[list[ClassName], Entry]]()
    for entry in sorted(tree.entries, key=lambda one: one.name.count("/")):
        last = entry.name.rsplit("/", 1)[-1]
        if entry.suffix not in _SUFFIXES or entry.problem or not _NAMED.search(last):
            continue
        if names := _of_entry(entry):
            found.append((names, entry))
    return found


def _of_entry(entry: Entry) -> list[ClassName]:
    try:
        data = fetch(entry.cell)
        if len(data) > LARGEST:
            return []
        return parsed(text_lines.decoded(data), entry.suffix)
    except (Unreadable, DataRefused, UsageError):
        return []


def parsed(text: str, suffix: str) -> list[ClassName]:
    """Returns the class names in the text of a file; [] for another file."""
    if suffix == ".json":
        try:
            names = _of_json(json.loads(text))
        except (ValueError, RecursionError):
            return []
    elif suffix in (".yaml", ".yml"):
        names = _of_yaml(text)
    else:
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith(("#", "//"))]
        if len(lines) > MOST_NAMES:
            return []
        names = _of_table(lines) if suffix in (".csv", ".tsv") else _of_lines(lines)
    once = {one.name: one for one in reversed(names)}
    return names if len(once) == len(names) <= MOST_NAMES else []


# --- lines of text and tables --------------------------------------------------------------------

_CVAT = re.compile(r"(?P<name>[^:]+):\s*(?P<rgb>\d+\s*,\s*\d+\s*,\s*\d+)?\s*:[^:]*:.*")
_RGB = r"(?P<r>\d{1,3})[\s,;]+(?P<g>\d{1,3})[\s,;]+(?P<b>\d{1,3})"
_COLOUR_FIRST = re.compile(rf"{_RGB}[\s,;:]+(?P<name>\D.*)")
_COLOUR_LAST = re.compile(rf"(?P<name>.*?\D)[\s,;:]+{_RGB}")
_NUMBER_FIRST = re.compile(r"(?P<number>\d+)\s*[\s,;:=]\s*(?P<name>\D.*)")
_NUMBER_LAST = re.compile(r"(?P<name>\D.*?)\s*[\t,;:=]\s*(?P<number>\d+)")


def _of_lines(lines: list[str]) -> list[ClassName]:
    """Returns the names of lines that are all written alike; plain names where none is."""
    if any("/" in line or "\\" in line for line in lines):
        return []  # a list of files
    if lines and all(_CVAT.fullmatch(line) for line in lines):
        return [_of_match(_CVAT.fullmatch(line)) for line in lines]
    for pattern in (_COLOUR_FIRST, _COLOUR_LAST, _NUMBER_FIRST, _NUMBER_LAST):
        every = [pattern.fullmatch(line) for line in lines]
        if lines and all(every):
            return [_of_match(one) for one in every]
    if any(line.isdigit() or len(line) > 80 for line in lines):
        return []
    return [ClassName(speakable(line)) for line in lines]


def _of_match(match: re.Match[str] | None) -> ClassName:
    held = match.groupdict() if match else {}
    name = speakable(held["name"].strip().strip("'\""))
    colour = _channels(held["r"], held["g"], held["b"]) if "r" in held else None
    if held.get("rgb"):
        colour = _channels(*held["rgb"].split(","))
    return ClassName(name, int(held["number"]) if held.get("number") else None, colour)


_HEADS = {
    "name": "name class classname class_name label category 名称 类别".split(),
    "number": "id value index number pixel_value class_id label_id train_id trainid 编号".split(),
    "colour": "color colour rgb hex 颜色".split(),
    "r": ["r", "red"],
    "g": ["g", "green"],
    "b": ["b", "blue"],
}


def _of_table(lines: list[str]) -> list[ClassName]:
    """Returns the names of a table with a header; of lines without one."""
    separator = next((one for one in "\t;" if one in lines[0]), ",") if lines else ","
    cells = [[one.strip().strip('"') for one in line.split(separator)] for line in lines]
    head = [one.lower().lstrip("\ufeff").replace(" ", "_") for one in cells[0]] if cells else []
    at = {
        role: head.index(word)
        for role, words in _HEADS.items()
        for word in reversed(words)
        if word in head
    }
    if "name" not in at:
        return _of_lines(lines)
    names = []
    for row in cells[1:]:
        held = {role: row[place] for role, place in at.items() if place < len(row)}
        if not held.get("name"):
            return []
        colour = parsed_colour(held.get("colour", ""))
        if {"r", "g", "b"} <= held.keys():
            colour = _channels(held["r"], held["g"], held["b"])
        number = held.get("number", "")
        names.append(
            ClassName(speakable(held["name"]), int(number) if number.isdigit() else None, colour)
        )
    return names


def _channels(*values: Any) -> int | None:
    """Returns 0xRRGGBB of three channels of 0 to 255; None for other values."""
    texts = [str(one).strip() for one in values]
    if len(texts) != 3 or not all(one.isdigit() and int(one) < 256 for one in texts):
        return None
    red, green, blue = map(int, texts)
    return red << 16 | green << 8 | blue


def parsed_colour(value: Any) -> int | None:
    """Returns 0xRRGGBB of `#804080`, `128,64,128` or a list of three numbers; else None."""
    if isinstance(value, (list, tuple)):
        return _channels(*value[:3])
    text = str(value).strip()
    if match := re.fullmatch(r"#?([0-9a-fA-F]{6})(?:[0-9a-fA-F]{2})?", text):
        return int(match[1], 16) if text.startswith("#") or not text.isdigit() else None
    return _channels(*re.findall(r"\d+", text)) if text.count(",") >= 2 or " " in text else None


# --- JSON and YAML -------------------------------------------------------------------------------

_LISTS = ("classes", "names", "labels", "categories", "class_names", "label_names", "colors")


def _of_json(held: Any) -> list[ClassName]:
    if isinstance(held, dict):
        inner = next((held[key] for key in _LISTS if isinstance(held.get(key), (list, dict))), None)
        if inner is not None:
            return _of_json(inner)
        return [_of_item(key, value) for key, value in held.items() if _simple(value)]
    if isinstance(held, list) and all(isinstance(one, str) for one in held):
        return [ClassName(speakable(one)) for one in held]
    if isinstance(held, list) and all(isinstance(one, dict) for one in held):
        return [one for item in held if (one := _of_object(item))]
    return []


def _simple(value: Any) -> bool:
    return isinstance(value, (str, int)) or parsed_colour(value) is not None


def _of_item(key: str, value: Any) -> ClassName:
    """Returns a class of an object: number to name, name to number, colour to name or reverse."""
    if isinstance(value, str) and parsed_colour(value) is None:
        number = int(key) if key.strip().isdigit() else None
        return ClassName(
            speakable(value), number, None if number is not None else parsed_colour(key)
        )
    if isinstance(value, int):
        return ClassName(speakable(key), value)
    return ClassName(speakable(key), None, parsed_colour(value))


def _of_object(item: dict[str, Any]) -> ClassName | None:
    plain = {str(key).lower(): value for key, value in item.items()}
    name = next((plain[key] for key in ("name", *_HEADS["name"]) if plain.get(key)), None)
    if not isinstance(name, str):
        return None
    number = next((plain[key] for key in _HEADS["number"] if isinstance(plain.get(key), int)), None)
    colour = next((plain[key] for key in _HEADS["colour"] if plain.get(key)), "")
    return ClassName(speakable(name), number, parsed_colour(colour))


def _of_yaml(text: str) -> list[ClassName]:
    """Returns the names below `classes:` or `names:`, written as a block or in brackets."""
    lines = [line.split(" #")[0].rstrip() for line in text.splitlines()]
    for at, line in enumerate(lines):
        match = re.match(r"(classes|names|labels|categories)\s*:\s*(.*)", line)
        if match and match[2].startswith("["):
            return [ClassName(speakable(one)) for one in _bracketed(match[2])]
        if match and not match[2]:
            return _of_block(lines[at + 1 :])
    return []


def _bracketed(text: str) -> Iterable[str]:
    return [one.strip().strip("'\"") for one in text.strip("[]").split(",") if one.strip()]


def _of_block(lines: list[str]) -> list[ClassName]:
    names: list[ClassName] = []
    for line in lines:
        item = re.fullmatch(
            r"\s*(?:-\s+(?P<plain>\S.*)|\s(?P<number>\d+)\s*:\s*(?P<name>\S.*))", line
        )
        if not item:
            if line.strip():
                break
            continue
        name = speakable((item["plain"] or item["name"]).strip().strip("'\""))
        names.append(ClassName(name, int(item["number"]) if item["number"] else None))
    return names
