"""CIFAR-10: test accuracy against minutes of training, `fast` at its largest size.

Claims: 90 % within 4 minutes and 94 % within 9 (stretch 6; a public figure on a CPU is 815 s);
calibrated ECE <= 2 % on the test set (temperature from 2,500 training rows that were kept out).
Protocol: 47,500 training pictures (JPEG-coded copies of the originals), 2,500 more calibrate;
each budget is a schedule of its own, planned to end there; the test set is looked at once a run,
after the last step, by the network as it would be exported (mirror averaging included).
    python benchmarks/cifar10.py [--passes 2 4 8] [--seed 0] [--size large]
"""

from __future__ import annotations

import argparse

import numpy as np
from common import Pictures, ceilings, flops, show

from tenfold.training.batches import tensors

# Pictures are at 5/8, then 3/4 of their sides for 35 % of the steps each: the mean share of work.
GROWTH = 0.35 * (5 / 8) ** 2 + 0.35 * (3 / 4) ** 2 + 0.3


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--passes", type=float, nargs="+", default=[2.0, 4.0, 8.0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", default="large")
    told = parser.parse_args()
    pictures = Pictures("cifar10/cifar10-full-jpeg.zip", size=told.size)
    curve = []
    for passes in told.passes:
        net, spent = pictures.learn(told.seed, kept=2500, epochs=passes)
        batch = tensors(
            pictures.test.only(["image"]).take(np.arange(8)), next(net.parameters()).device
        )
        work = GROWTH * flops(net.train(), batch) * passes * (pictures.train.rows - 2500)
        net.eval()
        point = {
            "passes": passes,
            "minutes": round(spent / 60, 2),
            "accuracy": pictures.accuracy(net),
            "calibration_error": round(pictures.calibration_error(net), 4),
            "achieved_tflops": round(work / spent / 1e12, 4),
        }
        print(point, flush=True)
        curve.append(point)
    show("CIFAR-10 accuracy against minutes", curve=curve, seed=told.seed, ceilings=ceilings())


if __name__ == "__main__":
    main()
