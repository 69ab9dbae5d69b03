"""Predicts the class of a picture, or several classes.

Folder:
    photos/                 one folder per class; train/ valid/ test/ above or below are optional
        cat/  1.jpg 2.jpg
        dog/  3.jpg
    or MNIST's IDX files, or a CSV, TSV or Parquet file with path,label (cat|dog = both),
    or an archive (zip, tar, tar.gz) of any of these
Predicts: Label (or Labels) with calibrated probabilities of all classes.

Sources: arXiv 2404.00498 (the fast network and its recipe; ours takes bytes as input, plans its own
length and averages the last weights), arXiv 1708.02002 (focal loss), arXiv 1706.04599 (temperature
scaling), Muon (K. Jordan et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold.answers import classes as class_answers
from tenfold.answers.classification import logits, losses
from tenfold.answers.kind import AnswerKind
from tenfold.answers.label import LABEL
from tenfold.answers.labels import LABELS
from tenfold.core import device
from tenfold.core.columns import Batch, Column, Columns, Encoded, Parts
from tenfold.core.errors import UsageError, nearest
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import Range, setting
from tenfold.media.files import labelled, manifests
from tenfold.media.image import augment as image_augment
from tenfold.media.image import decode as image_decode
from tenfold.media.image import foreground
from tenfold.media.image.medium import IMAGE
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.networks.notation import ready
from tenfold.task import Facts, Outputs, Table, Task
from tenfold.training import augment_search, loop

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")
fast, lined = lazy("tenfold.networks.fast"), lazy("tenfold.networks.notation.network")
networks = lazy("tenfold.networks.image_classifier")

# Shapes: B images of a batch, H height, W width, C channels, K classes

INPUTS = {"image": Input("image", file=partial(manifests.asked_files, medium=IMAGE))}
SIZES = ("tiny", "small", "medium", "large")
SIZED = ("fast", "residual")  # networks that have the sizes of the setting `size`
CROPPED = "crop,flip,colour"
# augmentations that a hyperparameter search may try in addition to `auto`
AUGMENTS = ("none", "shift,flip", CROPPED, f"{CROPPED},cutout", f"{CROPPED},mixup")


def _line(text: str) -> None:
    """Checks that a text is the name of a network or describes layers in the network notation.

    Raises UsageError where it does neither.
    """
    named = ("fast", *ready.NAMES)
    if text in named:
        return
    near = nearest(text, named)
    if text.isalpha() and near.startswith("Did"):
        raise UsageError(
            Message("Unknown network {text!r}", text=text), code="bad-setting", fix=near
        )
    ready.parse(text)


def _around_the_recipe(settings: dict[str, Any]) -> Range:
    """The search range of the learning rate: 1/6 to 6 times that of the trial's recipe."""
    own = _recipe_of(settings["network"], settings["optimizer"]).learning_rate
    return Range(own / 6, own * 6)


