"""Random tables in random dialects are read as they were written, or asked back.

`TENFOLD_EXAMPLES=2000 pytest tests/media/test_random_tables.py` draws as many.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from random_tables import Written, tables

from tenfold.core.errors import UsageError
from tenfold.media.files import references
from tenfold.media.files.records import table_of
from tenfold.media.text.columns import known

EXAMPLES = int(os.environ.get("TENFOLD_EXAMPLES", "60"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(written=tables())
def test_a_table_is_read_as_it_was_written_or_asked_back(written: Written, tmp_path: Path):
    path = tmp_path / written.name
    path.write_bytes(written.data)
    try:
        found = table_of(references.file_cell(path), written.name, known)
    except UsageError as error:
        assert error.code == "two-readings" and "--" in error.fix
        return
    rows = [[str(cell) for cell in one.cells] for one in found.records]
    wanted = [[cell.replace("\r\n", "\n") for cell in row] for row in written.rows]
    assert rows == wanted
    assert not written.header or found.names == written.names


if __name__ == "__main__":
    pytest.main([__file__, "-q"])
