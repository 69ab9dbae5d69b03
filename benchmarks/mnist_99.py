"""MNIST to 99.0 % test accuracy, mean of 10 seeds: seconds from bytes in memory to the last step.

Claims: `listing` <= 3 s, `fast` at its smallest size <= 5 s; Keras 3 on the same network beside.
Protocol: 60,000 training pictures; the recipe and the number of passes were chosen on 55,000/5,000
of the training set; the test set is looked at once a seed, after the last step. Keras runs as its
users run it (Adam, batch 128, accuracy looked at after every epoch until 99.0 % or the limit).
    python benchmarks/mnist_99.py [--seeds 10] [--keras-seconds 300]
"""

from __future__ import annotations

import argparse
import statistics

from common import Pictures, ceilings, data, flops, peer, show, spread

from tenfold.training.batches import tensors

SETTINGS = {
    "listing": ({"network": "listing", "augment": "none"}, 0.5),
    "fast tiny": ({"network": "fast", "size": "tiny", "augment": "none"}, 0.5),
}


def measured(name: str, seeds: int) -> dict[str, object]:
    settings, epochs = SETTINGS[name]
    pictures = Pictures("mnist", **settings)
    pictures.learn(99, epochs=0.02)  # the first run of a process also warms kernels
    accuracies, times = [], []
    for seed in range(seeds):
        net, spent = pictures.learn(seed, epochs=epochs)
        accuracies.append(pictures.accuracy(net))
        times.append(spent)
    rows = round(epochs * pictures.train.rows)
    batch = tensors(pictures.test.only(["image"]).take(range(8)), next(net.parameters()).device)
    return {
        "mean_accuracy": round(statistics.mean(accuracies), 5),
        "accuracies": accuracies,
        "seconds": spread(times),
        "passes": epochs,
        "achieved_tflops": round(flops(net, batch) * rows / statistics.median(times) / 1e12, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--keras-seconds", type=float, default=300)
    told = parser.parse_args()
    found: dict[str, object] = {name: measured(name, told.seeds) for name in SETTINGS}
    if told.keras_seconds:
        words = (data("mnist"), "--to", 0.99, "--seconds", told.keras_seconds)
        found["keras"] = peer("keras", "keras_mnist.py", *words)
    show("MNIST to 99.0 %", **found, ceilings=ceilings())


if __name__ == "__main__":
    main()
