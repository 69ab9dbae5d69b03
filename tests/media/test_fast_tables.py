"""The parser of large text tables gives the records of the reader of tables in any dialect."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenfold.core.errors import UsageError
from tenfold.media.files.lines import lines, unified
from tenfold.media.files.references import file_cell
from tenfold.media.files.tables.delimited import Dialect, evened, separated
from tenfold.media.files.tables.fast import columns_of_text, width_of
from tenfold.media.interactions import read

CELLS = st.text(st.sampled_from("ab07 é字,;|:'"), min_size=1, max_size=6)


def both(path: Path, data: bytes, dialect: Dialect, encoding: str = "utf-8") -> None:
    """Asserts that both parsers return the same names, cells, lines and numbers of problems."""
    path.write_bytes(data)
    cell = file_cell(path.absolute())
    head = list(lines(cell, encoding, blank=True))
    width = width_of(head, dialect)
    found = columns_of_text(unified(data), "t", dialect, width, encoding)
    after = (one for one in head if one.number >= dialect.start)
    records = [evened(one, width) for one in separated(after, dialect)]
    names = [f"column {at + 1}" for at in range(width)]
    if dialect.header:
        names = [str(one).strip() or names[at] for at, one in enumerate(records.pop(0).cells)]
    good = [one for one in records if one.problem is None]
    assert [str(one) for one in found.frame.columns] == names
    assert found.frame.fillna("").astype(str).to_numpy().tolist() == [one.cells for one in good]
    assert found.numbers.tolist() == [one.line for one in good]
    assert len(found.problems) == len(records) - len(good)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("user,item\n007,1e5\n\n,true\nNA,null\n", Dialect(",", header=True)),
        ('a;b;c\n"x;y";2,5;"say ""hi"""\n1;2;3;4\n5;6;7', Dialect(";")),
        ("A title\n\nuser\titem\n1\t2\n", Dialect("\t", False, start=3, header=True)),
        ('sep=|\n1|"a|b"|字\n2|c|d\n', Dialect("|", start=2)),
        ("1::a, b::c\n2::d::\n", Dialect("::")),
        ('1, "a, b", c\n2, d, e\n', Dialect(",", spaced=True)),
        ('1,"a \\"b\\", c"\n2,d\n', Dialect(",", escaped=True)),
        ('1\t"a\t2\n2\tb"\t3\n', Dialect("\t", False)),
        ("1 2 3\n4 5 6\n", Dialect(" ", False)),
    ],
)
def test_both_parsers_agree(text: str, dialect: Dialect, ends: str, encoding: str, tmp_path: Path):
    both(tmp_path / "t.txt", text.replace("\n", ends).encode(encoding), dialect, encoding)


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.data())
def test_random_tables_agree(tmp_path: Path, data: st.DataObject):
    separator = data.draw(st.sampled_from([",", ";", "\t", "|", "::"]))
    width = data.draw(st.integers(2, 5))
    rows = data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1))
    quoted = separator in ",;|"

    def written(cell: str) -> str:
        plain = cell.strip().replace(":", "") or "x"
        return f'"{plain}"' if quoted and any(one in plain for one in ",;|") else plain

    text = "".join(separator.join(map(written, row)) + "\n" for row in rows)
    both(tmp_path / "t.txt", text.encode(), Dialect(separator, quoted))


EVENTS = [(u, (u * 7 + s * 3) % 23, 1 + (u + s) % 5) for u in range(30) for s in range(8)]


@pytest.mark.parametrize(
    ("top", "separator"),
    [("sep=;\nuser;item;rating", ";"), ("Export of May\n\nuser,item,rating", ","),
     ("user, item, rating", ", "), ('"user"|"item"|"rating"', "|")],
)  # fmt: skip
def test_interactions_are_read_in_the_dialect_of_tables(top: str, separator: str, tmp_path: Path):
    body = "\n".join(separator.join(map(str, one)) for one in EVENTS)
    (tmp_path / "e.csv").write_text(f"{top}\n{body}\n")
    found = read.read(tmp_path / "e.csv")
    assert len(found.user) == len({one[:2] for one in EVENTS}) and not found.problems
    assert set(found.rating) == {1, 2, 3, 4, 5} and len(found.users) == 30
    assert ("Export of May" in "".join(map(str, found.taken.notes))) == top.startswith("Export")


def test_two_separators_that_fit_alike_are_asked_back(tmp_path: Path):
    text = "".join(f"{u};x,{i};y,{r}\n" for u, i, r in EVENTS)
    (tmp_path / "e.txt").write_text(text)
    with pytest.raises(UsageError) as refused:
        read.read(tmp_path / "e.txt")
    assert refused.value.code == "two-readings" and "--separator" in refused.value.fix
