"""Cells of any kind: a schema is always decided, and a cell has the same value when it is alone."""

from __future__ import annotations

import datetime
import decimal
import math
import random

import numpy as np
import pandas as pd

from tenfold.core.errors import UsageError
from tenfold.media.tables.types import decide, odd_cells, values

CELLS = [
    *("", "?", "1,5", "1.5", "x", "None", "NA", "True", "07", "2024-01-01", "13/01/2024", "1e400"),
    *("\0", "\n", "a\nb", "é" * 80, "٣", "①", "½", "∞", "$", "%", "()", "(5)", "-", "--5", "5-"),
    *("😀", "1 2", "12:30", "99:99", "0", "00", "\u200b", "1.", ".5", ".", ",", "1'000", "9" * 400),
    *(None, math.nan, math.inf, 1, 2.5, True, 10**400, 10**6000, np.float32(1.5), np.int8(3)),
    *(decimal.Decimal("NaN"), decimal.Decimal("1e500"), pd.NA, pd.NaT, pd.Timedelta("1h")),
    *(datetime.date(1, 1, 1), datetime.datetime.max, datetime.time(3), [1], {"a": 1}, b"\xff"),
]
KINDS = {"number": float, "date": float, "text": str}
TYPES = [{}, *({"a": kind} for kind in (*KINDS, "category"))]


def test_any_cells_have_typed_values_that_do_not_depend_on_other_rows():
    chance, decided = random.Random(0), 0
    for _ in range(200):
        some = chance.sample(CELLS, chance.randint(1, 8))
        table = {"a": [chance.choice(some) for _ in range(chance.choice([1, 3, 30]))]}
        missing = chance.choice([None, {"a": ["1"]}, {"a": []}])
        try:
            schema = decide(table, types=chance.choice(TYPES), missing=missing).schema
        except UsageError as error:
            assert error.code == "two-readings"
            continue
        odd_cells(schema, table)
        if not schema.columns:
            continue
        decided += 1
        kind = KINDS.get(schema.columns[0].type)
        for cell, value in zip(table["a"], values(schema, table)[0], strict=True):
            (alone,) = values(schema, {"a": [cell]})[0]
            assert value == alone or (value != value and alone != alone), (schema, cell)
            assert isinstance(value, kind) if kind else value is None or isinstance(value, str)
    assert decided > 50


def test_tables_without_rows_or_columns():
    assert decide({}).schema.columns == ()
    for cells in ([], [None], ["", "?"], ["x"]):
        found = decide({"a": cells})
        assert [name for name, _ in found.left] == ["a"] and found.schema.columns == ()
