"""What answering takes where torch is not installed: megabytes on disk, seconds to an answer.

Claim: < 300 MB beyond Python, first answer < 1 s, whole process. Protocol: an environment of its
own with the base install and nothing else; fresh processes of `tenfold predict EXPORT PICTURE`
after one that is not counted; beside it importing numpy and pandas alone.
    python benchmarks/runtime.py [--times 15]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import HERE, show, spread
from environments import python_of
from PIL import Image

import tenfold


def whole(python: Path, *words: str | Path) -> float:
    """Seconds of a command of that Python, from the start of the process to its end."""
    settings = os.environ | {"PYTHONPATH": str(HERE.parent)}
    start = time.perf_counter()
    subprocess.run([python, *words], check=True, stdout=subprocess.DEVNULL, env=settings)
    return time.perf_counter() - start


def drawn(folder: Path) -> None:
    """Twenty noisy pictures in each of two classes."""
    random = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 128)):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(low, low + 128, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def megabytes(python: Path) -> float:
    """Files that packages bring, without what pip and Python compile."""
    packages = next(python.parent.parent.glob("lib/python*/site-packages"))
    tools = ("pip", "setuptools", "_distutils_hack")
    files = (path for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc")
    own = (path for path in files if not path.relative_to(packages).parts[0].startswith(tools))
    return round(sum(path.stat().st_size for path in own) / 1e6, 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=15)
    times = parser.parse_args().times
    python = python_of("runtime")
    missing = "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is not None)"
    subprocess.run([python, "-c", missing], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn(folder / "data")
        settings = {"size": "tiny", "epochs": 2, "out": folder / "run"}
        tenfold.train("image-classification", folder / "data", **settings)
        tenfold.export(folder / "run")
        picture = folder / "data" / "dark" / "0.png"
        words = ("-m", "tenfold", "predict", folder / "run" / "export", picture)
        first, imports = [], []
        for _ in range(times + 1):
            first.append(whole(python, *words))
            imports.append(whole(python, "-c", "import numpy, pandas"))
    show(
        "answering without torch",
        megabytes=megabytes(python),
        seconds_to_first_answer=spread(first[1:]),
        importing_numpy_and_pandas=spread(imports[1:]),
        python=sys.version.split()[0],
    )


if __name__ == "__main__":
    main()
