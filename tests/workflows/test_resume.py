"""Stopped, killed, damaged, out of disk: a run goes on, and ends as if nothing had happened."""

from __future__ import annotations

import functools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from learning import checkpoints, result, shift, watching
from processes import command, ended, save_for_ever, send, started, tenfold, wait_for
from rooms import KIT
from sharing import once

import tenfold as package
import worlds
from tenfold.training import checkpoint

TASK = "image-classification"
EVERY = 4
SETTINGS = "--size tiny --augment shift --epochs 12 --batch 24 --device cpu".split()  # 36 steps
ENDLESS = "--size tiny --augment shift --epochs 100000 --batch 24 --device cpu".split()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "resume", lambda place: worlds.shapes(place, 1))


def words(data: Path, out: Path, settings: list[str] = SETTINGS) -> list[str]:
    return ["train", TASK, str(data), "--out", str(out), *settings]


@pytest.fixture(scope="module")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    def make(place: Path) -> None:
        assert tenfold(words(data, place / "run"), place / "said", steps=EVERY) == 0

    return result(once(tmp_path_factory, "undisturbed", make) / "run")


# --- killed ---


def moment(name: str, out: Path) -> Callable[[], bool]:
    """What to wait for before a kill: the folder, some more checkpoints, the weights."""
    begun = checkpoints(out)[-1:]
    return {
        "begin": lambda: out.exists(),
        "learn": lambda: checkpoints(out)[-1:] > begun,
        "end": lambda: (out / "weights.safetensors").exists(),
    }[name]


def killed(data: Path, out: Path, moments: list[str], seed: int) -> int:
    """A real SIGKILL a little after each of these moments of the command, and the command again.

    How many of them hit.
    """
    said, chance, hits = out.with_name("said"), random.Random(seed), 0
    for name in moments:
        there = moment(name, out)
        run = functools.partial(command, words(data, out), said, steps=EVERY)
        with started(run) as process:
            while process.exitcode is None and not there():
                time.sleep(0.002)
            process.join(chance.uniform(0, 0.3 if name == "end" else 0.06))
            hits += process.exitcode is None
    if not (out / "manifest.json").exists():
        assert tenfold(words(data, out), said, steps=EVERY) == 0, said.read_text()
    return hits


def test_killed_again_and_again_it_ends_byte_equal(
    data: Path, undisturbed: dict[str, bytes], tmp_path: Path
):
    out = tmp_path / "run"
    assert killed(data, out, ["begin", "learn", "learn", "learn", "end"], seed=0) >= 4
    assert "Continuing at step" in out.with_name("said").read_text()
    assert result(out) == undisturbed
    assert package.open_run(out, "cpu").task_name == TASK


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 13))
def test_killed_at_any_moment_it_ends_byte_equal(
    data: Path, undisturbed: dict[str, bytes], tmp_path: Path, seed: int
):
    moments = random.Random(seed).choices(["begin", "learn", "end"], [1, 4, 1], k=12)
    killed(data, tmp_path / "run", moments, seed)
    assert result(tmp_path / "run") == undisturbed
    assert package.open_run(tmp_path / "run", "cpu").task_name == TASK


def test_continued_one_step_off_it_ends_otherwise(
    data: Path, undisturbed: dict[str, bytes], tmp_path: Path
):
    """The negative control: one step more or less is seen."""
    out, said = tmp_path / "run", tmp_path / "said"
    with started(functools.partial(command, words(data, out), said, steps=EVERY)) as process:
        wait_for(lambda: len(checkpoints(out)) > 1, process)
    newest = int(checkpoints(out)[-1].removeprefix("step-"))
    shift(out, newest)
    assert tenfold(words(data, out), said, steps=EVERY) == 0, said.read_text()
    changed = {name for name, value in result(out).items() if value != undisturbed[name]}
    assert "weights.safetensors" in changed


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(".lock .plan.json.a1b2c3d4", id="no file whole", marks=pytest.mark.slow),
        pytest.param("plan.json task.json .facts.json.a1b2c3d4", id="some files whole"),
    ],
)
def test_killed_before_anything_was_learnt_it_begins_again(
    data: Path, undisturbed: dict[str, bytes], tmp_path: Path, there: str
):
    """Killed while the first files were written; what was half written does not stay."""
    out, said = tmp_path / "run", tmp_path / "said"
    out.mkdir()
    for name in there.split():
        (out / name).write_bytes(undisturbed.get(name, b"{"))
    assert tenfold(words(data, out), said, steps=EVERY) == 0, said.read_text()
    assert result(out) == undisturbed
    assert [path.name for path in out.glob(".*")] == [".lock"]


def kill_while_saving(folder: Path, times: int, seed: int, enough: int) -> int:
    """How many of the kills hit a checkpoint that was half written; each is followed by a look.

    Ends once `enough` of them did, at the latest after `times` kills.
    """
    hits, chance, before = 0, random.Random(seed), 0
    for _ in range(times):
        begun = checkpoints(folder.parent)
        with started(save_for_ever, folder) as process:
            wait_for(lambda begun=begun: checkpoints(folder.parent) != begun, process)
            time.sleep(chance.uniform(0, 0.06))
        hits += any(folder.glob(".step-*"))
        newest = checkpoint.load(folder)
        assert newest is not None
        facts, tensors = newest
        assert facts["step"] > before and facts["rows"] == [facts["step"]]
        assert all((tensor == facts["step"]).all() for tensor in tensors.values())
        before = facts["step"]
        if hits >= enough:
            break
    return hits


