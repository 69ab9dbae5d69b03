"""What a source is compared by: its texts alone, or all columns of its table."""

from pathlib import Path

import pytest

from tenfold.media.reading import Reading
from tenfold.recipes import subjects


@pytest.mark.parametrize(
    ("head", "reading", "subject"),
    [
        ("text", Reading(), "text"),
        ("id,text,label", Reading(), "text"),
        ("id,text,kind", Reading(target="kind"), "text"),
        ("age,income,comment", Reading(), "row"),
        ("age,income,comment", Reading(columns={"text": "comment"}), "text"),
        ("age,income", Reading(), "row"),
    ],
)
def test_a_table_with_further_columns_is_not_read_as_texts(
    head: str, reading: Reading, subject: str, tmp_path: Path
):
    path = tmp_path / "a.csv"
    cells = {"id": "{row}", "age": "{row}", "income": "{row}0", "label": "b", "kind": "c"}
    line = ",".join(cells.get(name, "the soup {row} was good") for name in head.split(","))
    path.write_text("\n".join([head, *(line.format(row=row) for row in range(6))]))
    assert subjects.recognised(str(path), reading).name == subject