@dataclass(frozen=True)
class ImageClassification(Task):
    """The task of image classification; the module's docstring describes it."""

    size: str = setting("small", "model size", choices=SIZES, search=("tiny", "medium"))
    network: str = setting(
        "fast",
        "network: fast, listing, residual or a description of its layers",
        accepts=_line,
        search=("residual",),
    )
    image_size: int = setting(
        0, "image size after resizing, 0 = chosen from the data", unit="px", low=0, high=1024
    )
    loss: str = setting("auto", "loss function", choices=losses.LOSSES)
    optimizer: str = setting(
        "auto",
        "optimizer",
        choices=("auto", "sgd", "adamw", "muon"),
        search=("sgd", "adamw"),
    )
    learning_rate: float = setting(
        0.0, "learning rate, 0 = that of the recipe", low=0.0, high=100.0, search=_around_the_recipe
    )
    augment: str = setting(
        "auto",
        f"augmentation: auto, none or some of {','.join(image_augment.KINDS)}",
        accepts=image_augment.named,
        search=AUGMENTS,
    )
    foreground: str = setting(
        "none", "foreground mask as an additional channel", choices=("none", "mixture")
    )

    encoding = 2
    answers = (LABEL, LABELS)
    roles = IMAGE.roles

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        rows = labelled.read(source, IMAGE, reading)
        return rows.completed(class_answers.kind_in(rows.table), INPUTS, reading)

    def learn(self, train: Rows) -> Facts:
        height, width = _sides(train.table, self.image_size)
        channels = int(train.table["channels"].max())
        masked = self.foreground == "mixture"
        facts = {
            "data": {"height": height, "width": width, "channels": channels, "masked": masked},
            "truths": class_answers.answers(train),
        }
        return facts | {"net": self._net(facts, len(train.table))}

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return INPUTS

    def answer(self, facts: Facts) -> AnswerKind:
        return class_answers.kind_of(facts["truths"])

    def encode(self, table: Table, facts: Facts) -> Encoded:
        data = facts["data"]
        image, problems = image_decode.encode(
            list(table["image"]), data["height"], data["width"], data["channels"]
        )
        if data["masked"]:
            image = np.concatenate([image, foreground.masks(image)], 3)
            image[[*problems]] = 0
        return Encoded({"image": image}, problems)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return {**class_answers.targets(table, facts["truths"])}

    def build(self, facts: Facts) -> nn.Module:
        data, net, answers = facts["data"], facts["net"], facts["truths"]
        sides = (data["channels"] + data["masked"], data["height"], data["width"])
        shape = (sides[0], len(answers["classes"]), *sides[1:])
        line = net["line"]
        body = lined.Lined(line, *shape) if line else fast.Fast(*shape, net["size"])
        found = networks.PictureClassifier(body, *sides, False, answers["several"])
        logits.biased(found, fitted := facts.get("fitted", {}))
        return _averaged(found, facts, fitted.get("augment", net["augment"]))

    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> Fitted:
        _learn_statistics(net, parts)
        facts, recipe, parts = plan.facts, self._recipe(plan.facts), plan.visible(parts)
        kinds = self._kinds(plan, parts.train)
        place = device.choose_device(plan.device)
        loss_function = losses.loss_function(self.loss, facts["truths"], place)
        net = _averaged(net, facts, image_augment.joined(kinds))
        policies = {name: _changes(facts, name) for name in self._policies(kinds)}
        validation_loss = partial(_loss_of, facts=facts, columns=parts.selection)
        chosen = augment_search.choose(
            net, parts, policies, loss_function, plan, recipe, validation_loss
        )
        net, change = _averaged(net, facts, chosen.policy), policies[chosen.policy]
        fitted = loop.fit(net, parts, loss_function, chosen.plan, recipe, change, losses.measure)
        read, shares = partial(_logits, net), logits.shares_of(self.loss, facts["truths"])
        calibrated = logits.calibrate(net, parts, read, plan, shares)
        return replace(fitted, facts=fitted.facts | chosen.facts | calibrated)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return class_answers.answers_of(outputs["probabilities"], facts["truths"], options)

    def ablations(self, facts: Facts) -> dict[str, Callable[[Batch], Batch]]:
        return {"foreground channel set to one": _all_object} if facts["data"]["masked"] else {}

    def _net(self, facts: Facts, rows: int) -> Facts:
        """The facts for `build`: network, size, layers in the notation, possible augmentations.

        Prints what is wasteful about the network. Raises UsageError where the network does not fit
        the size of the pictures.
        """
        data, answers = facts["data"], facts["truths"]
        shape = (data["channels"] + data["masked"], data["height"], data["width"])
        line = ""
        if self.network != "fast":
            named = self.network in ready.NAMES
            line = ready.line_of(self.network, *shape, self.size) if named else self.network
            classes = len(answers["classes"])
            ready.fitted(line, *shape, classes)
            for sentence in ready.waste(line, *shape, classes, rows):
                tell(sentence)
        if self.network not in SIZED and self.size != "small":
            tell(Message("--size has no effect: {name!r} has only one size.", name=self.network))
        kinds = self._possible(answers["classes"], data, line)
        return {"network": self.network, "size": self.size, "line": line, "augment": kinds}

    def _possible(self, classes: list[str], data: Facts, line: str) -> str:
        """The augmentations of the setting, or for `auto` those that fit the data.

        For `auto`, images with one channel are only shifted, and there are no flips where a class
        name contains left or right, or where all class names are single letters or digits.
        """
        told = image_augment.named(self.augment)
        side = min(data["height"], data["width"])
        if told is not None:
            found = told
        elif data["channels"] == 1:
            found = ("shift",)
        elif side < _PHOTOS or _seen(data, line) == _stored(data):
            found = ("shift", "flip")
        else:
            found = ("crop", "flip", "colour")
        if told is None and image_augment.reads_one_way(classes):
            found = tuple(kind for kind in found if kind != "flip")
        return image_augment.joined(found)

    def _policies(self, kinds: tuple[str, ...]) -> list[str]:
        """The augmentation `kinds`, then the alternatives to compare with it.

        There are alternatives only where `augment` is auto and `kinds` is not empty.
        """
        usual = image_augment.joined(kinds)
        if self.augment != "auto" or not kinds:
            return [usual]
        more = [(*kinds, kind) for kind in ("colour", "cutout", "mixup") if kind not in kinds]
        plain = (
            tuple(kind for kind in kinds if kind in ("shift", "flip")) if "crop" in kinds else ()
        )
        found = [*more, ("shift", *plain)] if "crop" in kinds else more
        return [usual, *map(image_augment.joined, found)]

    def _kinds(self, plan: Plan, train: Columns) -> tuple[str, ...]:
        """The augmentations to use; no flips where mirror images look like other classes."""
        if plan.fixed is not None:
            return image_augment.named(plan.fixed["augment"]) or ()
        kinds = image_augment.named(plan.facts["net"]["augment"]) or ()
        if self.augment != "auto" or "flip" not in kinds or "label" not in train:
            return kinds
        some = _sample(train.only(["image", "label"]), 5000)
        differ = image_augment.differs_mirrored(some["image"], some["label"])
        if differ is None:
            return kinds
        tell(
            Message(
                "Flips are not used, because mirror images look like other classes: the nearest "
                "class mean is correct for {plain:.0%} of the pictures and {mirrored:.0%} of "
                "their mirror images. --augment overrides this.",
                plain=differ[0],
                mirrored=differ[1],
            )
        )
        return tuple(kind for kind in kinds if kind != "flip")

    def _recipe(self, facts: Facts) -> loop.Recipe:
        recipe = _recipe_of(self.network, self.optimizer)
        if self.network != "listing" and sum(facts["truths"]["counts"]) > _MANY:
            recipe = replace(recipe, batch=256)
        return replace(recipe, learning_rate=self.learning_rate) if self.learning_rate else recipe


