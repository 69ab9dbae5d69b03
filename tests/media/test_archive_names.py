"""File names in archives that do not state their encoding: found from all names together."""

import gzip
import io
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from preparing import fresh_cache as fresh_cache

from tenfold.core import progress
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.archives.names import OF_TAR, OF_ZIP, decoded, plausibility
from tenfold.media.files.listing import open_tree


class Heard(progress.Silent):
    def __init__(self) -> None:
        self.sentences = list[Message]()

    def tell(self, sentence: str) -> None:
        assert isinstance(sentence, Message)
        self.sentences.append(sentence)


def zipped(path: Path, names: list[str], codec: str, field: str = "") -> Path:
    """A zip whose names are bytes of the codec, without the mark of UTF-8.

    `field` is the name in an extra field of UTF-8, as Info-ZIP writes it.
    """
    with zipfile.ZipFile(path, "w") as file:
        for row, name in enumerate(names):
            raw = name.encode(codec)
            entry = zipfile.ZipInfo(str(row).zfill(len(raw)))
            if field:
                body = b"\1" + zlib.crc32(raw).to_bytes(4, "little") + field.encode()
                entry.extra = b"\x75\x70" + len(body).to_bytes(2, "little") + body
            file.writestr(entry, f"content {row}")
    return _renamed(path, names, codec)


def _renamed(path: Path, names: list[str], codec: str) -> Path:
    """Replaces the names in both headers of each entry."""
    data = bytearray(path.read_bytes())
    for mark, at_length, at_name in ((b"PK\3\4", 26, 30), (b"PK\1\2", 28, 46)):
        start = 0
        for name in names:
            start = data.index(mark, start)
            raw = name.encode(codec)
            assert int.from_bytes(data[start + at_length :][:2], "little") == len(raw)
            data[start + at_name : start + at_name + len(raw)] = raw
            start += at_name
    path.write_bytes(data)
    return path


def read(path: Path) -> tuple[list[str], list[Message]]:
    """The names of the files, each of which can be fetched, and the sentences about them."""
    heard = Heard()
    with progress.listening(heard):
        tree = open_tree(path)
    assert all(references.fetch(entry.cell).startswith(b"content") for entry in tree.entries)
    return [entry.name for entry in tree.entries], heard.sentences


def folders(*names: str, each: int = 3, suffix: str = "png") -> list[str]:
    return [f"{name}/{row}.{suffix}" for name in names for row in range(each)]


CASES = {
    "shapes": (folders("圆形", "方块", "三角"), "gb18030", "GB18030"),
    "animals, one character each": (folders("猫", "狗"), "gbk", "GB18030"),
    "a wrapper": (folders("训练集/正常", "训练集/缺陷"), "gbk", "GB18030"),
    "parts of machines": (folders("螺丝", "轴承", "齿轮"), "gbk", "GB18030"),
    "traditional in GBK": (folders("貓", "鳥類"), "gbk", "GB18030"),
    "rare, four bytes": (folders("㐂号", "普通"), "gb18030", "GB18030"),
    "Japanese, kana": (folders("ねこ", "いぬ"), "cp932", "Shift-JIS"),
    "Japanese, kanji": (folders("猫", "犬", "表示"), "cp932", "Shift-JIS"),
    "Japanese, backslash bytes": (folders("ソース", "予定表"), "cp932", "Shift-JIS"),
    "Japanese sentence": (["りんごの写真 (1).png", "みかん.png"], "cp932", "Shift-JIS"),
    "Big5": (folders("貓", "狗", "兔子"), "big5", "Big5"),
    "Big5, longer": (folders("蘋果", "香蕉", "葡萄", "臺灣水果"), "big5", "Big5"),
    "Korean": (folders("고양이", "강아지"), "cp949", "EUC-KR"),
    "Korean, shapes": (folders("삼각형", "사각형", "원"), "cp949", "EUC-KR"),
    "Korean files": (["사진 1.png", "사진 2.png", "새 폴더/나무.png"], "cp949", "EUC-KR"),
    "Russian": (folders("кошка", "собака"), "cp866", "cp866"),
    "German": (folders("Größe", "Äpfel", "Hüte"), "cp437", "cp850"),
    "French": (folders("été", "forêt"), "cp437", "cp850"),
    "Portuguese": (folders("maçã", "limão"), "cp850", "cp850"),
    "UTF-8 without its mark": (folders("圆形", "naïve", "кошка"), "utf-8", "UTF-8"),
    "UTF-8 with emoji": (folders("🐱", "🐶"), "utf-8", "UTF-8"),
}


