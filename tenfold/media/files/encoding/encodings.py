"""Decides the encoding of text files: one for a whole file or corpus, never one for each line.

UTF-8, UTF-16 and UTF-32 are recognised by their bytes. Older encodings are detected twice: by
chardet, and by the probability of the decoded text (`letters`). Where both agree, and the text in
every other encoding is clearly less probable, that encoding is used, and a note shows a line as it
was read. Otherwise the user is asked to choose between the two most probable encodings.
"""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.media.files.encoding.byte_samples import (
    Sample,
    fits,
    has_escapes,
    sample_of,
    wide_encoding,
)
from tenfold.media.files.encoding.known_encodings import (
    CANDIDATES,
    ENGLISH,
    KnownEncoding,
    checked_encoding,
)
from tenfold.media.files.encoding.letters import log_probability, tokens_of
from tenfold.media.reading import AS_FOUND, Reading

__all__ = [
    "Encoding",
    "corpus_encoding",
    "decided",
    "own_encoding",
    "unlikely",
]

_chardet = lazy("chardet")

FEW_LINES = 5
"""Lines with non-ASCII bytes that are few."""
PLAIN = 50
"""Where a file has fewer than FEW_LINES such lines, and at least PLAIN times as many ASCII lines,
the encodings of DOS and classic Mac OS do not count."""

_ASKED = (
    *"gb18030 big5 cp932 euc-jp cp949 cp866 cp437 cp850".split(),
    *"cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257".split(),
    *"koi8-r koi8-u iso8859-2 iso8859-5 iso8859-7 iso8859-15 mac-roman".split(),
    *"ascii utf-8".split(),
)
"""Names that chardet chooses from."""
_SAME = {"euc_jis_2004": "euc_jp", "big5hkscs": "cp950", "big5": "cp950", "iso8859-1": "cp1252"}
"""Codecs of chardet, and those taken in their place."""
SHARE = 0.95
"""Least share of lines that an encoding must decode; UTF-8 needs `SHARE_UTF8`."""
SHARE_UTF8 = 0.9
CHANCE = 3
"""Most lines of another encoding that may by chance be UTF-8."""
CONTROL = 0.03
"""Most control characters and unassigned ones, as a share of the characters of a text."""
WORST = -11.0
"""Mean log probability of a character below which bytes are not text."""
STORED = 12.0
"""Log probability by which the encoding of training may be less probable than another."""
SHOWN = 60
"""Most characters of a line that is shown."""


@dataclass(frozen=True)
class Encoding:
    """The name of an encoding, and sentences about it for `Taken.note`."""

    name: str
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class _Read:
    """The lines of a sample as one encoding reads them, and their log probability."""

    candidate: KnownEncoding
    lines: tuple[str | None, ...]
    score: float


def own_encoding(data: bytes) -> str:
    """Returns UTF-8, UTF-16, UTF-32 or ISO-2022-JP where the bytes show it themselves, else ""."""
    if wide := wide_encoding(data):
        return wide
    if data.isascii() and has_escapes(data):
        return "iso-2022-jp"
    return "utf-8" if fits(data, "utf-8") else ""


def corpus_encoding(
    datas: Iterable[bytes], where: str = "", reading: Reading = AS_FOUND
) -> Encoding:
    """Returns the encoding of a corpus of small files, decided from all of them together.

    Files in UTF-16 or UTF-32 are left out of the decision: each shows its own encoding
    (`own_encoding`). Raises UsageError where two encodings are about equally probable.
    """
    whole = Sample()
    for data in datas:
        one = sample_of([data])
        if not one.wide:
            whole.merge(one)
    return decided(whole, where, reading)


def decided(sample: Sample, where: str = "", reading: Reading = AS_FOUND) -> Encoding:
    """Returns the encoding of the sampled file or corpus; `where` names it in messages.

    An encoding given by the user applies. The encoding found in training applies where the bytes
    fit it and no other is clearly more probable. Raises UsageError where two encodings are about
    equally probable, DataRefused where the bytes are not text in any of them.
    """
    if reading.encoding:
        name = checked_encoding(reading.encoding)
        return Encoding(name, _strange(sample, name, where))
    stored = str(reading.found.get("encoding") or "")
    if sample.wide:
        return Encoding(sample.wide)
    if sample.escapes and not sample.valid_count + sample.other_count:
        return Encoding("iso-2022-jp")
    total = sample.valid_count + sample.other_count
    if sample.valid_count >= SHARE_UTF8 * total and not _doubtful(sample):
        return Encoding("utf-8", _strange(sample, "utf-8", where))
    if sample.valid_count > max(CHANCE, (1 - SHARE_UTF8) * total):
        raise _mixed(sample, where)
    found = _chosen(sample, where, stored)
    return Encoding(found.candidate.name, _notes(found, where, stored))


