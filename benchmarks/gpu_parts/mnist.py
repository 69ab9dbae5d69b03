"""MNIST to 99 % test accuracy on the device: seconds and steps, mean and spread over seeds."""

from __future__ import annotations

import os
import statistics
from typing import Any

from common import Pictures, spread

from gpu_parts import packs
from gpu_parts.job import Job

GOAL = 0.99
EPOCHS = (0.5, 1.0, 2.0, 4.0)
"""Lengths of schedules, tried in this order until the mean over seeds reaches the goal."""
SEEDS = 5
SETTINGS = {"network": "listing", "augment": "none"}


def measure(job: Job) -> None:
    """Notes accuracies, seconds and steps of each schedule up to the one that reaches 99 %."""
    packs.unpacked_mnist(job.pack, job.folder)
    os.environ["TENFOLD_DATA"] = str(job.folder)
    pictures = Pictures(packs.MNIST, **SETTINGS)
    job.note("rows", {"train": pictures.train.rows, "test": pictures.test.rows})
    job.note("network", SETTINGS["network"])
    pictures.learn(99, epochs=0.05, device=job.device)  # loads kernels
    schedules: list[dict[str, Any]] = []
    for epochs in EPOCHS:
        runs = []
        for seed in range(1 if job.quick else SEEDS):
            if runs and job.left < 2 * runs[-1]["seconds"]:
                job.skip(f"seeds from {seed}", "no time was left")
                break
            fitted, seconds = pictures.fitted(seed, epochs=epochs, device=job.device)
            accuracy = pictures.accuracy(fitted.net)
            steps = fitted.facts["steps"]
            runs.append({"seconds": seconds, "accuracy": accuracy, "steps": steps})
        schedules.append(_schedule(epochs, runs))
        job.note("schedules", schedules)
        longest = EPOCHS[min(len(schedules), len(EPOCHS) - 1)] / epochs
        if schedules[-1]["mean_accuracy"] >= GOAL or job.left < 2 * longest * runs[-1]["seconds"]:
            break
    job.note("reached", schedules[-1]["mean_accuracy"] >= GOAL)


def _schedule(epochs: float, runs: list[dict[str, Any]]) -> dict[str, Any]:
    accuracies = [run["accuracy"] for run in runs]
    return {
        "epochs": epochs,
        "steps": runs[0]["steps"],
        "mean_accuracy": round(statistics.mean(accuracies), 5),
        "accuracy": spread(accuracies),
        "seconds": spread(run["seconds"] for run in runs),
    }