@pytest.mark.parametrize("case", CASES)
def test_names_of_a_zip_are_read_in_the_encoding_they_were_written_in(case, tmp_path):
    names, codec, encoding = CASES[case]
    found, said = read(zipped(tmp_path / "data.zip", names, codec))
    assert found == sorted(names)
    (sentence,) = said
    assert sentence.values["encoding"] == encoding
    assert sentence.values["example"] in names


def test_names_that_state_their_encoding_are_believed(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for name in folders("圆形", "ねこ", "Größe"):
            file.writestr(name, "content")
    found, said = read(tmp_path / "a.zip")
    assert len(found) == 9 and said == [] and "ねこ/0.png" in found
    names, said = read(zipped(tmp_path / "b.zip", ["猫.png"], "gbk", field="別の名.png"))
    assert names == ["別の名.png"] and said == []


def test_one_encoding_is_taken_for_all_names(tmp_path):
    """Alone, the bytes of some names are as good in another language."""
    names = folders("绊剧捞", "碍酒瘤", "的猫和狗在这里训练")  # the first two are Korean animals
    found, _ = read(zipped(tmp_path / "a.zip", names, "gbk"))
    assert found == sorted(names)


def test_equally_plausible_readings_are_both_named():
    candidates = {codec: OF_ZIP[codec] for codec in ("big5hkscs", "gb18030")}
    codes = [bytes([row, cell]) for row in range(0xB0, 0xC5) for cell in range(0xA1, 0xFF)]
    raw = next(
        code
        for code in codes
        if 0.4 < plausibility([code], "gb18030") == plausibility([code], "big5hkscs") < 0.6
    )
    for order in (list(candidates), list(candidates)[::-1]):
        given = {codec: candidates[codec] for codec in order}
        tie = decoded([raw], given, "cp437")
        assert [tie.encoding, tie.rival] == [candidates[codec] for codec in order]
        values = tie.message("a.zip").values
        assert values["rival"] == tie.rival and values["rival_example"] != tie.example


def test_bytes_that_are_utf8_by_chance():
    for name in ("微笑", "泄漏"):
        assert decoded([name.encode("gbk")], OF_ZIP, "cp437").names == [name]
    for name in ("naïve café", "кошка", "γάτα", "© 2020 été", "שלום", "e\u0301te\u0301"):
        assert decoded([name.encode()], OF_ZIP, "cp437").names == [name]


def test_frequent_characters_decide_where_both_readings_are_possible():
    for name in ("고양이", "강아지"):
        assert decoded([name.encode("cp949")], OF_ZIP, "cp437").names == [name]


def test_bytes_that_fit_nothing_stay_what_the_format_says(tmp_path):
    raw = bytes([0x81, 0x98, 0xFF])
    assert decoded([raw], OF_ZIP, "cp437").names == [raw.decode("cp437")]
    assert decoded([raw], OF_TAR, "utf-8").names == [raw.decode("utf-8", "surrogateescape")]


def tarred(names: list[bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(
        fileobj=file, mode="w", format=tarfile.USTAR_FORMAT, encoding="utf-8"
    ) as archive:
        for name in names:
            entry = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
            entry.size = 7
            archive.addfile(entry, io.BytesIO(b"content"))
    return file.getvalue()


OF_TARS = {
    "Chinese": (folders("圆形", "方块", "三角"), "gbk", "GB18030"),
    "Japanese": (folders("ねこ", "表示"), "cp932", "Shift-JIS"),
    "Korean": (folders("고양이", "강아지"), "cp949", "EUC-KR"),
    "Latin": (folders("Größe", "Äpfel"), "latin-1", "cp1252"),
}


@pytest.mark.parametrize("case", OF_TARS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_names_of_a_tar_that_are_not_utf8(case, pack, tmp_path):
    names, codec, encoding = OF_TARS[case]
    (tmp_path / "a.tar").write_bytes(pack(tarred([name.encode(codec) for name in names])))
    found, (sentence,) = read(tmp_path / "a.tar")
    assert found == sorted(names) and sentence.values["encoding"] == encoding


def test_names_of_a_tar_in_utf8_need_no_sentence(tmp_path):
    names = folders("圆形", "ねこ")
    (tmp_path / "a.tar").write_bytes(tarred([name.encode() for name in names]))
    assert read(tmp_path / "a.tar") == (sorted(names), [])
