"""Manifests: write and verify the size and SHA-256 of the files in a folder.

A folder with unknown or changed files is rejected before any of its files are used.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenfold.core import system
from tenfold.core.errors import run_refused
from tenfold.core.message import Message, restored, with_messages
from tenfold.core.results import SCHEMA

__all__ = ["Files", "leftovers", "read", "seal", "verified"]

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Files:
    """The files that a folder may hold.

    `sealed` files are listed in its manifest; `needed` files must be present. `beside` are allowed
    files and folders that the manifest does not list. `inside` are patterns of sealed files in
    subfolders, such as `assets/*`.
    """

    sealed: tuple[str, ...]
    needed: tuple[str, ...]
    beside: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()

    @property
    def known(self) -> frozenset[str]:
        """All names allowed at the top of the folder."""
        folders = (pattern.partition("/")[0] for pattern in self.inside)
        return frozenset((*self.sealed, *self.beside, *folders, MANIFEST))

    def seals(self, name: str) -> bool:
        """True for a name that the manifest may list."""
        return name in self.sealed or any(_matches(name, pattern) for pattern in self.inside)

    def present(self, folder: Path) -> list[str]:
        """The sealed files that exist in a folder, in a fixed order."""
        found = [name for name in self.sealed if (folder / name).exists()]
        for pattern in self.inside:
            paths = sorted(folder.glob(pattern))
            found += [path.relative_to(folder).as_posix() for path in paths if path.is_file()]
        return found


def seal(folder: Path, may: Files) -> dict[str, Any]:
    """Writes the manifest of all existing sealed files, which marks the folder as complete.

    Returns the size and hash of each file.
    """
    files = {name: facts_of(folder / name) for name in may.present(folder)}
    system.write_atomically(folder / MANIFEST, pretty({"schema": SCHEMA, "files": files}))
    return files


def facts_of(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file, as stored in the manifest."""
    return {"size": path.stat().st_size, "sha256": system.digest_file(path)}


def leftovers(folder: Path, names: Sequence[str] | frozenset[str]) -> set[str]:
    """Names of incomplete files left by killed processes (see system.write_atomically)."""
    return {path.name for name in names for path in folder.glob(f".{name}.????????")}


def verified(folder: Path, may: Files) -> dict[str, Any]:
    """Verifies all files of a folder and returns their entries in the manifest.

    Raises ArtefactRefused for a link, an unknown file, a missing or changed file, or a newer
    schema.
    """
    if links := [path.name for path in folder.rglob("*") if path.is_symlink()]:
        raise run_refused(folder, Message("holds a link: {name!r}", name=links[0]), "link")
    present = {path.name for path in folder.iterdir()}
    if strangers := sorted(present - may.known - leftovers(folder, may.known)):
        raise run_refused(
            folder,
            Message("holds an unknown file: {name!r}", name=strangers[0]),
            "stranger",
        )
    files = _manifest(folder)
    if missing := sorted({*may.needed, *may.present(folder)} - set(files)):
        raise run_refused(
            folder, Message("has a manifest that lacks {name}", name=missing[0]), "missing"
        )
    for name, facts in files.items():
        _agree(folder, name, facts, may)
    return files


def _matches(name: str, pattern: str) -> bool:
    """True where a path matches a pattern such as `assets/*`, name by name; `..` never matches."""
    names, wanted = name.split("/"), pattern.split("/")
    plain = all(one and one not in (".", "..") and "\\" not in one for one in names)
    pairs = zip(names, wanted, strict=False)
    same = all(one == other or other == "*" for one, other in pairs)
    return plain and len(names) == len(wanted) and same


def _agree(folder: Path, name: str, facts: Any, may: Files) -> None:
    if not may.seals(name):
        raise run_refused(
            folder,
            Message("has a manifest that lists the unknown file {name!r}", name=name),
            "stranger",
        )
    path = folder / name
    if not path.is_file():
        raise run_refused(folder, Message("lacks {name}", name=name), "missing")
    if facts != facts_of(path):
        what = Message("was changed or damaged: {name} differs from the manifest", name=name)
        raise run_refused(folder, what, "changed")


def _manifest(folder: Path) -> dict[str, Any]:
    """Reads the file entries of the manifest.

    Raises ArtefactRefused for a newer schema or a manifest without files.
    """
    found = read(folder / MANIFEST)
    schema = found.get("schema") if isinstance(found, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise run_refused(
            folder, Message("was made by a newer tenfold (schema {schema})", schema=schema), "newer"
        )
    files = found.get("files") if isinstance(schema, int) and schema > 0 else None
    if not isinstance(files, dict):
        raise run_refused(folder, Message("has a manifest that lists no files"), "unreadable")
    return files


def pretty(value: Any) -> str:
    """A value as JSON text for a file; messages keep the data that translation needs."""
    value = with_messages(value) if isinstance(value, dict) else value
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def read(path: Path) -> Any:
    """Reads a JSON file.

    Raises ArtefactRefused where it is not valid JSON, for example contains NaN.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise run_refused(
            path.parent,
            Message("has an unreadable {name} ({error})", name=path.name, error=error),
            "unreadable",
        ) from error
    return restored(value) if isinstance(value, dict) else value


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")
