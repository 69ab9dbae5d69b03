"""CIFAR-10 accuracy by seconds of learning: tenfold's recipe beside airbench94, the same rows."""

from __future__ import annotations

import os
from typing import Any

from common import Pictures
from peers.airbench import airbench

from gpu_parts import packs
from gpu_parts.job import Job

SIZE = "large"
CALIBRATION_ROWS = 2500
AIRBENCH_SHARE = 0.35
"""Of the seconds left once the data are ready; tenfold gets as many, and then what is left."""
TESTING_SECONDS = 5.0
QUICK_SHARE = 0.01
"""Of the rows of each class."""
WARM_EPOCHS = 0.1
MIN_SECONDS = 2.0


def measure(job: Job) -> None:
    """Notes accuracy and seconds of both; each budget is a schedule of its own."""
    share = QUICK_SHARE if job.quick else 1.0
    packs.unpacked_cifar10(job.pack, job.folder, share)
    os.environ["TENFOLD_DATA"] = str(job.folder)
    pictures = Pictures(packs.CIFAR10, size=SIZE)
    job.note("rows", {"train": pictures.train.rows, "test": pictures.test.rows})
    job.note("coding", "JPEG-coded copies, which published figures are not")
    job.note("preparing_seconds", round(job.seconds - job.left, 1))
    classes = len(pictures.facts["truths"]["classes"])
    seconds = max(MIN_SECONDS, AIRBENCH_SHARE * job.left)
    peer = airbench(pictures.train, pictures.test, classes, job.device, seconds)
    job.note("airbench94", peer)
    pictures.learn(99, epochs=WARM_EPOCHS, device=job.device)  # loads kernels
    budgets = [max(MIN_SECONDS, peer["seconds"])]
    points: list[dict[str, Any]] = []
    for seconds in budgets:
        if job.left < seconds + TESTING_SECONDS:
            job.skip("tenfold", f"no time was left for {seconds:.0f} s of learning")
            break
        points.append(_learnt(job, pictures, seconds))
        job.note("tenfold", points)
        longer = 0.8 * (job.left - TESTING_SECONDS)
        if len(points) == 1 and longer > 1.5 * seconds and not job.quick:
            budgets.append(longer)


def _learnt(job: Job, pictures: Pictures, seconds: float) -> dict[str, Any]:
    """One training planned to end after so many seconds."""
    kept = min(CALIBRATION_ROWS, pictures.train.rows // 20)
    fitted, spent = pictures.fitted(0, kept=kept, minutes=seconds / 60, device=job.device)
    return {
        "accuracy": round(pictures.accuracy(fitted.net), 4),
        "seconds": round(spent, 2),
        "minutes": round(spent / 60, 2),
        "steps": fitted.facts["steps"],
        "epochs": fitted.facts["epochs"],
        "precision": fitted.facts["precision"],
        "calibration_error": round(pictures.calibration_error(fitted.net), 4),
    }
