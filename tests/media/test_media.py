"""Every medium obeys its base class, is found by its folder, and fills tables of any inputs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import served
from pictures_made import drawn, encoded
from preparing import fresh_cache as fresh_cache

import tenfold
from tenfold.answers.label import LABEL
from tenfold.core.columns import Columns
from tenfold.core.errors import ArtefactRefused, DataRefused, UsageError
from tenfold.core.language import speaking
from tenfold.data.inputs import drawn_input, tables
from tenfold.data.prepare import Prepared
from tenfold.data.scan import scan
from tenfold.media import registry
from tenfold.media.files import references
from tenfold.media.image.medium import IMAGE
from tenfold.media.input import Input
from tenfold.media.medium import Medium
from tenfold.media.request import InputRefused
from tenfold.media.text.medium import TEXT
from tenfold.reporting import document_rows, write_check
from tenfold.reporting.templates import page
from tenfold.serving.settings import Settings

MEDIA = registry.known()


@pytest.fixture(params=sorted(MEDIA))
def medium(request):
    return MEDIA[request.param]


# --- every medium ---


def test_every_folder_holds_a_medium():
    assert set(MEDIA) == set("image audio video text tokens number category date row items".split())


def test_a_medium_is_final_and_adds_nothing_public():
    facts = {"name": "x", "singular": "x", "plural": "xs", "schema": {}, "files": True}
    with pytest.raises(TypeError, match="final"):
        type("Photo", (type(IMAGE),), facts)
    with pytest.raises(TypeError, match="lacks"):
        type("Photo", (Medium,), {"name": "x"})
    with pytest.raises(TypeError, match=r"lacks \['read', 'take'\]"):
        type("Photo", (Medium,), facts | {"files": False})
    with pytest.raises(TypeError, match="adds public names"):
        type("Photo", (Medium,), {**facts, "show": lambda self: None})


def test_a_sample_is_a_cell(medium):
    declared = Input(medium.name, ("a", "b"))
    cell = medium.sample(declared)
    if medium.files:
        assert isinstance(cell, bytes) and medium.read(cell) == cell
    elif type(medium).composed is not Medium.composed:
        assert medium.content(cell) is not None, "a row arrives as its fields"
    else:
        assert medium.take(cell) == cell
    assert pd.Series([cell], dtype=medium.dtype).notna().all()


def test_what_is_no_cell_is_refused_with_a_code(medium):
    for wrong in ({}, True, [3], "\ud800"):
        with pytest.raises(InputRefused) as refused:
            medium.take(wrong)
        assert refused.value.code in ("bad-input", "bad-base64")


def test_limits_are_settings_of_the_server(medium):
    assert getattr(Settings(), medium.limit) > 0


def test_content_is_bytes_or_none(medium):
    content = medium.content(medium.sample(Input(medium.name)))
    assert content is None or isinstance(content, bytes)
    assert content is not None or not medium.files
    assert list(medium.near_pairs(pd.Series([], dtype=object))) == []


def test_pages_find_words_for_every_medium(medium):
    for lang in ("en", "zh"):
        with speaking(lang):
            made = page("gallery.html.jinja", title="x", cards=[], medium=medium)
            said = [medium.to_look_at(), medium.nothing_to_look_at(), medium.about_changes()]
            said += [medium.about_errors(), medium.about_examples("3 x 4")]
            said += [medium.split_and_read("70/15/15"), medium.same_as_random("x", "0.1")]
        assert all(said)
        both = made + " ".join(said)
        assert lang != "en" or ("picture" in both) == (medium is IMAGE)


def test_a_medium_shows_only_its_own_columns():
    columns = {"image": np.zeros((2, 4, 4, 3), np.uint8), "frames": np.zeros((2, 4, 4), np.uint8)}
    assert registry.shown({"image": IMAGE}, columns) == {"image": IMAGE}
    assert registry.shown({"photo": IMAGE}, columns) == {"image": IMAGE}
    assert registry.shown({"image": MEDIA["video"]}, columns) == {}
    assert registry.shown({"text": TEXT}, columns) == {}


def test_an_unknown_medium_is_refused():
    with pytest.raises(ArtefactRefused, match="'smell'") as refused:
        registry.medium_of(Input("smell"))
    assert refused.value.code == "run-unbuildable"


def test_only_what_can_be_drawn_is_drawn():
    both = {"text": Input("text"), "photo": Input("image")}
    assert drawn_input(both) == ("photo", IMAGE)
    with pytest.raises(UsageError, match="this run takes text") as refused:
        drawn_input({"text": Input("text")})
    assert (refused.value.code, refused.value.where) == ("bad-setting", "draw")


# --- digests ---


def photos(folder: Path, count: int) -> list[str]:
    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(encoded(drawn(number), "PNG"))
    return [references.file_cell(path) for path in paths]


def rows(**columns: list) -> pd.DataFrame:
    found = pd.DataFrame(columns)
    found["source"] = [f"row {row}" for row in range(len(found))]
    found["problem"] = pd.Series([None] * len(found), dtype=object)
    return found


def test_several_files_of_a_row_are_digested_together(tmp_path):
    one, two, three = photos(tmp_path, 3)
    table = rows(left=[one, two, one, one], right=[two, two, three, two])
    media = {"left": IMAGE, "right": IMAGE}
    found = scan(table, media)
    first, second, third, copy = found["digest"]
    assert first == copy and len({first, second, third}) == 3
    assert first != scan(table, {"right": IMAGE})["digest"][0]
    assert {"width", "height", "right width", "right height"} <= set(found)
    swapped = scan(rows(left=[two], right=[one]), media)["digest"][0]
    assert swapped != first


def test_a_row_with_one_damaged_file_of_several_has_its_problem(tmp_path):
    (good,) = photos(tmp_path, 1)
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    bad = references.file_cell(tmp_path / "bad.png")
    found = scan(rows(left=[good, bad], right=[bad, good]), {"left": IMAGE, "right": IMAGE})
    assert list(found["digest"]) == ["", ""] and found["problem"].notna().all()


def test_one_file_and_one_text_are_digested_as_ever(tmp_path):
    (one,) = photos(tmp_path, 1)
    media = {"image": IMAGE, "text": TEXT}
    alone = scan(rows(image=[one]), {"image": IMAGE})["digest"][0]
    assert scan(rows(image=[one], text=["x"]), media)["digest"][0] == alone
    text = scan(rows(text=["x"]), {"text": TEXT})["digest"][0]
    assert scan(rows(text=["x"], label=["a"]), {"text": TEXT})["digest"][0] == text
    both = {"question": TEXT, "passage": TEXT}
    pairs = scan(rows(question=["a", "a", "ab"], passage=["b", "c", ""]), both)["digest"]
    assert pairs.is_unique
    items = {"items": MEDIA["items"]}
    listed = [scan(rows(items=[("a",)], next=[one]), items)["digest"][0] for one in "xy"]
    assert listed[0] != listed[1]


# --- several inputs at prediction ---

SEVERAL = {"text": Input("text"), "age": Input("number"), "town": Input("category")}


def together(inputs, source) -> pd.DataFrame:
    return pd.concat(list(tables(inputs, source)), ignore_index=True)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_a_table_file_fills_several_inputs(tmp_path, suffix):
    path = tmp_path / f"new.{suffix}"
    frame = pd.DataFrame(
        {"town": ["Ulm", "", "Köln"], "text": list("abc"), "age": ["3", "", "4.5"]}
    )
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="," if suffix == "csv" else "\t")
    for source in (str(path), path, [path]):
        found = together(SEVERAL, source)
        assert list(found["text"]) == ["a", "b", "c"]
        assert found["age"].dtype == float and list(found["age"].fillna(-1)) == [3.0, -1.0, 4.5]
        assert list(found["town"]) == ["Ulm", None, "Köln"]
        assert found["source"][0].startswith(path.name)
    assert len(together(SEVERAL, [path, path])) == 6


def test_files_named_in_a_table_lie_beside_it(tmp_path):
    photos(tmp_path, 2)
    path = tmp_path / "new.csv"
    path.write_text("photo,basket\n0.png,a|b\nnone.png,c\n../out.png,\n", "utf-8")
    found = together({"photo": Input("image"), "basket": Input("items")}, str(path))
    assert references.file_of(found["photo"][0]) == (tmp_path / "0.png").resolve()
    assert [found["photo"][row].code for row in (1, 2)] == ["missing-file", "path-out"]
    assert list(found["basket"]) == [("a", "b"), ("c",), ()]


def test_a_frame_fills_several_inputs():
    frame = pd.DataFrame({"town": ["Ulm"], "text": ["a"], "age": [3], "more": [0]})
    found = together(SEVERAL, frame)
    assert list(found) == ["text", "age", "town", "source"] and found["source"][0] == "row 0"


def test_several_inputs_need_a_table_with_their_columns(tmp_path):
    for source in ("a text", ["a text"], np.zeros(3), str(tmp_path / "new.png")):
        with pytest.raises(UsageError) as refused:
            list(tables(SEVERAL, source))
        assert refused.value.code == "needs-table" and "text, age, town" in refused.value.fix
    path = tmp_path / "new.csv"
    path.write_text("text,age\na,3\n", "utf-8")
    with pytest.raises(UsageError, match="'town'") as refused:
        list(tables(SEVERAL, path))
    assert "text, age, town" in refused.value.fix
    path.write_text("text,age,town\na,old,Ulm\n", "utf-8")
    with pytest.raises(DataRefused, match="'old' is not a number") as refused:
        list(tables(SEVERAL, path))
    assert refused.value.where == "new.csv:2 age"


def test_single_values_and_lists_of_words_are_handed_over():
    assert list(together({"age": Input("number")}, ["3.5", "4"])["age"]) == [3.5, 4.0]
    assert together({"age": Input("number")}, "old")["age"][0].code == "bad-number"
    assert list(together({"town": Input("category")}, ["Ulm"])["town"]) == ["Ulm"]
    words = together({"words": Input("tokens")}, ["two words", ["a", "b c"]])["words"]
    assert list(words) == [["two", "words"], ["a", "b c"]]


# --- media of others ---

TASTE = '''"""A medium of a test."""

from tenfold.media.medium import Medium


class TasteMedium(Medium):
    """Tastes by name."""

    name, singular, plural = "taste", "taste", "tastes"
    schema = {"type": "string"}
    written = True

    def content(self, cell):
        return str(cell).encode()

    def text(self, cell):
        return f"the taste of {cell}"

    def named(self, name, reading=None):
        yield name.upper(), name

    def take(self, value):
        return value

    def read(self, part):
        return part.decode()

    def sample(self, declared):
        return "sweet"


TASTE = TasteMedium()
'''

ASKED = """
import json, sys
import pandas as pd
from tenfold.data.inputs import tables
from tenfold.data.prepare import Prepared
from tenfold.data.scan import scan
from tenfold.media.input import Input
from tenfold.media.registry import known, media_of
assert "torch" not in sys.modules
(table,) = tables({"taste": Input("taste")}, ["sour", "salt"])
media = media_of({"taste": Input("taste")})
looked = scan(table.assign(problem=None, taste=["x", "x"]), media)
print(json.dumps([sorted(known()), list(table["taste"]), looked["digest"].nunique()]))
"""


def of_strangers(folder: Path, **files: str) -> subprocess.CompletedProcess:
    for name, text in files.items():
        (folder / "media" / name).mkdir(parents=True)
        (folder / "media" / name / "medium.py").write_text(text, "utf-8")
    return subprocess.run(
        [sys.executable, "-c", ASKED],
        capture_output=True,
        text=True,
        env={
            "TENFOLD_ROOMS": str(folder),
            "PYTHONPATH": str(Path(tenfold.__file__).parents[1]),
            "HOME": str(folder),
        },
    )


def test_a_medium_in_a_further_room_is_found(tmp_path):
    done = of_strangers(tmp_path, taste=TASTE)
    assert done.returncode == 0, done.stderr
    names, cells, digests = json.loads(done.stdout)
    assert set(names) == {*MEDIA, "taste"} and cells == ["SOUR", "SALT"] and digests == 1


def test_two_media_of_one_name_are_refused(tmp_path):
    done = of_strangers(tmp_path, taste=TASTE, again=TASTE)
    assert done.returncode and "Two media have the name 'taste'" in done.stderr


# --- pages of a medium that is neither pictures nor texts ---


def test_the_check_of_numbers_speaks_of_rows(tmp_path):
    used = pd.DataFrame({"age": [1.0, 2.0], "label": ["a", "b"], "split": "train"})
    prepared = Prepared(
        root=None,
        used=used,
        columns=Columns({"age": used["age"].to_numpy(np.float32)}),
        facts={"data": {}},
        answer=LABEL,
        split_line="all train",
        found=3,
        quarantined=[{"source": "row 2", "reason": "is empty", "fix": "", "code": "empty"}],
        **{key: [] for key in ("ignored", "duplicates", "near", "leaks", "conflicts")},
        eaten=["age"],
    )
    task = served.echo(tmp_path, age=Input("number")).task
    path = write_check(prepared, document_rows(prepared), tmp_path / "check.html", task=task)
    text = path.read_text("utf-8")
    assert "Rows to check" in text and "1 row cannot" in text and "Left out: 1 row" in text
    for word in ("picture", "pixels", "As the network sees", "decoded", "Lengths"):
        assert word not in text
