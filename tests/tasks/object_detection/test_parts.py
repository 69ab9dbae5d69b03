"""The parts of object detection: frame, targets, loss, views, decoding, tiles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from tenfold.answers.boxes import Boxes, BoxesOptions
from tenfold.networks.detector import Detector
from tenfold.task import options_of
from tenfold.tasks.object_detection import ObjectDetection, choices, decoding, learning, tiles
from tenfold.tasks.object_detection import loss as losses

FACTS = {
    "data": {"height": 64, "width": 96, "channels": 3},
    "truths": {"classes": ["a", "b"], "counts": [3, 1]},
    "net": {"size": "tiny", "augment": "crop,flip,turn"},
}


def table(rows: list[tuple[int, int, tuple]], **more: list) -> pd.DataFrame:
    names = ("width", "height", "boxes")
    found = pd.DataFrame(dict(zip(names, zip(*rows, strict=True), strict=True)))
    return found.assign(**more)


def test_the_frame_suits_the_pictures_and_their_boxes():
    box = (("a", 0.2, 0.2, 0.5, 0.5),)
    tiny = (("a", 0.2, 0.2, 0.21, 0.21),)
    cases = {
        (320, 256): [(640, 480, box)] * 5,
        (256, 320): [(480, 640, box)] * 5,
        (320, 320): [(480, 640, box), (640, 480, box)],
        (64, 64): [(60, 50, box)] * 3,
        (640, 640): [(2000, 2000, tiny)] * 3,
        (320, 96): [(3000, 700, box)] * 2,
    }
    for (width, height), rows in cases.items():
        assert learning.sides(table(rows), 0) == (height, width)
    assert learning.sides(table([(640, 480, box)]), 500) == (384, 512)


def test_directions_and_weights_follow_the_boxes():
    rng = np.random.default_rng(0)
    places = [tuple(rng.uniform(0, 0.7, 2)) for _ in range(60)]
    round_ = [(100, 100, (("cell", x, y, x + 0.2, y + 0.2),)) for x, y in places]
    tall = [(100, 100, (("person", x, y, x + 0.1, y + 0.3),)) for x, y in places]
    assert "turn" in learning.augmentations("auto", table(round_), ["cell"])
    assert "turn" not in learning.augmentations("auto", table(tall), ["person"])
    sided = [(100, 100, (("left hand", *box[0][1:]),)) for *_, box in round_]
    assert learning.augmentations("auto", table(sided), ["left hand"]) == (
        "crop",
        "colour",
        "mosaic",
    )
    weights = learning.class_weights([400, 100, 1], "auto")
    assert weights[0] < weights[1] < weights[2] <= 4.01 * weights[0]
    assert np.dot(weights, [400, 100, 1]) == pytest.approx(501, rel=1e-4)
    assert learning.class_weights([400, 100], "none") == [1.0, 1.0]


def test_targets_hold_boxes_in_the_frame_and_what_is_ignored():
    rows = [
        (96, 32, (("b", 0.0, 0.0, 0.5, 1.0), ("new", 0.5, 0.5, 1.0, 1.0))),
        (64, 64, ()),
        (10, 10, (("a", 0.5, 0.5, 1.0, 1.0),)),
    ]
    ignored = [(), (("", 0.0, 0.0, 1.0, 1.0),), ()]
    found = learning.targets(table(rows, boxes_ignored=ignored), FACTS)
    assert found.lengths.tolist() == [2, 1, 1]
    first, second, third = found
    np.testing.assert_allclose(first[0], [1, 0, 0, 0.5, 0.5, 0], atol=1e-6)
    assert first[1, 5] == 1 and second[0, 5] == 1
    np.testing.assert_allclose(third[0], [0, 1 / 3, 0.5, 2 / 3, 1, 0], atol=1e-6)


class Fixed(torch.nn.Module):
    """Answers every picture of 64 x 96 with these logits and boxes in pixels."""

    def __init__(self, logits: torch.Tensor, boxes: torch.Tensor) -> None:
        super().__init__()
        self.logits, self.boxes = logits, boxes

    def maps(self, image: torch.Tensor):
        return self.logits, self.boxes, None


def judged(rows: list[list[float]], logits: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    count = max(1, len(rows))
    padded = torch.zeros(1, count, 6)
    padded[0, : len(rows)] = torch.tensor(rows).reshape(-1, 6)
    batch = {
        "image": torch.zeros(1, 64, 96, 3, dtype=torch.uint8),
        "boxes": padded,
        "boxes_length": torch.tensor([len(rows)]),
    }
    return losses.loss(Fixed(logits, boxes), batch, torch.ones(2))


def test_the_loss_falls_where_boxes_are_right_and_skips_what_is_ignored():
    cells = 8 * 12
    box = [1, 0.25, 0.25, 0.5, 0.75, 0]  # its centre is in row 4, column 4
    pixels = torch.tensor([24.0, 16, 48, 48]).expand(1, cells, 4)
    low = torch.full((1, cells, 2), -8.0)
    right, wrong = low.clone(), low.clone()
    for row in (3, 4):  # the centre lies between four cells
        right[0, [row * 12 + 3, row * 12 + 4, row * 12 + 5], 1] = 8.0
    wrong[0, 7 * 12 + 11, 0] = 8.0
    values = [float(judged([box], one, pixels)) for one in (right, low, wrong)]
    assert values[0] < values[1] < values[2]
    away = float(judged([box], right, pixels + 30))
    assert away > values[0] + 0.5
    # A false positive inside an ignored box costs nothing; one outside does.
    over = [0, 0.75, 0.75, 1.0, 1.0, 1]
    assert float(judged([over], wrong, pixels)) == pytest.approx(
        float(judged([], low, pixels)), abs=1e-3
    )
    assert float(judged([], wrong, pixels)) > 0.5
    # A box smaller than a cell, at the border, is learnt by one cell at full weight.
    small = torch.tensor([[1, 0.99, 0.99, 0.999, 0.999, 0]])[None]
    found = losses._candidates(small, torch.ones(1, 1, dtype=torch.bool), (64, 96))
    assert found.weight.amax() == 1.0 and found.cell[found.weight == 1.0].tolist() == [cells - 1]
    # Boxes that are not there (class -1) change nothing.
    assert float(judged([[-1, 0, 0, 1, 1, 0]], low, pixels)) == float(judged([], low, pixels))


def test_views_are_those_of_the_flipped_picture():
    torch.manual_seed(0)
    net = Detector(3, 2, "tiny").eval()
    image = torch.randint(0, 255, (2, 64, 96, 3), dtype=torch.uint8)
    size = torch.tensor([[96, 64], [10, 20]])
    net.views = 4
    with torch.inference_mode():
        whole = net(image, size)
        net.views = 1
        for number, axes in enumerate(((), (2,), (1,), (1, 2))):
            alone = net(image.flip(axes), size)
            part = slice(number * 96, (number + 1) * 96)
            torch.testing.assert_close(whole["scores"][:, part], alone["scores"])
            boxes = alone["boxes"].clone()
            if 2 in axes:
                boxes[..., [0, 2]] = 1 - boxes[..., [2, 0]]
            if 1 in axes:
                boxes[..., [1, 3]] = 1 - boxes[..., [3, 1]]
            torch.testing.assert_close(whole["boxes"][:, part], boxes)
    assert choices.views(FACTS) == [1, 2, 4]
    assert choices.views(FACTS | {"net": {"augment": "crop"}}) == [1]


def test_decoding_follows_its_options():
    boxes = np.array(
        [[0.1, 0.1, 0.3, 0.5], [0.11, 0.1, 0.3, 0.5], [0.5, 0.5, 0.6, 0.9], [0.9, 0.1, 0.99, 0.2]],
        np.float32,
    )  # the last is in the padding
    scores = np.array([[0.9, 0.0], [0.8, 0.0], [0.2, 0.4], [0.9, 0.9]], np.float32)
    outputs = {"boxes": boxes[None], "scores": scores[None], "picture_size": np.array([[40, 40]])}

    def found(**options: object) -> list[tuple[str, float]]:
        (answer,) = decoding.answers_of(outputs, FACTS, BoxesOptions(**options))
        assert answer.size == (40, 40)
        return [
            (box[0], round(sure, 2)) for box, sure in zip(answer.boxes, answer.scores, strict=True)
        ]

    assert found(threshold=0.1) == [("a", 0.9), ("b", 0.4), ("a", 0.2)]
    assert found() == [("a", 0.9), ("b", 0.4)]
    assert found(only=("b",)) == [("b", 0.4)]
    assert found(top=1) == [("a", 0.9)]
    assert len(found(overlap=0.99, threshold=0.0)) == 4
    (scored,) = decoding.answers_of(outputs, FACTS, BoxesOptions(threshold=0.0))
    assert scored.threshold == decoding.THRESHOLD


def test_tiles_find_each_object_once():
    """A detector that sees only what is large in its picture finds small objects in tiles."""
    pixels = np.zeros((400, 600, 3), np.uint8)
    places = [(x, y) for x in range(20, 560, 90) for y in range(20, 360, 85)]
    for x, y in places:
        pixels[y : y + 24, x : x + 24] = 255
    large = (0, 180, 600, 230)

    def answers_of(rows: pd.DataFrame) -> list[Boxes]:
        found = []
        for cell in rows["image"]:
            height, width = cell.shape[:2]
            boxes = [("wide", 0.0, 0.45, 1.0, 0.575)] if (height, width) == (400, 600) else []
            if width < 300:
                boxes += [("dot", *box) for box in blocks(cell)]
            found.append(Boxes(tuple(boxes), (0.9,) * len(boxes), 0.3, (width, height)))
        return found

    options = options_of(ObjectDetection)(tiles=3, top=1000)
    (answer,) = tiles.answers(pd.DataFrame({"image": [pixels]}), answers_of, options)
    dots = [box for box in answer.boxes if box[0] == "dot"]
    assert len(dots) == len(places) and len(answer.boxes) == len(places) + 1
    corners = sorted((round(box[1] * 600), round(box[2] * 400)) for box in dots)
    assert corners == sorted(places) and large
    covered = np.zeros((100, 100), int)
    for x0, y0, x1, y1 in (tiles.windows(4) * 100).round().astype(int):
        covered[y0:y1, x0:x1] += 1
    assert covered.min() >= 1


def blocks(pixels: np.ndarray) -> list[tuple[float, float, float, float]]:
    """The boxes of the bright blocks, which stand in straight rows and columns."""
    height, width = pixels.shape[:2]
    bright = pixels[..., 0] > 0
    found = []
    for y0, y1 in runs(bright.any(1)):
        for x0, x1 in runs(bright[y0:y1].any(0)):
            found.append((x0 / width, y0 / height, x1 / width, y1 / height))
    return found


def runs(line: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
