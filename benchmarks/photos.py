"""Photos from scratch: cats-dogs and flowers, mean of five seeds, beside what is simpler.

Claims: better than a linear model on pixels, and than a plain ResNet-18-shaped network that is
given the same minutes by a plain loop.
Protocol: `tenfold train` with nothing told but the seed; cats-dogs has a test part of its own
(300 photos), flowers is drawn anew by each seed (15 %). The others learn from the same training
rows, already decoded: logistic regression on 32-pixel thumbnails, its strength chosen on the rows
of validation; the ResNet in float32 with Adam, batches of 64, shifts and mirror images, a rate
that falls to zero, for as many seconds as our network learnt, start-up not counted. Test rows are
looked at once each.
    python benchmarks/photos.py [--seeds 5] [--data cats-dogs flowers]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import data, show
from peers.torch_resnet import resnet
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tenfold
from tenfold.data.prepare import Prepared, prepare
from tenfold.tasks.registry import find

TASK = "image-classification"
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", nargs="+", default=["cats-dogs", "flowers"])
    told = parser.parse_args()
    for name in told.data:
        rows = [once(name, seed) for seed in range(told.seeds)]
        names = ("tenfold", "linear", "resnet18")
        found = {key: interval([row[key] for row in rows]) for key in names}
        seconds = statistics.median(row["seconds"] for row in rows)
        show(f"{name} from scratch", **found, seconds_of_learning=round(seconds, 1), runs=rows)


def once(name: str, seed: int) -> dict[str, Any]:
    """Accuracies on the same test rows, and the seconds that learning took."""
    with tempfile.TemporaryDirectory() as folder:
        run = tenfold.train(TASK, data(name), seed=seed, out=Path(folder) / "run")
        scores = run.scores
    prepared = prepare(find(TASK), data(name), seed=seed)
    seconds = scores["seconds"]["train"]
    row = {
        "seed": seed,
        "tenfold": scores["scores"]["accuracy"]["value"],
        "ece": scores["scores"]["ece"]["value"],
        "augment": scores["fitted"]["augment"],
        "steps": scores["fitted"]["steps"],
        "seconds": seconds,
        "linear": linear(prepare(find(TASK, image_size=32), data(name), seed=seed)),
    }
    parts = {part: arrays(prepared, part) for part in ("train", "test")}
    accuracy, steps = resnet(*parts["train"], *parts["test"], seconds, seed)
    row |= {"resnet18": round(accuracy, 6), "resnet18_steps": steps}
    print(row, flush=True)
    return row


def arrays(prepared: Prepared, part: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, H, W, C) bytes and (N,) class numbers."""
    columns = prepared.columns.view(prepared.rows(part))
    rows = columns.take(np.arange(columns.rows))
    return rows["image"], rows["label"]


def linear(prepared: Prepared) -> float:
    """Test accuracy of logistic regression on pixels, its strength chosen on validation."""
    (x, y), (vx, vy), (tx, ty) = (flat(prepared, part) for part in ("train", "valid", "test"))
    models = []
    for strength in (1e-5, 1e-4, 1e-3, 1e-2):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300))
        models.append(model.fit(x, y))
    best = max(models, key=lambda model: model.score(vx, vy))
    return round(float(best.score(tx, ty)), 6)


def flat(prepared: Prepared, part: str) -> tuple[np.ndarray, np.ndarray]:
    image, label = arrays(prepared, part)
    return image.reshape(len(image), -1).astype(np.float32), label


def interval(values: list[float]) -> dict[str, float]:
    """Mean over seeds, and the 95 % interval of that mean (Student)."""
    mean = statistics.mean(values)
    if len(values) < 2:
        return {"mean": round(mean, 4)}
    deviation = statistics.stdev(values)
    half = STUDENT.get(len(values), 2.2) * deviation / len(values) ** 0.5
    return {
        "mean": round(mean, 4),
        "low": round(mean - half, 4),
        "high": round(mean + half, 4),
        "deviation": round(deviation, 4),
    }


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