def _doubtful(sample: Sample) -> bool:
    """Returns True where lines that are UTF-8 are more probably text of an older encoding.

    Two characters of GB18030 may by chance be two of UTF-8. The characters of such lines are of
    scripts that hardly occur together.
    """
    if not 0 < sample.valid_count <= CHANCE:
        return False
    text = b"\n".join(sample.valid).decode("utf-8", "replace")
    if len(tokens_of(text)) > 3 or any(ord(one) > 0x7FF for one in text):
        return False
    reads = _ranked(sample.valid, sample.plain)
    plain = b"\n".join(sample.plain).decode("ascii", "replace")
    own = log_probability(f"{text}\n{plain}", _all_languages())
    return bool(reads) and reads[0].score > own + STORED


def _all_languages() -> frozenset[str]:
    return frozenset(" ".join(one.languages for one in CANDIDATES).split()) | {ENGLISH}


def _chosen(sample: Sample, where: str, stored: str) -> _Read:
    """Returns the clearly most probable reading, or that of training if it is about as probable.

    Raises UsageError where another reading is about as probable or chardet finds another one,
    DataRefused where no reading is plausible text.
    """
    lines = sample.other + (sample.valid if sample.valid_count else [])
    reads = _ranked(lines, sample.plain)
    if len(lines) < FEW_LINES and len(sample.plain) >= PLAIN * len(lines):
        reads = [one for one in reads if one.candidate.script != "old"] or reads
    if not reads or _no_words(reads[0]):
        raise _no_text(where)
    best = reads[0]
    for one in reads:
        if one.candidate.name == stored and one.score >= best.score - STORED:
            return one
    rival = _rival(lines, reads, best)
    second = rival or next((one for one in reads if one.lines != best.lines), None)
    needed = _overruling(best) if rival else _needed(best)
    if second is None or best.score - second.score >= needed:
        return best
    raise _asked(best, second, where)


def _no_words(best: _Read) -> bool:
    """Returns True where even the best reading is less probable than any text."""
    text = "\n".join(line for line in best.lines if line is not None)
    control = sum(unicodedata.category(one) in ("Cc", "Cn", "Co") for one in text)
    control -= sum(text.count(one) for one in "\t\n\v\f\x1b")
    if control > CONTROL * len(text):
        return True
    languages = frozenset(best.candidate.languages.split()) | {ENGLISH}
    return log_probability(text, languages) < WORST * len(text.replace("\n", ""))


def _needed(best: _Read) -> float:
    """Returns the least difference of log probabilities: more where there are few words."""
    count = len(tokens_of("\n".join(line or "" for line in best.lines)))
    return 7.0 if count <= 3 else 4.0 if count <= 8 else 1.5


def _overruling(best: _Read) -> float:
    """Returns the difference of log probabilities from which chardet's reading is overruled.

    Single Chinese characters are weak evidence: almost any two bytes are one.
    """
    if best.candidate.script in ("old", "chinese", "japanese", "korean"):
        return math.inf
    return STORED


def _ranked(lines: Sequence[bytes], plain: Sequence[bytes]) -> list[_Read]:
    """Returns the readings of the lines, the most probable first.

    An encoding is left out where it cannot decode SHARE of the lines.
    """
    ascii_text = b"\n".join(plain).decode("ascii", "replace")
    reads = []
    for candidate in CANDIDATES:
        found = tuple(_decoded(line, candidate.codec) for line in lines)
        missing = found.count(None)
        if missing > (1 - SHARE) * len(found):
            continue
        text = "\n".join((*(line for line in found if line is not None), ascii_text))
        languages = frozenset(candidate.languages.split()) | {ENGLISH}
        score = log_probability(text, languages) + candidate.prior - 20.0 * missing
        reads.append(_Read(candidate, found, score))
    return sorted(reads, key=lambda one: -one.score)


def _decoded(line: bytes, codec: str) -> str | None:
    try:
        return line.decode(codec)
    except UnicodeDecodeError:
        return None


