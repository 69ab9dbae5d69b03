"""Exports of Label Studio, Prodigy, doccano and spaCy, as tables of plain cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files.records import Record, RecordTable
from tenfold.media.files.tables.record import HEAD

__all__ = ["plain"]


def plain(table: RecordTable, taken: Taken) -> RecordTable:
    """Returns the table with the texts and labels of an export in columns of their own.

    Rows that the annotators rejected, cancelled or left out are dropped and added to `taken`. A
    table that is not an export of a known tool is returned unchanged.
    """
    for fits, convert in _TOOLS:
        if fits(table):
            return convert(table, taken)
    return table


def _cells(table: RecordTable, name: str) -> list[Any]:
    at = table.names.index(name)
    return [one.cells[at] for one in table.head if one.problem is None]


def _remade(table: RecordTable, names: list[str], records: list[Record]) -> RecordTable:
    return RecordTable(names, True, iter(records), records[:HEAD], table.encoding)


def _objects(table: RecordTable) -> list[tuple[Record, dict[str, Any]]]:
    pairs = [(one, dict(zip(table.names, one.cells, strict=False))) for one in table.records]
    return pairs


# --- Label Studio ---------------------------------------------------------------------------------


def _is_label_studio(table: RecordTable) -> bool:
    if "data" not in table.names or not {"annotations", "completions"} & {*table.names}:
        return False
    cells = _cells(table, "data")
    return sum(isinstance(cell, Mapping) for cell in cells) > 0.9 * len(cells)


def _label_studio(table: RecordTable, taken: Taken) -> RecordTable:
    """Returns a column for each entry of `data`, and one for each question with its choices."""
    rows: list[tuple[Record, dict[str, Any]]] = []
    left = disagreed = 0
    for record, cells in _objects(table):
        data = cells.get("data")
        if record.problem is not None or not isinstance(data, Mapping):
            rows.append((record, {}))
            continue
        answers = _choices(cells.get("annotations") or cells.get("completions") or [])
        if not answers:
            left += 1
            continue
        disagreed += any(one != answers[0] for one in answers[1:])
        rows.append((record, {**data, **answers[0]}))
    why = Message("cancelled or without an annotation")
    taken.leave("rows", [], left, why)
    if disagreed:
        taken.note(
            Message(
                "{count} texts were annotated differently: the first one counts.", count=disagreed
            )
        )
    names = list(dict.fromkeys(name for _, cells in rows for name in cells))
    return _remade(table, names, [_record(record, cells, names) for record, cells in rows])


def _record(record: Record, cells: Mapping[str, Any], names: list[str]) -> Record:
    return Record(record.line, [cells.get(name) for name in names], record.problem)


def _choices(annotations: Any) -> list[dict[str, Any]]:
    """Returns the chosen classes by question of each annotation that was not cancelled."""
    found = []
    for one in annotations if isinstance(annotations, list) else []:
        if not isinstance(one, Mapping) or one.get("was_cancelled"):
            continue
        answers: dict[str, Any] = {}
        results = one.get("result")
        for result in results if isinstance(results, list) else []:
            value = result.get("value") if isinstance(result, Mapping) else None
            chosen = value.get("choices") if isinstance(value, Mapping) else None
            if isinstance(chosen, list):
                answers.setdefault(str(result.get("from_name") or "label"), []).extend(chosen)
        if answers:
            found.append(answers)
    return found


# --- Prodigy --------------------------------------------------------------------------------------

_ANSWERS = frozenset({"accept", "reject", "ignore"})


def _is_prodigy(table: RecordTable) -> bool:
    if "answer" not in table.names or not {"accept", "label"} & {*table.names}:
        return False
    told = {str(cell) for cell in _cells(table, "answer") if cell is not None}
    return bool(told) and told <= _ANSWERS


def _prodigy(table: RecordTable, taken: Taken) -> RecordTable:
    """Returns the rows whose `answer` is accept, with the chosen options as the column `label`."""
    label = "accept" if "accept" in table.names else "label"
    names = ["label", *(name for name in table.names if name not in ("label", label, "answer"))]
    names = [name for name in names if name not in ("options", "_view_id", "config", "meta")]
    rows, left = [], 0
    for record, cells in _objects(table):
        if record.problem is None and cells.get("answer") != "accept":
            left += 1
            continue
        rows.append(_record(record, cells | {"label": cells.get(label)}, names))
    taken.leave("rows", [], left, Message("the annotator rejected or ignored them"))
    return _remade(table, names, rows)


# --- doccano --------------------------------------------------------------------------------------


def _is_doccano(table: RecordTable) -> bool:
    """Returns True for doccano's older form: `annotations`, a list of objects with a label."""
    if not {"text", "annotations"} <= {*table.names}:
        return False
    cells = [cell for cell in _cells(table, "annotations") if cell]
    return bool(cells) and all(
        isinstance(cell, list)
        and all(isinstance(one, Mapping) and "label" in one for one in cell)
        and not any("start_offset" in one for one in cell)
        for cell in cells
    )


def _doccano(table: RecordTable, taken: Taken) -> RecordTable:
    names = ["text", "label"]
    rows = []
    for record, cells in _objects(table):
        given = cells.get("annotations")
        found = [one.get("label") for one in given if isinstance(one, Mapping)] if given else []
        rows.append(_record(record, cells | {"label": found}, names))
    return _remade(table, names, rows)


# --- spaCy ----------------------------------------------------------------------------------------


def _is_spacy(table: RecordTable) -> bool:
    """Returns True for documents with paragraphs, or pairs of a text and an object with `cats`."""
    if "paragraphs" in table.names:
        return all(isinstance(cell, list) for cell in _cells(table, "paragraphs"))
    pairs = len(table.names) == 2 and not table.header
    cells = _cells(table, table.names[1]) if pairs else []
    return bool(cells) and all(isinstance(cell, Mapping) and "cats" in cell for cell in cells)


def _spacy(table: RecordTable, taken: Taken) -> RecordTable:
    """Returns the texts and the object `cats` of each paragraph or pair."""
    rows = []
    for record, cells in _objects(table):
        if record.problem is not None:
            rows.append(record)
        elif "paragraphs" in table.names:
            found = [one for one in cells["paragraphs"] if isinstance(one, Mapping)]
            rows += [Record(record.line, [one.get("raw"), _cats(one)]) for one in found]
        else:
            text, about = record.cells
            rows.append(
                Record(
                    record.line, [text, about.get("cats") if isinstance(about, Mapping) else None]
                )
            )
    return _remade(table, ["text", "cats"], rows)


def _cats(paragraph: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the value of each class; documents list them as objects of label and value."""
    given = paragraph.get("cats") or []
    return {str(one.get("label")): one.get("value") for one in given if isinstance(one, Mapping)}


_TOOLS = (
    (_is_label_studio, _label_studio),
    (_is_prodigy, _prodigy),
    (_is_doccano, _doccano),
    (_is_spacy, _spacy),
)
