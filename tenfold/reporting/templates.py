"""HTML pages from templates: values are escaped, sentences are in the current language."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

from tenfold.core import taken
from tenfold.core.language import LANGUAGES, say, spoken
from tenfold.core.lazy import lazy
from tenfold.core.message import translate
from tenfold.core.text import short
from tenfold.core.version import __version__
from tenfold.reporting import words
from tenfold.run import by_text

jinja2, markupsafe = lazy("jinja2"), lazy("markupsafe")

__all__ = ["page"]

HERE = Path(__file__).parent


def page(template: str, **context: Any) -> str:
    """The HTML text of a page, rendered from a template."""
    style = (HERE / "style.css").read_text(encoding="utf-8")
    made = (
        _templates()
        .get_template(template)
        .render(style=style, version=__version__, made=template.partition(".")[0], **context)
    )
    return str(made)


def _say(text: str, **values: Any) -> Any:
    """`say` for templates: the sentence and all values that are not markup are escaped."""
    return markupsafe.Markup(markupsafe.escape(say(text))).format(**values)


@functools.cache
def _templates() -> Any:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "share": words.share,
        "number": words.number,
        "amount": words.amount,
        "span": words.span,
        "short": short,
        "percent": lambda value: round(100 * float(value), 2) if math.isfinite(value) else 0,
    }
    found.globals |= {
        "translate": translate,
        "roles": taken.ROLES,
        "left_said": lambda one: translate(taken.said(taken.left_of_json(one))),
        "summary": by_text.summary,
        "why_not_judged": by_text.why_not_judged,
        "lang": lambda: LANGUAGES[spoken()],
        "metric": words.metric,
        "named": words.named,
        "plural": words.plural,
        "say": _say,
    }
    return found
