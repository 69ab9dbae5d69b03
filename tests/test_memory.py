"""Data larger than memory: prepared, learnt from and judged through the map, never copied whole."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures_made import drawn

SIDE, ROWS, MARGIN = 160, 6400, 280 << 20
COLUMN = ROWS * SIDE * SIDE * 3

# The limit is on address space, in which the mapped column counts too: what may be taken beside it
# is the margin, about half of the column.
LIMITED = """
import os, resource, sys
from pathlib import Path
sys.path[:0] = {path!r}
import numpy as np
import tenfold
from tenfold import cache, device, system
from tenfold.app import find
from tenfold.verbs import train as trained

device.prepare()
tenfold.train({kind!r}, {warm!r}, out="warm", size="tiny", epochs=1, batch=8, device="cpu")
used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (used + {column} + {margin},) * 2)
{work}
"""

TRAIN = """
run = tenfold.train(
    {kind!r}, {data!r}, out="run", size="tiny", side={side}, epochs={epochs}, batch=8,
    device="cpu", precision="float32",
)
print("judged", run.scores["rows"]["test"])
(place,) = [p for p in (system.cache_folder() / "columns").iterdir()
            if (p / "image.npy").stat().st_size > {column}]
mapped = cache.load(place.name).columns["image"]
assert mapped.nbytes == {column}, mapped.nbytes
try:
    np.array(mapped)
except MemoryError:
    print("a copy does not fit")
"""


@pytest.fixture
def tiny_pictures(tmp_path) -> Path:
    """Many pictures that take little room before they are encoded."""
    root = tmp_path / "many"
    for label, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        start = b"P6\n8 8\n255\n" + np.asarray(drawn(0, label, side=8)).tobytes()[:-4]
        for number in range(ROWS // 2):
            (root / name / f"{number}.ppm").write_bytes(start + number.to_bytes(4, "big"))
    return root


def limited(work: str, tmp_path: Path, **names) -> subprocess.CompletedProcess:
    warm = tmp_path / "warm-photos"
    from pictures_made import folder

    facts = {"kind": "image-classification", "column": COLUMN, "margin": MARGIN, "side": SIDE}
    facts |= {"warm": str(folder(warm, 8)), "path": sys.path} | names
    code = LIMITED.format(work=work.format(**facts), **facts)
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"TENFOLD_CACHE": str(tmp_path / "cache"), "MALLOC_ARENA_MAX": "2"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits address space on Linux")
def test_larger_than_memory(tmp_path, tiny_pictures):
    assert COLUMN > 1.5 * MARGIN
    done = limited(TRAIN, tmp_path, data=str(tiny_pictures), epochs=0.01)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "a copy does not fit" in done.stdout and "judged" in done.stdout
