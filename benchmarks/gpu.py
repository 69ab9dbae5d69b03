"""A GPU in at most eight minutes: whether the laws hold on it, what it reaches, in one document.

Claims: on the device, a training killed midway and continued gives the same weights to the last
byte, an exported run and a server give the answers of predict, bfloat16 decides as float32 does,
memory does not grow after the first epoch. A claim that fails is listed under `broken`, and the
exit code is 1. Only reported: MNIST to 99 %, CIFAR-10 by minutes beside airbench's network, rows
per second beside a plain PyTorch loop.
Protocol: each part runs in a process of its own and gets its share of the minutes that are left;
one that lacks a package or a pack is listed under `skipped`. It needs no network: --pack writes
the data sets into files of at most 58 MB, on a machine that has them under TENFOLD_DATA.
    python benchmarks/gpu.py --pack benchmarks/packs
    python benchmarks/gpu.py [--device auto] [--minutes 8] [--parts contract mnist] [--quick]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PARTS_FOLDER = HERE / "gpu_parts"
PACKS_FOLDER = HERE / "packs"
NEEDED = ("numpy", "pandas", "PIL", "safetensors", "scipy", "sklearn", "torch", "tenfold")
"""Packages that every part needs."""
STARTING_SECONDS = 6.0
"""Kept of the time of a part for loading torch, and for ending."""


@dataclass(frozen=True)
class Part:
    """A file with `measure(job)`, its share of the time, the pack and the packages it needs."""

    path: Path
    share: float
    pack: str = ""
    packages: tuple[str, ...] = ()


PARTS = {
    "contract": Part(PARTS_FOLDER / "contract.py", 0.36),
    "precision": Part(PARTS_FOLDER / "precision.py", 0.12),
    "memory": Part(PARTS_FOLDER / "memory.py", 0.06),
    "mnist": Part(PARTS_FOLDER / "mnist.py", 0.10, "mnist.npz"),
    "throughput": Part(PARTS_FOLDER / "throughput.py", 0.10, "mnist.npz"),
    "cifar10": Part(PARTS_FOLDER / "cifar10.py", 0.26, "cifar10.npz"),
}
"""By name, in the order in which they run."""


def main(words: Sequence[str] | None = None, parts: Mapping[str, Part] = PARTS) -> int:
    """The exit code: 1 where a law is broken, else 0."""
    request = arguments(words, parts)
    if request.child:
        return child(json.loads(request.child))
    if request.pack:
        from gpu_parts import packs

        print(json.dumps({"packs": packs.write(request.pack)}, indent=1))
        return 0
    document = measured(request, {name: parts[name] for name in parts if name in request.parts})
    print(json.dumps(document | {"on": machine(request.device)}, indent=1), flush=True)
    return int(bool(document["broken"]))


def arguments(words: Sequence[str] | None, parts: Mapping[str, Part]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    parser.add_argument("--minutes", type=float, default=8.0, help="limit of the whole command")
    parser.add_argument("--parts", nargs="+", default=[*parts], choices=[*parts], metavar="NAME")
    parser.add_argument("--packs", type=Path, default=PACKS_FOLDER, help="folder of the packs")
    parser.add_argument("--quick", action="store_true", help="few rows, one seed: a trial")
    parser.add_argument("--pack", type=Path, metavar="FOLDER", help="write the packs and end")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def measured(request: argparse.Namespace, parts: Mapping[str, Part]) -> dict[str, Any]:
    """Figures of each part, what was skipped and why, which laws are broken."""
    began = time.monotonic()
    deadline = began + 60 * request.minutes
    figures: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    broken: list[str] = []
    waiting = dict(parts)
    for name, part in parts.items():
        left = deadline - time.monotonic()
        seconds = left * part.share / sum(one.share for one in waiting.values())
        del waiting[name]
        if reason := lack(part, request.packs):
            skipped[name] = reason
            continue
        print(f"{name}: at most {seconds:.0f} s", file=sys.stderr, flush=True)
        result = run(name, part, request, seconds)
        figures[name] = result["figures"] | {"seconds": result["seconds"]}
        skipped |= {f"{name} {key}".strip(): reason for key, reason in result["skipped"].items()}
        broken += [f"{name}: {sentence}" for sentence in result["broken"]]
    return {
        "claim": "laws and figures on a device",
        "device": request.device,
        "quick": request.quick,
        "seconds": round(time.monotonic() - began, 1),
        "broken": broken,
        "skipped": skipped,
        "parts": figures,
    }


def lack(part: Part, packs: Path) -> str:
    """The package or pack that a part needs and that is missing; "" where nothing is."""
    for package in (*NEEDED, *part.packages):
        if importlib.util.find_spec(package) is None:
            return f"the package {package} is not installed"
    if part.pack and not (packs / part.pack).is_file():
        return f"there is no {part.pack} in {packs}: write it with --pack"
    return ""


def run(name: str, part: Part, request: argparse.Namespace, seconds: float) -> dict[str, Any]:
    """The result of a part in a process of its own, ended with all it started when time is up."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        job = {
            "part": str(part.path),
            "device": request.device,
            "seconds": max(0.0, seconds - STARTING_SECONDS),
            "quick": request.quick,
            "pack": str(request.packs.resolve() / part.pack) if part.pack else "",
            "folder": folder,
        }
        late, code, error = finished(job, seconds)
        result = stored(Path(folder) / "result.json")
    if late:
        result["skipped"][""] = f"stopped after {seconds:.0f} s, with the figures so far"
    elif code:
        result["broken"].append(f"it ended with code {code}: {error}")
    return result | {"seconds": round(time.monotonic() - began, 1)}


