"""What is remembered of data once encoded: found again, made again, and no larger than the disk."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures_made import TASK, drawn, encoded, ordinary_user, png
from preparing import fresh_cache as fresh_cache
from preparing import photos as photos
from preparing import prepared

from tenfold.core import progress, system
from tenfold.core.columns import Encoded, Problem, Ragged
from tenfold.core.errors import EnvironmentRefused
from tenfold.data import cache
from tenfold.data.prepare import prepare
from tenfold.tasks.registry import find


class Decoding(progress.Silent):
    """Counts how many rows were decoded, by listening as a person does."""

    def __init__(self):
        self.stages = []

    def advance(self, stage, done, total, note=""):
        if total:  # what is counted: files and rows
            self.stages.append(stage)


def stages(source, **settings) -> set[str]:
    listener = Decoding()
    with progress.listening(listener):
        prepared(source, **settings)
    return set(listener.stages)


def test_a_second_run_reads_and_decodes_nothing(photos):
    assert stages(photos) == {"reading", "decoding"}
    shutil.copytree(photos, photos.parent / "aside")
    before = {path: path.stat().st_mtime_ns for path in photos.rglob("*.png")}
    for path, when in before.items():  # other bytes under the same size and time: never looked at
        path.write_bytes(bytes(path.stat().st_size))
        os.utime(path, ns=(when, when))
    assert stages(photos) == set()


def test_a_changed_file_is_read_again(photos):
    old = prepared(photos)
    (photos / "cat" / "3.png").write_bytes(png(777))
    assert stages(photos) == {"reading", "decoding"}
    new = prepared(photos)
    changed = set(new.used["digest"]) - set(old.used["digest"])
    assert len(changed) == 1
    row = new.used.index[new.used["source"] == "cat/3.png"][0]
    assert (new.columns["image"][row] == np.asarray(drawn(777))).all()


def test_a_moved_folder_is_not_decoded_again(photos):
    prepared(photos)
    photos.rename(photos.parent / "moved")
    assert stages(photos.parent / "moved") == {"reading"}


def test_knobs_that_do_not_change_the_encoding_share_it(photos):
    prepared(photos)
    prepare(find(TASK, learning_rate=0.5, size="large"), photos)
    assert len(list((system.cache_folder() / "columns").iterdir())) == 1
    prepare(find(TASK, image_size=8), photos)
    assert len(list((system.cache_folder() / "columns").iterdir())) == 2


def test_the_columns_are_mapped_not_copied(photos):
    image = prepared(photos).columns.arrays["image"]
    assert isinstance(image, np.memmap) and not image.flags.writeable


@pytest.mark.parametrize("damage", ["cut", "no facts", "no JSON", "gone"])
def test_a_damaged_set_is_made_again(photos, damage):
    good = np.array(prepared(photos).columns["image"])
    (place,) = (system.cache_folder() / "columns").iterdir()
    values, facts = place / "image.npy", place / "columns.json"
    if damage == "cut":
        values.write_bytes(values.read_bytes()[:-100])
    elif damage == "gone":
        values.unlink()
    else:
        facts.write_text("{}" if damage == "no facts" else "{")
    assert (prepared(photos).columns["image"] == good).all()
    assert stages(photos) == set()


def stored(name: str, rows: int) -> Encoded:
    parts = iter([Encoded({"x": np.full((rows, 1000), 7, np.uint8)})])
    return cache.store(name, parts)


def test_beyond_the_limit_the_oldest_go(monkeypatch):
    monkeypatch.setenv("TENFOLD_CACHE_BYTES", "350000")
    for number, name in enumerate("abc"):
        stored(name, 100)
        os.utime(system.cache_folder() / "columns" / name, (1000 + number, 1000 + number))
    assert cache.load("a") is not None  # used again: now the youngest
    stored("d", 100)
    assert [name for name in "abcd" if cache.load(name)] == ["a", "c", "d"]
    assert cache.size() <= 350000
    stored("e", 500)  # larger than the limit alone: kept, as somebody is using it
    assert [name for name in "abcde" if cache.load(name)] == ["e"]


def test_what_a_killed_run_left_goes_after_a_day(monkeypatch):
    stored("a", 10)
    left = system.cache_folder() / "columns" / ".new-killed"
    young = system.cache_folder() / "columns" / ".new-running"
    for place in (left, young):
        place.mkdir()
        (place / "x.npy").write_bytes(b"half")
    os.utime(left, (left.stat().st_mtime - 100_000,) * 2)
    stored("b", 10)
    assert not left.exists() and young.exists() and cache.load("a")


def test_ragged_columns_and_problems_come_back(tmp_path):
    rows = [np.arange(n, dtype=np.int16) for n in (3, 0, 5)]
    parts = [
        Encoded({"sound": Ragged.of(rows, np.int16)}, {1: Problem("silent", "holds nothing")}),
        Encoded({"sound": Ragged.of(rows[:1], np.int16)}, {0: Problem("x", "y", "z")}),
    ]
    found = cache.store("r", iter(parts))
    assert found.columns["sound"].lengths.tolist() == [3, 0, 5, 3]
    assert found.columns["sound"].values.tolist() == [0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 2]
    assert found.problems == {1: Problem("silent", "holds nothing"), 3: Problem("x", "y", "z")}


def test_a_cache_that_may_not_be_written_is_said(photos, fresh_cache):
    fresh_cache.mkdir()
    fresh_cache.chmod(0o500)
    with ordinary_user(), pytest.raises(EnvironmentRefused) as refused:
        prepared(photos)
    assert refused.value.exit_code == 4 and "TENFOLD_CACHE" in refused.value.fix
    assert str(fresh_cache) in refused.value.where


def test_a_file_where_the_cache_should_be_is_said(photos, fresh_cache):
    fresh_cache.write_text("mine")
    with pytest.raises(EnvironmentRefused) as refused:
        prepared(photos)
    assert refused.value.exit_code == 4 and fresh_cache.read_text() == "mine"


def test_data_larger_than_the_disk_are_refused_before_the_start(photos, fresh_cache):
    free = shutil.disk_usage(photos).free
    with pytest.raises(EnvironmentRefused, match="GB are free") as refused:
        system.need_disk(fresh_cache, free * 2, "The encoded data")
    assert refused.value.exit_code == 4 and refused.value.code == "disk-full"


FULL = """
import sys
sys.path[:0] = {path!r}
import numpy as np
from tenfold.data import cache
from tenfold.core.columns import Encoded
from tenfold.core.errors import EnvironmentRefused
def parts():
    while True:
        yield Encoded({{"x": np.zeros((100, 1000), np.uint8)}})