_PHOTOS = 64  # minimum side in pixels for crops by default
_MANY = 20_000  # number of training rows above which a batch has 256 rows
_FAST = loop.Recipe(
    "muon", 0.1, 0.01, decay=0.05, epochs=20, least_steps=1000, batch=128, newton_schulz=3
)
_LISTING = replace(_FAST, learning_rate=0.045, decay=0.0, epochs=5, least_steps=600)
_RECIPES = {"fast": _FAST, "listing": _LISTING}
_OTHERS = {
    "sgd": loop.Recipe("sgd", 0.05, decay=5e-4, momentum=0.9, least_steps=600, average=0.2),
    "adamw": loop.Recipe("adamw", 2e-3, decay=1e-2, second=0.99, least_steps=600, average=0.2),
    "muon": _FAST,
}


def _recipe_of(network: str, optimizer: str) -> loop.Recipe:
    recipe = _RECIPES.get(network, _FAST)
    if optimizer in ("auto", recipe.optimizer):
        return recipe
    return replace(_OTHERS[optimizer], epochs=recipe.epochs)


def _sides(train: pd.DataFrame, wanted: int) -> tuple[int, int]:
    """Returns the (height, width) to which all images are resized.

    With `wanted` 0, squares of one size keep that size if it is at most 128 pixels. Otherwise the
    result has the median aspect ratio of the images (clipped to 1:2 and 2:1, near 1 a square) and
    the area of a square of `wanted` pixels a side. With `wanted` 0, this square has the median area
    of the images, at most 128 pixels a side. If its side is at least 32, the height and width are
    multiples of 8.
    """
    widths, heights = train["width"], train["height"]
    side = wanted or min(128, round(float(np.sqrt(np.median(widths * heights)))))
    same = widths.nunique() == 1 and heights.nunique() == 1
    if same and not wanted and max(widths.iloc[0], heights.iloc[0]) <= side:
        return int(heights.iloc[0]), int(widths.iloc[0])
    shape = float(np.clip(np.median(widths / heights), 0.5, 2.0))
    if 0.8 < shape < 1.25:
        shape = 1.0
    step = 8 if side >= 32 else 1
    fit = [max(step, round(side * factor / step) * step) for factor in (shape**-0.5, shape**0.5)]
    return fit[0], fit[1]


