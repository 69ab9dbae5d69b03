"""The encodings that are detected, and the names of encodings that a user can give."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message

__all__ = ["CANDIDATES", "ENGLISH", "KnownEncoding", "checked_encoding"]

ENGLISH = "en"
_WEST = "fr de es pt it nl sv da nb fi is ca ga et sq"
_CENTRE = "pl cs sk sl hr hu ro sq sr_Latn de"


@dataclass(frozen=True)
class KnownEncoding:
    """An encoding: its codec, the languages it was made for, and its prior log probability."""

    name: str
    codec: str
    languages: str
    script: str
    prior: float = 0.0


CANDIDATES = (
    KnownEncoding("windows-1252", "cp1252", _WEST, "latin"),
    KnownEncoding("gb18030", "gb18030", "zh_Hans", "chinese"),
    KnownEncoding("windows-1251", "cp1251", "ru uk bg mk sr be kk", "cyrillic"),
    KnownEncoding("cp932", "cp932", "ja", "japanese"),
    KnownEncoding("cp949", "cp949", "ko", "korean"),
    KnownEncoding("big5", "cp950", "zh_Hant", "chinese", -0.5),
    KnownEncoding("big5hkscs", "big5hkscs", "zh_Hant", "chinese", -1.0),
    KnownEncoding("euc-jp", "euc_jp", "ja", "japanese", -1.0),
    KnownEncoding("windows-1250", "cp1250", _CENTRE, "latin", -0.5),
    KnownEncoding("windows-1253", "cp1253", "el", "greek", -0.5),
    KnownEncoding("windows-1254", "cp1254", "tr az", "latin", -0.7),
    KnownEncoding("windows-1255", "cp1255", "he", "hebrew", -0.5),
    KnownEncoding("windows-1256", "cp1256", "ar fa", "arabic", -0.5),
    KnownEncoding("windows-1257", "cp1257", "et lv lt", "latin", -1.5),
    KnownEncoding("koi8-r", "koi8_r", "ru bg", "cyrillic", -1.5),
    KnownEncoding("koi8-u", "koi8_u", "uk", "cyrillic", -2.0),
    KnownEncoding("iso-8859-2", "iso8859_2", _CENTRE, "latin", -1.5),
    KnownEncoding("iso-8859-5", "iso8859_5", "ru uk bg mk sr be", "cyrillic", -2.0),
    KnownEncoding("iso-8859-7", "iso8859_7", "el", "greek", -1.5),
    KnownEncoding("iso-8859-15", "iso8859_15", _WEST, "latin", -1.5),
    KnownEncoding("cp866", "cp866", "ru be bg", "cyrillic", -2.5),
    KnownEncoding("macintosh", "mac_roman", _WEST, "old", -5.0),
    KnownEncoding("cp850", "cp850", _WEST, "old", -5.5),
    KnownEncoding("cp437", "cp437", _WEST, "old", -6.0),
)
"""Encodings that are detected; the user can give any that Python has."""
_NO_TEXT = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem")


def checked_encoding(name: str) -> str:
    """Returns the name of an encoding given by the user.

    Raises UsageError where there is no such encoding of texts.
    """
    try:
        found = codecs.lookup(name.strip())
        if found.name.replace("-", "_") in _NO_TEXT or not found._is_text_encoding:
            raise LookupError(name)
    except (LookupError, ValueError):
        known = ["utf-8", "utf-16", *(one.name for one in CANDIDATES)]
        raise UsageError(
            Message("There is no encoding {name!r}", name=name),
            code="bad-setting",
            where="encoding",
            fix=nearest(name, known),
        ) from None
    return name.strip().lower()
