"""A table of signals and dials, or such a table in a folder, to rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.rows import Rows
from tenfold.media.files.references import file_cell
from tenfold.media.reading import Reading, column_of, refuse_roles

__all__ = ["rows"]


def rows(source: Any, reading: Reading) -> Rows:
    """One row a signal, with `split` where the table has it; the files are named by `--signal`.

    Raises DataRefused where there is no such table, UsageError for columns of other names.
    """
    folder = Path(source)
    if not (folder / "dials.csv").is_file():
        fix = Message("Add dials.csv with the columns path,dial.")
        raise DataRefused(
            Message("No table of dials"), code="no-labels", where=str(source), fix=fix
        )
    why = Message("a table of dials has columns of fixed names")
    refuse_roles(reading, ("target", "group", "time"), why, str(source))
    table = pd.read_csv(folder / "dials.csv")
    path = column_of(reading, "signal", table.columns, "dials.csv") or "path"
    found = table.drop(columns=path).assign(
        signal=[file_cell((folder / name).resolve()) for name in table[path]],
        source=table[path],
        problem=pd.Series([None] * len(table), dtype=object),
    )
    return Rows(found, root=folder)
