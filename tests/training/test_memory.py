"""Data larger than memory: prepared, learnt from and judged through the map, never copied whole."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures_made import drawn, folder

SIDE, ROWS, MARGIN = 160, 6400, 280 << 20
COLUMN = ROWS * SIDE * SIDE * 3

# The limit is on address space, in which the mapped column counts too: what may be taken beside it
# is the margin, about half of the column. A first small run loads all that a run loads.
LIMITED = """
import os, resource, sys
from pathlib import Path
sys.path[:0] = {path!r}
import numpy as np
import tenfold
from tenfold.core import system
from tenfold.data import cache

asked = dict(size="tiny", batch=8, device="cpu", precision="float32")
tenfold.train("image-classification", "warm", out="first", epochs=1, **asked)
used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (used + {column} + {margin},) * 2)
asked |= dict(out="run", epochs=0.01, image_size={side})
run = tenfold.train("image-classification", "many", **asked)
print("judged", run.scores["rows"]["test"] > 500)
known = [cache.load(place.name) for place in (system.cache_folder() / "columns").iterdir()]
mapped = max((one.columns["image"] for one in known), key=lambda column: column.nbytes)
print("mapped", mapped.nbytes)
try:
    np.array(mapped)
except MemoryError:
    print("a copy does not fit")
"""


@pytest.fixture
def many(tmp_path) -> Path:
    """Pictures that take little room before they are encoded."""
    for label, name in enumerate(("cat", "dog")):
        place = tmp_path / "many" / name
        place.mkdir(parents=True)
        start = b"P6\n8 8\n255\n" + np.asarray(drawn(0, label, side=8)).tobytes()[:-4]
        for number in range(ROWS // 2):
            (place / f"{number}.ppm").write_bytes(start + number.to_bytes(4, "big"))
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits address space on Linux")
def test_larger_than_memory(many):
    assert COLUMN > 1.5 * MARGIN
    folder(many / "warm", 8)
    code = LIMITED.format(path=sys.path, column=COLUMN, margin=MARGIN, side=SIDE)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=many,
        env=os.environ | {"TENFOLD_CACHE": str(many / "cache"), "MALLOC_ARENA_MAX": "2"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split("\n")[:3] == ["judged True", f"mapped {COLUMN}", "a copy does not fit"]
