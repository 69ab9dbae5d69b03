"""Tar archives, plain and packed: read as zips are, refused as zips are, unpacked only once."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pictures_made import TASK, folder, png
from preparing import fresh_cache as fresh_cache
from preparing import prepared, reasons

from tenfold.core import progress
from tenfold.core.errors import DataRefused, TenfoldError
from tenfold.media.files import references
from tenfold.media.files.archives import kinds, tars
from tenfold.media.files.listing import is_archive, open_tree
from tenfold.media.image.medium import IMAGE
from tenfold.tasks.registry import find
from tenfold.workflows.choice import fits

PACKED = {
    ".tar": lambda data: data,
    ".tar.gz": gzip.compress,
    ".tgz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
}


def tar(members: dict[str, bytes | tarfile.TarInfo], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """The bytes of a tar; a TarInfo is a member without content, such as a link."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind) as archive:
        for name, content in members.items():
            entry = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = b"" if isinstance(content, tarfile.TarInfo) else content
            entry.size = entry.size or len(data)
            archive.addfile(entry, io.BytesIO(data) if data else None)
    return file.getvalue()


def pictures(start: str = "") -> dict[str, bytes | tarfile.TarInfo]:
    names = [(label, name, row) for label, name in enumerate(("cat", "dog")) for row in range(6)]
    return {f"{start}{name}/{row}.png": png(row, label) for label, name, row in names}


@pytest.mark.parametrize("suffix", PACKED)
def test_every_kind_is_read_like_the_folder(suffix, tmp_path):
    path = tmp_path / f"data{suffix}"
    path.write_bytes(PACKED[suffix](tar(pictures())))
    found, plain = prepared(path), prepared(folder(tmp_path / "plain"))
    assert not found.quarantined and not found.ignored and len(found.used) == 12
    assert sorted(found.used["digest"]) == sorted(plain.used["digest"])
    cell = found.used["image"].iloc[0]
    assert cell.startswith(f"{path}#path=") and references.fetch(cell).startswith(b"\x89PNG")
    assert sorted(os.listdir(tmp_path)) == ["cache", f"data{suffix}", "plain"]


@pytest.mark.parametrize("suffix", ["", ".jpg", ".zip", ".dat"])
def test_the_content_decides_and_not_the_name(suffix, tmp_path):
    path = tmp_path / f"photos{suffix}"
    path.write_bytes(gzip.compress(tar(pictures("./a folder/"))))
    assert is_archive(path) and len(open_tree(path).entries) == 12
    assert open_tree(path).entries[0].name == "a folder/cat/0.png"


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_of_every_format(kind, tmp_path):
    long = "f" * 90 + "/" + "g" * 80 + ".png"
    names = [long, "日本/猫.png", "a b#c%d&e.png"]
    (tmp_path / "a.tar").write_bytes(tar({name: name.encode() for name in names}, kind))
    tree = open_tree(tmp_path / "a.tar")
    assert sorted(entry.name for entry in tree.entries) == sorted(names)
    for entry in tree.entries:
        assert references.fetch(entry.cell) == entry.name.encode()


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


HOSTILE = {
    "up": {"../evil.png": b"x"},
    "up inside": {"cat/../../evil.png": b"x"},
    "up for Windows": {"cat\\..\\..\\evil.png": b"x"},
    "absolute": {"/etc/evil.png": b"x"},
    "drive": {"C:/evil.png": b"x"},
    "link": {"cat/a.png": member("cat/a.png", tarfile.SYMTYPE, "/etc/passwd")},
    "hard link": {"cat/a.png": member("cat/a.png", tarfile.LNKTYPE, "cat/0.png")},
    "pipe": {"cat/a.png": member("cat/a.png", tarfile.FIFOTYPE)},
    "device": {"cat/a.png": member("cat/a.png", tarfile.CHRTYPE)},
    "block device": {"cat/a.png": member("cat/a.png", tarfile.BLKTYPE)},
    "sparse": {"cat/a.png": member("cat/a.png", tarfile.GNUTYPE_SPARSE)},
}


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_whole(name, suffix, tmp_path):
    (bad,) = HOSTILE[name]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(PACKED[suffix](tar({**pictures(), **HOSTILE[name]})))
    with pytest.raises(DataRefused) as refused:
        open_tree(path)
    assert refused.value.code == "unsafe-archive" and repr(bad) in refused.value.message


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.97])
def test_a_cut_archive_is_refused(share, suffix, tmp_path):
    data = PACKED[suffix](tar(pictures()))
    (tmp_path / f"a{suffix}").write_bytes(data[: int(len(data) * share)])
    if suffix == ".tar" and share == 0.02:  # less than a header: nothing shows that it is a tar
        assert not is_archive(tmp_path / "a.tar")
        return
    if suffix == ".tar" and share > 0.5:  # cut within the padding after the mark of the end
        end = data.rindex(b"IEND")
        (tmp_path / "a.tar").write_bytes(data[: end - 1000 if share == 0.9 else end + 8])
    with pytest.raises(DataRefused) as refused:
        open_tree(tmp_path / f"a{suffix}")
    assert refused.value.code == "damaged-archive"


