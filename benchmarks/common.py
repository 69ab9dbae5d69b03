"""What every benchmark shares: data, ceilings of the machine probed in the same run, peers, spread.

Measures nothing by itself; run alone it prints the ceilings:
    python benchmarks/common.py
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from environments import python_of
from torch.utils.flop_counter import FlopCounterMode

import tenfold
from tenfold.answers import calibration
from tenfold.core import device
from tenfold.core.columns import Columns, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.data.prepare import prepare
from tenfold.task import Task
from tenfold.tasks.registry import find

HERE = Path(__file__).resolve().parent
device.prepare()


def data(name: str) -> Path:
    """A folder of the public data sets; leaves with a sentence where it is absent."""
    folder = Path(os.environ.get("TENFOLD_DATA", HERE.parent.parent / "shared" / "data")) / name
    if not folder.exists():
        sys.exit(f"skipped: there is no {folder}; set TENFOLD_DATA to a folder that holds {name}")
    return folder.resolve()


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, least, most and number of the values."""
    found = sorted(values)
    return {
        "median": round(statistics.median(found), 6),
        "low": round(found[0], 6),
        "high": round(found[-1], 6),
        "runs": len(found),
    }


def seconds(work: Callable[[], Any], times: int = 5) -> dict[str, float]:
    """Spread of the seconds of several runs, after one that is not counted."""
    work()
    return spread(_timed(work) for _ in range(times))


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ceilings() -> dict[str, float]:
    """What this machine reaches now: TFLOP/s of convolutions, GB/s of a large copy."""
    found = {}
    for precision in ("float32", "bfloat16"):
        x = torch.randn(64, 64, 16, 16).contiguous(memory_format=torch.channels_last)
        layer = torch.nn.Conv2d(64, 256, 3, padding=1).to(memory_format=torch.channels_last)
        kind = getattr(torch, precision)
        with torch.no_grad(), device.autocast(torch.device("cpu"), kind):
            spent = seconds(lambda x=x, layer=layer: layer(x), 9)["low"]
        found[f"{precision}_tflops"] = round(2 * 64 * 256 * 64 * 256 * 9 / spent / 1e12, 3)
    source = torch.empty(1 << 26, dtype=torch.uint8)
    spent = seconds(lambda: source.clone(), 5)["median"]
    found["copy_gigabytes"] = round(2 * source.numel() / spent / 1e9, 1)
    return found


def flops(net: Any, batch: dict[str, torch.Tensor]) -> int:
    """Floating-point operations of learning from one row: forward, and twice that backward."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(**batch)
    rows = len(next(iter(batch.values())))
    return 3 * counter.get_total_flops() // rows


def peer(name: str, script: str, *words: Any) -> dict[str, Any]:
    """The JSON that a peer's script prints, run in the peer's own environment."""
    python = python_of(name) if name else Path(sys.executable)
    command = [str(python), str(HERE / "peers" / script), *map(str, words)]
    with tempfile.TemporaryDirectory() as place:  # some leave logs where they are run
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=place
        )
    found: dict[str, Any] = json.loads(done.stdout.decode().strip().splitlines()[-1])
    return found


def child(*words: object) -> dict[str, float]:
    """Seconds and peak megabytes of one command."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tenfold", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"tenfold {words[0]} failed: {status}")
    seconds = time.perf_counter() - began
    return {"seconds": round(seconds, 1), "megabytes": round(usage.ru_maxrss / 1024)}


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    place = device.choose_device("auto")
    return {
        "machine": device.name(place),
        "torch": torch.__version__,
        "tenfold": tenfold.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }


def show(claim: str, **found: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps({"claim": claim, **found, "on": machine()}, indent=1), flush=True)


class Pictures:
    """A data set encoded once through tenfold's own path, ready in memory as bytes.

    `train` holds every row of the given training part, validation included: recipes were chosen
    on 55,000/5,000 (45,000/5,000) before, and are not chosen here.
    """

    def __init__(self, name: str, **settings: Any) -> None:
        self.task: Task = find("image-classification", **settings)
        found = prepare(self.task, data(name))
        self.facts, self.columns = found.facts, found.columns
        test = found.rows("test")
        rest = np.flatnonzero(~np.isin(np.arange(len(found.used)), test))
        whole = {key: np.ascontiguousarray(column) for key, column in found.columns.items()}
        self.all = Columns(whole)
        self.train, self.test = self.all.view(rest), self.all.view(test)

    def learn(
        self, seed: int, task: Task | None = None, kept: int = 0, **plan: Any
    ) -> tuple[Any, float]:
        """(network, seconds from bytes in memory to the last step), see `fitted`."""
        fitted, seconds = self.fitted(seed, task, kept, **plan)
        return fitted.net, seconds

    def fitted(
        self, seed: int, task: Task | None = None, kept: int = 0, **plan: Any
    ) -> tuple[Fitted, float]:
        """(network with what was decided, seconds from bytes in memory to the last step).

        `kept` rows, spread over the training part, are not learnt from but calibrate.
        """
        task = task or self.task
        facts = self.facts
        rows, own = np.arange(self.train.rows), np.zeros(self.train.rows, bool)
        own[np.linspace(0, self.train.rows - 1, kept).astype(int)] = True
        train, reserve = self.train.view(rows[~own]), self.train.view(rows[own])
        none = self.train.view(np.zeros(0, np.int64))
        torch.manual_seed(seed)
        net = task.build(facts)
        start = time.perf_counter()
        whole = Plan(facts=facts, seed=seed, **plan)
        fitted = task.fit(net, Parts(train, none, reserve), whole)
        return fitted, time.perf_counter() - start

    def accuracy(self, net: Any) -> float:
        """Share of right answers on the test part, by the network as it would be exported."""
        said, truth = self.answers(net)
        return float((said.argmax(1) == truth).mean())

    def calibration_error(self, net: Any) -> float:
        """Mean gap of certainty and accuracy on the test part, over 15 equal bins of certainty."""
        said, truth = self.answers(net)
        error = calibration.error(said.max(1), said.argmax(1) == truth)
        return error(np.ones(len(truth)))

    def answers(self, net: Any) -> tuple[np.ndarray, np.ndarray]:
        """(N, K) probabilities of the test rows, and their classes."""
        place, said, truth = next(net.parameters()).device, [], []
        for start in range(0, self.test.rows, 500):
            batch = self.test.take(np.arange(start, min(start + 500, self.test.rows)))
            with torch.inference_mode():
                found = net(torch.from_numpy(batch["image"]).to(place))["probabilities"]
            said.append(found.cpu().numpy())
            truth.append(batch["label"])
        return np.concatenate(said), np.concatenate(truth)


if __name__ == "__main__":
    show("ceilings of this machine", **ceilings())
