"""Bytes are decoded as the whole file or corpus agrees; two plausible readings are asked back."""

import gzip
from pathlib import Path

import pytest

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.files.encoding import encodings
from tenfold.media.files.encoding.byte_samples import sample_of
from tenfold.media.files.encoding.known_encodings import checked_encoding
from tenfold.media.files.lines import decoded, found_encoding, lines
from tenfold.media.reading import Reading

RUSSIAN = "медленно грубо столик были суп,neg\nчисто быстро на меню мы,pos\nужин вечером,pos\n"
JAPANESE = (
    "まずい冷たいスープは席が夕食の,neg\n早いとても良い席が今日は夕食の,pos\n親切な店員,pos\n"
)
EXCEL = "id;comment;price;sentiment\r\n0;“quick soup” – café 0,50 €;0,50;positiv €\r\n"
POLISH = "Zażółć gęślą jaźń;źle\nCzy można zapłacić później?;dobrze\nProszę książkę;źle\n"
CZECH = "Příliš žluťoučký kůň;dobře\nDěkuji, ještě přijdu;dobře\nŠpatné jídlo, špína;špatně\n"
TURKISH = "Günaydın, çok iyi değil mi;iyi\nİstanbul'da kış yağmurlu;kötü\nağaç ve çiçek;iyi\n"
GREEK = (
    "Καλημέρα σας, πολύ καλό φαγητό;ναι\nΆσχημη εξυπηρέτηση;όχι\nΆργησε, Έφυγα, Όμορφο σπίτι;ναι\n"
)
KOREAN = "이 식당의 음식은 맛있었어요,좋음\n서비스가 느려서 실망했습니다,나쁨\n"
FRENCH = "très bon café,bon\ndéjà froid,mauvais\nune œuvre à 5 € où l’été,bon\n"
CHINESE = "这家店的面很好吃,好\n服务太慢了很失望,差\n"
TAIWAN = "這家店的麵很好吃,好\n服務太慢了很失望,差\n"
TEXTS = [
    *((RUSSIAN, name) for name in ("cp1251", "koi8-r", "iso8859-5", "cp866", "utf-16", "utf-8")),
    *((RUSSIAN, name) for name in ("utf-16-le", "utf-16-be", "utf-32", "utf-8-sig")),
    *((JAPANESE, name) for name in ("cp932", "euc-jp", "iso2022_jp", "utf-16-le")),
    (EXCEL, "cp1252"),
    *((text, name) for text in (POLISH, CZECH) for name in ("cp1250", "iso8859-2")),
    (TURKISH, "cp1254"),
    *((GREEK, name) for name in ("cp1253", "iso8859-7")),
    (KOREAN, "cp949"),
    *((FRENCH, name) for name in ("cp1252", "utf-8")),
    (FRENCH.replace("’", "'"), "iso8859-15"),
    *((CHINESE, name) for name in ("gb18030", "gbk", "utf-16-be")),
    (TAIWAN, "big5"),
    ("שלום, היום טוב מאוד,כן\nהאוכל לא טוב,לא\n", "cp1255"),
    ("الطعام جيد جدا اليوم,نعم\nالخدمة بطيئة وسيئة,لا\n", "cp1256"),
]


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def read(cell: str, **given: object) -> str:
    name = found_encoding(cell, Reading(**given)).name  # type: ignore[arg-type]
    return "".join(f"{line.text}\n" for line in lines(cell, name))


def test_texts_in_any_encoding_are_read_right(tmp_path: Path):
    for number, (text, name) in enumerate(TEXTS):
        cell = written(tmp_path / f"{number}.csv", text.encode(name))
        assert read(cell) == text.replace("\r\n", "\n"), name
        assert decoded(text.encode(name)) == text, name
        one = sample_of([text[:-1].encode(name)])
        assert encodings.decided(one).name == found_encoding(cell).name


def test_an_older_encoding_is_named_with_a_line_as_it_was_read(tmp_path: Path):
    found = found_encoding(written(tmp_path / "r.csv", RUSSIAN.encode("cp1251")))
    (note,) = found.notes
    assert "windows-1251" in note and "медленно грубо" in note and "--encoding" in note
    assert found_encoding(written(tmp_path / "u.csv", RUSSIAN.encode())).notes == ()


