"""Storage of facts: JSON, with arrays in facts.safetensors and files in assets/<sha256>.

In memory, facts are plain values, numpy arrays and bytes. In facts.json, an array is represented as
`{"$array": "net/words"}` and bytes as `{"$asset": "<sha256>"}`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.core import system
from tenfold.core.errors import run_refused
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.run import manifest

safetensors = lazy("safetensors.numpy")

__all__ = ["ARRAYS", "ASSETS", "read", "write"]

ARRAYS, ASSETS = "facts.safetensors", "assets"
_ARRAY, _ASSET = "$array", "$asset"


def write(folder: Path, facts: dict[str, Any]) -> None:
    """Writes facts.json, and facts.safetensors and assets where the facts hold arrays or bytes."""
    arrays: dict[str, np.ndarray] = {}
    assets: dict[str, bytes] = {}

    def put_aside(value: Any, path: str) -> Any:
        if isinstance(value, np.ndarray):
            arrays[path] = np.ascontiguousarray(value)
            return {_ARRAY: path}
        if isinstance(value, bytes):
            name = hashlib.sha256(value).hexdigest()
            assets[name] = value
            return {_ASSET: name}
        return value

    plain = _changed(facts, put_aside)
    if arrays:
        system.write_atomically(folder / ARRAYS, safetensors.save(arrays))
    for name, content in assets.items():
        (folder / ASSETS).mkdir(exist_ok=True)
        system.write_atomically(folder / ASSETS / name, content)
    system.write_atomically(folder / "facts.json", manifest.pretty(plain))


def read(folder: Path) -> dict[str, Any]:
    """Reads the facts of a folder whose manifest has been verified.

    Raises ArtefactRefused where the files are damaged, or an array or asset is missing.
    """
    facts = manifest.read(folder / "facts.json")
    if not isinstance(facts, dict):
        raise run_refused(folder, Message("has a facts.json without facts"), "unreadable")
    arrays: dict[str, np.ndarray] = {}
    if (folder / ARRAYS).is_file():
        try:
            arrays = safetensors.load_file(folder / ARRAYS)
        except Exception as error:  # the library raises its own error classes
            raise run_refused(
                folder, Message("has a damaged facts.json ({error})", error=error), "unreadable"
            ) from error

    def bring_back(value: Any, path: str) -> Any:
        if isinstance(value, dict) and value.keys() == {_ARRAY}:
            if value[_ARRAY] not in arrays:
                raise run_refused(
                    folder,
                    Message("lacks the array {name!r} of its facts", name=value[_ARRAY]),
                    "missing",
                )
            return arrays[value[_ARRAY]]
        if isinstance(value, dict) and value.keys() == {_ASSET}:
            return _asset(folder, value[_ASSET])
        return value

    found: dict[str, Any] = _changed(facts, bring_back)
    return found


def _asset(folder: Path, name: Any) -> bytes:
    """The bytes of an asset, named by its SHA-256; ArtefactRefused where missing or changed."""
    if isinstance(name, str) and len(name) == 64 and name.isalnum():
        path = folder / ASSETS / name
        if path.is_file() and hashlib.sha256(content := path.read_bytes()).hexdigest() == name:
            return content
    raise run_refused(folder, Message("lacks a file that its facts.json names"), "missing")


def _changed(value: Any, change: Callable[[Any, str], Any], path: str = "") -> Any:
    """A copy of nested dictionaries and lists with `change` applied to each value, outer first."""
    value = change(value, path)
    if isinstance(value, dict) and value.keys() not in ({_ARRAY}, {_ASSET}):
        return {key: _changed(one, change, _below(path, key)) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_changed(one, change, _below(path, at)) for at, one in enumerate(value)]
    return value


def _below(path: str, key: Any) -> str:
    return f"{path}/{key}" if path else str(key)
