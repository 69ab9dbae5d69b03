"""Peer: the classic CNN trained by Keras on all of MNIST (Keras 3, TensorFlow).

Claims measured (the peer's side of them): training pictures per second, and seconds of training
until 99 % of the test pictures are right.

Protocol: the seed listing's network (3x3 valid convolutions 32/64/128, ReLU, 2x2 max pools, dense
512, softmax 10), Adam at its default rate, model.fit on 60,000 float pictures in memory, shuffled:
what an ordinary Keras user writes. --precision bf16 sets the policy mixed_bfloat16 and keeps
softmax in float32, as Keras' guide says.
  rate (default)  --warm steps untimed, then --windows windows of --steps steps each inside one long
                  fit; their rates and the median.
  --to 0.99       fit with the test pictures as validation data after each epoch, until their
                  accuracy reaches the target. `fit_seconds` counts everything in fit, with building
                  the graph and validating; `train_seconds` leaves the validation out.
Either ends early past --seconds: rate with fewer windows, --to with `reached` false.

Run it in the environment `keras` (environments.py), with the folder of MNIST's four .gz files:
    python benchmarks/peers/keras_mnist.py $TENFOLD_DATA/mnist --batch 128 --precision bf16
    python benchmarks/peers/keras_mnist.py $TENFOLD_DATA/mnist --to 0.99 --seconds 300
Prints one JSON object: what was measured, the settings, versions.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import os
import platform
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

ENDLESS = 1_000  # epochs: far more than any limit lets through
Logs = dict[str, float] | None  # what Keras hands to a callback


def main() -> None:
    settings = arguments()
    keras = import_keras(settings.threads)
    keras.utils.set_random_seed(settings.seed)
    if settings.precision == "bf16":
        keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    model = network(keras)
    measure = measure_rate if settings.to is None else measure_race
    measured = measure(keras, model, settings)
    described = {
        "batch": settings.batch,
        "precision": settings.precision,
        "seed": settings.seed,
        "threads": settings.threads or os.cpu_count(),
        "versions": versions(keras),
    }
    print(json.dumps(measured | described))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Keras training the classic CNN on MNIST.")
    parser.add_argument("data", type=Path, help="folder of MNIST's four .gz files")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--to", type=float, help="train until this test accuracy, such as 0.99")
    parser.add_argument("--warm", type=int, default=100, help="untimed steps before the windows")
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60, help="steps in a window")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600.0, help="stop fitting after this long")
    parser.add_argument("--threads", type=int, help="default: all cores")
    return parser.parse_args()


class Windows:
    """Watches a fit step by step; ends it with the last window or past the limit."""

    def __init__(self, model: Any, rows: int, settings: argparse.Namespace) -> None:
        self.model, self.rows, self.settings = model, rows, settings
        self.steps = self.seen = 0
        self.marks: list[tuple[int, float]] = []  # pictures seen and time, where windows meet
        self.started = time.perf_counter()

    def step(self, batch: int, logs: Logs = None) -> None:
        settings, now = self.settings, time.perf_counter()
        self.steps += 1
        self.seen += min(settings.batch, self.rows - batch * settings.batch)
        if self.steps >= settings.warm and (self.steps - settings.warm) % settings.steps == 0:
            self.marks.append((self.seen, now))
        finished = len(self.marks) > settings.windows
        self.model.stop_training = finished or now - self.started > settings.seconds

    def rates(self) -> list[float]:
        """Pictures per second in each window."""
        return [
            (seen - seen_before) / (end - begin)
            for (seen_before, begin), (seen, end) in pairwise(self.marks)
        ]


class Race:
    """Watches a fit epoch by epoch; ends it at the target or past the limit."""

    def __init__(self, model: Any, settings: argparse.Namespace) -> None:
        self.model, self.settings = model, settings
        self.epochs: list[dict[str, float]] = []
        self.validating = 0.0
        self.started = time.perf_counter()

    def begin_validation(self, logs: Logs = None) -> None:
        self.validating -= time.perf_counter()

    def end_validation(self, logs: Logs = None) -> None:
        self.validating += time.perf_counter()

    def step(self, batch: int, logs: Logs = None) -> None:
        self.model.stop_training = self._is_late()

    def epoch(self, epoch: int, logs: dict[str, float]) -> None:
        fit = time.perf_counter() - self.started
        accuracy = round(logs["val_accuracy"], 6)  # Keras counts in float32
        spent = {"fit_seconds": fit, "train_seconds": fit - self.validating}
        self.epochs.append({"accuracy": accuracy, **spent})
        self.model.stop_training = accuracy >= self.settings.to or self._is_late()

    def _is_late(self) -> bool:
        return time.perf_counter() - self.started > self.settings.seconds


def measure_rate(keras: Any, model: Any, settings: argparse.Namespace) -> dict[str, Any]:
    """Pictures per second over windows of steps, all inside one fit."""
    pictures, labels = read(settings.data, "train")
    watch = Windows(model, len(pictures), settings)
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=watch.step)
    fit(model, pictures, labels, settings.batch, callback)
    rates = watch.rates()
    return {
        "pictures_per_second": statistics.median(rates) if rates else None,
        "windows": rates,
        "steps_per_window": settings.steps,
    }


def measure_race(keras: Any, model: Any, settings: argparse.Namespace) -> dict[str, Any]:
    """Seconds of fit until the test accuracy first reaches the target at the end of an epoch."""
    pictures, labels = read(settings.data, "train")
    test = read(settings.data, "t10k")
    watch = Race(model, settings)
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=watch.epoch, on_train_batch_end=watch.step
    )
    callback.on_test_begin, callback.on_test_end = watch.begin_validation, watch.end_validation
    fit(model, pictures, labels, settings.batch, callback, validation_data=test)
    last = watch.epochs[-1]
    reached = last["accuracy"] >= settings.to
    return {"to": settings.to, "reached": reached, **last, "epochs": watch.epochs}


def fit(
    model: Any, pictures: np.ndarray, labels: np.ndarray, batch: int, callback: Any, **more: Any
) -> None:
    """An ordinary model.fit that goes on until the callback ends it."""
    model.fit(
        pictures,
        labels,
        batch_size=batch,
        epochs=ENDLESS,
        callbacks=[callback],
        verbose=0,
        **more,
    )


def import_keras(threads: int | None) -> Any:
    """Keras on TensorFlow, with nothing taken from the user's own Keras settings."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["KERAS_HOME"] = str(Path(sys.prefix) / "keras-home")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    keras = importlib.import_module("keras")
    if threads:
        threading = importlib.import_module("tensorflow").config.threading
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
    return keras


def read(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 28, 28, 1) float32 in 0..1 and labels (N,) of one part, `train` or `t10k`."""
    pictures = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    return pictures[..., None].astype("float32") / 255, labels


def read_idx(path: Path) -> np.ndarray:
    """An IDX file of bytes: two zeros, type, number of axes, each axis' length, values."""
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    shape = np.frombuffer(content, ">i4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def network(keras: Any) -> Any:
    """The seed listing's network, compiled."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(128, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dense(10),
            layers.Activation("softmax", dtype="float32"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def versions(keras: Any) -> dict[str, str]:
    tensorflow = importlib.import_module("tensorflow")
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "tensorflow": tensorflow.__version__,
        "numpy": np.__version__,
    }


if __name__ == "__main__":
    main()
