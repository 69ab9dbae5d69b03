"""Answers of pictures and stacks: windows, planes, intensities and the size of a pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from tenfold.answers.kind import Answer
from tenfold.answers.mask import Mask, with_intensities
from tenfold.answers.segmentation.stacking import stacked
from tenfold.core.columns import Problem
from tenfold.core.settings import setting
from tenfold.media.files.references import Unreadable
from tenfold.media.image.masks.asked import AskedPicture, asked_picture, page_order
from tenfold.media.image.masks.wanted import Wanted
from tenfold.task import AnswersOf, Facts, Table
from tenfold.tasks.image_segmentation import windows
from tenfold.tasks.image_segmentation.decode import mask_from

__all__ = ["Predicting", "StackOptions", "too_large"]

WINDOWS_FROM = 2.0
"""Pictures larger than this many times the largest of the training are predicted in windows."""
PLANES = 16
"""Planes of a stack that are predicted together."""


@dataclass(frozen=True)
class StackOptions:
    """Prediction options of image segmentation beside those of masks."""

    pages: str = setting(
        "",
        "image page order of TIFF stacks without metadata: Z, C, ZC2 or C2Z",
        accepts=page_order,
    )


@dataclass(frozen=True)
class Predicting:
    """Predicts with the options of one prediction; `wanted` has the channels of the training."""

    facts: Facts
    options: Any
    ask: AnswersOf
    wanted: Wanted

    def answers(self, table: Table) -> Iterator[tuple[str, Answer]]:
        """Yields the source and the answer of each row; a stack has one answer."""
        data, pages = self.facts["data"], getattr(self.options, "pages", "")
        order = page_order(pages) if pages else (self.wanted.order, 0)
        found = [
            asked_picture(cell, order, self.wanted.picked, data.get("bits", 0))
            for cell in table["image"]
        ]
        flat = {
            row: (one, 0)
            for row, one in enumerate(found)
            if isinstance(one, AskedPicture) and not one.several
        }
        usual = self._planes(list(flat.values()), table.iloc[[*flat]])
        for source, one in zip(table["source"], found, strict=True):
            if isinstance(one, Problem):
                yield source, one
            else:
                yield source, self._stack(one) if one.several else next(usual)

    def _stack(self, picture: AskedPicture) -> Answer:
        """Returns the answer of a stack, or the Problem of its first plane that has one."""
        masks = list[Mask]()
        for start in range(0, len(picture.cells), PLANES):
            places = range(start, min(start + PLANES, len(picture.cells)))
            rows = pd.DataFrame(index=range(len(places)))
            for one in self._planes([(picture, place) for place in places], rows):
                if not isinstance(one, Mask):
                    return one
                masks.append(one)
        return stacked(masks, picture.starts)

    def _planes(
        self, planes: Sequence[tuple[AskedPicture, int]], rows: pd.DataFrame
    ) -> Iterator[Answer]:
        """Yields the answer of each plane; `rows` are the rows that they belong to."""
        cells = [picture.cells[place] for picture, place in planes]
        sizes = [too_large(windows.picture_size(cell), self.facts) for cell in cells]
        kept = [row for row, size in enumerate(sizes) if size is None]
        own = rows.iloc[kept].reset_index(drop=True)
        column = pd.Series([cells[row] for row in kept], dtype=object)
        usual = iter(self.ask(own.assign(image=column)) if kept else ())
        for (picture, place), cell, size in zip(planes, cells, sizes, strict=True):
            answer = next(usual) if size is None else self._in_windows(cell, size)
            yield self._measured(answer, picture, place)

    def _measured(self, answer: Answer, picture: AskedPicture, place: int) -> Answer:
        """Returns the answer with the size of a pixel and the intensities of its objects."""
        if not isinstance(answer, Mask):
            return answer
        if picture.micrometres is not None:
            answer = replace(answer, micrometres=picture.micrometres)
        if not answer.objects:
            return answer
        try:
            return with_intensities(answer, picture.stored(place, self.facts["data"]["channels"]))
        except Unreadable as error:
            return error.problem

    def _in_windows(self, cell: Any, size: tuple[int, int]) -> Answer:
        truths, scale = self.facts["truths"], self.facts["truths"]["scale"]
        scaled = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
        numbers = self.facts["data"]["channels"], len(truths["classes"])
        height, width = self.facts["data"]["frame"]
        found = windows.joined(cell, scaled, (height, width), numbers, self.ask)
        if isinstance(found, Problem):
            return found
        return mask_from(found.best, found.sure, found.distance, size, truths, self.options)


def too_large(size: tuple[int, int] | None, facts: Facts) -> tuple[int, int] | None:
    """Returns the size of a picture that is predicted in windows, None for others.

    These are more than twice as large as the largest picture of the training.
    """
    most = WINDOWS_FROM * facts["truths"]["largest"]
    return size if size is not None and max(size) > most else None
