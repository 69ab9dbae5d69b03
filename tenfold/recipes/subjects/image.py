"""Pictures, compared by the principal components of their pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Columns, Encoded
from tenfold.core.lazy import lazy
from tenfold.core.rows import Rows
from tenfold.media.files import idx, labelled, manifests
from tenfold.media.image import decode
from tenfold.media.image.medium import IMAGE
from tenfold.media.input import Input
from tenfold.media.reading import Reading
from tenfold.recipes.subjects.subject import Subject, holds

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")
networks, wrappers = lazy("tenfold.networks.subjects.projected"), lazy("tenfold.networks.subjects")

__all__ = ["SUBJECT"]

INPUTS = {"image": Input("image", file=partial(manifests.asked_files, medium=IMAGE))}
SIDE = 32
"""Largest side in pixels at which pictures are compared."""
WIDTH = 50
"""Number of principal components."""
LEARNT = 20_000
"""Maximum number of training pictures that the components are learnt from."""


class ImageSubject(Subject):
    """Pictures of one size, at most SIDE pixels a side."""

    name = "image"
    roles = IMAGE.roles
    columns = ("image",)

    def fits(self, source: Any, reading: Reading) -> bool:
        if isinstance(source, pd.DataFrame):
            return IMAGE.column in source.columns
        return bool(reading.columns.get(IMAGE.name)) or holds(Path(source), _is_picture)

    def read(self, source: Any, reading: Reading) -> Rows:
        return labelled.read(source, IMAGE, replace(reading, needs_labels=False))

    def learn(self, train: pd.DataFrame) -> dict[str, Any]:
        height, width = (int(train[name].median()) for name in ("height", "width"))
        scale = min(1.0, SIDE / max(height, width))
        return {
            "subject": self.name,
            "height": max(1, round(height * scale)),
            "width": max(1, round(width * scale)),
            "channels": int(train["channels"].max()),
        }

    def inputs(self, facts: Mapping[str, Any]) -> dict[str, Input]:
        return INPUTS

    def encode(self, table: pd.DataFrame, data: Mapping[str, Any]) -> Encoded:
        image, problems = decode.encode(
            list(table["image"]), data["height"], data["width"], data["channels"]
        )
        return Encoded({"image": image}, problems)

    def features(self, facts: Mapping[str, Any]) -> nn.Module:
        data = facts["data"]
        pixels = data["height"] * data["width"] * data["channels"]
        found: nn.Module = networks.PictureFeatures(pixels, min(WIDTH, pixels))
        return found

    def learn_features(self, features: Any, train: Columns) -> None:
        rows = np.linspace(0, train.rows - 1, min(train.rows, LEARNT)).astype(np.int64)
        features.learn(torch.from_numpy(train.take(rows)["image"]))

    def network(self, features: nn.Module, model: nn.Module) -> nn.Module:
        found: nn.Module = wrappers.OfPictures(features, model)
        return found


def _is_picture(name: str) -> bool:
    return Path(name).suffix in IMAGE.suffixes or idx.is_name(name) is not None


SUBJECT = ImageSubject()
