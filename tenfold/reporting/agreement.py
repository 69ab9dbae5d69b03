"""Texts on how far explanation maps agree with those of the same network with shuffled weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tenfold.core.language import say
from tenfold.core.message import Message, as_message, translate
from tenfold.core.progress import tell

__all__ = ["ALIKE", "TITLES", "lines", "warn"]

Agreement = Mapping[str, float | None]
"""Rank correlation of an input's map with those of networks with shuffled weights, by method."""
ALIKE = 0.7
"""Rank correlation above which a map shows the input and not what the network learnt."""
TITLES = {
    "occlusion": Message("occlusion"),
    "contributions": Message("contributions"),
    "gradcam": as_message("Grad-CAM"),
}


def lines(found: Sequence[Agreement]) -> list[str]:
    """Returns a list with one line on the mean rank correlation of each method, or [].

    Methods with a mean above ALIKE are left out.
    """
    means = []
    for way, title in TITLES.items():
        known = [value for one in found if (value := one.get(way)) is not None]
        if known and np.mean(known) <= ALIKE:
            means.append(f"{np.mean(known):.2f} ({translate(title)})")
    if not means:
        return []
    return [
        say(
            "With random weights the explanations are others: rank correlation {values}",
            values=", ".join(means),
        )
    ]


def warn(found: Sequence[Agreement], what: Message) -> None:
    """Prints how many maps of each method are nearly the same with random weights."""
    for way, title in TITLES.items():
        values = [one.get(way) for one in found]
        alike = [value for value in values if value is not None and value > ALIKE]
        if alike:
            tell(
                Message(
                    "{count} of {total} explanations ({method}) are nearly the same with random "
                    "weights: they show the {input}, not what the network learned.",
                    count=len(alike),
                    total=len(found),
                    method=title,
                    input=what,
                )
            )
