"""Marks for "missing" in a column: `?`, `n/a`, `NULL` ..., apart from words that can be values."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["ALWAYS", "SIGNS", "WORDS", "is_mark", "marks_of_words"]

ALWAYS = frozenset(
    "? ?? ??? n/a n.a. n.a #n/a #na #n/a! <na> null <null> (null) #null! nan nat \\n nil #div/0! "
    "#value! #ref! #num! #name? #error! k.a. k. a. s/d n.d. n.v.t. 缺失 空值 缺失值".split()
) | {"k. a.", "#n/a n/a", "-nan", "1.#qnan", "-1.#ind", "keine angabe", "no data", "n / a"}
"""Marks that are not values of any column, in lower case."""
SIGNS = frozenset("- -- --- – — ― . .. ... … * / //".split())
"""Marks of signs: values where another value of the column has signs alone."""
WORDS = frozenset(
    "na none missing nd void blank empty unknown undefined not_available 无 空 未知 没有 不详 暂无 "
    "unbekannt fehlt inconnu desconocido".split()
) | {"not available", "not known", "not applicable"}
"""Words for "missing" in columns of numbers and dates; in other columns they can be values."""


def is_mark(text: str) -> bool:
    """Returns True for a text that means "missing" in a column of numbers or dates."""
    plain = text.casefold()
    return plain in ALWAYS or plain in SIGNS or plain in WORDS


def marks_of_words(texts: Sequence[str]) -> tuple[list[int], list[int]]:
    """Returns the positions of marks for "missing" in the distinct texts of a column of words.

    The second list has the positions of words and signs that could be marks and are kept as values:
    `-` beside `+`, `NA` beside other codes of two letters, `None` beside other words.
    """
    plain = [text.casefold() if len(text) <= 20 else "" for text in texts]
    certain = [at for at, text in enumerate(plain) if text in ALWAYS]
    signs = [at for at, text in enumerate(plain) if text in SIGNS]
    words = [at for at, text in enumerate(plain) if text in WORDS]
    others = [
        text
        for at, text in enumerate(texts)
        if text and plain[at] not in ALWAYS and plain[at] not in SIGNS and plain[at] not in WORDS
    ]
    if not others:  # nothing but marks and words that could be marks
        na = [at for at in words if plain[at] == "na"]
        return sorted([*certain, *signs, *na]), sorted(set(words) - set(na))
    signed = any(not any(map(str.isalnum, text)) for text in others)
    kept = [*(signs if signed else []), *words]
    marks = [*certain, *([] if signed else signs)]
    na = [at for at in words if texts[at] in ("NA", "na") and not _is_code(texts[at], others)]
    return sorted([*marks, *na]), sorted(set(kept) - set(na))


def _is_code(text: str, others: Sequence[str]) -> bool:
    """Returns True where most other texts are codes of as many letters in the same case."""
    alike = sum(
        len(one) == len(text) and one.isalpha() and one.isupper() == text.isupper()
        for one in others
    )
    return alike >= 0.5 * len(others)
