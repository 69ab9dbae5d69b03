"""Converts texts to words, characters and hashed n-grams, in blocks of many texts; without torch.

A token is a run of letters and digits, or one character of a script without spaces (Chinese,
Japanese), or one other mark. Texts of all languages are processed in the same way. There are no
external word lists: a vocabulary holds n-grams of training rows, each by 32 bits of its hash.

Shapes: N texts, P characters of all texts, W tokens of all texts.
"""

from __future__ import annotations

import base64
import functools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.core.columns import Problem
from tenfold.core.message import Message

__all__ = [
    "FEATURES",
    "LONGEST",
    "Block",
    "block",
    "known",
    "packed",
    "places",
    "texts_of",
    "unpacked",
]

LONGEST = 20_000
"""Most characters read from a text; of a longer one half from the beginning, half from the end."""

FEATURES = 6
"""Features of a token: the hash of the word, and five of its parts or neighbours."""

_SPACE, _WORD, _SINGLE = 0, 1, 2
_ALONE = ((0x2E80, 0xA000), (0xF900, 0xFB00), (0x20000, 0x40000))  # scripts without spaces


@functools.cache
def _kinds() -> np.ndarray:
    """Returns (0x110000,) the kind of each character: space, part of a word, or single token."""
    kinds = np.full(0x110000, _WORD, np.uint8)
    for point in (*range(0x3040), *range(0xFB00, 0x10000), *range(0x1F000, 0x20000)):
        kinds[point] = _kind(chr(point))
    for first, last in _ALONE:
        kinds[first:last] = _SINGLE
    kinds[0x3000] = _SPACE
    return kinds


