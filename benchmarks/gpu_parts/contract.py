"""The laws of every task on the device: killed and continued, exported, served.

Tasks are found by their files, their data are those of the contract tests (tests/kit/worlds.py).
"""

from __future__ import annotations

import base64
import functools
import http.client
import importlib
import importlib.util
import itertools
import json
import math
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tenfold
from gpu_parts.job import Job
from tenfold.core import system
from tenfold.core.errors import EnvironmentRefused, TenfoldError
from tenfold.media.files import references
from tenfold.media.registry import medium_of
from tenfold.run.run import Run, open_run
from tenfold.tasks import registry

SEED = 3
CHECKPOINT_STEPS = 5
KILLED_AFTER_STEPS = 15
MAX_KILLS = 3
"""Trainings begun before one is hit while it learns."""
TOLERANCE = 1e-4
"""How far numbers of a served answer may be from those of predict."""
SERVER_SECONDS = 60.0
"""Until a server must be ready."""
WEIGHTS = "weights.safetensors"
TRAINING = Path(__file__).with_name("training.py")


@dataclass(frozen=True)
class Subject:
    """One task, its generated data, and what it can be asked."""

    name: str
    data: Path
    handed: Any
    flags: tuple[str, ...]

    def words(self, out: Path, device: str) -> list[str]:
        """The command that trains it into `out`."""
        ends = ["--out", str(out), "--seed", str(SEED), "--device", device]
        return ["train", self.name, str(self.data), *self.flags, *ends]


