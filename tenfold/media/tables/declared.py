"""The input that tasks on tables declare: a row, with a field for each column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenfold.media.input import Input
from tenfold.media.tables.schema import CATEGORY, TableSchema

__all__ = ["INPUTS", "declared"]

INPUTS = {"row": Input("row")}
"""The input before the columns are known."""


def declared(facts: Mapping[str, Any]) -> dict[str, Input]:
    """Returns the input of a run: its fields are the columns, with the learnt categories."""
    found = facts.get("reading", {}).get("found", {}).get("schema")
    if found is None:
        return INPUTS
    schema, data = TableSchema.of_json(found), facts["data"]
    levels = dict(zip(data["names"], data["levels"], strict=True))
    usual = data.get("typical") or [None] * len(schema.columns)
    fields = {
        one.name: Input(
            one.type,
            tuple(levels.get(one.name, ())) if one.type == CATEGORY else (),
            typical=value,
        )
        for one, value in zip(schema.columns, usual, strict=True)
    }
    return {"row": Input("row", fields=fields)}