def _kind(character: str) -> int:
    if character.isspace() or unicodedata.category(character) in ("Cc", "Cf"):
        return _SPACE
    word = character.isalnum() or character in "_'\u2019" or unicodedata.combining(character)
    return _WORD if word else _SINGLE


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _borders(kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns (W,) start and (W,) exclusive end of each token, in characters."""
    word = kinds == _WORD
    before, after = np.r_[False, word[:-1]], np.r_[word[1:], False]
    single = kinds == _SINGLE
    return np.flatnonzero(single | (word & ~before)), np.flatnonzero(single | (word & ~after)) + 1


def places(text: str) -> tuple[tuple[int, int], ...]:
    """Returns the (start, end) characters of every token in the text; the end is exclusive."""
    if not text:
        return ()
    starts, ends = _borders(_kinds()[_points(text)])
    return tuple(zip(starts.tolist(), ends.tolist(), strict=True))


def texts_of(cells: Iterable[Any]) -> tuple[list[str], dict[int, Problem]]:
    """Returns the texts of a column, "" where a cell is unusable, and the problems by row."""
    texts, problems = [], dict[int, Problem]()
    for row, cell in enumerate(cells):
        if isinstance(cell, Problem):
            problems[row] = cell
        elif not isinstance(cell, str):
            reason = Message("must be text, got {type}", type=type(cell).__name__)
            problems[row] = Problem(
                "not-a-text", reason, Message("Give the text as a string, in quotes.")
            )
        elif not cell.strip():
            problems[row] = Problem(
                "empty-text",
                Message("is empty"),
                Message("Write some text, or leave this text out."),
            )
        texts.append("" if row in problems else cell)
    return texts, problems


# --- blocks of texts ------------------------------------------------------------------------------


def _read(text: str) -> str:
    """Returns the text in NFKC and lower case; the middle of a long text is removed."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} {text[-LONGEST // 2 :]}"
    return f" {unicodedata.normalize('NFKC', text).lower()} "


def _mixed(values: np.ndarray) -> np.ndarray:
    """Mixes the bits of 32-bit hashes (the finaliser of MurmurHash3, A. Appleby, public domain)."""
    values = values ^ (values >> np.uint32(16))
    values = values * np.uint32(0x85EBCA6B)
    values = values ^ (values >> np.uint32(13))
    values = values * np.uint32(0xC2B2AE35)
    return np.asarray(values ^ (values >> np.uint32(16)))


@dataclass(frozen=True)
class Block:
    """N texts joined end to end.

    For each character, `points` (P,) is its code point, `row` (P,) the number of its text, and
    `kinds` (P,) its kind: space, part of a word, or single token. `starts` (W,) and `ends` (W,) are
    the borders of the tokens; `texts` is N.
    """

    points: np.ndarray
    row: np.ndarray
    kinds: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    texts: int

    @property
    def single(self) -> float:
        """Returns the share of characters from scripts without spaces; spaces are not counted."""
        some = self.points[self.kinds == _SINGLE]
        alone = sum(int(((some >= first) & (some < last)).sum()) for first, last in _ALONE)
        return alone / max(1, int((self.kinds != _SPACE).sum()))

    @property
    def letters(self) -> np.ndarray:
        """Returns (P,) True for characters that are neither spaces nor punctuation."""
        alone = np.zeros(len(self.points), bool)
        for first, last in _ALONE:
            alone |= (self.points >= first) & (self.points < last)
        return (self.kinds == _WORD) | alone

    @functools.cached_property
    def words(self) -> np.ndarray:
        """Returns (W,) uint32 hashes of the tokens."""
        return self._sums(0, None)

    def _sums(self, first: int, last: int | None, behind: bool = False) -> np.ndarray:
        """Returns (W,) hashes of the characters [first:last] of each token.

        With `behind` the characters are counted backwards from the end of the token.
        """
        if not len(self.starts):
            return np.zeros(0, np.uint32)
        lengths = self.ends - self.starts
        owner = np.repeat(np.arange(len(lengths)), lengths)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        points = self.points[np.repeat(self.starts, lengths) + place]
        if behind:
            place = lengths[owner] - 1 - place
        hashed = _mixed(points * np.uint32(0x9E3779B1) + place.astype(np.uint32))
        kept = place >= first if last is None else (place >= first) & (place < last)
        begins = np.cumsum(lengths) - lengths
        return np.add.reduceat(np.where(kept, hashed, np.uint32(0)), begins, dtype=np.uint32)

    def grams(self, words: int, least: int, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns (row, hash) of all word n-grams and character n-grams.

        Word n-grams have 1 to `words` tokens. Character n-grams have `least` to `most` characters,
        with spaces only at their ends. Each n-gram is listed once for each text, ordered by row and
        hash.
        """
        found = [*self._word_grams(words), *self._character_grams(least, most)]
        keys = [row.astype(np.uint64) << np.uint64(32) | hashed for row, hashed in found]
        once = _once(np.concatenate(keys)) if keys else np.zeros(0, np.uint64)
        return (once >> np.uint64(32)).astype(np.int64), once.astype(np.uint32)

    def _word_grams(self, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
        row, found, current = self.row[self.starts], [], self.words
        for length in range(1, most + 1):
            if length > 1:
                current = _mixed(current[:-1] * np.uint32(31) + np.uint32(length))
                current = current + self.words[length - 1 :]
            same = row[: len(current)] == row[length - 1 :]
            found.append((row[: len(current)][same], _mixed(current[same] + np.uint32(length))))
        return found

    def _character_grams(self, least: int, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
        space = self.kinds == _SPACE
        points = np.where(space, np.uint32(32), self.points)
        spaces, found, current = np.cumsum(space), [], points
        for length in range(1, most + 1):
            if length > 1:
                current = _mixed(current[:-1] * np.uint32(0x01000193) + np.uint32(length))
                current = current + points[length - 1 :]
            count = len(current)
            kept = self.row[:count] == self.row[length - 1 :]
            if length > 2:
                kept &= spaces[length - 2 : length - 2 + count] == spaces[:count]
            elif length == 1:
                kept = kept & ~space
            else:
                kept &= ~(space[:count] & space[1:])
            if length >= least:
                salt = np.uint32(0x632BE5AB + length)
                found.append((self.row[:count][kept], _mixed(current[kept] ^ salt)))
        return found

    def features(self, buckets: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns (W,) hash of each token and (W, 5) bucket numbers of its parts.

        Buckets are 1 to `buckets` - 1; 0 means that the token has no such part. The parts of a word
        are its first 3, 4, 5 and last 2, 3 characters; the parts of a token of one character are
        the pairs that it forms with its neighbours.
        """
        words, row = self.words, self.row[self.starts]
        alone = self.kinds[self.starts] == _SINGLE if len(words) else np.zeros(0, bool)
        parts = [self._sums(0, 3), self._sums(0, 3, True), self._sums(0, 2, True)]
        parts += [self._sums(0, 4), self._sums(0, 5)]
        before = np.where(np.r_[-1, row[:-1]] == row, np.r_[np.uint32(0), words[:-1]], 0)
        after = np.where(np.r_[row[1:], -1] == row, np.r_[words[1:], np.uint32(0)], 0)
        pairs = [_mixed(before.astype(np.uint32)) + words, _mixed(words) + after.astype(np.uint32)]
        zero = np.zeros_like(words)
        singles = [*pairs, zero, zero, zero]
        columns = []
        for number, (part, single) in enumerate(zip(parts, singles, strict=True)):
            value = np.where(alone, single, part)
            bucket = _mixed(value ^ np.uint32(number * 0x51ED27)) % np.uint32(buckets - 1) + 1
            columns.append(np.where(alone & (number > 1), 0, bucket))
        return words, np.stack(columns, 1).astype(np.int32)


def _once(values: np.ndarray) -> np.ndarray:
    """Returns the distinct values, sorted; several times faster than numpy.unique for integers."""
    values = np.sort(values)
    return values[np.r_[True, values[1:] != values[:-1]]] if len(values) else values


def block(texts: Sequence[str]) -> Block:
    """Returns the texts as one block; long texts are shortened."""
    read = [_read(text) for text in texts]
    points = _points("".join(read))
    row = np.repeat(np.arange(len(read)), [len(text) for text in read])
    kinds = _kinds()[points]
    starts, ends = _borders(kinds)
    return Block(points, row, kinds, starts, ends, len(read))


# --- vocabularies of training rows ----------------------------------------------------------------


def packed(hashes: np.ndarray) -> str:
    """Returns hashes, sorted, as a text that JSON can hold."""
    return base64.b64encode(np.sort(hashes).astype("<u4").tobytes()).decode()


@functools.lru_cache(maxsize=16)
def unpacked(text: str) -> np.ndarray:
    """Returns the sorted hashes from a text made by `packed`."""
    return np.frombuffer(base64.b64decode(text), "<u4")


def known(hashes: np.ndarray, vocabulary: np.ndarray) -> np.ndarray:
    """Returns the index of each hash in a sorted vocabulary; -1 where it is missing."""
    if not len(vocabulary):
        return np.full(len(hashes), -1)
    place = np.minimum(np.searchsorted(vocabulary, hashes), len(vocabulary) - 1)
    return np.where(vocabulary[place] == hashes, place, -1)
