"""Peer: the classic Keras seed listing on MNIST, put right (Keras 3, TensorFlow).

Claim measured (the peer's side of it): how long it takes from starting a process to a judged
classifier of 1,000 pictures, and how accurate that classifier is.

Protocol: 3x3 valid convolutions 32/64/128, each with ReLU and 2x2 max pooling, dense 512 ReLU,
softmax over 10; Adam at its default rate, batch 16, 10 epochs. Trained on the first 1,000 training
pictures, validated after each epoch on the first 1,000 test pictures, judged on the other 9,000,
which nothing saw. `fit_seconds` is model.fit alone, `import_seconds` importing Keras; whoever
starts this script measures the whole process. The epoch that passes --seconds is the last, and
`epochs` says how many there were. Keras itself leaves XLA off on a CPU; forced on it was slower.

Run it in the environment `keras` (environments.py), with the folder of MNIST's four .gz files:
    python benchmarks/peers/keras_seed_listing.py $TENFOLD_DATA/mnist --seed 1
Prints one JSON object: accuracy, fit_seconds, import_seconds, epochs, its settings, versions.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

EPOCHS = 10
BATCH = 16
FIRST = 1_000


def main() -> None:
    settings = arguments()
    started = time.perf_counter()
    keras = import_keras(settings.threads)
    import_seconds = time.perf_counter() - started
    keras.utils.set_random_seed(settings.seed)
    pictures, labels = read(settings.data, "train")
    test_pictures, test_labels = read(settings.data, "t10k")
    model = network(keras)
    started = time.perf_counter()
    history = model.fit(
        pictures[:FIRST],
        labels[:FIRST],
        batch_size=BATCH,
        epochs=EPOCHS,
        validation_data=(test_pictures[:FIRST], test_labels[:FIRST]),
        callbacks=[stop_after(keras, model, settings.seconds)],
        verbose=0,
    )
    fit_seconds = time.perf_counter() - started
    _, accuracy = model.evaluate(test_pictures[FIRST:], test_labels[FIRST:], verbose=0)
    result = {
        "accuracy": round(accuracy, 6),  # Keras counts in float32
        "fit_seconds": fit_seconds,
        "import_seconds": import_seconds,
        "epochs": len(history.epoch),
        "seed": settings.seed,
        "threads": settings.threads or os.cpu_count(),
        "versions": versions(keras),
    }
    print(json.dumps(result))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The Keras seed listing on MNIST.")
    parser.add_argument("data", type=Path, help="folder of MNIST's four .gz files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600.0, help="stop fitting after this long")
    parser.add_argument("--threads", type=int, help="default: all cores")
    return parser.parse_args()


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
    """The listing's network, compiled."""
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
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def stop_after(keras: Any, model: Any, seconds: float) -> Any:
    """A callback that ends fit with the epoch that passes the limit."""
    started = time.perf_counter()

    def check(epoch: int, logs: dict[str, float] | None = None) -> None:
        model.stop_training = time.perf_counter() - started > seconds

    return keras.callbacks.LambdaCallback(on_epoch_end=check)


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
