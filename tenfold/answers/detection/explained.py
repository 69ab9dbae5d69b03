"""The box of an answer that is explained: the best one, that of a class, or that of a number."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.detection.drawing import drawn
from tenfold.core.columns import Problem
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.results import ExplainedPart

if TYPE_CHECKING:
    from PIL.Image import Image

frame = lazy("tenfold.media.image.frame")

__all__ = ["about", "explained"]


def about(answer: Any, name: str) -> Any:
    """Returns the box to explain: the best of a class, or the box of this number from 1.

    A Problem where there is no box of this number; of a class without a box, no box at all.
    """
    own = [place for place, box in enumerate(answer.boxes) if box[0] == name]
    if not own and name.isdecimal() and 0 < int(name) <= len(answer.boxes):
        own = [int(name) - 1]
    if not own and name.isdecimal():
        return Problem(
            "no-such-box",
            Message(
                "has no box {name!r} among the {count} found", name=name, count=len(answer.boxes)
            ),
            Message("Give the class or the number of a box that was found, or leave out --about."),
        )
    return answer.at(own[:1])


def explained(answer: Any, about: Any) -> ExplainedPart:
    """Returns the first box of `about`, with its number among all boxes of `answer`, from 1."""
    if not about.boxes:
        return ExplainedPart(about)
    part = about.at([0])
    (label, *corners), score = part.boxes[0], part.scores[0]
    number = answer.boxes.index(part.boxes[0]) + 1
    return ExplainedPart(
        part,
        Message("box {number} ({label})", number=number, label=label),
        {"number": number, "label": label, "box": corners, "score": score},
        partial(_marked, part),
    )


def _marked(part: Any, picture: Image) -> Image:
    """Returns the frame that the network sees with the box drawn on it."""
    (label, *corners), shape = part.boxes[0], (picture.height, picture.width)
    place = np.array([corners], float)
    if part.size is not None:
        place = frame.in_frame(place, np.array([part.size]), shape)
    return drawn(picture, [(label, *map(float, place[0]))], part.scores)
