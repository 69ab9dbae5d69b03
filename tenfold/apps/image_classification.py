"""Say what a picture shows: one class of several, or any number of classes.

Folder:
    photos/                 one folder a class; train/ valid/ test/ above or below, if you have them
        cat/  1.jpg 2.jpg
        dog/  3.jpg
    or MNIST's IDX files, or a CSV, TSV or Parquet with path,label (cat|dog = both),
    or a zip of any of these
Predicts: Label (or Labels), the whole calibrated distribution.
Sources: arXiv 2404.00498 (the fast network and its recipe; ours learns from bytes, plans its own
length and averages the last weights), arXiv 1708.02002 (focal loss), arXiv 1706.04599
(temperature scaling), Muon (K. Jordan et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold import device, loop
from tenfold.app import App, Facts, Input, Outputs, Table, knob
from tenfold.calibration import temperature
from tenfold.data import Column, Encoded, Parts
from tenfold.feed import in_order
from tenfold.lazy import lazy
from tenfold.plan import Plan
from tenfold.progress import tell
from tenfold.readers import labelled, pictures
from tenfold.results import Label, Labels, Prediction
from tenfold.scoring import natural

if TYPE_CHECKING:
    from torch import Tensor, nn

torch, functional = lazy("torch"), lazy("torch.nn.functional")
fast, listing = lazy("tenfold.networks.fast"), lazy("tenfold.networks.listing")
networks = lazy("tenfold.networks.pictures")

# B pictures of a batch, H W C height, width, channels, K classes

SIZES = ("tiny", "small", "medium", "large")
LOSSES = ("auto", "cross-entropy", "weighted", "focal", "binary")


@dataclass(frozen=True)
class _Wishes:
    """Choices at prediction time."""

    top: int = knob(0, "how many classes to list, 0 = all", low=0, high=100_000)
    threshold: float = knob(0.5, "probability from which a class counts", low=0.0, high=1.0)


@dataclass(frozen=True)
class ImageClassification(App):
    """See the module."""

    size: str = knob("small", "how much network", choices=SIZES)
    network: str = knob("fast", "which network", choices=("fast", "listing"))
    side: int = knob(0, "side of the pictures as learnt, 0 = decide", unit="px", low=0, high=1024)
    loss: str = knob("auto", "what is made small", choices=LOSSES)
    optimizer: str = knob("auto", "how steps are made", choices=("auto", "sgd", "adamw", "muon"))
    rate: float = knob(0.0, "learning rate, 0 = the recipe's", low=0.0, high=100.0)
    augment: str = knob("auto", "changed views", choices=("auto", "none", "shift", "flip"))

    wishes = _Wishes

    def read(self, source: Any) -> Table:
        return labelled.read(source, pictures.MEDIUM)

    def learn(self, train: Table) -> Facts:
        if self.network == "listing" and self.size != "small":
            tell("The network `listing` has one size: --size changes nothing.")
        height, width = _sides(train, self.side)
        channels = int(train["channels"].max())
        several = "labels" in train
        names = train["labels"].explode().dropna() if several else train["label"]
        counts = names.value_counts()
        classes = sorted(map(str, counts.index), key=natural)
        views = {"auto": "flip" if channels == 3 else "shift"}.get(self.augment, self.augment)
        return {
            "data": {"height": height, "width": width, "channels": channels},
            "answers": {
                "classes": classes,
                "counts": [int(counts[name]) for name in classes],
                "several": several,
            },
            "net": {"network": self.network, "size": self.size, "views": views},
        }

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return {"image": Input("image")}

    def gives(self, facts: Facts) -> type[Prediction]:
        return Labels if facts["answers"]["several"] else Label

    def encode(self, table: Table, facts: Facts) -> Encoded:
        data = facts["data"]
        image, problems = pictures.encode(
            list(table["image"]), data["height"], data["width"], data["channels"]
        )
        return Encoded({"image": image}, problems)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        place = {name: number for number, name in enumerate(facts["answers"]["classes"])}
        if facts["answers"]["several"]:
            rows = [[name in row for name in place] for row in table["labels"]]
            return {"labels": np.array(rows, np.uint8).reshape(len(table), len(place))}
        label = table["label"].map(place).fillna(-1)
        return {"label": label.to_numpy(np.int64)}

    def build(self, facts: Facts) -> nn.Module:
        data, net, answers = facts["data"], facts["net"], facts["answers"]
        shape = (data["channels"], len(answers["classes"]), data["height"], data["width"])
        body = (
            listing.listing(*shape)
            if net["network"] == "listing"
            else fast.Fast(*shape, net["size"])
        )
        sides = (data["channels"], data["height"], data["width"])
        return networks.PictureClassifier(body, *sides, net["views"] == "flip", answers["several"])

    def fit(self, net: nn.Module, parts: Parts, plan: Plan) -> tuple[nn.Module, dict[str, Any]]:
        _learn_statistics(net, parts)
        facts, recipe = plan.facts, self._recipe(plan.facts)
        loss = _objective(self.loss, facts["answers"], device.choose_device(plan.device))
        net, settled = loop.fit(net, parts, loss, plan, recipe, _changes(facts), _measure)
        if not plan.dry:
            settled["temperature"] = _calibrate(net, parts)
        return net, settled

    def decode(self, outputs: Outputs, facts: Facts, wishes: Any) -> list[Prediction]:
        classes, several = facts["answers"]["classes"], facts["answers"]["several"]
        wishes = wishes or _Wishes()
        return [_answer(row, classes, several, wishes) for row in outputs["probabilities"]]

    def _recipe(self, facts: Facts) -> loop.Recipe:
        recipe = _RECIPES[facts["net"]["network"]]
        if self.optimizer not in ("auto", recipe.optimizer):
            recipe = replace(_OTHERS[self.optimizer], passes=recipe.passes)
        if facts["net"]["network"] == "fast" and sum(facts["answers"]["counts"]) > _MANY:
            recipe = replace(recipe, batch=256)
        return replace(recipe, rate=self.rate) if self.rate else recipe


_SMOOTHING = 0.15
_MANY = 20_000  # rows from which a batch is twice as large
_WHOLE = 0.7  # share of the steps from which growing pictures are whole
_FAST = loop.Recipe(
    "muon", 0.1, 0.01, decay=0.05, passes=20, least_steps=600, batch=128, newton_schulz=3
)
_LISTING = replace(_FAST, rate=0.045, decay=0.0, passes=5)
_RECIPES = {"fast": _FAST, "listing": _LISTING}
_OTHERS = {
    "sgd": loop.Recipe("sgd", 0.05, decay=5e-4, momentum=0.9, least_steps=600, average=0.2),
    "adamw": loop.Recipe("adamw", 2e-3, decay=1e-2, second=0.99, least_steps=600, average=0.2),
    "muon": _FAST,
}


def _sides(train: pd.DataFrame, wanted: int) -> tuple[int, int]:
    """(height, width) to store: the pictures' own where all agree and are small, else one area.

    Larger pictures keep the usual shape of the data (between 1:2 and 2:1) at the area of a square
    of `wanted` (128 where not told), in multiples of 8.
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


