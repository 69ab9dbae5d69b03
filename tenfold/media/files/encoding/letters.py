"""How probable a text is as text of the languages that an encoding was made for.

The model is a mixture of languages: pairs of adjacent letters in alphabetic scripts, single
characters in Chinese, Japanese and Korean. Its tables (`letters.json`) hold the frequent pairs and
characters of 43 languages, counted in the translations of Django (BSD-3-Clause) by
`benchmarks/letters.py`. Probabilities are natural logarithms throughout.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import unicodedata
from pathlib import Path

import numpy as np

__all__ = ["log_probability", "tokens_of"]

MAX_TOKENS = 200
"""Distinct words with non-ASCII characters that are judged; as many plain words beside them."""
FIRST, STEP = -2.5, 0.7
"""Log probability of the most frequent pairs, and its decrease from one level to the next."""
RARE, FOREIGN, SYMBOL, UNUSUAL, CONTROL = -9.5, -2.5, -6.5, -10.0, -25.0
"""Rare pair of letters; each letter outside the alphabet; usual, unusual and control character."""

_TOKEN = re.compile(r"[^ \t\r\n]*[^\x00-\x7f][^ \t\r\n]*")
_PLAIN = re.compile(r"(?<!\S)[A-Za-z]+(?!\S)")
_USUAL = frozenset(
    "\u00a0€£§°«»…–—‘’“”„‚•™©®²³½¡¿·№、。，！？：；（）「」『』《》【】・ー～\u3000〈〉"
)
_QUOTES = frozenset("’·–-—…‘“”«»¿¡")
_AFTER = frozenset("\u00a0™®©²³€°")
_BEFORE = frozenset("\u00a0€£§№©®")
_COMMON = {
    "ja": (("euc_jp", 0xB0, 0xCF, 0xA1), ("euc_jp", 0xA4, 0xA5, 0xA1)),
    "ko": (("euc_kr", 0xB0, 0xC8, 0xA1),),
    "zh_Hans": (("gb2312", 0xB0, 0xD7, 0xA1),),
    "zh_Hant": (("big5", 0xA4, 0xC6, 0x40),),
}
"""First-level characters of each language: codec, first and last lead byte, first trail byte."""


@functools.cache
def _tables() -> dict[str, dict[str, list[str] | str]]:
    text = (Path(__file__).parent / "letters.json").read_text(encoding="utf-8")
    tables: dict[str, dict[str, list[str] | str]] = json.loads(text)
    return tables


@functools.cache
def languages() -> tuple[str, ...]:
    """Returns the codes of the languages, in the order of all vectors."""
    return (*_tables()["pairs"], *_tables()["chars"])


@functools.cache
def _pairs() -> dict[str, np.ndarray]:
    """Returns for each frequent pair its log probability in each language, NaN where it is rare."""
    found: dict[str, np.ndarray] = {}
    for number, levels in enumerate(_tables()["pairs"].values()):
        for level, joined in enumerate(levels):
            for first, second in zip(joined[::2], joined[1::2], strict=True):
                row = found.setdefault(first + second, np.full(len(languages()), np.nan))
                row[number] = FIRST - STEP * level
    return found


@functools.cache
def _alphabets() -> dict[str, np.ndarray]:
    """Returns for each letter in which languages it is frequent."""
    found: dict[str, np.ndarray] = {}
    for pair, row in _pairs().items():
        for letter in pair:
            found[letter] = found.get(letter, np.zeros(len(row), bool)) | ~np.isnan(row)
    return found


@functools.cache
def _latin() -> np.ndarray:
    """Returns which languages are written in Latin letters: "e" is frequent in all of them."""
    return _alphabets()["e"]


@functools.cache
def _common() -> dict[str, frozenset[str]]:
    def of(codec: str, first: int, last: int, trail: int) -> set[str]:
        codes = (bytes([h, t]) for h in range(first, last + 1) for t in range(trail, 0xFF))
        return {one for code in codes if len(one := code.decode(codec, "ignore")) == 1}

    return {
        language: frozenset().union(*(of(*area) for area in areas))
        for language, areas in _COMMON.items()
    }


@functools.cache
def _pair(first: str, second: str) -> np.ndarray:
    """Returns the log probability of two adjacent letters; "_" is the border of a word."""
    nowhere = np.zeros(len(languages()), bool)
    rare = np.full(len(languages()), RARE)
    for letter in first + second:
        if letter != "_":
            rare += FOREIGN * ~_alphabets().get(letter, nowhere)
    row = _pairs().get(first + second)
    return rare if row is None else np.where(np.isnan(row), rare, row)


@functools.lru_cache(40_000)
def _ideograph(character: str) -> np.ndarray:
    """Returns the log probability of a Chinese, Japanese or Korean character."""
    names = languages()
    row = np.full(len(names), -17.0)
    for language, frequent in _tables()["chars"].items():
        rank = str(frequent).find(character)
        if rank >= 0:
            row[names.index(language)] = -np.log(rank + 25) - 2.2
        elif character in _common()[language]:
            row[names.index(language)] = -9.8
    return row


@functools.cache
def _symbol(character: str) -> float:
    code = ord(character)
    if character in _USUAL or 0xFF00 <= code < 0xFF61:
        return SYMBOL
    if unicodedata.category(character) in ("Cc", "Cn", "Co") or code == 0xFFFD:
        return CONTROL
    return UNUSUAL - 3.0 * (0x2500 <= code < 0x25A0)


def _is_ideograph(one: str) -> bool:
    return (
        "\u3040" <= one <= "\u30ff"
        or "\u3400" <= one <= "\u9fff"
        or "\uac00" <= one <= "\ud7a3"
        or "\uff66" <= one <= "\uff9f"
        or one >= "\U00020000"
    )


def _is_letter(one: str) -> bool:
    return one.isalpha() or unicodedata.category(one).startswith("M")


@functools.lru_cache(20_000)
def _token(token: str) -> np.ndarray:
    """Returns (languages,) log probabilities of a token without spaces."""
    total = np.zeros(len(languages()))
    for run in re.findall(r"[^\W\d_][^\W\d_\u0300-\u036f]*", _spaced(token)):
        total += _run(run)
    for place, one in enumerate(token):
        if _is_ideograph(one):
            total = total + _ideograph(one)
            beside = token[place - 1 : place] if place else ""
            after = token[place + 1 : place + 2]
            total -= 2.0 * sum(_is_letter(x) and not _is_ideograph(x) for x in (beside, after) if x)
        elif not one.isascii() and not _is_letter(one):
            total += _symbol(one) - _misplaced(one, token[place - 1 : place], token[place + 1 :])
        elif not one.isascii() and not one.isalpha():
            total += RARE  # a combining mark
    return total


def _spaced(token: str) -> str:
    """Returns the token with a space in place of each ideograph."""
    return "".join(" " if _is_ideograph(one) else one for one in token)


def _run(run: str) -> np.ndarray:
    """Returns the log probabilities of adjacent letters."""
    word = f"_{run.replace('İ', 'i').lower()}_"
    total = np.zeros(len(languages()))
    for first, second in itertools.pairwise(word):
        total += _pair(first, second)
    if run.isascii():  # in other scripts, words of Latin letters are mostly English
        total = np.where(_latin(), total, total[languages().index("en")])
    elif run != run.upper() and run[1:] != run[1:].lower():
        total -= 6.0  # a capital inside a word
    return total


def _misplaced(symbol: str, before: str, after: str) -> float:
    """Returns how much less probable a symbol is beside these letters."""
    left, right = before.isalpha(), after[:1].isalpha()
    if symbol in "„‚" and left and not right:
        return 6.0
    if symbol == "’" and right and not left:
        return 4.0
    if symbol in _QUOTES or symbol >= "\u3000" or (after and _is_ideograph(after[0])):
        return 0.0
    if left and right:
        return 6.0
    odd = (left and symbol not in _AFTER) or (right and symbol not in _BEFORE)
    return 2.0 if odd else 0.0


def tokens_of(text: str) -> list[str]:
    """Returns the distinct tokens with non-ASCII characters, at most MAX_TOKENS, spread evenly."""
    return _spread(list(dict.fromkeys(_TOKEN.findall(text))))


def _spread(found: list[str]) -> list[str]:
    step = max(1, len(found) // MAX_TOKENS)
    return found[::step][:MAX_TOKENS]


def log_probability(text: str, spoken: frozenset[str]) -> float:
    """Returns the log probability of the words of a text in a mixture of these languages.

    Each distinct word counts once. Words of ASCII letters find the languages and count half.
    """
    chosen = np.array([name in spoken for name in languages()])
    marked, plain = tokens_of(text), _spread(list(dict.fromkeys(_PLAIN.findall(text))))
    rows = np.array([_token(one)[chosen] for one in (*marked, *plain)])
    if not len(rows):
        return 0.0
    count = int(chosen.sum())
    weights = np.full(count, 1 / count)
    for _ in range(3):
        posterior = np.exp(rows + np.log(weights) - (rows + np.log(weights)).max(1, keepdims=True))
        weights = (posterior / posterior.sum(1, keepdims=True)).sum(0) + 0.3 / count
        weights /= weights.sum()
    mixed = rows + np.log(0.97 * weights + 0.03 / count)
    best = mixed.max(1, keepdims=True)
    each = best[:, 0] + np.log(np.exp(mixed - best).sum(1))
    return float(each[: len(marked)].sum() + 0.5 * each[len(marked) :].sum())