def test_an_archive_cut_between_two_members_is_refused(tmp_path):
    """All that is there is whole, and nothing but the missing end shows that files are lost."""
    data = tar(pictures())
    at = data.index(b"dog/0.png")
    (tmp_path / "a.tar").write_bytes(data[:at])
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress(data[:at]))
    for name in ("a.tar", "b.tar.gz"):
        with pytest.raises(DataRefused) as refused:
            open_tree(tmp_path / name)
        assert refused.value.code == "damaged-archive"


def test_two_archives_in_a_row_are_both_read(tmp_path):
    (tmp_path / "a.tar").write_bytes(tar({"a/1.png": b"1"}) + tar({"b/2.png": b"2"}))
    assert [entry.name for entry in open_tree(tmp_path / "a.tar").entries] == ["a/1.png", "b/2.png"]


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.xz", ".tar.bz2"])
def test_a_bomb_is_stopped_by_counting_its_bytes(suffix, tmp_path, monkeypatch):
    data = tar({**pictures(), "cat/bomb.png": bytes(8 << 20)})
    (tmp_path / f"a{suffix}").write_bytes(PACKED[suffix](data))
    monkeypatch.setattr(tars, "LARGEST_FILE", 1 << 20)
    found = prepared(tmp_path / f"a{suffix}")
    assert reasons(found) == {"cat/bomb.png": "too-large"} and len(found.used) == 12
    monkeypatch.setattr(tars, "LARGEST_UNPACKED", 4 << 20)
    references._archive.cache_clear()
    with pytest.raises(DataRefused) as refused:
        prepared(tmp_path / f"a{suffix}")
    assert refused.value.code == "too-large"


def altered(data: bytes, name: bytes, size: bytes) -> bytes:
    """The tar with another size in the header of a member, and the checksum that fits."""
    at = data.index(name)
    block = bytearray(data[at : at + 512])
    block[124:136], block[148:156] = size, b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return data[:at] + bytes(block) + data[at + 512 :]


@pytest.mark.parametrize(
    "size", [b"77777777777\0", b"\x80" + b"\0" * 3 + b"\xff" * 8, b"\xff" * 12]
)
@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_a_size_that_is_a_lie_is_not_believed(size, suffix, tmp_path):
    data = altered(tar(pictures()), b"dog/5.png", size)
    (tmp_path / f"a{suffix}").write_bytes(PACKED[suffix](data))
    with pytest.raises(DataRefused) as refused:
        open_tree(tmp_path / f"a{suffix}")
    assert refused.value.code == "damaged-archive"