def _objective(wish: str, answers: dict[str, Any], place: Any) -> Any:
    """The loss that the person or the data ask for."""
    kind = wish if wish in ("focal", "binary") else "cross-entropy"
    weights = _class_weights(wish, answers)
    return partial(
        _loss,
        kind="binary" if answers["several"] else kind,
        smoothing=_SMOOTHING,
        class_weights=None if weights is None else torch.tensor(weights, device=place),
    )


def _class_weights(wish: str, answers: dict[str, Any]) -> list[float] | None:
    """Inverse square root of the counts, mean 1 over rows; None where classes are even."""
    counts = np.array(answers["counts"], float)
    uneven = counts.max() > (1.0 if wish == "weighted" else 1.5) * counts.min()
    if answers["several"] or wish not in ("auto", "weighted") or not uneven:
        return None
    weights = counts**-0.5
    weights *= counts.sum() / (weights * counts).sum()
    tell(
        f"Classes are uneven ({int(counts.min())} to {int(counts.max())} rows): "
        f"rows of rare classes weigh up to {weights.max() / weights.min():.1f} times as much."
    )
    return [round(float(weight), 6) for weight in weights]


def _loss(
    net: Any,
    batch: dict[str, Tensor],
    kind: str,
    smoothing: float,
    class_weights: Tensor | None = None,
) -> Tensor:
    logits = net.logits(batch["image"]).float()
    if kind == "binary":
        each = _binary(logits, batch)
    elif kind == "focal":
        each = _focal(logits, batch["label"])
    elif class_weights is None and "weight" not in batch:
        return functional.cross_entropy(
            logits, batch["label"], ignore_index=-1, label_smoothing=smoothing
        )
    else:
        each = functional.cross_entropy(
            logits, batch["label"], ignore_index=-1, reduction="none", label_smoothing=smoothing
        )
    return _mean(each, batch, class_weights)


def _mean(each: Tensor, batch: dict[str, Tensor], class_weights: Tensor | None) -> Tensor:
    """The mean over rows, each by its weight and that of its class."""
    weight = batch["weight"] if "weight" in batch else torch.ones_like(each)
    if "label" in batch:
        weight = weight * (batch["label"] >= 0)
    if class_weights is not None:
        weight = weight * class_weights[batch["label"].clamp(min=0)]
    return (each * weight).sum() / weight.sum().clamp(min=1e-6)