def _loss_of(net: Any, policy: str, facts: Facts, columns: Columns) -> float:
    """Returns the validation log loss; `policy` sets the views that are averaged (`_averaged`)."""
    found = _logits(_averaged(net, facts, policy), columns)
    return logits.validation_loss(found, logits.truths(columns))


def _averaged(net: Any, facts: Facts, policy: str) -> nn.Module:
    """Sets the views over which the network averages its predictions, and returns the network.

    An augmentation `policy` with flips adds the mirror image; one with crops adds the central crop.
    """
    kinds = image_augment.named(policy) or ()
    net.mirror = "flip" in kinds
    seen = _seen(facts["data"], facts["net"]["line"])
    net.middle = seen if "crop" in kinds and seen != _stored(facts["data"]) else None
    return net


def _changes(facts: Facts, policy: str) -> image_augment.Augmentation | None:
    """Returns the augmentation that a policy names, or None where it would change nothing.

    It also makes training start with smaller images, where the network accepts their size.
    """
    kinds = image_augment.named(policy) or ()
    data, line = facts["data"], facts["net"]["line"]
    sides = _seen(data, line) if "crop" in kinds else _stored(data)
    smaller = [image_augment.grown(sides, scale) for scale in image_augment.GROWTH]
    grows = min(_stored(data)) >= 32 and all(_takes(data, line, one) for one in smaller)
    if not kinds and not grows:
        return None
    return image_augment.Augmentation(kinds, sides, data["channels"], grows)


def _stored(data: Facts) -> tuple[int, int]:
    return data["height"], data["width"]


def _seen(data: Facts, line: str) -> tuple[int, int]:
    """The (height, width) of crops: four fifths of the stored size, in multiples of 8.

    Where the network does not accept that size, it is the stored size.
    """
    height, width = (max(8, round(0.8 * side / 8) * 8) for side in _stored(data))
    return (height, width) if _takes(data, line, (height, width)) else _stored(data)


def _takes(data: Facts, line: str, sides: tuple[int, int]) -> bool:
    """True where the network also accepts images of these sides and uses all of their pixels."""
    if not line or "view" in {layer.name for layer in ready.parse(line)}:
        return not line
    channels = data["channels"] + data["masked"]
    return ready.serves(line, (channels, *_stored(data)), (channels, *sides))


def _all_object(batch: Batch) -> Batch:
    image = batch["image"].copy()
    image[..., -1] = 255
    return batch | {"image": image}


def _learn_statistics(net: nn.Module, parts: Parts) -> None:
    image = torch.from_numpy(_sample(parts.train.only(["image"]), 5000)["image"])
    with torch.no_grad():
        net.learn_statistics(image)  # type: ignore[operator]


def _sample(columns: Columns, rows: int) -> Batch:
    """Returns up to `rows` evenly spaced rows: at most 16 MiB, or 64 rows where those are more."""
    each = max(1, columns.nbytes // columns.rows)
    rows = min(rows, columns.rows, max(64, (16 << 20) // each))
    return columns.take(np.linspace(0, columns.rows - 1, rows).astype(np.int64))


def _logits(net: Any, columns: Columns) -> np.ndarray:
    """The logits (N, K) of all rows."""
    return logits.logits_of(net, columns, lambda image, **rest: net.logits(image), 256)
