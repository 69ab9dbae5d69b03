"""Predicts a box and a class for each object in a picture.

Folder:
    cells/                  COCO JSON, YOLO, Pascal VOC, LabelMe, CVAT, Label Studio,
        images/  labels/    CreateML, VIA or metadata.jsonl, recognised by content;
        data.yaml           parts, where there are any, are kept
    or a table with path,x0,y0,x1,y1,label; or an archive of any of these
Predicts: Boxes (class, corners as fractions of the picture, confidence), the best first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.boxes import BOXES, BoxesKind
from tenfold.core import device
from tenfold.core.columns import Column, Encoded, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import setting
from tenfold.media.image import augment as image_augment
from tenfold.media.image import frame, scenes
from tenfold.media.image.boxes import read as box_reader
from tenfold.media.image.medium import IMAGE
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.task import AnswersOf, Facts, InnerRun, Outputs, Table, Task
from tenfold.tasks.object_detection import choices, decoding, learning, tiles
from tenfold.training import loop

if TYPE_CHECKING:
    from torch import nn

    from tenfold.answers.kind import Answer

torch, detector = lazy("torch"), lazy("tenfold.networks.detector")
losses = lazy("tenfold.tasks.object_detection.loss")

INPUTS = {"image": Input("image")}
SIZES = ("tiny", "small", "medium")

_RECIPES = {
    "muon": loop.Recipe("muon", 0.02, 0.002, warm=0.02, hold=0.3, batch=8, average=0.1),
    "adamw": loop.Recipe("adamw", 0.002, decay=0.01, warm=0.02, hold=0.3, batch=8, average=0.1),
}
_STEPS = 1500
"""Least number of steps of a training."""


@dataclass(frozen=True)
class ObjectDetection(Task):
    """The task of object detection; the module's docstring describes it."""

    size: str = setting("small", "model size", choices=SIZES, search=("tiny", "medium"))
    image_size: int = setting(
        0,
        "image size: longer side after resizing, 0 = chosen from the data",
        unit="px",
        low=0,
        high=2048,
    )
    optimizer: str = setting("muon", "optimizer", choices=("muon", "adamw"))
    learning_rate: float = setting(
        0.0,
        "learning rate, 0 = that of the recipe",
        low=0.0,
        high=100.0,
        search=lambda drawn: learning.around(_RECIPES[drawn["optimizer"]].learning_rate),
    )
    augment: str = setting(
        "auto",
        f"augmentation: auto, none or some of {','.join(scenes.KINDS)}",
        accepts=partial(image_augment.named, known=scenes.KINDS),
    )
    mosaic: float = setting(
        0.25,
        "augmentation: share of the pictures of a batch that are mosaics of four",
        low=0.0,
        high=1.0,
        search=(0.0, 0.5),
    )
    class_weights: str = setting("auto", "loss: weights of rare classes", choices=("auto", "none"))

    answers = (BOXES,)
    roles = IMAGE.roles
    options = tiles.TileOptions

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        return box_reader.read(source, reading).completed(BOXES, INPUTS, reading)

    def learn(self, train: Rows) -> Facts:
        height, width = learning.sides(train.table, self.image_size)
        channels = int(train.table["channels"].max())
        truths = learning.truths(train.table)
        kinds = learning.augmentations(self.augment, train.table, truths["classes"])
        return {
            "data": {"height": height, "width": width, "channels": channels},
            "truths": truths,
            "net": {"size": self.size, "augment": image_augment.joined(kinds, scenes.KINDS)},
        }

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return INPUTS

    def answer(self, facts: Facts) -> BoxesKind:
        return BOXES

    def encode(self, table: Table, facts: Facts) -> Encoded:
        data = facts["data"]
        image, size, problems = frame.encode(
            list(table["image"]), (data["height"], data["width"]), data["channels"]
        )
        return Encoded({"image": image, "size": size}, problems)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return {"boxes": learning.targets(table, facts)}

    def build(self, facts: Facts) -> nn.Module:
        net = detector.Detector(
            facts["data"]["channels"], len(facts["truths"]["classes"]), facts["net"]["size"]
        )
        net.views = facts.get("fitted", {}).get("views", choices.views(facts)[-1])
        return net

    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> Fitted:
        facts, parts = plan.facts, plan.visible(parts)
        kinds = image_augment.named(facts["net"]["augment"], scenes.KINDS) or ()
        stored = (facts["data"]["height"], facts["data"]["width"])
        changes = scenes.Scenes(kinds, scenes.crop_sides(stored), mosaic=self.mosaic)
        weights = learning.class_weights(facts["truths"]["counts"], self.class_weights)
        place = device.choose_device(plan.device)
        loss = partial(losses.loss, class_weights=torch.tensor(weights, device=place))
        recipe = self._recipe(parts.train.rows)
        fitted = loop.fit(net, parts, loss, plan, recipe, changes if kinds else None)
        chosen = choices.choose(fitted.net, parts, facts, plan.fixed)
        return replace(fitted, facts=fitted.facts | chosen)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return [*decoding.answers_of(outputs, facts, options)]

    def predict(
        self,
        tables: Iterator[Table],
        answers_of: AnswersOf,
        facts: Facts,
        options: Any,
        inner: Mapping[str, InnerRun],
    ) -> Iterator[tuple[str, Answer]]:
        for table in tables:
            answers = tiles.answers(table, answers_of, options)
            yield from zip(table["source"], answers, strict=True)

    def _recipe(self, rows: int) -> loop.Recipe:
        """The recipe: the fewer rows, the more epochs."""
        recipe = _RECIPES[self.optimizer]
        epochs = float(np.clip(learning.PICTURES / max(1, rows), 12, 100))
        recipe = replace(recipe, epochs=epochs, least_steps=_STEPS)
        return replace(recipe, learning_rate=self.learning_rate) if self.learning_rate else recipe
