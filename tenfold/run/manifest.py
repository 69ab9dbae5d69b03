"""A folder whose manifest lists size and SHA-256 of its files: written, verified, read.

What a stranger put into such a folder is refused before any of it is used.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenfold.core import system
from tenfold.core.errors import run_refused
from tenfold.core.results import SCHEMA

__all__ = ["Files", "leftovers", "read", "seal", "verified"]

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Files:
    """Which files a folder may hold: `sealed` are in its manifest, `needed` must be there.

    `beside` are files and folders that belong there without being sealed. `inside` are patterns of
    sealed files in folders, such as `assets/*`: the name of the folder, then what it holds.
    """

    sealed: tuple[str, ...]
    needed: tuple[str, ...]
    beside: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()

    @property
    def known(self) -> frozenset[str]:
        """Every name that may be there."""
        folders = (pattern.partition("/")[0] for pattern in self.inside)
        return frozenset((*self.sealed, *self.beside, *folders, MANIFEST))

    def seals(self, name: str) -> bool:
        """True for a name that the manifest may hold."""
        return name in self.sealed or any(_matches(name, pattern) for pattern in self.inside)

    def present(self, folder: Path) -> list[str]:
        """The sealed files of a folder that are there, in order."""
        found = [name for name in self.sealed if (folder / name).exists()]
        for pattern in self.inside:
            paths = sorted(folder.glob(pattern))
            found += [path.relative_to(folder).as_posix() for path in paths if path.is_file()]
        return found


def seal(folder: Path, may: Files) -> dict[str, Any]:
    """Writes the manifest over all sealed files that are there, and gives what it says of them.

    With it the folder is finished.
    """
    files = {name: facts_of(folder / name) for name in may.present(folder)}
    system.write_atomically(folder / MANIFEST, pretty({"schema": SCHEMA, "files": files}))
    return files


def facts_of(path: Path) -> dict[str, Any]:
    """Size and hash of a file, as the manifest has them."""
    return {"size": path.stat().st_size, "sha256": system.digest_file(path)}


def leftovers(folder: Path, names: Sequence[str] | frozenset[str]) -> set[str]:
    """Half-written files of processes that were killed (see system.write_atomically)."""
    return {path.name for name in names for path in folder.glob(f".{name}.????????")}


def verified(folder: Path, may: Files) -> dict[str, Any]:
    """What the manifest says of each file, once every file agrees with it.

    Raises ArtefactRefused for a link, a stranger, a missing or changed file, a newer schema.
    """
    if links := [path.name for path in folder.rglob("*") if path.is_symlink()]:
        raise run_refused(folder, f"holds a link: {links[0]!r}", "link")
    present = {path.name for path in folder.iterdir()}
    if strangers := sorted(present - may.known - leftovers(folder, may.known)):
        raise run_refused(
            folder, f"holds a file that does not belong there: {strangers[0]!r}", "stranger"
        )
    files = _manifest(folder)
    if missing := sorted({*may.needed, *may.present(folder)} - set(files)):
        raise run_refused(folder, f"has a manifest without {missing[0]}", "missing")
    for name, facts in files.items():
        _agree(folder, name, facts, may)
    return files


def _matches(name: str, pattern: str) -> bool:
    """True for a path of as many plain names as the pattern has, each as it says."""
    names, wanted = name.split("/"), pattern.split("/")
    plain = all(one and one not in (".", "..") and "\\" not in one for one in names)
    pairs = zip(names, wanted, strict=False)
    same = all(one == other or other == "*" for one, other in pairs)
    return plain and len(names) == len(wanted) and same


def _agree(folder: Path, name: str, facts: Any, may: Files) -> None:
    if not may.seals(name):
        raise run_refused(folder, f"has a manifest that names {name!r}", "stranger")
    path = folder / name
    if not path.is_file():
        raise run_refused(folder, f"lacks {name}", "missing")
    if facts != facts_of(path):
        what = f"was changed or damaged: {name} is not what was written"
        raise run_refused(folder, what, "changed")


def _manifest(folder: Path) -> dict[str, Any]:
    """What the manifest says of each file."""
    found = read(folder / MANIFEST)
    schema = found.get("schema") if isinstance(found, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise run_refused(folder, f"was made by a newer tenfold (schema {schema})", "newer")
    files = found.get("files") if isinstance(schema, int) and schema > 0 else None
    if not isinstance(files, dict):
        raise run_refused(folder, "has a manifest that says nothing of its files", "unreadable")
    return files


def pretty(value: Any) -> str:
    """JSON as it stands in the folder."""
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def read(path: Path) -> Any:
    """The JSON of a file.

    Raises ArtefactRefused where it is none, or holds numbers that JSON does not know.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise run_refused(
            path.parent, f"has an unreadable {path.name} ({error})", "unreadable"
        ) from error


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")
