"""The files of a folder that can hold annotations, opened by their content."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import yaml

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.lines import decoded, opened
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.references import printable
from tenfold.media.image.boxes.pictures import Pictures
from tenfold.media.reading import AS_FOUND, Reading

__all__ = ["Contents", "JsonObject", "objects_of"]

JsonObject = Mapping[str, Any]

LARGEST_ANNOTATIONS = 2 << 30
"""Most bytes of an annotation file, which is read as a whole."""


@dataclass
class Contents:
    """The annotation files of a folder: JSON, XML, YAML and texts, each opened once.

    `only` is the name of the file that reading is limited to, "" for all; a YAML file stands for
    the label files beside it. `broken` are files that cannot be
    read, and why.
    """

    tree: Tree
    pictures: Pictures
    reading: Reading = AS_FOUND
    only: str = ""
    broken: list[tuple[str, Message]] = field(default_factory=list)

    def entries(self, *suffixes: str) -> list[Entry]:
        """Returns the files with these suffixes."""
        return [
            entry
            for entry in self.tree.entries
            if entry.suffix in suffixes and entry.problem is None and self.wanted(entry)
        ]

    def wanted(self, entry: Entry) -> bool:
        """Returns True for a file that is to be read."""
        if self.only.endswith((".yaml", ".yml")) and entry.suffix == ".txt":
            return True
        return self.only in ("", entry.name)

    @functools.cached_property
    def json(self) -> list[tuple[Entry, Any]]:
        """The JSON files and their values."""
        return self._parsed(".json", _json)

    @functools.cached_property
    def xml(self) -> list[tuple[Entry, Element]]:
        """The XML files and their root elements."""
        return self._parsed(".xml", _xml)

    @functools.cached_property
    def yaml(self) -> list[tuple[Entry, dict[str, Any]]]:
        """The YAML files that hold a mapping."""
        every = self._parsed(".yaml", _yaml) + self._parsed(".yml", _yaml)
        return [(entry, value) for entry, value in every if isinstance(value, dict)]

    @functools.cached_property
    def texts(self) -> list[Entry]:
        """The text files."""
        return [one for one in self.tree.entries if one.suffix == ".txt" and one.problem is None]

    def lines(self, entry: Entry) -> list[str]:
        """Returns the lines of a text file without their ends, empty ones included."""
        return decoded(_bytes(entry)).splitlines()

    def _parsed(self, suffix: str, parse: Any) -> list[tuple[Entry, Any]]:
        found = []
        for entry in self.entries(suffix):
            try:
                found.append((entry, parse(_bytes(entry))))
            except (ValueError, DataRefused, RecursionError, yaml.YAMLError) as error:
                why = Message("cannot be read: {error}", error=" ".join(str(error).split())[:120])
                self.broken.append((entry.name, why))
        return found


def objects_of(value: Any) -> list[dict[str, Any]]:
    """Returns the JSON objects in a list; [] where the value is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _bytes(entry: Entry) -> bytes:
    with opened(entry.cell) as file:
        data = file.read(LARGEST_ANNOTATIONS + 1)
    if len(data) > LARGEST_ANNOTATIONS:
        raise DataRefused(
            Message(
                "{name} is larger than {limit} MB",
                name=printable(entry.name),
                limit=LARGEST_ANNOTATIONS >> 20,
            ),
            code="too-large",
            where=entry.name,
        )
    return bytes(data)


def _json(data: bytes) -> Any:
    return json.loads(decoded(data) if data[:1] not in (b"{", b"[") else data)


def _xml(data: bytes) -> Element:
    if b"<!ENTITY" in data:
        raise ValueError("it declares entities")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        # The parser knows few encodings, and the declared one may be wrong.
        text = re.sub(r"^\s*<\?xml[^>]*\?>", "", decoded(data, _declared(data)))
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error


def _declared(data: bytes) -> str:
    """Returns the encoding that an XML file declares, if it is a known one that fits; else ""."""
    found = re.match(rb"\s*<\?xml[^>]*encoding=[\"']([\w-]+)", data)
    name = found[1].decode() if found else ""
    try:
        data.decode(name or "ascii")
    except (LookupError, UnicodeDecodeError):
        return ""
    return name


def _yaml(data: bytes) -> Any:
    return yaml.safe_load(decoded(data))
