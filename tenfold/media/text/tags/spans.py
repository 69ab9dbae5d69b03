"""Spans given in characters, converted to a BIO tag for each token."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

from tenfold.core.message import Message
from tenfold.media.text.tags.row import Findings, Places

__all__ = ["BadSpan", "spans_in", "tags_of", "tags_of_tokens"]

KINDS = "label labels type label_type tag category entity_type entity class".split()
STARTS = "start start_offset start_pos start_idx start_char begin from offset".split()
ENDS = "end end_offset end_pos end_idx end_char stop to".split()
WORDS = "text surface word value entity mention".split()
"""Keys of the type, the start, the end and the words of a span in JSON objects."""

MarkedSpan = tuple[int, int, str, str]
"""(start, end, type, words or "") of a span; positions in characters, the end exclusive."""


class BadSpan(ValueError):
    """A span that cannot be used; its argument is a Message."""


def spans_in(marked: Any) -> list[MarkedSpan]:
    """Returns the spans of a value of a JSON object.

    It is a list of `[start, end, type]`, `[type, start, end]` or objects, or an object of the form
    `{type: {words: [[start, last], ...]}}`. Raises BadSpan for other values.
    """
    if isinstance(marked, dict):
        return _by_kind(marked)
    if not isinstance(marked, list):
        raise BadSpan(Message("its spans are not a list"))
    return [span for one in marked for span in _span(one)]


def _by_kind(marked: dict[str, Any]) -> list[MarkedSpan]:
    """Returns the spans of `{type: {words: [[start, last], ...]}}`, where `last` is inclusive.

    The ends of the returned spans are exclusive.
    """
    try:
        return [
            (int(start), int(last) + 1, kind, words)
            for kind, found in marked.items()
            for words, pairs in found.items()
            for start, last in pairs
        ]
    except (AttributeError, TypeError, ValueError):
        raise BadSpan(Message("its spans are not a list")) from None


def _span(one: Any) -> list[MarkedSpan]:
    if isinstance(one, (list, tuple)) and len(one) >= 3:
        start, end, kind = one[:3]
        if isinstance(start, str) and not isinstance(end, str) and not isinstance(kind, str):
            start, end, kind = one[1], one[2], one[0]
        return [(_number(start), _number(end), str(kind), "")]
    if not isinstance(one, dict):
        raise BadSpan(Message("a span is neither an object nor a list of start, end and label"))
    if isinstance(one.get("points"), list):
        points = [{**point, "label": _first(one, KINDS)} for point in one["points"]]
        return [span for point in points for span in _span(point)]
    kind, start, end = _first(one, KINDS), _first(one, STARTS), _first(one, ENDS)
    if end is None and start is not None and one.get("length") is not None:
        end = _number(start) + _number(one["length"])
    if isinstance(kind, list):
        if len(kind) > 1:
            raise BadSpan(Message("a span has {count} types", count=len(kind)))
        kind = kind[0] if kind else None
    if kind is None or start is None or end is None:
        raise BadSpan(Message("a span lacks its start, its end or its label"))
    words = next((one[key] for key in WORDS if isinstance(one.get(key), str)), "")
    return [(_number(start), _number(end), str(kind), "" if words == kind else words)]


def _number(value: Any) -> int:
    """Returns a position as a number; raises BadSpan where it is not a whole number."""
    try:
        if isinstance(value, bool) or int(value) != float(value):
            raise ValueError
        return int(value)
    except (ValueError, TypeError, OverflowError):
        raise BadSpan(Message("a span lacks its start, its end or its label")) from None


def _first(span: dict[str, Any], names: list[str]) -> Any:
    return next((span[name] for name in names if span.get(name) is not None), None)


def tags_of(
    text: str, places: Places, marked: list[MarkedSpan], findings: Findings
) -> tuple[str, ...]:
    """Returns the BIO tags of tokens for spans in characters.

    White space at the ends of a span is removed, and a span that starts or ends inside a token is
    extended to that token; both are counted in `findings`. Raises BadSpan where a span is outside
    of the text, covers other words than it states, or overlaps another.
    """
    tags = ["O"] * len(places)
    starts, ends = [left for left, _ in places], [right for _, right in places]
    for start, end, kind, words in dict.fromkeys(marked):
        start, end = _checked(text, start, end, words, findings)
        inside = range(bisect_right(ends, start), bisect_left(starts, end))
        if not inside:
            raise BadSpan(
                Message("the span {start} to {end} covers no token", start=start, end=end)
            )
        left, right = places[inside[0]][0], places[inside[-1]][1]
        if (left, right) != (start, end):
            findings.moved.append((text[start:end][:40], text[left:right][:40]))
        for number in inside:
            if tags[number] != "O":
                raise BadSpan(
                    Message(
                        "the span {start} to {end} ({words!r}) overlaps another",
                        start=start,
                        end=end,
                        words=text[start:end][:40],
                    )
                )
            tags[number] = f"{'B' if number == inside[0] else 'I'}-{kind}"
    return tuple(tags)


def tags_of_tokens(count: int, marked: list[MarkedSpan]) -> tuple[str, ...]:
    """Returns the BIO tags of `count` tokens; spans hold numbers of tokens, the end exclusive.

    Raises BadSpan where a span is outside of the tokens or overlaps another.
    """
    tags = ["O"] * count
    for start, end, kind, _ in dict.fromkeys(marked):
        if not 0 <= start < end <= count:
            raise BadSpan(
                Message(
                    "the span {start} to {end} is outside of the {count} tokens",
                    start=start,
                    end=end,
                    count=count,
                )
            )
        if {*tags[start:end]} != {"O"}:
            raise BadSpan(
                Message("the span {start} to {end} overlaps another", start=start, end=end)
            )
        tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
    return tuple(tags)


def _checked(text: str, start: int, end: int, words: str, findings: Findings) -> tuple[int, int]:
    """Returns the start and end of a span without white space at its ends."""
    if start > end:
        raise BadSpan(
            Message("the span {start} to {end} ends before it starts", start=start, end=end)
        )
    if not 0 <= start <= end <= len(text):
        raise BadSpan(
            Message(
                "the span {start} to {end} is outside of the text, which has {count} characters",
                start=start,
                end=end,
                count=len(text),
            )
        )
    if words and not _same(text[start:end], words):
        if not _same(text[start : end + 1], words):
            raise BadSpan(
                Message(
                    "the span {start} to {end} covers {found!r}, but states {words!r}",
                    start=start,
                    end=end,
                    found=text[start:end][:40],
                    words=words[:40],
                )
            )
        end, findings.inclusive = end + 1, findings.inclusive + 1
    covered = text[start:end]
    before = len(covered) - len(covered.lstrip())
    after = len(covered) - len(covered.rstrip())
    if before == len(covered):
        raise BadSpan(Message("the span {start} to {end} covers no token", start=start, end=end))
    findings.trimmed += bool(before or after)
    return start + before, end - after


def _same(covered: str, words: str) -> bool:
    """Returns True for equal words, whatever the white space between them."""
    return covered.split() == words.split()
