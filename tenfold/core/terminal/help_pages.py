"""Help pages of the command line in the current language, and the flag --lang that sets it.

Click's own pages are always English.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import click

from tenfold.core.language import known, say, spoken
from tenfold.core.message import translate
from tenfold.core.text import padded, width, wrapped

__all__ = ["CLICKS", "LANGUAGE", "VARIABLE", "HelpContext", "extra", "lang_flag"]

VARIABLE = "TENFOLD_LANG"
"""Environment variable that sets the default of --lang."""
LANGUAGE = "Language of the output: en or zh."
"""Help text of --lang for commands that do not write an HTML page."""

CLICKS = ("Options", "Verbs", "Show the version and exit.", "Show this message and exit.")
"""Headings and texts that click writes into help pages, listed for translation."""
WIDEST = 30
"""Width of the column of flags; a longer flag has its text on the next line."""


class _Pages(click.HelpFormatter):
    """Writes help pages; wide letters count as two columns."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Writes the usage line."""
        super().write_usage(prog, args, f"{say('Usage')}{say(': ')}")

    def write_heading(self, heading: str) -> None:
        """Writes the heading of a section."""
        self.write(f"{' ' * self.current_indent}{translate(heading)}{say(': ').rstrip()}\n")

    def write_text(self, text: str) -> None:
        """Writes paragraphs; those that begin with `\\b` keep their lines."""
        if spoken() == "en":
            return super().write_text(text)
        room = self.width - self.current_indent
        paragraphs = []
        for paragraph in text.split("\n\n"):
            kept = paragraph.startswith("\b")
            lines = paragraph.split("\n")[1:] if kept else wrapped(translate(paragraph), room)
            paragraphs.append("".join(f"{' ' * self.current_indent}{one}\n" for one in lines))
        self.write("\n".join(paragraphs))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = WIDEST, col_spacing: int = 2
    ) -> None:
        """Writes flags or verbs, each with its text."""
        rows = [(name, translate(text)) for name, text in rows]
        if spoken() == "en":
            return super().write_dl(rows, col_max, col_spacing)
        first = min(max(width(name) for name, _ in rows), col_max) + col_spacing
        before = " " * self.current_indent
        for name, text in rows:
            lines = wrapped(text, max(self.width - first - 2, 10))
            if width(name) > first - col_spacing:
                self.write(f"{before}{name}\n")
                name = ""
            for line in lines or [""]:
                self.write(f"{before}{padded(name, first)}{line}".rstrip() + "\n")
                name = ""


class HelpContext(click.Context):
    """The context of commands whose help pages are translated."""

    formatter_class = _Pages


def extra(default: object = None, variable: str | None = None) -> str:
    """Returns the default and environment variable of a flag in brackets; "" without both."""
    parts = [say("env var: {name}", name=variable)] if variable else []
    parts += [] if default in (None, "") else [say("default: {value}", value=default)]
    return f"  [{'; '.join(parts)}]" if parts else ""


def lang_flag(before_verb: bool = False) -> click.Option:
    """Returns the flag --lang of commands that do not write an HTML page.

    With `before_verb`, it is the flag in front of the verb (`tenfold --lang zh VERB`); its value
    becomes the default of the verb's own --lang.
    """

    def checked(_: click.Context, __: click.Parameter, lang: str) -> None:
        known(lang)
        if before_verb:
            os.environ[VARIABLE] = lang

    return click.Option(
        ["--lang"],
        default="en",
        help=translate(LANGUAGE) + extra("en", VARIABLE),
        envvar=VARIABLE,
        expose_value=False,
        callback=checked,
    )