def test_the_whole_file_is_looked_at(tmp_path: Path):
    """The first non-ASCII line of these files lies beyond their first megabytes."""
    plain = b"good soup,pos\n" * 200_000
    data = plain + RUSSIAN.encode("cp1251") + plain
    for name, content in (("a.csv", data), ("a.csv.gz", gzip.compress(data, 1))):
        assert found_encoding(written(tmp_path / name, content)).name == "windows-1251"
    late = plain + "café\n".encode() * 50 + b"caf\xe9\n"
    cell = written(tmp_path / "b.csv", late)
    assert found_encoding(cell).name == "utf-8"
    assert [one.problem.code for one in lines(cell) if one.problem] == ["encoding"]


def test_two_plausible_readings_are_asked_back(tmp_path: Path):
    for text, name in (("лют\n", "iso8859-5"), ("כן\n", "cp1255"), ("侧边栏\n", "gb18030")):
        cell = written(tmp_path / "a.csv", text.encode(name))
        with pytest.raises(UsageError) as asked:
            found_encoding(cell)
        assert (asked.value.code, asked.value.exit_code) == ("two-readings", 2)
        values = asked.value.message.values
        assert values["first"] != values["second"] and values["one"] != values["two"]
        assert f"--encoding {values['first']}" in asked.value.fix
        assert read(cell, encoding=name) == text
    half = FRENCH.encode() * 20 + FRENCH.encode("cp1252") * 20
    with pytest.raises(UsageError, match="utf-8") as asked:
        found_encoding(written(tmp_path / "half.csv", half))
    assert asked.value.code == "two-readings"


def test_the_encoding_of_training_is_used_unless_another_is_clear(tmp_path: Path):
    stored = {"found": {"encoding": "iso-8859-5"}}
    cell = written(tmp_path / "short.csv", "лют\n".encode("iso8859-5"))
    assert read(cell, **stored) == "лют\n"
    for text, name in ((RUSSIAN, "utf-8"), (RUSSIAN, "koi8-r"), (JAPANESE, "cp932")):
        cell = written(tmp_path / f"{name}.csv", text.encode(name))
        assert read(cell, **stored) == text
        notes = found_encoding(cell, Reading(**stored)).notes  # type: ignore[arg-type]
        assert [note.values["stored"] for note in notes] == ["iso-8859-5"] * (name != "utf-8")


def test_a_corpus_of_small_files_is_decided_together():
    datas = [line.encode("koi8-r") for line in RUSSIAN.splitlines()] + ["да".encode("koi8-r")]
    found = encodings.corpus_encoding([*datas, b"soup", "да".encode("utf-16")], "notes")
    assert found.name == "koi8-r" and "notes" in found.notes[0]
    assert decoded(datas[-1], found.name) == "да"
    assert decoded("да".encode("utf-16"), found.name) == "да"
    assert decoded("да".encode(), found.name) == "да"


def test_unlikely_characters_are_counted(tmp_path: Path):
    twice = FRENCH.encode().decode("cp1252").encode()
    for wrong in (twice, "锟斤拷锟斤拷,好\n".encode(), "a\ufffdb\n".encode()):
        (note,) = found_encoding(written(tmp_path / "a.csv", wrong + "été\n".encode())).notes
        assert note.values["count"] == note.values["all"] - 1 > 0
        assert encodings.unlikely(note.values["example"])
    assert not any(encodings.unlikely(text) for text, _ in TEXTS)


def test_names_of_encodings_are_checked_and_binary_data_refused(tmp_path: Path):
    assert checked_encoding(" CP1251 ") == "cp1251"
    for wrong, near in (("window-1251", "windows-1251"), ("gb18300", "gb18030"), ("rot13", "")):
        with pytest.raises(UsageError) as refused:
            checked_encoding(wrong)
        assert refused.value.code == "bad-setting" and near in refused.value.fix
    noise = bytes((n * 7919 + n * n) % 255 + 1 for n in range(4000))
    with pytest.raises((DataRefused, UsageError)):
        found_encoding(written(tmp_path / "noise.csv", noise))