def test_a_name_of_a_gigabyte_is_not_read(tmp_path):
    entry = member("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    entry.size = 1 << 30
    (tmp_path / "a.tar").write_bytes(entry.tobuf(tarfile.GNU_FORMAT) + tar(pictures()))
    with pytest.raises(DataRefused) as refused:
        open_tree(tmp_path / "a.tar")
    assert refused.value.code == "damaged-archive"


@pytest.mark.parametrize(
    "body", [b"9999 path=a\n", b"x path=a\n", b"0 a=b\n", b"path\n", b"2 \n", b"5 a=b"]
)
def test_invalid_records_of_pax_are_damage(body, tmp_path):
    records = member("pax", tarfile.XHDTYPE)
    records.size = len(body)
    data = records.tobuf(tarfile.USTAR_FORMAT) + body.ljust(512, b"\0") + tar({"a": b"1"})

    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(DataRefused) as refused:
        open_tree(tmp_path / "a.tar")
    assert refused.value.code == "damaged-archive"


def test_an_archive_is_unpacked_once_whatever_the_order(tmp_path, monkeypatch):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(tar({f"{row}.bin": bytes([row]) * 999 for row in range(200)})))
    opened = []
    unpacking = tars.unpacking
    monkeypatch.setattr(tars, "unpacking", lambda file: opened.append(1) or unpacking(file))
    cells = [entry.cell for entry in open_tree(path).entries]
    order = np.random.default_rng(0).permutation(cells)
    got = dict[str, bytes]()

    def work(part: list[str]) -> None:
        got.update({cell: references.fetch(cell) for cell in part})

    threads = [threading.Thread(target=work, args=(order[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1 and len(got) == 200
    for cell, content in got.items():
        row = int(cell.rpartition("=")[2].removesuffix(".bin"))
        assert content == bytes([row]) * 999


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_reads_its_own_members(tmp_path):
    for name, pack in (("a.tar", bytes), ("a.tar.gz", gzip.compress)):
        path = tmp_path / name
        path.write_bytes(pack(tar({f"{row}.bin": bytes([row]) * 99 for row in range(50)})))
        archive = references.archive(path)
        child = os.fork()
        for _ in range(20):
            right = all(archive.read(f"{row}.bin") == bytes([row]) * 99 for row in range(50))
        if child == 0:
            os._exit(0 if right else 1)
        assert right and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_archive_for_prediction_and_one_that_is_damaged(tmp_path):
    (tmp_path / "a.tgz").write_bytes(gzip.compress(tar(pictures())))
    (tmp_path / "b.tgz").write_bytes(gzip.compress(tar(pictures()))[:-100])
    rows = list(IMAGE.named(str(tmp_path / "a.tgz")))
    assert len(rows) == 12 and rows[0][1] == f"{tmp_path}/a.tgz/cat/0.png"
    ((problem, _),) = IMAGE.named(str(tmp_path / "b.tgz"))
    assert problem.code == "damaged-archive"


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar"])
def test_texts_and_interactions_in_a_tar(suffix, tmp_path):
    texts = {f"{name}/{row}.txt": f"{name} {row}".encode() for name in "ab" for row in range(5)}
    (tmp_path / f"t{suffix}").write_bytes(PACKED[suffix](tar(texts)))
    rows = find("text-classification").read(tmp_path / f"t{suffix}")
    assert len(rows.table) == 10 and set(rows.table["label"]) == {"a", "b"}
    lines = "user,item\n" + "".join(f"u{row % 4},i{row}\n" for row in range(20))
    (tmp_path / f"r{suffix}").write_bytes(PACKED[suffix](tar({"ratings.csv": lines.encode()})))
    assert find("recommendation").read(tmp_path / f"r{suffix}")


# --- archives that are not opened -----------------------------------------------------------------


class Heard(progress.Silent):
    def __init__(self) -> None:
        self.sentences = list[str]()

    def tell(self, sentence: str) -> None:
        self.sentences.append(sentence)


INNER = ("a.zip", "b.tar.gz", "c.tgz", "d.7z", "e.RAR", "f.tar.xz", "g.tar.zst")


def test_archives_in_a_folder_are_named_beside_other_files(tmp_path):
    data = folder(tmp_path / "data")
    for name in INNER:
        (data / "cat" / name).write_bytes(b"x")
    heard = Heard()
    with progress.listening(heard):
        found = prepared(data)
    assert set(found.ignored) == {f"cat/{name}" for name in INNER} and len(found.used) == 12
    assert sum("cat/a.zip" in sentence and "7" in sentence for sentence in heard.sentences) == 1


@pytest.mark.parametrize("task", [TASK, "text-classification", "token-classification"])
@pytest.mark.parametrize("name", ["reviews.tar.gz", "sub/photos.zip", "x.7z"])
def test_a_folder_of_archives_alone_is_refused_as_that(task, name, tmp_path):
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(tar(pictures())))
    with pytest.raises(TenfoldError) as refused:
        find(task).read(tmp_path / "data")
    assert refused.value.code == "archive-inside" and name in refused.value.message


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


WORKBOOK = {"docProps/app.xml": b"x", "xl/workbook.xml": b"x", "[Content_Types].xml": b"x"}
DOCUMENTS = {
    "book.xlsx": WORKBOOK,
    "book.zip": WORKBOOK,  # under another name
    "letter.docx": {"[Content_Types].xml": b"x", "word/document.xml": b"x"},
    "text.odt": {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"x"},
    "sheet": {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"},
    "novel.epub": {"mimetype": b"application/epub+zip", "OEBPS/cover.jpg": png(1)},
    "code.jar": {"META-INF/MANIFEST.MF": b"x", "a/b.png": png(1)},
    "arrays.npz": {"images.npy": b"x", "labels.npy": b"x"},
    "weights.bin": {"model/data.pkl": b"x", "model/data/0": b"x"},
    "cut.docx": None,
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_a_zip_inside_is_no_archive(name, tmp_path):
    members = DOCUMENTS[name]
    path = tmp_path / name
    if members is None:
        path.write_bytes(b"PK\3\4" + bytes(30))
    else:
        zipped(path, members)
    assert kinds.kind_of(path) == "" and not is_archive(path)


@pytest.mark.parametrize("members", [{"xl/1.png": png(1)}, {"mimetype/1.png": png(1)}, {}])
def test_a_zip_of_pictures_with_names_of_documents_is_an_archive(members, tmp_path):
    assert is_archive(zipped(tmp_path / "sizes.zip", members))


def test_packed_files_that_are_no_tar_are_no_archives(tmp_path):
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(b"text,label\n" * 200))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(5000)))
    (tmp_path / "empty").write_bytes(b"")
    for path in tmp_path.iterdir():
        assert path.is_dir() or not is_archive(path)
    (tmp_path / "data.tar.gz").write_bytes(gzip.compress(b"<html>" * 999))
    with pytest.raises(DataRefused) as refused:
        open_tree(tmp_path / "data.tar.gz")
    assert refused.value.code == "damaged-archive"


@pytest.mark.parametrize("suffix", PACKED)
def test_the_task_is_found_from_an_archive(suffix, tmp_path):
    (tmp_path / f"data{suffix}").write_bytes(PACKED[suffix](tar(pictures())))
    assert [fit.task for fit in fits(tmp_path / f"data{suffix}")] == [TASK]
