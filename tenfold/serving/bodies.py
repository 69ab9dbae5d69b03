"""Bodies of requests to rows and options: JSON, or a form of parts. Every size is checked.

A body is whole in memory when it comes here; how large it may be was decided before it was read.
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
"""Longest boundary of a form (RFC 2046)."""


def read(model: Model, content_type: bytes, body: bytes, many: bool) -> Question:
    """What a request asks of a model.

    Raises Refused where the body is not what its type says, or not what the model takes.
    """
    if content_type[:19].lower() == b"multipart/form-data":
        return _from_form(model, _parts(model, content_type, body), many)
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
    return {name: inputs.take(model.media[name], value) for name, value in thing.items()}


def _same_names(model: Model, given: Any) -> None:
    """Raises Refused where an input is missing, or one is given that the model does not take."""
    if given.keys() - model.inputs.keys():
        raise Refused(422, code="unknown-input")
    if model.inputs.keys() - given.keys():
        raise Refused(422, code="missing-input")


# --- forms ----------------------------------------------------------------------------------------


class _Parts:
    """Collects the parts of a form; stops at the first one too many and the first too large."""

    def __init__(self, model: Model) -> None:
        self.found: list[tuple[str, bytes]] = []
        self.whole = False
        self._model, self._most = model, model.parts
        self._header = self._value = b""
        self._name, self._pieces, self._size, self._limit = "", list[bytes](), 0, 0

    def callbacks(self) -> dict[str, Any]:
        """For the parser."""
        heads = "header_field header_value header_end headers_finished"
        names = f"part_begin {heads} part_data part_end end".split()
        return {f"on_{name}": getattr(self, name) for name in names}

    def part_begin(self) -> None:
        """A part begins."""
        if len(self.found) >= self._most:
            raise Refused(413, code="too-many-parts")
        self._name, self._pieces, self._size = "", [], 0

    def header_field(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's name."""
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's value."""
        self._value += data[start:end]

    def header_end(self) -> None:
        """A header is whole; only the name of the part matters, never that of its file."""
        if self._header.lower() == b"content-disposition":
            form, options = parse_options_header(self._value)
            if form == b"form-data":
                self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._header = self._value = b""

    def headers_finished(self) -> None:
        """The content follows."""
        self._limit = self._model.sizes.get(self._name, 1 << 10)

    def part_data(self, data: bytes, start: int, end: int) -> None:
        """A piece of the content."""
        self._size += end - start
        if self._size > self._limit:
            raise Refused(413, code="body-too-large")
        self._pieces.append(data[start:end])

    def part_end(self) -> None:
        """The part is whole."""
        self.found.append((self._name, b"".join(self._pieces)))

    def end(self) -> None:
        """The last boundary has come."""
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
    known = options(model.options)
    for name, content in parts:
        if name in model.inputs:
            cells.setdefault(name, []).append(inputs.read(model.media[name], content))
        elif name in known and name not in words:
            words[name] = content.decode("utf-8", "replace").strip()
        else:
            raise Refused(422, code="unknown-input")
    _same_names(model, cells)
    counts = {len(each) for each in cells.values()}
    if len(counts) != 1 or (not many and counts != {1}):
        raise Refused(422, code="bad-input")
    if max(counts) > model.batch:
        raise Refused(413, code="batch-too-large")
    rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    wanted = model.wanted(
        {name: _option(known[name]["type"], text) for name, text in words.items()}
    )
    return Question(rows, wanted)


def _option(form: str, text: str) -> Any:
    """A option from the text of a form's field.

    Raises Refused where it is not of its kind.
    """
    if form == "boolean":
        if text.lower() not in ("true", "false"):
            raise Refused(422, code="bad-setting")
        return text.lower() == "true"
    try:
        return {"integer": int, "number": float, "string": str}[form](text)
    except ValueError:
        raise Refused(422, code="bad-setting") from None