def _rival(lines: Sequence[bytes], reads: list[_Read], best: _Read) -> _Read | None:
    """Returns the reading that chardet finds, where its text is not that of the best one."""
    data = b"\n".join(lines)[: 1 << 16]
    name = _chardet.detect(data, include_encodings=_ASKED)["encoding"] or "cp1252"
    codec = codecs.lookup(name).name.replace("-", "_")
    codec = _SAME.get(codec, codec)
    for one in reads:
        if codecs.lookup(one.candidate.codec).name.replace("-", "_") == codec:
            return None if one.lines == best.lines else one
    return None


# --- what is said ---------------------------------------------------------------------------------


def _notes(found: _Read, where: str, stored: str) -> tuple[Message, ...]:
    name, line = found.candidate.name, _short(next(one for one in found.lines if one))
    if stored and stored != name:
        return (
            Message(
                "{name} is read as {encoding}, the training data as {stored}, for example {line!r} "
                "(--encoding)",
                name=_named(where),
                encoding=name,
                stored=stored,
                line=line,
            ),
        )
    return (
        Message(
            "{name} is read as {encoding}, for example {line!r} (--encoding)",
            name=_named(where),
            encoding=name,
            line=line,
        ),
    )


_STRANGE = re.compile(
    "[\u0080-\u009f\ue000-\uf8ff\ufffd]|[ÂÃÐÑ][\u0080-\u00bf]|â€.|ï»¿|锟斤拷|烫烫烫|[\U000f0000-\U0010ffff]"
)


def unlikely(text: str) -> str:
    """Returns characters of a text that show a wrong encoding, such as 'Ã©' for 'é', else ""."""
    found = _STRANGE.search(text)
    return found.group() if found else ""


def _strange(sample: Sample, encoding: str, where: str) -> tuple[Message, ...]:
    """Returns a sentence on the lines that hold unlikely characters, if there are any."""
    lines = sample.valid + sample.other
    found = [one for line in lines if (one := unlikely(line.decode(encoding, "replace")))]
    if not found:
        return ()
    return (
        Message(
            "{name}: {count} of {all} lines that were looked at hold characters that are unlikely "
            "in text, such as {example!r}. The file may have been saved in a wrong encoding",
            name=_named(where),
            count=len(found),
            all=len(lines),
            example=found[0],
        ),
    )


def _named(where: str) -> str:
    return where or Message("The text")


def _short(line: str, start: int = 0) -> str:
    """Returns the part of a line that is shown."""
    first = max(0, start - SHOWN // 3)
    return "".join(one if one.isprintable() else " " for one in line[first : first + SHOWN]).strip()


def _differing(first: _Read, second: _Read) -> tuple[str, str]:
    """Returns the first line that the two encodings read differently, as each reads it."""
    for one, two in zip(first.lines, second.lines, strict=True):
        if one != two and one is not None and two is not None:
            start = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), 0)
            return _short(one, start), _short(two, start)
    return "", ""


def _asked(best: _Read, second: _Read, where: str) -> UsageError:
    one, two = _differing(best, second)
    return _two_readings(where, (best.candidate.name, one), (second.candidate.name, two))


def _two_readings(where: str, first: tuple[str, str], second: tuple[str, str]) -> UsageError:
    return UsageError(
        Message(
            "{name} can be read as {first}: {one!r}, or as {second}: {two!r}",
            name=_named(where),
            first=first[0],
            one=first[1],
            second=second[0],
            two=second[1],
        ),
        code="two-readings",
        where=where,
        fix=Message(
            "Choose one with --encoding {first} or --encoding {second}, or give another.",
            first=first[0],
            second=second[0],
        ),
    )


def _mixed(sample: Sample, where: str) -> UsageError | DataRefused:
    """Returns the error for a file of which only a part of the lines is UTF-8."""
    reads = _ranked(sample.other, sample.plain)
    if not reads:
        return _no_text(where)
    line = sample.other[0].decode("utf-8", "replace")
    other = reads[0]
    return _two_readings(
        where,
        ("utf-8", _short(line)),
        (other.candidate.name, _short(other.lines[0] or "")),
    )


def _no_text(where: str) -> DataRefused:
    return DataRefused(
        Message("{name} is not text in any encoding that is detected", name=_named(where)),
        code="encoding",
        where=where,
        fix=Message("Name its encoding with --encoding, or save it in UTF-8."),
    )
