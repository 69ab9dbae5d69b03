"""Pictures per second of `listing` at batch 128 through the ordinary loop, and the loop's own cost.

Claims: >= 14,000 pictures/s where the machine gives the ceilings of the design notes; >= 4 times a
plain fp32 PyTorch DataLoader loop, >= 3 times Keras, in one run; <= 20 microseconds a step over a
hand-written loop on a network of ten parameters.
Protocol: the same network and Adam on all sides; tenfold and the peers in turn, `--times`
rounds; each window is steady state (after warm-up steps). The loop's cost: the same ten parameters,
batch 64, one thread, rounds of 2,000 steps of each loop in turn; the median of the differences.
    python benchmarks/throughput.py [--times 5] [--steps 300]
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from common import Pictures, ceilings, data, flops, peer, show, spread
from peers.torch_tiny import descend, world

from tenfold.core.columns import Columns, Parts
from tenfold.core.plan import Plan
from tenfold.training import loop
from tenfold.training.batches import tensors


def tenfold_rate(pictures: Pictures, steps: int) -> float:
    """Pictures per second between two runs of different length: set-up cancels out."""
    length = pictures.train.rows / 128
    _, short = pictures.learn(0, epochs=50 / length, batch=128)
    _, long = pictures.learn(0, epochs=(50 + steps) / length, batch=128)
    return steps * 128 / (long - short)


def rounds(pictures: Pictures, times: int, steps: int) -> dict[str, Any]:
    names = ("tenfold", "plain", "keras", "keras_bf16")
    found: dict[str, list[float]] = {name: [] for name in names}
    mnist = data("mnist")
    few = ("--windows", 2, "--steps", 60)
    for _ in range(times):
        found["tenfold"].append(tenfold_rate(pictures, steps))
        for name, python, script, words in (
            ("plain", "", "torch_plain.py", few),
            ("keras", "keras", "keras_mnist.py", few),
            ("keras_bf16", "keras", "keras_mnist.py", (*few, "--precision", "bf16")),
        ):
            found[name].append(peer(python, script, mnist, *words)["pictures_per_second"])
    ratio = {
        f"over_{name}": spread(np.array(found["tenfold"]) / np.array(found[name]))
        for name in names[1:]
    }
    return {name: spread(values) for name, values in found.items()} | ratio


def loop_cost(times: int, steps: int = 2000) -> dict[str, float]:
    """Microseconds a step that tenfold's loop takes beyond the hand-written one."""
    torch.set_num_threads(1)
    differences = []
    for _ in range(times + 1):
        differences.append((_ours(steps) - _hand(steps)) * 1e6)
    return spread(differences[1:])


def _hand(steps: int) -> float:
    features, targets = world()
    model = torch.nn.Linear(9, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
    descend(model, optimizer, features, targets, 200)
    start = time.perf_counter()
    descend(model, optimizer, features, targets, steps)
    return (time.perf_counter() - start) / steps


def _ours(steps: int) -> float:
    features, targets = world()
    columns = Columns({"x": features.numpy(), "y": targets.numpy()})
    none = columns.view(np.zeros(0, np.int64))
    recipe = loop.Recipe("adamw", 0.01, batch=64)

    def run(count: int) -> float:
        plan = Plan(epochs=count / (len(features) // 64), precision="float32")
        start = time.perf_counter()
        loop.fit(torch.nn.Linear(9, 1), Parts(columns, none, none), _loss, plan, recipe)
        return time.perf_counter() - start

    return (run(200 + steps) - run(200)) / steps


def _loss(net: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.nn.functional.mse_loss(net(batch["x"]), batch["y"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    told = parser.parse_args()
    pictures = Pictures("mnist", network="listing", augment="none", optimizer="adamw")
    net, _ = pictures.learn(0, epochs=0.02)
    batch = tensors(pictures.test.only(["image"]).take(np.arange(8)), torch.device("cpu"))
    limits = ceilings()
    found = rounds(pictures, told.times, told.steps)
    achieved = flops(net, batch) * found["tenfold"]["median"] / 1e12
    show(
        "training pictures per second, batch 128",
        **found,
        achieved_tflops=round(achieved, 4),
        loop_microseconds=loop_cost(told.times),
        ceilings=limits,
    )


if __name__ == "__main__":
    main()
