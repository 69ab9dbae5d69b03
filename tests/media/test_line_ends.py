"""Line ends of text files: line feeds, both, and lone carriage returns as old programs write."""

from pathlib import Path

import pandas as pd
import pytest

from tenfold.media.files import lines
from tenfold.media.files.references import file_cell
from tenfold.media.interactions import read as interactions
from tenfold.media.text import labelled, tagged

TABLE = "text,label\n" + "".join(
    f'"a ""quoted"" text number {row}",{"ab"[row % 2]}\n' for row in range(20)
)
TAGGED = "".join(f"Anna{row} B-PER\nsings O\n\n" for row in range(6))
RATINGS = "user,item,rating\n" + "".join(f"u{row % 5},i{row % 7},{row % 3}\n" for row in range(30))


def ended(path: Path, text: str, end: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.replace("\n", end).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_every_line_end_gives_the_same_rows(tmp_path, end, encoding):
    readers = {"t.csv": (labelled, TABLE), "t.conll": (tagged, TAGGED)}
    for name, (reader, text) in readers.items():
        want = reader.read(ended(tmp_path / name, text, "\n")).table
        have = reader.read(ended(tmp_path / name, text, end, encoding)).table
        assert len(want) > 5 and want["problem"].isna().all()
        pd.testing.assert_frame_equal(have, want)


@pytest.mark.parametrize("end", ["\r", "\r\n"])
@pytest.mark.parametrize("text", [RATINGS, "".join(f"u{n} i1 i{n} i7\n" for n in range(9))])
def test_interactions_have_any_line_end(tmp_path, end, text):
    want = interactions.read(ended(tmp_path / "r.csv", text, "\n"))
    have = interactions.read(ended(tmp_path / "r.csv", text, end))
    assert not have.problems and have.lines == want.lines > 20
    assert (have.user == want.user).all() and list(have.items) == list(want.items)


def test_a_carriage_return_in_quotes_belongs_to_the_cell(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE + '"two\rlines",a\n', newline="")
    table = labelled.read(tmp_path / "t.csv").table
    assert table["text"].iloc[-1] == "two\rlines" and table["problem"].isna().all()


def test_a_carriage_return_outside_of_quotes_is_a_problem_of_its_line(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE + '"two ""lines"""\rof a text,a\n', newline="")
    table = labelled.read(tmp_path / "t.csv").table
    (problem,) = table["problem"].dropna()
    assert problem.code == "carriage-return" and problem.fix and len(table) == 21
    (row,) = table.index[table["problem"].notna()]
    assert table["source"][row] == "t.csv:22"


def test_lines_longer_than_a_piece_are_whole(tmp_path):
    """A file is read in pieces of a megabyte; a line may cross their ends."""
    words = ["short", *(f"{number} " + "x" * 700_000 for number in range(5))]
    (tmp_path / "t.txt").write_bytes("\r".join(words).encode())
    assert [line.text for line in lines.lines(file_cell(tmp_path / "t.txt"))] == words
