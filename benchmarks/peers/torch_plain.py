"""Peer: the classic CNN trained by a plain PyTorch loop on MNIST.

Claim measured (the peer's side of it): training pictures per second of the loop an ordinary,
competent PyTorch user writes, in the same torch as tenfold.

Protocol: the Keras seed listing's network (3x3 valid convolutions 32/64/128, ReLU, 2x2 max pools,
dense 512, dense 10) in fp32 on --device; a Dataset whose `__getitem__` turns one picture of bytes
into a float tensor (what ToTensor does, without its detour over a PIL image), a shuffling
DataLoader, Adam at its default rate, cross-entropy. For each number of workers in --workers
(default 0 and 2, kept alive between epochs): a fresh network, --warm steps untimed, then --windows
windows of --steps steps each. The headline is the best median among the numbers of workers.
--seconds limits each number of workers; past it there are fewer windows.

Run it in tenfold's own environment, with the folder of MNIST's four .gz files:
    python benchmarks/peers/torch_plain.py $TENFOLD_DATA/mnist
Prints one JSON object: pictures_per_second, workers, the windows of each, the settings, versions.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class Pictures(Dataset[tuple[Tensor, int]]):
    """MNIST's training part; one item is a picture (1, 28, 28) float in 0..1 and its label."""

    def __init__(self, folder: Path) -> None:
        self.pictures = torch.from_numpy(read_idx(folder / "train-images-idx3-ubyte.gz"))
        self.labels = read_idx(folder / "train-labels-idx1-ubyte.gz").tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.pictures[index].unsqueeze(0).float().div(255), self.labels[index]


def main() -> None:
    settings = arguments()
    torch.set_num_threads(settings.threads)
    pictures = Pictures(settings.data)
    windows = {workers: rates(pictures, workers, settings) for workers in settings.workers}
    medians = {workers: statistics.median(each) for workers, each in windows.items() if each}
    best = max(medians, key=lambda workers: medians[workers], default=None)
    result = {
        "pictures_per_second": None if best is None else medians[best],
        "workers": best,
        "medians": medians,
        "windows": windows,
        "steps_per_window": settings.steps,
        "batch": settings.batch,
        "seed": settings.seed,
        "threads": settings.threads,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    print(json.dumps(result))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A plain PyTorch loop training on MNIST.")
    parser.add_argument("data", type=Path, help="folder of MNIST's four .gz files")
    parser.add_argument("--device", default="cpu", help="cpu, cuda ..., or auto")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--warm", type=int, default=100, help="untimed steps before the windows")
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60, help="steps in a window")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=300.0, help="limit per number of workers")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    settings = parser.parse_args()
    if settings.device == "auto":
        settings.device = "cuda" if torch.cuda.is_available() else "cpu"
    return settings


def rates(pictures: Pictures, workers: int, settings: argparse.Namespace) -> list[float]:
    """Pictures per second in each window of steps, after warming up."""
    torch.manual_seed(settings.seed)
    loader = DataLoader(
        pictures,
        batch_size=settings.batch,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    sizes = train(network().to(settings.device), loader)
    started = time.perf_counter()
    advance(sizes, settings.warm)
    found: list[float] = []
    while len(found) < settings.windows and time.perf_counter() - started < settings.seconds:
        window = time.perf_counter()
        seen = advance(sizes, settings.steps)
        if settings.device.startswith("cuda"):
            torch.cuda.synchronize()
        found.append(seen / (time.perf_counter() - window))
    return found


def advance(sizes: Iterator[int], steps: int) -> int:
    """Take so many training steps; the number of pictures they saw."""
    return sum(next(sizes) for _ in range(steps))


def train(model: nn.Module, loader: DataLoader[Any]) -> Iterator[int]:
    """The ordinary loop, epoch after epoch; yields the size of each batch it has learnt from."""
    optimizer = torch.optim.Adam(model.parameters())
    criterion = nn.CrossEntropyLoss()
    model.train()
    device = next(model.parameters()).device
    while True:
        for pictures, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(pictures.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            yield len(labels)


def network() -> nn.Module:
    """(B, 1, 28, 28) -> (B, 10), the seed listing's layers."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
    )


def read_idx(path: Path) -> np.ndarray:
    """An IDX file of bytes: two zeros, type, number of axes, each axis' length, values."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    axes = content[3]
    shape = np.frombuffer(content, ">i4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


if __name__ == "__main__":
    main()
