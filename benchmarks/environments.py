"""Environments of the peers: each peer is measured in its own, made here the first time.

`peers/NAME.txt` lists pinned requirements; `python_of(NAME)` returns the interpreter of the
environment holding them, `.environments/NAME/` beside this file (never committed). It is made
when it is missing, unfinished, or when its requirements have changed since.

Measures nothing: it makes ready. Run alone it prepares the named peers, or all, and prints their
interpreters:
    python benchmarks/environments.py keras
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

__all__ = ["python_of"]

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
ENVIRONMENTS = HERE / ".environments"


def python_of(name: str) -> Path:
    """The interpreter of the peer's environment; makes the environment when it has to."""
    requirements = PEERS / f"{name}.txt"
    if not requirements.is_file():
        raise ValueError(f"peer must be one of {', '.join(peers())}, got {name!r}")
    folder = ENVIRONMENTS / name
    if not _is_ready(folder, requirements):
        _make(folder, requirements)
    return _interpreter(folder)


def peers() -> list[str]:
    """Names of the peers that have an environment of their own."""
    return sorted(path.stem for path in PEERS.glob("*.txt"))


def _is_ready(folder: Path, requirements: Path) -> bool:
    stamp = _stamp(folder)
    return stamp.is_file() and stamp.read_text() == requirements.read_text()


def _make(folder: Path, requirements: Path) -> None:
    print(f"making the environment {folder.name} (once, some minutes)", file=sys.stderr)
    _run(sys.executable, "-m", "venv", "--clear", folder)
    install = ("-m", "pip", "--disable-pip-version-check", "install", "--requirement", requirements)
    _run(_interpreter(folder), *install)
    _stamp(folder).write_text(requirements.read_text())  # last: without it, it is unfinished


def _run(*command: str | Path) -> None:
    """Run a command; what it prints goes to standard error, standard output is for results."""
    subprocess.run(command, check=True, stdout=sys.stderr)


def _stamp(folder: Path) -> Path:
    return folder / "installed.txt"


def _interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make peers' environments.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: every peer")
    for name in parser.parse_args().names or peers():
        print(python_of(name))


if __name__ == "__main__":
    main()