def finished(job: dict[str, Any], seconds: float) -> tuple[bool, int, str]:
    """Whether the process of a job was stopped, its exit code, the last line of its errors."""
    folder = Path(job["folder"])
    paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {"PYTHONPATH": os.pathsep.join(paths), "TENFOLD_CACHE": str(folder / "cache")}
    command = [sys.executable, str(HERE / "gpu.py"), "--child", json.dumps(job)]
    with (folder / "errors.txt").open("wb") as errors:
        process = subprocess.Popen(
            command,
            env=os.environ | own,
            stdout=errors,
            stderr=errors,
            cwd=folder,
            start_new_session=True,  # so that its servers and trainings end with it
        )
        try:
            code, late = process.wait(max(1.0, seconds)), False
        except subprocess.TimeoutExpired:
            code, late = 0, True
        finally:
            end(process)
    text = (folder / "errors.txt").read_text("utf-8", errors="replace")
    sys.stderr.write(text[-2000:] if code else "")
    return late, code, (text.strip().splitlines() or ["no message"])[-1]


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and the group that it leads."""
    with contextlib.suppress(ProcessLookupError):  # all of them have ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def stored(path: Path) -> dict[str, Any]:
    """What a part had written when it ended."""
    empty: dict[str, Any] = {"figures": {}, "skipped": {}, "broken": []}
    return empty | (json.loads(path.read_text()) if path.exists() else {})


def child(request: dict[str, Any]) -> int:
    """Measures one part in this process."""
    from gpu_parts.job import Job

    path = Path(request.pop("part"))
    spec = importlib.util.spec_from_file_location(f"part_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is not a Python file")
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    job = Job.of(request)
    try:
        module.measure(job)
    except ModuleNotFoundError as error:
        job.skip("", f"the package {error.name} is not installed")
    job.write()
    return 0


def machine(device: str) -> dict[str, Any]:
    """What the figures were measured on; only the date where tenfold cannot be loaded."""
    if any(importlib.util.find_spec(package) is None for package in NEEDED):
        return {"date": time.strftime("%Y-%m-%d")}
    import common

    from tenfold.core.device import choose_device, choose_precision, name

    chosen = choose_device(device)
    precision = str(choose_precision("auto", chosen)).removeprefix("torch.")
    return common.machine() | {"machine": name(chosen), "precision": precision}


if __name__ == "__main__":
    sys.exit(main())
