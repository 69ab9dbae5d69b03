"""Show versions, codecs, devices, memory and disk; warn of old versions."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from tenfold.core import device, system
from tenfold.core.document import Document
from tenfold.core.language import say
from tenfold.core.lazy import lazy
from tenfold.core.message import Message, translate
from tenfold.core.results import SCHEMA
from tenfold.core.text import padded
from tenfold.core.version import __version__

__all__ = ["doctor"]

torch, features = lazy("torch"), lazy("PIL.features")

NOT_INSTALLED = Message("not installed")
_PACKAGES = "numpy pandas pillow click torch safetensors scikit-learn jinja2 pyarrow"
_LEAST = {"pillow": "13.0", "torch": "2.10", "python": "3.11.13"}
_PYTHONS = {(3, 11): "3.11.13", (3, 12): "3.12.11", (3, 13): "3.13.4"}


def doctor() -> Document:
    """Show versions, codecs, devices, memory and disk; warn of old versions.

    Example:
        tenfold doctor
    """
    versions = {"tenfold": __version__, "python": platform.python_version()} | _versions()
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "platform": platform.platform(),
        "versions": versions,
        "codecs": {name: bool(features.check(name)) for name in ("jpg", "webp", "libtiff", "zlib")},
        "devices": _devices(versions),
        "cores": system.cores(),
        "memory_free": system.available_memory(),
        "disk_free": shutil.disk_usage(Path.cwd()).free,
        "cache": str(system.cache_folder()),
        "warnings": _warnings(versions),
    }
    return Document(content, lambda: _text(content))


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES.split():
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = NOT_INSTALLED
    return found


def _devices(versions: dict[str, str]) -> list[str]:
    if versions["torch"] == NOT_INSTALLED:
        return []
    found = [device.name(torch.device("cpu"))]
    found += [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    precision = str(device.choose_precision("auto", device.choose_device("auto")))
    chosen = Message("precision chosen: {precision}", precision=precision.removeprefix("torch."))
    return [*found, chosen]


def _warnings(versions: dict[str, str]) -> list[Message]:
    found: list[Message] = []
    least = _LEAST | {"python": _PYTHONS.get(sys.version_info[:2], "0")}
    for name, wanted in least.items():
        have = versions[name]
        if have != NOT_INSTALLED and _numbers(have) < _numbers(wanted):
            found.append(
                Message(
                    "{name} {have} is older than {wanted}, which fixes known faults: update it.",
                    name=name,
                    have=have,
                    wanted=wanted,
                )
            )
    if versions["torch"] == NOT_INSTALLED:
        found.append(Message('torch is not installed: pip install "tenfold[train]" for training.'))
    elif importlib.util.find_spec("torchvision") is not None and not _imports("torchvision"):
        found.append(
            Message(
                "torchvision is installed but cannot be imported: remove it, because it breaks "
                "other packages."
            )
        )
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def _imports(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:  # a broken package may raise anything at import
        return False
    return True


def _text(content: dict[str, Any]) -> str:
    codecs = ", ".join(name for name, there in content["codecs"].items() if there)
    rows = list(content["versions"].items())
    rows += [(say("device"), translate(name)) for name in content["devices"]]
    rows += [
        (say("codecs"), codecs),
        (say("memory free"), f"{content['memory_free'] / 1e9:.1f} GB"),
        (say("disk free"), f"{content['disk_free'] / 1e9:.1f} GB"),
        (say("cache"), content["cache"]),
    ]
    lines = [f"  {padded(name, 14)}{translate(value)}" for name, value in rows]
    warnings = [say("Warning: {text}", text=text) for text in content["warnings"]]
    return "\n".join([content["platform"], *lines, *(warnings or [say("No warnings.")])])
