"""Public data sets as one file each, small enough to be carried to a machine without a network.

    mnist.npz      pictures and labels of both parts
    cifar10.npz    the JPEG files of both parts end to end, as they are, with their classes

Unpacked, they lie in the form in which tenfold reads them elsewhere.
"""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from common import data

__all__ = ["CIFAR10", "MNIST", "unpacked_cifar10", "unpacked_mnist", "write"]

MAX_PACK_BYTES = 58_000_000
MNIST = "mnist"
CIFAR10 = "cifar10/cifar10-full-jpeg.zip"
IDX = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}


def write(folder: Path) -> dict[str, int]:
    """Writes every pack; the bytes of each."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {}
    for name, arrays in (("mnist.npz", _mnist()), ("cifar10.npz", _cifar10())):
        path = folder / name
        np.savez_compressed(path, **arrays)
        sizes[name] = path.stat().st_size
        if sizes[name] > MAX_PACK_BYTES:
            path.unlink()
            raise SystemExit(f"{name} would take {sizes[name]} bytes, more than {MAX_PACK_BYTES}")
    return sizes


def _mnist() -> dict[str, Any]:
    folder = data(MNIST)
    contents = {name: gzip.decompress((folder / file).read_bytes()) for name, file in IDX.items()}
    return {name: np.frombuffer(content, np.uint8) for name, content in contents.items()}


def _cifar10() -> dict[str, Any]:
    with zipfile.ZipFile(data(CIFAR10)) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        contents = [archive.read(name) for name in names]
    return {
        "names": np.array(names),
        "ends": np.cumsum([len(content) for content in contents]),
        "files": np.frombuffer(b"".join(contents), np.uint8),
    }


def unpacked_mnist(pack: Path, folder: Path) -> Path:
    """MNIST's four files of bytes in `folder`/mnist."""
    home = folder / MNIST
    home.mkdir(parents=True, exist_ok=True)
    with np.load(pack, allow_pickle=False) as arrays:
        for name, file in IDX.items():
            (home / file).write_bytes(gzip.compress(arrays[name].tobytes(), 1))
    return home


def unpacked_cifar10(pack: Path, folder: Path, share: float = 1.0) -> Path:
    """CIFAR-10 as a zip of JPEG files in folders of parts and classes; of each the first share."""
    path = folder / CIFAR10
    path.parent.mkdir(parents=True, exist_ok=True)
    with np.load(pack, allow_pickle=False) as arrays, zipfile.ZipFile(path, "w") as archive:
        names, ends, files = arrays["names"].tolist(), arrays["ends"].tolist(), arrays["files"]
        counts = dict[str, int]()
        for name in names:
            counts[_class(name)] = counts.get(_class(name), 0) + 1
        written = dict.fromkeys(counts, 0)
        for name, first, end in zip(names, [0, *ends], ends, strict=False):
            if written[_class(name)] < share * counts[_class(name)]:
                archive.writestr(name, files[first:end].tobytes())
                written[_class(name)] += 1
    return path


def _class(name: str) -> str:
    """train/cat of train/cat/0001.jpg."""
    return name.rpartition("/")[0]
