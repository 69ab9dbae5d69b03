"""Writes letters.json of tenfold/media/files/encoding: frequent pairs of letters, and characters.

    python benchmarks/letters.py DJANGO

DJANGO is the folder of an installed Django (5.2 was used): its translations (BSD-3-Clause) are
counted. Measures nothing.
"""

from __future__ import annotations

import collections
import json
import math
import re
import sys
from pathlib import Path

LETTERS = (
    "fr de es pt it nl sv da nb fi is pl cs sk sl hr hu ro sq et lv lt tr ru uk bg mk sr be el he "
    "ar fa en ca ga sr_Latn az kk"
).split()
CHARACTERS = "ja ko zh_Hans zh_Hant".split()
OTHER_SCRIPTS = frozenset("ru uk bg mk sr be kk el he ar fa".split())
"""Languages whose words of Latin letters are left out."""


def sentences(django: Path, language: str) -> list[str]:
    """The translated sentences of a language; the originals for English."""
    key = "msgid" if language == "en" else "msgstr"
    found = []
    for path in sorted(django.glob(f"**/locale/{language}/LC_MESSAGES/*.po")):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(rf'^{key} (.*(?:\n".*)*)', text, re.M):
            joined = "".join(re.findall(r'"(.*)"', match[1])).replace("\\n", " ")
            if joined and "Project-Id" not in joined and len(joined) < 300:
                found.append(re.sub(r"%\(\w+\)s|%[sd]", "", joined.replace('\\"', '"')))
    return found


def levels(language: str, lines: list[str]) -> list[str]:
    """The frequent pairs of letters, joined, in ten levels of decreasing probability."""
    words = collections.Counter(w for line in lines for w in re.findall(r"[^\W\d_]+", line.lower()))
    pairs: collections.Counter[str] = collections.Counter()
    for word, count in words.items():
        for first, second in zip(f"_{word}", f"{word}_", strict=True):
            pairs[first + second] += 1 + math.log2(count)  # type: ignore[assignment]
    total = sum(pairs.values())
    plain = [one for one in pairs.most_common() if one[0].isascii()][:260]
    marked = [one for one in pairs.most_common() if not one[0].isascii() and one[1] >= 1.5][:700]
    found = [""] * 10
    for pair, count in plain + marked:
        if language not in OTHER_SCRIPTS or not re.search("[a-z]", pair):
            found[max(0, min(9, round((-math.log(count / total) - 2.5) / 0.7)))] += pair
    return found


def main() -> None:
    django = Path(sys.argv[1])
    pairs = {one: levels(one, sentences(django, one)) for one in LETTERS}
    characters = {}
    for language in CHARACTERS:
        lines = sentences(django, language)
        counts = collections.Counter(
            one for line in lines for one in line if one.isalpha() and ord(one) > 0x3000
        )
        characters[language] = "".join(one for one, count in counts.most_common() if count >= 2)
    path = Path(__file__).parents[1] / "tenfold/media/files/encoding/letters.json"
    text = json.dumps({"pairs": pairs, "chars": characters}, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