def test_killed_while_it_saves_the_newest_checkpoint_is_whole(tmp_path: Path):
    with watching() as heard:
        hits = kill_while_saving(tmp_path / "checkpoints", times=30, seed=0, enough=3)
    assert hits >= 3, "the kills missed the saving"
    assert not heard.told("damaged"), "a half-written checkpoint bore the name of a whole one"


@pytest.mark.slow
def test_a_hundred_kills_while_it_saves(tmp_path: Path):
    assert kill_while_saving(tmp_path / "checkpoints", times=100, seed=1, enough=100) >= 30


# --- stopped ---


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_the_same_command_continues(
    data: Path, tmp_path: Path, number: signal.Signals, code: int
):
    out, said = tmp_path / "run", tmp_path / "said"
    endless = functools.partial(command, words(data, out, ENDLESS), said)
    steps: list[int] = []
    for begun in (out / "checkpoints" / "plan.json", out / "log.jsonl"):
        with started(endless) as process:
            wait_for(begun.exists, process)  # the log is first written when a run continues
            time.sleep(0.4)
            send(process, number)
            assert ended(process) == code, said.read_text()
        steps += [int(checkpoints(out)[-1].removeprefix("step-"))]
        assert f"Stopped at step {steps[-1]}; the state is saved" in said.read_text()
    assert f"Continuing at step {steps[0]} of" in said.read_text()
    assert steps[1] > steps[0] > 0


def test_more_signals_do_no_harm(data: Path, undisturbed: dict[str, bytes], tmp_path: Path):
    """Not forked but `python -m tenfold`, as a person starts it and loses patience with it."""
    out = tmp_path / "run"
    python = [sys.executable, "-m", "tenfold", *words(data, out)]
    process = subprocess.Popen(python, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for((out / "log.jsonl").exists)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            process.send_signal(number)
            time.sleep(0.004)
        _, told = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode in (143, 130, -signal.SIGTERM, -signal.SIGINT), told
    assert "Traceback" not in told
    assert checkpoint.load(out / "checkpoints") is not None
    assert tenfold(words(data, out), tmp_path / "said") == 0
    assert result(out) == undisturbed


def test_two_processes_in_one_folder_are_one_too_many(data: Path, tmp_path: Path):
    out, said = tmp_path / "run", tmp_path / "said"
    endless = words(data, out, ENDLESS)
    with started(functools.partial(command, endless, tmp_path / "first")) as first:
        wait_for((out / "checkpoints" / "plan.json").exists, first)
        assert tenfold(endless, said) == 4
        assert "Another process" in said.read_text()
        send(first, signal.SIGTERM)
        assert ended(first) == 143
    assert checkpoint.load(out / "checkpoints") is not None


# --- the disk ---


def test_a_full_disk_ends_with_its_code_and_the_checkpoint_before_is_whole(
    data: Path, undisturbed: dict[str, bytes], tmp_path: Path
):
    """A limit on the size of files stands for a full disk: the kernel refuses the write."""
    out, said = tmp_path / "run", tmp_path / "said"
    with started(functools.partial(command, words(data, out), said, steps=EVERY)) as process:
        wait_for(lambda: len(checkpoints(out)) > 1, process)
    size = max(path.stat().st_size for path in out.rglob("state.safetensors"))
    said.unlink()
    assert tenfold(words(data, out), said, steps=EVERY, bytes_=size // 2) == 4, said.read_text()
    assert "The disk is full" in said.read_text() and "Traceback" not in said.read_text()
    newest = checkpoint.load(out / "checkpoints")
    assert newest is not None and not list((out / "checkpoints").glob(".step-*"))
    assert tenfold(words(data, out), said, steps=EVERY) == 0, said.read_text()
    assert result(out) == undisturbed


FULL_DISK = """
mount -t tmpfs -o size=6m none "$0" || exit 77
python="$1"; kept="$2"; shift 2
"$python" -c "import sys, pathlib, processes; \\
processes.command(sys.argv[2:], pathlib.Path(sys.argv[1]), steps=5)" "$kept/said" "$@" & pid=$!
until ls -d "$0"/run/checkpoints/step-* >/dev/null 2>&1; do sleep 0.02; done
dd if=/dev/zero of="$0/filler" bs=1k 2>/dev/null
wait $pid; code=$?
rm "$0/filler"; cp -r "$0/run" "$kept"
exit $code
"""


@pytest.mark.slow
def test_on_a_really_full_disk_it_stops_in_order_and_continues_elsewhere(
    data: Path, undisturbed: dict[str, bytes], tmp_path: Path
):
    """A file system of six megabytes, in a mount namespace of its own, filled while it learns."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    path = os.pathsep.join([str(KIT), os.environ.get("PYTHONPATH", "")])
    alone = ["unshare", "-m", "sh", "-c", FULL_DISK, str(disk), sys.executable, str(kept)]
    done = subprocess.run(
        [*alone, *words(data, disk / "run")],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode and not (kept / "run").exists():
        pytest.skip("may not mount a file system here")
    said = (kept / "said").read_text()
    assert done.returncode == 4, said + done.stderr
    assert "disk is full" in said or "No space left" in said, said
    assert "Traceback" not in said
    assert checkpoint.load(kept / "run" / "checkpoints") is not None
    assert tenfold(words(data, kept / "run"), kept / "said", steps=EVERY) == 0
    assert result(kept / "run") == undisturbed
