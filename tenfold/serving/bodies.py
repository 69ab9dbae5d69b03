"""Reads rows and options from request bodies: JSON or forms. Every size is checked.

A body is complete when it arrives here; the limit of its size was set before it was read.
"""

from __future__ import annotations

from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from tenfold.serving import inputs
from tenfold.serving.declared import options
from tenfold.serving.models import Model, Question, RequestRow
from tenfold.serving.replies import Refused

__all__ = ["read"]

BOUNDARY = 70
"""Maximum length of a form boundary (RFC 2046)."""


def read(model: Model, content_type: bytes, body: bytes, many: bool) -> Question:
    """The rows and options of a request.

    Raises Refused where the body does not match its content type or the inputs of the model.
    """
    if content_type[:19].lower() == b"multipart/form-data":
        return _from_form(model, _parts(model, content_type, body), many)
    if content_type[:8].lower() == b"text/csv":
        return Question(inputs.table(model, body), model.wanted({}))
    return _from_json(model, inputs.plain(body), many)


# --- JSON -----------------------------------------------------------------------------------------


def _from_json(model: Model, value: Any, many: bool) -> Question:
    if not isinstance(value, dict) or not value.keys() <= {"inputs", "options"}:
        raise Refused(422, code="bad-input")
    told, option = value.get("inputs"), value.get("options") or {}
    if not isinstance(option, dict):
        raise Refused(422, code="bad-setting")
    things = told if many else [told]
    if not isinstance(things, list) or not things:
        raise Refused(422, code="missing-input")
    if len(things) > model.batch:
        raise Refused(413, code="batch-too-large")
    wanted = model.wanted(option)
    return Question([_row(model, thing) for thing in things], wanted)


def _row(model: Model, thing: Any) -> RequestRow:
    if not isinstance(thing, dict):
        raise Refused(422, code="missing-input" if thing is None else "bad-input")
    _same_names(model, thing)
    return inputs.row(model, {name: inputs.take(model, name, one) for name, one in thing.items()})


def _same_names(model: Model, given: Any) -> None:
    """Raises Refused where an input is missing or unknown."""
    if given.keys() - model.inputs.keys():
        raise Refused(422, code="unknown-input")
    if model.inputs.keys() - given.keys():
        raise Refused(422, code="missing-input")


# --- forms ----------------------------------------------------------------------------------------


class _Parts:
    """Collects the parts of a form; raises Refused if they are too many or one is too large."""

    def __init__(self, model: Model) -> None:
        self.found: list[tuple[str, bytes]] = []
        self.whole = False
        self._model, self._most = model, model.parts
        self._header = self._value = b""
        self._name, self._pieces, self._size, self._limit = "", list[bytes](), 0, 0

    def callbacks(self) -> dict[str, Any]:
        """The callbacks for the form parser, by name."""
        heads = "header_field header_value header_end headers_finished"
        names = f"part_begin {heads} part_data part_end end".split()
        return {f"on_{name}": getattr(self, name) for name in names}

    def part_begin(self) -> None:
        """Starts a new part."""
        if len(self.found) >= self._most:
            raise Refused(413, code="too-many-parts")
        self._name, self._pieces, self._size = "", [], 0

    def header_field(self, data: bytes, start: int, end: int) -> None:
        """Adds bytes to the name of a header."""
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        """Adds bytes to the value of a header."""
        self._value += data[start:end]

    def header_end(self) -> None:
        """Ends a header; only the name of the part is used, not its file name."""
        if self._header.lower() == b"content-disposition":
            form, options = parse_options_header(self._value)
            if form == b"form-data":
                self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._header = self._value = b""

    def headers_finished(self) -> None:
        """Sets the size limit of the content that follows."""
        self._limit = self._model.sizes.get(self._name, 1 << 10)

    def part_data(self, data: bytes, start: int, end: int) -> None:
        """Adds bytes to the content of the part."""
        self._size += end - start
        if self._size > self._limit:
            known = self._name in {*self._model.sizes, *options(self._model.options)}
            raise (
                Refused(413, code="body-too-large") if known else Refused(422, code="unknown-input")
            )
        self._pieces.append(data[start:end])

    def part_end(self) -> None:
        """Ends the part and stores it."""
        self.found.append((self._name, b"".join(self._pieces)))

    def end(self) -> None:
        """Marks the form as complete: its last boundary was read."""
        self.whole = True


def _parts(model: Model, content_type: bytes, body: bytes) -> list[tuple[str, bytes]]:
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 0 < len(boundary) <= BOUNDARY:
        raise Refused(400, code="bad-form")
    found = _Parts(model)
    try:
        parser = MultipartParser(boundary, found.callbacks())  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise Refused(400, code="bad-form") from None
    if not found.whole:
        raise Refused(400, code="bad-form")
    return found.found


def _from_form(model: Model, parts: list[tuple[str, bytes]], many: bool) -> Question:
    cells: dict[str, list[Any]] = {}
    words: dict[str, str] = {}
    tables: list[bytes] = []
    known = options(model.options)
    for name, content in parts:
        if name in model.inputs:
            cells.setdefault(name, []).append(inputs.read(model, name, content))
        elif many and name and name == model.table_input and not tables:
            tables.append(content)
        elif name in known and name not in words:
            words[name] = content.decode("utf-8", "replace").strip()
        else:
            raise Refused(422, code="unknown-input")
    wanted = model.wanted(
        {name: _option(known[name]["type"], text) for name, text in words.items()}
    )
    if tables and not cells:
        return Question(inputs.table(model, tables[0]), wanted)
    _same_names(model, cells)
    counts = {len(each) for each in cells.values()}
    if len(counts) != 1 or (not many and counts != {1}):
        raise Refused(422, code="bad-input")
    if max(counts) > model.batch:
        raise Refused(413, code="batch-too-large")
    rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    return Question([inputs.row(model, row) for row in rows], wanted)


def _option(form: str, text: str) -> Any:
    """The value of an option from the text of a form field.

    Raises Refused where the text does not match the type of the option.
    """
    if form == "boolean":
        if text.lower() not in ("true", "false"):
            raise Refused(422, code="bad-setting")
        return text.lower() == "true"
    try:
        return {"integer": int, "number": float, "string": str}[form](text)
    except ValueError:
        raise Refused(422, code="bad-setting") from None
