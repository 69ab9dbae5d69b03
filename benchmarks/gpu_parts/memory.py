"""Memory of the device (of the process, on a CPU) while one training goes through its epochs, and
after several trainings: neither grows after the first.
"""

from __future__ import annotations

import gc
import importlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpu_parts.job import Job
from tenfold.core import device, progress
from tenfold.core.columns import Parts
from tenfold.core.plan import Plan
from tenfold.data.prepare import prepare
from tenfold.tasks.registry import find

SEED = 3
EPOCHS = 8
FITS = 4
ROWS = 4096
QUICK_ROWS = 512
BATCH = 256
MAX_GROWTH_MEGABYTES = {"cuda": 1.0, "cpu": 24.0}
"""By kind of device; a CPU's figure is that of the whole process, whose allocator keeps pages."""


def measure(job: Job) -> None:
    """Notes megabytes after each epoch and after each training."""
    job.kit()
    worlds = importlib.import_module("worlds")
    device.prepare()
    chosen = device.choose_device(job.device)
    data = worlds.shapes(job.folder / "data", SEED, {"train": 100, "valid": 8, "test": 8})
    task = find("image-classification", augment="flip")
    prepared = prepare(task, data, seed=SEED)
    rows = np.arange(QUICK_ROWS if job.quick else ROWS) % prepared.parts.train.rows
    train = prepared.parts.train.view(rows)
    parts = Parts(train, prepared.parts.selection, prepared.parts.calibration)
    plan = Plan(facts=prepared.facts, seed=SEED, device=job.device, epochs=EPOCHS, batch=BATCH)
    after = []
    for number in range(FITS):
        watch = Epochs(chosen, train.rows // BATCH)
        with progress.listening(watch):
            net: Any = task.fit(task.build(prepared.facts), parts, plan).net
        if number == 0:
            job.note("megabytes_of_epochs", watch.megabytes)
            _judge(job, chosen, watch.megabytes[1:], "epochs")
        del net
        gc.collect()
        after.append(held_megabytes(chosen))
        job.note("megabytes_after_trainings", after)
    _judge(job, chosen, after[1:], "trainings")


def _judge(job: Job, chosen: torch.device, megabytes: list[float], of: str) -> None:
    """The law, from the second on: the first also loads kernels and fills caches."""
    growth = max(megabytes) - megabytes[0]
    sentence = f"memory grows by {growth:.1f} MB over {of} after the first: {megabytes}"
    job.law(growth <= MAX_GROWTH_MEGABYTES[chosen.type], sentence)


@dataclass
class Epochs:
    """Listens to a training; the largest megabytes in use within each epoch of `length` steps."""

    device: torch.device
    length: int
    megabytes: list[float] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        """Nothing is shown."""

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Reads the memory after the last step of each epoch."""
        if stage == "training" and done % self.length == 0:
            self.megabytes.append(peak_megabytes(self.device))


def peak_megabytes(chosen: torch.device) -> float:
    """The most that was in use since this was asked before; on a CPU what is in use now."""
    if chosen.type != "cuda":
        return held_megabytes(chosen)
    peak = torch.cuda.max_memory_allocated(chosen)
    torch.cuda.reset_peak_memory_stats(chosen)
    return round(peak / 1e6, 2)


def held_megabytes(chosen: torch.device) -> float:
    """What is in use now: tensors on the GPU, or the resident pages of this process."""
    if chosen.type == "cuda":
        torch.cuda.synchronize(chosen)
        return round(torch.cuda.memory_allocated(chosen) / 1e6, 2)
    statm = Path("/proc/self/statm")
    pages = int(statm.read_text().split()[1]) if statm.exists() else 0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 2)
