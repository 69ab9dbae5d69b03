"""Ten minutes of requests, some of them bad and some that hang up: both sides count the same.

The client is benchmarks/load.py, a process of its own; the server is the command that a person
gives. TENFOLD_SOAK_SECONDS shortens it for trying; memory is judged from five minutes on.
"""

import base64
import functools
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import processes
import pytest
from documents import ROOT, draw_photos

import tenfold

SECONDS = float(os.environ.get("TENFOLD_SOAK_SECONDS", "600"))
WARM = 120 if SECONDS >= 600 else SECONDS / 5
RATE, BAD, LEAVE = 100, 0.01, 0.05
BURST = ["--clients", "64", "--seconds", "5"]
LARGEST_SLOPE = 1.0  # MB a minute
PATIENCE = 60


@pytest.fixture(scope="module")
def body(tmp_path_factory) -> Path:
    """A request about a picture, beside the run that answers it."""
    home = tmp_path_factory.mktemp("soak")
    draw_photos(home / "photos", each=12)
    kind, run = "image-classification", home / "shapes"
    tenfold.train(kind, home / "photos", size="tiny", epochs=2, out=run)
    tenfold.export(run)
    picture = (home / "photos/circle/000.png").read_bytes()
    text = json.dumps({"inputs": {"image": base64.b64encode(picture).decode()}})
    (home / "request.json").write_text(text)
    return home / "request.json"


@contextmanager
def served(run: Path, log: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """The command, ready, and its address; what it says goes to `log`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-P", "-m", "tenfold", "serve", str(run), "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(words, stderr=file, stdout=subprocess.DEVNULL, cwd=run.parent)
    try:
        address = f"http://127.0.0.1:{port}"
        ready = functools.partial(status, f"{address}/ready")
        processes.wait_for(lambda: ready() == 200 or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield process, address
    finally:
        process.kill()
        process.wait()


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def counted(address: str) -> dict[str, int]:
    """Requests to `predict` by status, as /metrics tells."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=PATIENCE) as answer:
        text = answer.read().decode()
    found: dict[str, int] = {}
    for labels, value in re.findall(r"^tenfold_requests_total{(.*)} (\S+)$", text, re.M):
        told = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if told["route"].endswith("/predict"):
            found[told["status"]] = found.get(told["status"], 0) + int(float(value))
    return found


def megabytes(process: subprocess.Popen) -> float:
    """Resident memory."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def load(address: str, body: Path, *words: str) -> subprocess.Popen:
    asked = [f"{address}/v1/models/shapes/predict", "--body", str(body), *words]
    command = [sys.executable, "-P", str(ROOT / "benchmarks/load.py"), *asked]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def burst(address: str, body: Path) -> int:
    """Requests of many clients at once, all answered: what the largest batch needs is taken."""
    found = json.loads(load(address, body, *BURST).communicate()[0])
    assert found["answered"] == {"200": found["sent"]}, found
    return found["sent"]


def slope(sizes: list[tuple[float, float]]) -> float:
    """MB a minute by least squares, from when it was warm."""
    late = np.array([(now / 60, size) for now, size in sizes if now >= WARM])
    return float(np.polyfit(late[:, 0], late[:, 1], 1)[0])


def expected(asked: dict[str, int]) -> dict[str, int]:
    """What a server must have counted for what was asked: requests by status."""
    by_status = {
        "200": asked["good"],
        "400": asked["malformed"],
        "422": asked["unreadable"] + asked["empty"],
        "499": asked["left"],
    }
    return {status: count for status, count in by_status.items() if count}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_ten_minutes_of_good_bad_and_broken_requests(body, tmp_path):
    sizes, log = [], tmp_path / "log"
    with served(body.parent / "shapes" / "export", log) as (process, address):
        before = burst(address, body)
        shares = ["--bad", str(BAD), "--leave", str(LEAVE)]
        client = load(address, body, "--rate", str(RATE), "--seconds", str(SECONDS), *shares)
        while client.poll() is None:
            assert process.poll() is None, log.read_text()[-2000:]
            sizes.append((len(sizes), megabytes(process)))
            time.sleep(1)
        found = json.loads(client.communicate()[0])
        assert client.returncode == 0 and not found["errors"], found
        time.sleep(1)  # the last of those that hung up
        counts = counted(address)
        counts["200"] -= before
        assert counts == expected(found["asked"])
        assert found["answered"] | {"499": found["left"]} == counts
        good = urllib.request.Request(
            f"{address}/v1/models/shapes/predict",
            body.read_bytes(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(good, timeout=PATIENCE) as answer:
            assert json.load(answer)["predictions"][0]["answer"] == "label"
        process.terminate()
        assert process.wait(PATIENCE) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert not [line for line in lines if "fault" in line]
    assert sum(line["route"].endswith("/predict") for line in lines) == before + found["sent"] + 1
    if SECONDS >= 300:
        assert slope(sizes) <= LARGEST_SLOPE, sizes[:: len(sizes) // 20]


# --- this test, tested ---


def test_a_leak_is_seen():
    steady = [(float(second), 200.0 + 0.1 * (second % 7)) for second in range(int(SECONDS))]
    leaking = [(second, size + second / 60 * 2) for second, size in steady]
    assert slope(steady) < LARGEST_SLOPE < slope(leaking)
