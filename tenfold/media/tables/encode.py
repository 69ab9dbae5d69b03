"""Encodes rows of tables: numbers, parts of dates and texts, and numbers of categories.

Shapes: N rows, D numbers, C categories.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tenfold.core.columns import Encoded, Problem
from tenfold.core.text import natural
from tenfold.media.tables.schema import CATEGORY, DATE, NUMBER, TEXT, TableRow, TableSchema
from tenfold.media.text import tokens
from tenfold.media.text.ngrams import grams

__all__ = ["FIRST", "MISSING", "UNSEEN", "TextScores", "encoded", "facts_of"]

MISSING, UNSEEN, FIRST = 0, 1, 2
"""Numbers of a missing category, of one that was not learnt, and of the first learnt one."""
LEVELS = 5000
"""Maximum number of learnt categories of a column: the most frequent ones."""
LARGEST = 3e38
PRECISE = 1e5
"""A column whose values lie further from zero than this multiple of their spread is centred."""
DAY = 86400.0
ALONE = 6
"""Maximum number of columns joined from a second table that are tried one by one."""
WORDS, WORD = 40, "word"
"""Maximum number of words of a column of texts that are encoded, and the name of such a part."""
SCORE = "score"
"""The part of a text that is a score of its n-grams."""
COUNTS = ("words", "characters")
"""Parts of a text that are numbers: how many words and characters it has."""
PARTS = ("day", "year", "month", "day of the month", "day of the week", "hour")
"""Parts of a date that are encoded; `day` counts from 1970, with the time as fraction."""
TextScores = Mapping[int, tuple[Sequence[str], np.ndarray]]
"""Names of scores of texts ("" = of all classes) and their weights, by the position of a column."""


def facts_of(
    rows: Sequence[TableRow],
    learn: Callable[[Mapping[int, Sequence[str]]], TextScores] | None = None,
) -> dict[str, Any]:
    """Returns what `encoded` needs, from training rows of one schema.

    `learn` returns the scores of the columns of texts, given by position (see `grams.scores`);
    their weights are `grams`, by the position as text.

    `numbers` describes the D numbers: name, position of the column, part of a date or text, centre,
    and `tried`, the name of the group of numbers that is kept or left out as a whole, "" = always
    kept. `categories` are the positions of the C categories, `names` their names, and `levels` the
    learnt values of each. `typical` are the typical values of all columns. In tables of 200 rows or
    more, a value that occurs in one row only is not learnt: such rows train the code for unknown
    values.
    """
    schema = rows[0].schema
    columns = list(zip(*(row.values for row in rows), strict=True))
    numbers: list[dict[str, Any]] = []
    tried = _joined(schema)
    for place in schema.places(NUMBER, DATE):
        values = np.array(columns[place], float)
        if schema.columns[place].type == DATE:
            numbers += _date_parts(schema.names[place], place, values)
        else:
            numbers.append(_number(schema.names[place], place, values, tried.get(place, "")))
    texts = {place: columns[place] for place in schema.places(TEXT)}
    scores = learn(texts) if learn else {}
    for place, cells in texts.items():
        names = scores[place][0] if place in scores else ()
        numbers += _text_parts(schema.names[place], place, cells, names)
    categories = schema.places(CATEGORY)
    least = 2 if len(rows) >= 200 else 1
    return {
        "numbers": numbers,
        "grams": {str(place): weights for place, (_, weights) in scores.items()},
        "categories": categories,
        "names": [schema.names[place] for place in categories],
        "levels": [_levels(columns[place], least) for place in categories],
        "typical": [
            _typical(kind.type, cells) for kind, cells in zip(schema.columns, columns, strict=True)
        ],
    }


def _typical(kind: str, cells: Sequence[Any]) -> Any:
    """Returns the median of numbers or dates, or the most frequent category; None = missing.

    The median is a value of the column. A column of texts has none.
    """
    if kind in (NUMBER, DATE):
        known = np.array(cells, float)
        known = np.sort(known[np.isfinite(known)])
        return float(known[(len(known) - 1) // 2]) if len(known) else None
    counts = Counter(cells)
    return min(counts, key=lambda one: (-counts[one], str(one))) if kind == CATEGORY else None


def _joined(schema: TableSchema) -> dict[int, str]:
    """Returns the group (`tried`) of each column joined from a second table, by its position.

    Columns made from the same column of the second table are one group: kept or left out together.
    """
    places = [at for at, one in enumerate(schema.columns) if "joined" in one.more]
    found: dict[int, str] = {}
    for at in places:
        column = schema.columns[at]
        group = str(column.more.get("of", "")) or str(column.more["joined"])
        found[at] = group if len(places) > ALONE else column.name
    return found


def _number(name: str, place: int, values: np.ndarray, tried: str) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    low, centre, high = np.quantile(known, [0.25, 0.5, 0.75]) if len(known) else (0.0, 0.0, 0.0)
    far = abs(centre) > PRECISE * max(high - low, 1e-300)
    held = _described(name, place, "", tried=bool(tried), together=tried)
    return held | {"centre": float(centre) if far else 0.0}


def _date_parts(name: str, place: int, values: np.ndarray) -> list[dict[str, Any]]:
    """Returns the parts of a date that differ between rows."""
    found = []
    for part in PARTS:
        cells = _part(values, part)
        if len(np.unique(cells[np.isfinite(cells)])) > 1:
            found.append(_described(f"{name}: {part}", place, part, tried=part != "day"))
    return found


def _described(
    name: str, place: int, part: str, *, tried: bool, together: str = "", word: str = ""
) -> dict[str, Any]:
    held = {"name": name, "place": place, "part": part, "centre": 0.0}
    held["tried"] = (together or name) if tried else ""
    return held | ({"word": word} if word else {})


def _text_parts(
    name: str, place: int, texts: Sequence[str], scores: Sequence[str]
) -> list[dict[str, Any]]:
    """Returns the parts of a text: length, words that divide the rows most evenly, and scores.

    A word counts if at least 5 rows have it and at least 5 do not.
    """
    counts = Counter[str]()
    for text, times in Counter(texts).items():
        counts.update(dict.fromkeys(_words(text), times))
    often = [word for word, count in counts.items() if 5 <= count <= len(texts) - 5]
    often.sort(key=lambda word: (-min(counts[word], len(texts) - counts[word]), word))
    together = f"{name}: words"
    found = [_described(f"{name}: {part}", place, part, tried=True) for part in COUNTS]
    found += [
        _described(f"{name}: {word!r}", place, WORD, tried=True, together=together, word=word)
        for word in often[:WORDS]
    ]
    ngrams = f"{name}: n-grams"
    return found + [
        _described(f"{ngrams} ({of})" if of else ngrams, place, SCORE, tried=True, together=ngrams)
        for of in scores
    ]


def _words(text: str) -> tuple[str, ...]:
    """Returns the words of a text in lower case; each Chinese character is a word."""
    found = (text[start:end].lower() for start, end in tokens.places(text))
    return tuple(word for word in found if word[0].isalnum())


def _text_numbers(
    texts: Sequence[str], parts: Sequence[dict[str, Any]], weights: np.ndarray | None
) -> np.ndarray:
    """Returns the P parts of texts (N, P); each distinct text is divided into words once."""
    order = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    places = {one["word"]: at for at, one in enumerate(parts) if one["part"] == WORD}
    counts = {one["part"]: at for at, one in enumerate(parts) if one["part"] in COUNTS}
    found = np.zeros((len(order), len(parts)), np.float32)
    for row, text in enumerate(order):
        words = _words(text)
        for part, at in counts.items():
            found[row, at] = len(words if part == "words" else text)
        found[row, [places[word] for word in places.keys() & {*words}]] = 1.0
    if weights is not None:
        scored = [at for at, one in enumerate(parts) if one["part"] == SCORE]
        found[:, scored] = grams.scores(list(order), weights)
    return found[[order[text] for text in texts]]


def _part(seconds: np.ndarray, part: str) -> np.ndarray:
    """Returns a part (N,), such as the weekday, of dates in seconds since 1970; NaN = missing."""
    if part == "day":
        return seconds / DAY
    known = np.isfinite(seconds)
    days = np.floor(np.where(known, seconds, 0.0) / DAY)
    dates = days.astype(np.int64).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    if part == "year":
        found = dates.astype("datetime64[Y]").astype(int) + 1970
    elif part == "month":
        found = months.astype(int) % 12 + 1
    elif part == "day of the month":
        found = (dates - months).astype(int) + 1
    elif part == "day of the week":
        found = (days.astype(int) + 3) % 7
    else:
        found = np.floor((np.where(known, seconds, 0.0) - days * DAY) / 3600)
    return np.where(known, found, np.nan).astype(float)


def _levels(cells: Sequence[str | None], least: int) -> list[str]:
    counts = Counter(cell for cell in cells if cell is not None)
    often = [name for name, count in counts.most_common(LEVELS) if count >= least]
    return sorted(often, key=natural)


def _values(
    cells: Sequence[Any], parts: Sequence[dict[str, Any]], weights: np.ndarray | None
) -> np.ndarray:
    """Returns the P numbers (N, P) that are made of the cells of one column."""
    if parts[0]["part"] in (WORD, SCORE, *COUNTS):
        return _text_numbers(cells, parts, weights)
    values = np.array(cells, float)
    found = [_part(values, one["part"]) if one["part"] else values - one["centre"] for one in parts]
    return np.stack(found, axis=1)


def encoded(cells: Sequence[TableRow | Problem], data: dict[str, Any]) -> Encoded:
    """Returns `numbers` float32 (N, D), NaN where missing, and `levels` int32 (N, C).

    A cell that is a Problem is reported; its row has NaN and the code of a missing category.
    """
    rows = [cell for cell in cells if isinstance(cell, TableRow)]
    problems = {at: cell for at, cell in enumerate(cells) if isinstance(cell, Problem)}
    good = np.array([at for at in range(len(cells)) if at not in problems], np.int64)
    columns = list(zip(*(row.values for row in rows), strict=True))
    numbers = np.full((len(cells), len(data["numbers"])), np.nan, np.float32)
    levels = np.zeros((len(cells), len(data["categories"])), np.int32)
    made: dict[int, list[int]] = {}
    for at, one in enumerate(data["numbers"] if rows else ()):
        made.setdefault(one["place"], []).append(at)
    for place, ats in made.items():
        parts = [data["numbers"][at] for at in ats]
        values = _values(columns[place], parts, data.get("grams", {}).get(str(place)))
        numbers[good[:, None], ats] = np.clip(values, -LARGEST, LARGEST)
    for at, place in enumerate(data["categories"] if rows else ()):
        known = {name: number for number, name in enumerate(data["levels"][at], FIRST)}
        levels[good, at] = [
            MISSING if cell is None else known.get(cell, UNSEEN) for cell in columns[place]
        ]
    return Encoded({"numbers": numbers, "levels": levels}, problems)