try:
    cache.store("x", parts())
except EnvironmentRefused as error:
    print(error.exit_code, error.code, error.message, sep="|")
print(*(p.name for p in (cache._columns()).iterdir()))
"""


def test_a_disk_that_fills_up_while_writing_is_said_and_left_clean(tmp_path):
    """In a small file system of its own, where the machine lets us mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = f"mount -t tmpfs -o size=1m none {place} && exec "
    started = ["unshare", "-rm", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*started, f"{mount} true"]).returncode:
        pytest.skip("no file system can be mounted here")
    code = FULL.format(path=sys.path)
    done = subprocess.run(
        [*started, f'{mount} "$0" -c "$1"', sys.executable, code],
        env=os.environ | {"TENFOLD_CACHE": str(place)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said, left = done.stdout.split("\n")[:2]
    assert said == "4|disk-full|The cache cannot be written: the disk is full" and left == ""


KNOWN = """
import sys
sys.path[:0] = {path!r}
from tenfold.tasks.registry import find
from tenfold.data.prepare import prepare
opened = []
sys.addaudithook(lambda event, told: event == "open" and opened.append(str(told[0])))
data = prepare(find("image-classification"), {source!r})
print(len(data.used), len([path for path in opened if path.endswith(".ppm")]), len(opened))
"""


def test_of_4000_known_files_none_is_opened(tmp_path):
    """What they took is read from a few files of the cache (benchmarks/known_files.py)."""
    for name in ("cat", "dog"):
        (tmp_path / "many" / name).mkdir(parents=True)
    plain = encoded(drawn(0, side=8), "PPM")
    for number in range(4000):
        content = plain[:-4] + number.to_bytes(4, "big")
        (tmp_path / "many" / ("cat", "dog")[number % 2] / f"{number}.ppm").write_bytes(content)
    code = KNOWN.format(path=sys.path, source=str(tmp_path / "many"))
    found = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.append([int(word) for word in done.stdout.split()])
    assert [rows for rows, *_ in found] == [4000, 4000]
    assert found[0][1] >= 4000, "each is opened when it is new"
    assert found[1][1] == 0 and found[1][2] < 400, found


def test_the_numpy_that_tells_of_a_full_disk_in_words_is_understood():
    words = OSError("1000 requested and 10 written")
    assert cache._refused(Path("x"), words).code == "disk-full"
    assert cache._refused(Path("x"), OSError(errno.EACCES, "no")).code == "cache-unwritable"
