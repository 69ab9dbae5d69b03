"""Zips, hostile, damaged and good: refused whole or learnt from, and never unpacked."""

import os
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commands import tenfold
from pictures_made import TASK, drawn, folder, png, zipped
from preparing import prepared, reasons

from tenfold.core.errors import DataRefused


def archived(path: Path, members: dict[str, bytes | tuple[int, bytes]]) -> Path:
    """A zip of good pictures and of these members; a tuple gives the kind of file as well."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for label, name in enumerate(("cat", "dog")):
            for number in range(6):
                file.writestr(f"{name}/{number}.png", png(number, label))
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if isinstance(content, tuple):
                entry.external_attr = content[0] << 16
                content = content[1]
            file.writestr(entry, content, compresslevel=1)
    return path


HOSTILE = {
    "up": {"../evil.png": b"x"},
    "up inside": {"cat/../../evil.png": b"x"},
    "up for Windows": {"cat\\..\\..\\evil.png": b"x"},
    "absolute": {"/etc/evil.png": b"x"},
    "drive": {"C:/evil.png": b"x"},
    "link": {"cat/link.png": (stat.S_IFLNK | 0o777, b"/etc/passwd")},
    "pipe": {"cat/pipe.png": (stat.S_IFIFO | 0o644, b"")},
    "device": {"cat/null.png": (stat.S_IFCHR | 0o644, b"")},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_whole(tmp_path, name):
    archive = archived(tmp_path / "a.zip", HOSTILE[name])
    with pytest.raises(DataRefused) as refused:
        prepared(archive)
    (member,) = HOSTILE[name]
    assert refused.value.code == "unsafe-archive" and repr(member) in refused.value.message
    assert os.listdir(tmp_path) == ["a.zip"]


def test_an_encrypted_archive_is_refused(tmp_path):
    data = bytearray(archived(tmp_path / "a.zip", {}).read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark)
        data[place + at] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataRefused, match="encrypted"):
        prepared(tmp_path / "a.zip")


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_cut_archive_is_refused(tmp_path, share):
    data = archived(tmp_path / "a.zip", {}).read_bytes()
    (tmp_path / "a.zip").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataRefused) as refused:
        prepared(tmp_path / "a.zip")
    assert refused.value.code == "damaged-archive"


def test_a_damaged_member_is_quarantined(tmp_path):
    data = bytearray(archived(tmp_path / "a.zip", {}).read_bytes())
    at = data.index(b"cat/3.png") + 60
    data[at : at + 20] = b"\xff" * 20
    (tmp_path / "a.zip").write_bytes(data)
    found = prepared(tmp_path / "a.zip")
    assert list(reasons(found)) == ["cat/3.png"] and len(found.used) == 11


def test_a_bomb_is_stopped_by_counting_its_bytes(tmp_path):
    archive = archived(tmp_path / "a.zip", {"cat/bomb.png": png(1) + bytes(300 << 20)})
    assert archive.stat().st_size < 2 << 20
    tracemalloc.start()
    found = reasons(prepared(archive))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == {"cat/bomb.png": "too-large"} and peak < 64 << 20


def test_a_bomb_that_lies_about_its_size(tmp_path):
    """The header says 100 bytes, the stream holds 64 MB: what it says is never believed."""
    data = bytearray(
        archived(tmp_path / "a.zip", {"cat/bomb.png": png(1) + bytes(64 << 20)}).read_bytes()
    )
    name = b"cat/bomb.png"
    local, central = data.index(name) - 30, data.rindex(name) - 46
    data[local + 22 : local + 26] = data[central + 24 : central + 28] = struct.pack("<I", 100)
    (tmp_path / "a.zip").write_bytes(data)
    tracemalloc.start()
    found = reasons(prepared(tmp_path / "a.zip"))
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()
    assert list(found) == ["cat/bomb.png"]


def test_an_archive_in_an_archive_and_a_wrong_suffix(tmp_path):
    inner = archived(tmp_path / "inner.zip", {}).read_bytes()
    archive = archived(tmp_path / "photos.jpg", {"cat/more.zip": inner})
    data = prepared(archive)
    assert len(data.used) == 12 and "cat/more.zip" in data.ignored


def test_one_name_twice_in_an_archive(tmp_path):
    archive = archived(tmp_path / "a.zip", {})
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(archive, "a") as file:
        file.writestr("cat/0.png", png(99))
    data = prepared(archive)
    assert len(data.used) == 12 and not data.quarantined
    row = data.used.index[data.used["source"] == "cat/0.png"][0]
    assert (data.columns["image"][row] == np.asarray(drawn(99))).all()


def test_a_zip_is_learnt_from_without_being_unpacked(tmp_path):
    zipped(folder(tmp_path / "photos", 8), tmp_path / "photos.zip")
    content = (tmp_path / "photos.zip").read_bytes()
    words = ["--size", "tiny", "--epochs", "1", "--batch", "8", "--device", "cpu"]
    done = tenfold("train", TASK, "photos.zip", *words, cwd=tmp_path)
    assert done.code == 0, done.err
    assert (tmp_path / "photos.zip").read_bytes() == content
    assert sorted(os.listdir(tmp_path)) == ["photos", "photos.zip", "runs"]