def _binary(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    wanted = batch.get("labels")
    if wanted is None:
        wanted = functional.one_hot(batch["label"].clamp(min=0), logits.shape[1])
    each = functional.binary_cross_entropy_with_logits(logits, wanted.float(), reduction="none")
    return each.sum(1)


def _focal(logits: Tensor, label: Tensor, gamma: float = 2.0) -> Tensor:
    """T.-Y. Lin et al. 2017: rows that are sure already count little."""
    each = functional.cross_entropy(logits, label, ignore_index=-1, reduction="none")
    return each * (1 - torch.exp(-each)) ** gamma


def _measure(net: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    logits = net.logits(batch["image"]).float()
    if "labels" in batch:
        wanted = batch["labels"].float()
        each = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return {
            "valid_loss": each.sum(),
            "valid_accuracy": ((logits > 0) == (wanted > 0)).all(1).sum(),
        }
    label = batch["label"]
    each = functional.cross_entropy(logits, label, ignore_index=-1, reduction="sum")
    return {"valid_loss": each, "valid_accuracy": (logits.argmax(1) == label).sum()}


def _changes(facts: Facts) -> Any:
    """The augmentation, None where there is none."""
    net = facts["net"]
    grows = net["network"] == "fast" and min(facts["data"]["height"], facts["data"]["width"]) >= 32
    if net["views"] == "none" and not grows:
        return None
    return partial(_augment, views=net["views"], grows=grows)


def _augment(batch: dict[str, Tensor], share: float, views: str, grows: bool) -> dict[str, Tensor]:
    """Every picture shifted by up to a sixteenth of its side, half of the batch mirrored.

    What comes in at a border is a reflection. Rows are in random order, so the first half of the
    batch is as good as a coin for each row, and costs half a copy. With `grows` pictures are at
    five eighths of their side first, then at three quarters, whole for the last third of the
    steps: two thirds of the work.
    """
    image = batch["image"]
    if views != "none":
        image = _shifted(image)
    if views == "flip":
        half = len(image) // 2
        image = torch.cat([image[:half].flip(2), image[half:]])
    if grows and share < _WHOLE:
        image = _smaller(image, 5 / 8 if share < _WHOLE / 2 else 3 / 4)
    return batch | {"image": image}


def _smaller(image: Tensor, scale: float) -> Tensor:
    """(B, H, W, C) at `scale` of its sides; bytes are resized as bytes on a CPU."""
    sides = [round(side * scale) for side in image.shape[1:3]]
    planes = image.permute(0, 3, 1, 2)
    planes = planes if planes.device.type == "cpu" else planes.float()
    small = functional.interpolate(planes, sides, mode="bilinear", antialias=True)
    return small.permute(0, 2, 3, 1)


def _shifted(image: Tensor) -> Tensor:
    """(B, H, W, C), each picture moved by its own offset: one pad and one gather for the batch."""
    count, height, width, channels = image.shape
    most = min(max(1, round(max(height, width) / 16)), height - 1, width - 1)
    if most < 1:
        return image
    place = image.device
    padded = image.index_select(1, _reflected(height, most, place))
    padded = padded.index_select(2, _reflected(width, most, place))
    stride = padded.stride()
    sides = (2 * most + 1, 2 * most + 1)
    views = padded.as_strided(
        (count, *sides, height, width, channels), (stride[0], stride[1], stride[2], *stride[1:])
    )
    rows = torch.arange(count, device=place)
    down, right = (torch.randint(0, 2 * most + 1, (count,), device=place) for _ in "yx")
    return views[rows, down, right]


def _reflected(side: int, most: int, place: Any) -> Tensor:
    """Indices of a side with `most` reflected ones before and after."""
    at = torch.arange(-most, side + most, device=place).abs()
    return side - 1 - (side - 1 - at).abs()


def _learn_statistics(net: nn.Module, parts: Parts, rows: int = 5000) -> None:
    train = parts.train.only(["image"])
    each = max(1, train.nbytes // train.rows)
    rows = min(rows, train.rows, max(64, (16 << 20) // each))  # large pictures: fewer tell as much
    some = np.linspace(0, train.rows - 1, rows).astype(np.int64)
    image = torch.from_numpy(train.take(some)["image"])
    with torch.no_grad():
        net.learn_statistics(image)  # type: ignore[operator]


def _calibrate(net: Any, parts: Parts) -> float:
    """Sets the network's temperature from the reserved half of validation."""
    place = next(net.parameters()).device
    logits, truth = [], []
    with torch.no_grad():
        for batch in in_order(parts.reserve, 256, place):
            logits.append(net.logits(batch["image"]).float().cpu().numpy())
            truth.append(batch["labels" if "labels" in batch else "label"].cpu().numpy())
        found = temperature(np.concatenate(logits), np.concatenate(truth)) if logits else 1.0
        net.temperature.fill_(found)
    return round(found, 4)


def _answer(row: np.ndarray, classes: list[str], several: bool, wishes: _Wishes) -> Prediction:
    order = np.argsort(-row, kind="stable")
    kept = order[: wishes.top] if wishes.top else order
    chances = {classes[number]: round(float(row[number]), 6) for number in kept}
    if several:
        said = tuple(classes[number] for number in order if row[number] >= wishes.threshold)
        return Labels(said, chances)
    return Label(classes[order[0]], chances)
