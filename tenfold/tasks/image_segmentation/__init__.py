"""Predicts the class of each pixel of a picture, and separates touching objects.

Folder:
    photos/  1.jpg 2.jpg           pictures
    masks/   1.png 2.png           the class of each pixel: numbers, a palette or colours
    or COCO polygons and runs, YOLO outlines, LabelMe, GeoJSON, VIA, a mask for each object,
    runs in a CSV,
    or an archive (zip, tar, tar.gz) of any of these; train/ valid/ test/ folders are optional
Predicts: Mask: the class of each pixel, in the size of the picture, and the single objects where
the training masks number them.

Sources: U-Net (arXiv 1505.04597), Dice and cross-entropy and the fingerprint of the data (nnU-Net,
arXiv 1809.10486), distances for touching objects (arXiv 1611.08303), Muon (K. Jordan et al. 2024).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.kind import Answer, AnswerKind
from tenfold.answers.mask import MASK
from tenfold.core import device
from tenfold.core.columns import Column, Encoded, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.core.results import Prediction, Scores
from tenfold.core.rows import Judged, Rows
from tenfold.core.settings import Range, setting
from tenfold.media.files import manifests
from tenfold.media.image import augment as image_augment
from tenfold.media.image import frame as frames
from tenfold.media.image.masks import read as masks_read
from tenfold.media.image.masks.asked import bits_in
from tenfold.media.image.masks.pixels import TrueMask
from tenfold.media.image.masks.wanted import wanted_of
from tenfold.media.image.medium import IMAGE
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.task import AnswersOf, Facts, InnerRun, Outputs, Table, Task
from tenfold.tasks.image_segmentation import fingerprint, loss, predicting, views
from tenfold.tasks.image_segmentation import targets as pixel_targets
from tenfold.tasks.image_segmentation.decode import decoded
from tenfold.training import loop

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")
networks = lazy("tenfold.networks.segmenter")

INPUTS = {"image": Input("image", file=partial(manifests.asked_files, medium=IMAGE))}
SIZES = ("tiny", "small", "medium")
USUAL = ("scale", "crop", "flip", "colour")
RECIPE = loop.Recipe(
    "muon",
    0.02,
    0.003,
    decay=0.01,
    momentum=0.95,
    warm=0.1,
    epochs=40,
    least_steps=600,
    batch=8,
    average=0.2,
)


@dataclass(frozen=True)
class ImageSegmentation(Task):
    """The task of image segmentation; the module's docstring describes it."""

    size: str = setting("small", "model size", choices=SIZES, search=("tiny", "medium"))
    image_size: int = setting(
        0,
        "image size: longest side after resizing, 0 = chosen from the data",
        unit="px",
        low=0,
        high=2048,
    )
    loss: str = setting("auto", "loss function", choices=loss.LOSSES, search=("cross-entropy",))
    learning_rate: float = setting(
        0.0,
        "learning rate, 0 = that of the recipe",
        low=0.0,
        high=10.0,
        search=Range(RECIPE.learning_rate / 4, RECIPE.learning_rate * 4),
    )
    augment: str = setting(
        "auto",
        f"augmentation: auto, none or some of {','.join(views.KINDS)}",
        accepts=views.named,
        search=("flip,colour", "scale,crop,flip,turn,colour"),
    )
    ignore_value: str = setting(
        "", "mask value or colour of pixels that have no loss and no score, such as 255"
    )
    channels: str = setting(
        "", "channels of the pictures to use, counted from 0, such as 0,2; default: all"
    )

    answers = (MASK,)
    options = predicting.StackOptions
    roles = IMAGE.roles

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        rows = masks_read.read(source, reading, self.ignore_value, self.channels)
        return rows.completed(MASK, INPUTS, reading)

    def learn(self, train: Rows) -> Facts:
        found = fingerprint.Fingerprint.of(map(TrueMask.of, train.table["mask"]))
        frame = found.frame(self.image_size)
        crop = fingerprint.crop_of(frame)
        channels = int(train.table["channels"].max()) if "channels" in train.table else 3
        facts = {
            "data": {
                "frame": list(frame),
                "channels": channels,
                "bits": bits_in(train.table["image"]),
            },
            "truths": found.truths(frame),
            "net": {
                "size": self.size,
                "levels": fingerprint.levels_of(frame),
                "crop": list(crop),
                "batch": fingerprint.batch_of(crop),
                "augment": self._possible(found.classes),
            },
        }
        tell(found.line(frame, crop))
        return facts

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return INPUTS

    def answer(self, facts: Facts) -> AnswerKind:
        return MASK

    def encode(self, table: Table, facts: Facts) -> Encoded:
        data = facts["data"]
        image, sizes, problems = frames.encode(
            list(table["image"]), _frame(facts), data["channels"]
        )
        return Encoded({"image": image, "size": sizes}, problems)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        truths = facts["truths"]
        return {
            **pixel_targets.targets(
                list(table["mask"]), truths["classes"], _frame(facts), bool(truths["things"])
            )
        }

    def build(self, facts: Facts) -> nn.Module:
        net, truths = facts["net"], facts["truths"]
        found: Any = networks.Segmenter(
            facts["data"]["channels"],
            len(truths["classes"]),
            net["size"],
            bool(truths["things"]),
            net["levels"],
        )
        found.mirror = facts.get("fitted", {}).get("mirror", "flip" in net["augment"])
        return found

    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> Fitted:
        facts = plan.facts
        place = device.choose_device(plan.device)
        _learn_statistics(net, parts)
        shares = facts["truths"]["shares"]
        value = loss.loss_function(self.loss, shares, place)
        kinds = views.named(facts["net"]["augment"]) or ()
        change = None
        if kinds:
            crop = facts["net"]["crop"]
            change = views.Views(kinds, (crop[0], crop[1]), tuple(shares))
        recipe = self._recipe(facts)
        measure = loss.measure(value)
        fitted = loop.fit(net, parts, value, plan, recipe, change, measure)
        mirror = _mirror(fitted.net, plan.visible(parts), kinds, plan)
        return replace(fitted, facts=fitted.facts | {"mirror": mirror})

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return [*decoded(outputs, facts["truths"], options)]

    def predict(
        self,
        tables: Iterator[Table],
        answers_of: AnswersOf,
        facts: Facts,
        options: Any,
        inner: Mapping[str, InnerRun],
    ) -> Iterator[tuple[str, Answer]]:
        wanted = wanted_of(AS_FOUND, channels=self.channels)
        asking = predicting.Predicting(facts, options, answers_of, wanted)
        for table in tables:
            yield from asking.answers(table)

    def score(self, run: Any, judged: Judged) -> Scores | None:
        sizes = np.asarray(judged.columns["size"])
        if not any(predicting.too_large((height, width), run.facts) for width, height in sizes):
            return None
        table = judged.table.drop(columns=["mask"])
        answers = [answer for _, answer in run.predict(iter([table]), **MASK.scoring)]
        return MASK.score(answers, judged.table, judged.train)

    def _possible(self, classes: tuple[str, ...]) -> str:
        """The augmentations of the setting, or for `auto` the usual ones.

        `auto` does not mirror where the name of a class contains left or right.
        """
        kinds = views.named(self.augment)
        if kinds is not None:
            return image_augment.joined(kinds, views.KINDS)
        sided = image_augment.reads_one_way([name for name in classes if len(name) > 1])
        return image_augment.joined(
            [kind for kind in USUAL if not (sided and kind == "flip")], views.KINDS
        )

    def _recipe(self, facts: Facts) -> loop.Recipe:
        recipe = replace(RECIPE, batch=facts["net"]["batch"])
        return replace(recipe, learning_rate=self.learning_rate) if self.learning_rate else recipe


def _frame(facts: Facts) -> tuple[int, int]:
    height, width = facts["data"]["frame"]
    return height, width


def _learn_statistics(net: Any, parts: Parts) -> None:
    columns = parts.train.only(["image"])
    rows = np.linspace(0, columns.rows - 1, min(columns.rows, 64)).astype(np.int64)
    with torch.no_grad():
        net.learn_statistics(torch.from_numpy(columns.take(rows)["image"]))


def _mirror(net: Any, parts: Parts, kinds: tuple[str, ...], plan: Plan) -> bool:
    """Chooses by the mean IoU on validation whether the mirror image is averaged at evaluation.

    Without validation rows it is, where training mirrored; with `plan.fixed` as in the first fit.
    """
    if plan.fixed is not None:
        net.mirror = bool(plan.fixed["mirror"])
    elif "flip" not in kinds or not parts.selection.rows:
        net.mirror = "flip" in kinds
    else:
        scores = {}
        for mirror in (True, False):
            net.mirror = mirror
            scores[mirror] = loss.mean_iou(net, parts.selection)
        net.mirror = scores[True] >= scores[False]
    return bool(net.mirror)