def measure(job: Job) -> None:
    """Notes for each task what became of each law."""
    job.kit()
    worlds = importlib.import_module("worlds").WORLDS
    subjects = []
    for name in sorted(registry.names()):
        if name in worlds:
            subjects.append(_subject(name, worlds[name], job.folder / "data" / name))
        else:
            job.law(False, f"{name} has no world in tests/kit/worlds.py")
    documents: dict[str, dict[str, Any]] = {}
    with ThreadPoolExecutor(max(1, min(len(subjects), system.cores() // 2))) as pool:
        results = pool.map(functools.partial(continued, job), subjects)
        for one, document in zip(subjects, results, strict=True):
            documents[one.name] = document
            job.note("tasks", documents)
    trained = [one for one in subjects if (_run_of(job, one) / "manifest.json").exists()]
    for one in trained:
        documents[one.name]["export"] = exported(job, one)
        job.note("tasks", documents)
    for name, document in served(job, trained).items():
        documents[name]["served"] = document
    job.note("tasks", documents)


def _subject(name: str, world: Any, folder: Path) -> Subject:
    data = world.make(folder, SEED)
    settings = {**world.plan, **world.settings}
    flags = [word for key, value in settings.items() for word in (_flag(key), str(value))]
    return Subject(name, data, world.hand_over(data), tuple(flags))


def _flag(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"


def _run_of(job: Job, subject: Subject) -> Path:
    return job.folder / "undisturbed" / subject.name


# --- killed and continued ---


def continued(job: Job, subject: Subject) -> dict[str, Any]:
    """Trains once undisturbed and once killed midway; the weights must be equal to the byte."""
    if job.left < 0:
        job.skip(subject.name, "no time was left")
        return {"trained": False}
    began = time.monotonic()
    out, other = _run_of(job, subject), job.folder / "killed" / subject.name
    if code := _started(job, subject, out).wait():
        job.law(False, f"{subject.name}: training ended with code {code}: {_last_line(out)}")
        return {"trained": False}
    seconds = round(time.monotonic() - began, 1)
    killed_at = _killed(job, subject, other)
    if code := _started(job, subject, other).wait():
        job.law(False, f"{subject.name}: continuing ended with code {code}: {_last_line(other)}")
        return {"trained": True, "continued": False}
    equal = (out / WEIGHTS).read_bytes() == (other / WEIGHTS).read_bytes()
    job.law(equal, f"{subject.name}: killed at {killed_at} and continued, the weights differ")
    resumed = "Continuing at step" in _printed(other).read_text(errors="replace")
    began_again = killed_at.startswith("step-") and not resumed
    job.law(not began_again, f"{subject.name}: killed at {killed_at}, it began again")
    scores = json.loads((out / "scores.json").read_text())
    return {
        "trained": True,
        "score": scores["scores"][scores["headline"]]["value"],
        "seconds": seconds,
        "killed_at": killed_at,
        "continued": resumed,
        "weights_equal": equal,
    }


def _started(job: Job, subject: Subject, out: Path) -> subprocess.Popen[bytes]:
    """The training of a task, or its continuation, in a process of its own."""
    out.parent.mkdir(exist_ok=True)
    words = [str(CHECKPOINT_STEPS), *subject.words(out, job.device)]
    with _printed(out).open("ab") as file:
        command = [sys.executable, str(TRAINING), *words]
        return subprocess.Popen(command, stdout=file, stderr=file)


def _killed(job: Job, subject: Subject, out: Path) -> str:
    """Ends a training by SIGKILL after a checkpoint; the name of that checkpoint.

    A task without checkpoints is killed once its folder is begun.
    """
    for number in range(MAX_KILLS):
        shutil.rmtree(out, ignore_errors=True)
        process = _started(job, subject, out)
        while process.poll() is None and not _begun(out, number):
            time.sleep(0.002)
        process.kill()
        if process.wait() == -signal.SIGKILL:
            return (_checkpoints(out) or ["its beginning"])[-1]
    return "its end"


def _begun(out: Path, number: int) -> bool:
    """Whether it is time to kill: at first a checkpoint is waited for, at last the plan alone."""
    midway = f"step-{KILLED_AFTER_STEPS:09d}"
    if any(name >= midway for name in _checkpoints(out)):
        return True
    return number == MAX_KILLS - 1 and (out / "plan.json").exists()


def _checkpoints(out: Path) -> list[str]:
    home = out / "checkpoints"
    paths = itertools.chain(home.glob("step-*"), home.glob("part-*/step-*"))
    return sorted(path.name for path in paths)


def _printed(out: Path) -> Path:
    """The file with what the trainings of a run printed."""
    return out.with_name(f"{out.name}.txt")


def _last_line(out: Path) -> str:
    lines = _printed(out).read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing was printed"


# --- exported ---


def exported(job: Job, subject: Subject) -> dict[str, Any]:
    """Exports the run from the device; the parity document, shortened."""
    try:
        run = open_run(_run_of(job, subject), job.device)
        parity = tenfold.export(run, subject.data)["parity"]
    except EnvironmentRefused as error:
        job.skip("export", error.message)
        return {}
    except TenfoldError as error:
        job.law(False, f"{subject.name}: export: {error.message}")
        return {"equal": False}
    names = ("rows", "largest_difference", "decisions", "values")
    return {"equal": True} | {name: parity[name] for name in names}


# --- served ---


def served(job: Job, subjects: list[Subject]) -> dict[str, dict[str, Any]]:
    """Asks one server of all runs for one answer each, which must be that of predict."""
    missing = [name for name in ("fastapi", "uvicorn", "httptools") if not _installed(name)]
    if missing or not subjects:
        job.skip("serve", f"the package {missing[0]} is not installed" if missing else "no run")
        return {}
    documents = {}
    with _server(job, [_run_of(job, one) for one in subjects]) as port:
        if port is None:
            job.law(False, f"the server does not start: {_last_line(job.folder / 'server')}")
            return {}
        for one in subjects:
            run = open_run(_run_of(job, one), job.device)
            answer = [_bare(each.to_json()) for each in tenfold.predict(run, one.handed)]
            began = time.perf_counter()
            reply = _asked(port, one.name, _body(run, one.handed))
            milliseconds = round(1000 * (time.perf_counter() - began), 2)
            equal = _alike(answer, reply.get("predictions"))
            job.law(equal, f"{one.name}: a server answers {reply}, predict {answer}"[:400])
            documents[one.name] = {"equal": equal, "milliseconds": milliseconds}
    return documents


@contextmanager
def _server(job: Job, runs: list[Path]) -> Iterator[int | None]:
    """`tenfold serve` of these runs; its port, None where it is not ready in time."""
    words = ["serve", *map(str, runs), "--port", "0", "--device", job.device]
    log = _printed(job.folder / "server")
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tenfold", *words], stdout=file, stderr=file
        )
        try:
            yield _port(process, log)
        finally:
            process.kill()
            process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> int | None:
    deadline = time.monotonic() + SERVER_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        address = re.search(r"Serving on http://[^ ]+:(\d+) ", log.read_text(errors="replace"))
        if address and _status(int(address[1]), "/ready") == 200:
            return int(address[1])
        time.sleep(0.1)
    return None


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SERVER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def _asked(port: int, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """The document that the server sends for one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SERVER_SECONDS)
    headers = {"content-type": "application/json"}
    connection.request("POST", f"/v1/models/{name}/predict", json.dumps(body), headers)
    document: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return document


def _body(run: Run, handed: Any) -> dict[str, Any]:
    """The request for what is handed over: a file goes as base64, else the cell as it is."""
    ((name, declared),) = run.task.inputs(run.facts).items()
    medium = medium_of(declared)
    ((cell, _),) = medium.rows(handed, itertools.count(1))
    content = base64.b64encode(references.fetch(cell)).decode() if medium.files else cell
    return {"inputs": {name: content}}


def _bare(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without the source, as JSON gives it."""
    kept = {name: value for name, value in answer.items() if name != "source"}
    document: dict[str, Any] = json.loads(json.dumps(kept))
    return document


def _alike(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal, numbers within the tolerance."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=0, abs_tol=TOLERANCE)
    return bool(one == other)


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
