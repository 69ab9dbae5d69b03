"""Rows per second of tenfold's loop and of a plain DataLoader loop, one network, batch 128."""

from __future__ import annotations

import os

import numpy as np
import torch
from common import Pictures, peer, spread

from gpu_parts import packs
from gpu_parts.job import Job
from tenfold.core import system

BATCH = 128
STEPS = 2000
QUICK_STEPS = 60
PLAIN_STEPS = 60
"""Of each window of the plain loop."""
WARM_STEPS = 50
ROUNDS = 3
WORKERS = (0, 1, 2, 8)
"""Of the plain loop; the best number counts."""
SETTINGS = {"network": "listing", "augment": "none", "optimizer": "adamw"}


def measure(job: Job) -> None:
    """Notes the rates of both loops, measured in turn, and their ratio."""
    home = packs.unpacked_mnist(job.pack, job.folder)
    os.environ["TENFOLD_DATA"] = str(job.folder)
    pictures = Pictures(packs.MNIST, **SETTINGS)
    pictures.learn(0, epochs=0.05, device=job.device)  # loads kernels
    steps = QUICK_STEPS if job.quick else STEPS
    words = ["--device", job.device, "--windows", 2, "--steps", PLAIN_STEPS]
    words += ["--threads", torch.get_num_threads(), "--warm", WARM_STEPS]
    words += ["--workers", *(count for count in WORKERS if count < max(2, system.cores()))]
    ours, plain = [], []
    for _ in range(1 if job.quick else ROUNDS):
        ours.append(rate(pictures, steps, job.device))
        plain.append(peer("", "torch_plain.py", home, *words)["pictures_per_second"])
        job.note("tenfold", spread(ours))
        job.note("plain", spread(plain))
        job.note("over_plain", spread(np.array(ours) / np.array(plain)))
        if job.left < 0.4 * job.seconds:
            break


def rate(pictures: Pictures, steps: int, device: str) -> float:
    """Rows per second between two runs of different length: set-up cancels out."""
    length = pictures.train.rows / BATCH
    seconds = [
        pictures.learn(0, epochs=count / length, batch=BATCH, device=device)[1]
        for count in (WARM_STEPS, WARM_STEPS + steps)
    ]
    return steps * BATCH / (seconds[1] - seconds[0])
