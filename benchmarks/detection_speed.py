"""Training pictures per second of object detection, and milliseconds of one detection.

Claims: at least 3 times the training pictures per second of a plain float32 DataLoader loop of two
workers, with the same network, loss and augmentation and decoded pictures in memory on both sides;
one detection in process and over HTTP, beside onnxruntime alone on the same encoded picture.
Protocol: BCCD at 320 x 256, crops of 256 pixels, batches of 8. Both loops in turn, `--times`
rounds; each window is steady state. The plain loop augments each picture in its worker with the
same functions and steps with torch's AdamW. The ratio needs bfloat16 units (AMX, AVX512-BF16):
without them both loops spend nearly all of their time in the same float32 convolutions (76 % of a
step). Milliseconds of one detection on a busy machine of two cores: onnxruntime alone 35 (lowest
18), in process 33 (21), over HTTP 38 (37).
    python benchmarks/detection_speed.py [--times 3] [--steps 20]
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from common import ceilings, data, seconds, show, spread
from servers import Server, Service
from torch.utils.data import DataLoader, Dataset

import tenfold
from tenfold.core.columns import Columns, Parts
from tenfold.core.plan import Plan
from tenfold.data.prepare import Prepared, prepare
from tenfold.media.image.scenes import KINDS, Scenes, crop_sides
from tenfold.tasks.object_detection import ObjectDetection, loss
from tenfold.training.inference import session_of

BATCH = 8


class Plain(Dataset[dict[str, torch.Tensor]]):
    """Decoded pictures in memory; each item is augmented alone, as a float picture."""

    def __init__(self, train: Columns) -> None:
        batch = train.only(["image", "boxes"]).take(np.arange(train.rows), grid=0)
        self.rows = {name: torch.from_numpy(value) for name, value in batch.items()}
        sides = crop_sides(self.rows["image"].shape[1:3])  # type: ignore[arg-type]
        self.change = Scenes(KINDS, sides, mosaic=1.0)

    def __len__(self) -> int:
        return len(self.rows["image"])

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """A picture, or for a quarter of them a mosaic with three others."""
        chosen = [index]
        if torch.rand(()) < 0.25:
            chosen += torch.randint(0, len(self), (3,)).tolist()
        some = {name: value[chosen] for name, value in self.rows.items()}
        kinds = KINDS if len(chosen) > 1 else tuple(kind for kind in KINDS if kind != "mosaic")
        change = Scenes(kinds, self.change.sides, mosaic=0.25)
        moved = change(some, 0.5)
        boxes = torch.full((160, 6), 0.0)
        boxes[:, 0] = -1
        found = moved["boxes"][-1][:160]
        boxes[: len(found)] = found
        return {"image": moved["image"][-1], "boxes": boxes, "boxes_length": torch.tensor(160)}


def plain_rate(net: Any, train: Columns, steps: int) -> Iterator[float]:
    """Yields pictures per second of windows of the plain loop."""
    loader = DataLoader(
        Plain(train), BATCH, shuffle=True, num_workers=2, persistent_workers=True, drop_last=True
    )
    optimizer = torch.optim.AdamW(net.parameters(), 0.002)
    weights = torch.ones(3)
    net.train()

    def batches() -> Iterator[dict[str, torch.Tensor]]:
        while True:
            yield from loader

    feed = batches()

    def advance(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            loss.loss(net, next(feed), weights).backward()
            optimizer.step()

    advance(5)
    while True:
        start = time.perf_counter()
        advance(steps)
        yield BATCH * steps / (time.perf_counter() - start)


def own_rate(task: ObjectDetection, found: Prepared, steps: int) -> float:
    """Pictures per second between two trainings of different length: set-up cancels out."""
    train = found.parts.train
    none, length = train.view(np.zeros(0, np.int64)), train.rows // BATCH

    def run(count: int) -> float:
        plan = Plan(facts=found.facts, epochs=count / length)
        net = task.build(found.facts)
        start = time.perf_counter()
        task.fit(net, Parts(train, none, none), plan)
        return time.perf_counter() - start

    return BATCH * steps / (run(5 + steps) - run(5))


def training(times: int, steps: int) -> dict[str, Any]:
    task = ObjectDetection()
    found = prepare(task, data("bccd"))
    windows = plain_rate(task.build(found.facts), found.parts.train, steps)
    own, plain = [], []
    for _ in range(times):
        own.append(own_rate(task, found, steps))
        plain.append(next(windows))
    ratio = np.array(own) / np.array(plain)
    return {"tenfold": spread(own), "plain": spread(plain), "ratio": spread(ratio)}


def answering(times: int) -> dict[str, Any]:
    """Milliseconds of one detection: onnxruntime alone, in process, over HTTP."""
    picture = next((data("bccd") / "JPEGImages").glob("*.jpg")).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "cells"
        tenfold.train("object-detection", data("bccd"), epochs=4, limit=96, out=run)
        tenfold.export(run)
        opened = tenfold.open_run(run / "export")
        table = pd.DataFrame({"image": [picture], "source": ["0"]}, dtype=object)
        encoded = Columns(opened.encode(table).columns).take(np.arange(1))
        session = session_of(run / "export" / "net.onnx")
        taken = {one.name for one in session.get_inputs()}
        feed = {name: value for name, value in encoded.items() if name in taken}
        found = {
            "onnxruntime": seconds(lambda: session.run(None, feed), times),
            "in_process": seconds(lambda: list(opened.predict(iter([table]))), times),
        }
        service = Service(
            "tenfold",
            lambda home, port: [
                *(sys.executable, "-m", "tenfold", "serve", home / "export"),
                *("--port", str(port)),
            ],
            "/v1/models/cells/predict",
            True,
        )
        with Server(service, run, [base64.b64encode(picture).decode()]) as server:
            head = {"Content-Type": "application/json"}
            asked = urllib.request.Request(server.address, server.bodies[0], head)
            found["http"] = seconds(
                lambda: json.load(urllib.request.urlopen(asked, timeout=30)), times
            )
    return {
        name: {
            key: round(1000 * value, 2) if key != "runs" else value for key, value in one.items()
        }
        for name, one in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    told = parser.parse_args()
    show("milliseconds of one detection", **answering(20 * told.times))
    show(
        "training pictures per second of object detection",
        **training(told.times, told.steps),
        ceilings=ceilings(),
    )


if __name__ == "__main__":
    main()
