"""Scores of masks against plain references, and what a true mask means to splits and checks."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from tenfold.answers.intervals import Sampling
from tenfold.answers.mask import MASK, NO_CLASS, Mask, mask_of, only
from tenfold.answers.metrics import segmentation
from tenfold.core.columns import Problem
from tenfold.core.language import speaking
from tenfold.media.image.masks.pixels import IGNORED, TrueMask

NAMES = ("background", "leaf", "stem")
PROBLEM = Problem("damaged", "is damaged", "")


def table_of(*truths: TrueMask, **columns: list) -> pd.DataFrame:
    return pd.DataFrame({"mask": [one.cell() for one in truths], **columns})


def noisy(seed: int, shape: tuple[int, ...] = (30, 41), wrong: float = 0.2) -> tuple:
    """A true mask with ignored pixels, and a prediction in which a share of the pixels differs."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 3, [-(-side // 6) for side in shape])
    for axis in range(len(shape)):
        blocks = np.repeat(blocks, 6, axis)
    pixels = blocks[tuple(map(slice, shape))].astype(np.uint8)
    said = np.where(random.random(shape) < wrong, random.integers(0, 3, shape), pixels)
    pixels[random.random(shape) < 0.1] = IGNORED
    return TrueMask(NAMES, pixels), said.astype(np.uint8)


@pytest.mark.parametrize("shape", [(30, 41), (3, 20, 17)])
def test_scores_of_pixels_are_those_of_other_programs(shape: tuple[int, ...]):
    pairs = [noisy(seed, shape) for seed in range(4)]
    order = ("stem", "background", "leaf")  # numbers of a run need not be those of the masks
    answers = [
        mask_of(np.array([order.index(name) for name in NAMES], np.uint8)[said], order)
        for _, said in pairs
    ]
    table = table_of(*[truth for truth, _ in pairs])
    truth = np.concatenate([one.pixels.ravel() for one, _ in pairs])
    said = np.concatenate([one.ravel() for _, one in pairs])[truth != IGNORED]
    truth = truth[truth != IGNORED]
    values = MASK.values(answers, table)
    assert values["mean_iou"] == pytest.approx(jaccard_score(truth, said, average="macro"))
    assert values["dice"] == pytest.approx(f1_score(truth, said, average="macro"))
    assert values["pixel_accuracy"] == pytest.approx(accuracy_score(truth, said))
    assert "object_f1" not in values and "count_error" not in values
    details = MASK.details(answers, table, Sampling())
    for number, name in enumerate(NAMES):
        (one,) = [one for one in details["classes"] if one["class"] == name]
        both = ((truth == number) & (said == number)).sum()
        assert one["iou"] == pytest.approx(jaccard_score(truth == number, said == number))
        assert one["pixels"] == (truth == number).sum() and one["support"] == 4
        assert one["pixel_precision"] == pytest.approx(both / (said == number).sum())
        assert details["confusion"][number][number] == both
    assert np.sum(details["confusion"]) == len(truth)


def test_what_could_not_be_read_or_has_no_class_counts_as_wrong():
    (first, said), (second, _) = noisy(0), noisy(1)
    table, right = table_of(first, second), mask_of(said, NAMES)
    one, both = MASK.values([right], table[:1]), MASK.values([right, PROBLEM], table)
    judged = [(each.pixels != IGNORED).sum() for each in (first, second)]
    share = judged[0] / sum(judged)
    assert both["pixel_accuracy"] == pytest.approx(share * one["pixel_accuracy"])
    assert MASK.worst([right, PROBLEM], table) == [1, 0]
    none = Mask(NAMES, first.pixels.shape, (NO_CLASS, first.pixels.size))
    assert MASK.values([none], table[:1])["mean_iou"] == 0
    assert MASK.details([PROBLEM], table[:1], Sampling())["confusion"][1][-1] > 0
    with pytest.raises(ValueError, match="size"):
        MASK.values([mask_of(said[1:], NAMES)], table[:1])


def test_a_class_that_occurs_nowhere_has_no_part_in_the_mean():
    pixels = np.zeros((8, 8), np.uint8)
    pixels[4:] = 1
    table = table_of(TrueMask((*NAMES, "never"), pixels))
    assert MASK.values([mask_of(pixels, (*NAMES, "nor this"))], table)["mean_iou"] == 1.0
    pixels[0] = 2
    values = MASK.values([mask_of(pixels, NAMES)], table)
    assert values["mean_iou"] == pytest.approx((24 / 32 + 1 + 0) / 3), "stem is only predicted"


def boundary_reference(truth: np.ndarray, said: np.ndarray, number: int, radius: float) -> list:
    """The counts of one class by looking at each pair of boundary pixels."""
    judged, sides = truth != IGNORED, []
    for values in (said, truth):
        places = []
        for y, x in np.argwhere((values == number) & judged):
            for down, across in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                at = y + down, x + across
                inside = 0 <= at[0] < values.shape[0] and 0 <= at[1] < values.shape[1]
                if inside and judged[at] and values[at] != number:
                    places.append((y, x))
                    break
        sides.append(np.array(places, float).reshape(-1, 2))
    gaps = np.linalg.norm(sides[0][:, None] - sides[1][None], axis=2)
    close = [(gaps.min(axis, initial=np.inf) <= radius).sum() for axis in (1, 0)]
    return [close[0], len(sides[0]), close[1], len(sides[1])]


def test_boundaries_are_close_as_their_distances_say():
    assert segmentation.tolerance(240, 180) == pytest.approx(2.25)
    assert segmentation.tolerance(30, 40) == 2.0
    for seed, shape in enumerate([(31, 20), (24, 40), (300, 420)]):
        truth, said = noisy(seed, shape, wrong=0.01)
        shifted = np.roll(said, 3, 1) if seed else said
        found = segmentation.boundaries(truth.pixels, shifted, 3)
        for number in range(3):
            if shape[0] < 100:
                radius = segmentation.tolerance(*shape)
                wanted = boundary_reference(truth.pixels, shifted, number, radius)
                assert found[number].tolist() == wanted
        assert (found[:, 0] <= found[:, 1]).all() and found.any()
    discs = [np.hypot(*np.mgrid[-50:50, -50:50]) < size for size in (30, 31, 38)]
    truth = TrueMask(("out", "in"), discs[0].astype(np.uint8))
    near, far = (mask_of(one.astype(np.uint8), truth.classes) for one in discs[1:])
    table = table_of(truth)
    assert MASK.values([near], table)["boundary_f1"] == 1.0
    assert MASK.values([far], table)["boundary_f1"] == 0.0


def discs(places: list, radius: float = 6, kind: int = 1) -> tuple[np.ndarray, np.ndarray]:
    grid = np.mgrid[:60, :80]
    pixels, numbers = np.zeros((60, 80), np.uint8), np.zeros((60, 80), np.uint32)
    for number, (y, x) in enumerate(places):
        inside = np.hypot(grid[0] - y, grid[1] - x) < radius
        pixels[inside], numbers[inside] = kind, 300 + 7 * number
    return pixels, numbers


def object_reference(truth: tuple, said: tuple) -> int:
    """Pairs of equal class with IoU of at least 0.5, each object once, best first."""
    pairs = []
    for one in np.unique(truth[1])[1:]:
        for other in np.unique(said[1])[1:]:
            inside, told = truth[1] == one, said[1] == other
            iou = (inside & told).sum() / (inside | told).sum()
            if iou >= 0.5 and truth[0][inside][0] == said[0][told][0]:
                pairs.append((iou, one, other))
    used: set = set()
    for _, one, other in sorted(pairs, reverse=True):
        if ("t", one) not in used and ("s", other) not in used:
            used |= {("t", one), ("s", other)}
    return len(used) // 2


def test_objects_are_found_one_to_one():
    random = np.random.default_rng(0)
    for _ in range(20):
        truth = discs([tuple(random.integers(0, 60, 2)) for _ in range(8)], 7)
        said = discs([tuple(random.integers(0, 60, 2)) for _ in range(8)], 7)
        moved = np.roll(truth[0], 2, 1), np.roll(truth[1], 2, 1)
        for other in (said, moved, truth):
            found = segmentation.objects(truth, other, 3)
            assert found[1, 0] == object_reference(truth, other)
            assert found[1, 1] == len(np.unique(other[1])) - 1
            assert found[1, 2] == len(np.unique(truth[1])) - 1 and not found[[0, 2]].any()
    halves = discs([(30, 40)], 8)
    split = halves[0], np.where(halves[1] > 0, 1 + (np.mgrid[:60, :80][1] > 39), 0)
    assert segmentation.objects(halves, split, 3)[1].tolist() == [1, 2, 1], "one half is the disc"
    other = np.where(halves[0] > 0, 2, 0), halves[1]
    assert segmentation.objects(halves, other, 3).tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    ignored = halves[0].copy()
    ignored[halves[1] > 0] = IGNORED
    assert not segmentation.objects((ignored, halves[1]), halves, 3).any(), "nobody judged it"


def test_objects_are_scored_where_the_truth_has_them():
    pixels, numbers = discs([(10, 10), (10, 30), (40, 40)])
    truth = TrueMask(NAMES, pixels, numbers)
    fewer = discs([(10, 10), (10, 30)])
    table = table_of(truth, truth)
    values = MASK.values(
        [mask_of(pixels, NAMES, numbers), mask_of(*fewer[:1], NAMES, fewer[1])], table
    )
    assert values["object_f1"] == pytest.approx(2 * 5 / (6 + 5)) and values["count_error"] == 0.5
    whole = mask_of(pixels, NAMES, numbers)
    assert MASK.worst([whole, mask_of(pixels, NAMES)], table) == [1], "no object is found"
    bare = MASK.values([mask_of(pixels, NAMES)] * 2, table)
    assert bare["mean_iou"] == 1 and bare["object_f1"] == 0 and bare["count_error"] == 3
    one = mask_of(pixels, NAMES, numbers)
    assert [each["class"] for each in one.objects] == ["leaf"] * 3
    assert one.objects[0]["elongation"] == pytest.approx(1, abs=0.02)
    assert not only(one, "stem").objects and only(one, "leaf").areas == {"leaf": (pixels > 0).sum()}
    assert only(one, "stem").told_apart and only(one, NAMES) == one
    assert {*only(one, NAMES[:2]).areas} == {*NAMES[:2]} and not only(one, ()).areas


def test_true_masks_are_counted_compared_renamed_and_refused():
    truth, _ = noisy(0)
    plain = TrueMask(("a", "b"), np.zeros((4, 4), np.uint8))
    table = table_of(truth, plain, split=["train", "test"])
    assert MASK.counts(table) == {"a": 1, **dict.fromkeys(NAMES, 1)}
    turned = TrueMask(NAMES[::-1], np.where(truth.pixels < 3, 2 - truth.pixels, IGNORED))
    same = [{"mask": one.cell()} for one in (truth, turned, plain)]
    assert MASK.same(same[0], same[1]) and not MASK.same(same[0], same[2])
    apart = TrueMask(NAMES, truth.pixels, np.ones(truth.pixels.shape, np.uint16))
    assert not MASK.same(same[0], {"mask": apart.cell()})
    renamed, gone = MASK.renamed(table, {"leaf": "stem", "a": None})
    assert gone.tolist() == [False, True] and MASK.classes_in(renamed[~gone]) == {*NAMES} - {"leaf"}
    assert MASK.refuse(table) is None
    assert MASK.refuse(table[1:]).code == MASK.refuse(table[:0]).code == "one-class"
    notices = [str(one) for one in MASK.notices(table)]
    assert len(notices) == 5 and "'a' has no training mask" in notices[0]
    assert MASK.truth_text(table, 1) == "a 100\N{NO-BREAK SPACE}%"


def test_the_baselines_know_the_size_of_each_picture():
    pixels = np.zeros((40, 60), np.uint8)
    pixels[20:] = 1
    train = table_of(*[TrueMask(NAMES, np.roll(pixels, shift, 0)) for shift in (0, 1, 2)])
    judged = table_of(
        TrueMask(NAMES, pixels[::2, ::2]), TrueMask(NAMES, np.tile(pixels, (2, 1, 1)))
    )
    constant = MASK.baseline(train, judged)
    assert [one.size for one in constant] == [(20, 30), (2, 40, 60)]
    assert [*constant[0].areas] == ["background"]
    (prior,) = MASK.baselines((train, None), (judged, None)).values()
    scores = MASK.score(constant, judged, train)
    assert prior[MASK.headline] > 0.8 > scores.best.value == pytest.approx(scores.best.baseline)


def test_answers_are_compared_by_their_pixels():
    _, said = noisy(0, wrong=0.02)
    one = mask_of(said, NAMES)
    changed = said.copy()
    changed[0, :10] = (said[0, :10] + 1) % 3
    other = mask_of(changed, NAMES)
    share = 10 / said.size
    assert MASK.same_decision(one, other, share) and not MASK.same_decision(one, other, share / 2)
    about = MASK.about(one, "leaf")
    kept = (changed == 1)[said == 1].mean()
    assert MASK.retained(about, other) == pytest.approx(kept)
    assert MASK.retained(one, other) == pytest.approx(1 - share)
    assert MASK.words(one)["said"].count("%") == 3 and one.line.count("\t") == 1


def test_a_mask_is_drawn_with_a_legend():
    pixels, numbers = discs([(20, 20), (40, 60)])
    one = mask_of(pixels, ("background", "细胞", "stem"), numbers)
    for size in ((80, 60), (40, 30)):
        picture = Image.new("RGB", size, "white")
        with speaking("zh"):
            drawn = np.asarray(MASK.draw(one, picture))
        assert drawn.shape[1] == 320 and drawn.shape[0] > 240 + 10, "small ones are enlarged"
        assert (drawn[0, 0] == 255).all(), "the background is clear"
        inside = drawn[80, 80].astype(int)
        assert inside[0] > inside[2] + 50, "the tone of the second class"
    stack = mask_of(np.tile(pixels, (3, 1, 1)), NAMES)
    assert MASK.draw(stack, Image.new("L", (400, 300))).size[0] == 400


def test_a_wrong_answer_is_stated_by_its_lowest_class():
    truth = TrueMask(("ground", "leaf"), np.array([[0, 0, 1, 1]], np.uint8))
    answer = mask_of(np.array([[0, 0, 0, 1]]), ("ground", "leaf"))
    table = pd.DataFrame({"mask": ["", truth.cell()]})
    text = MASK.error_text(answer, table, 1)
    assert "58.3" in text and "leaf" in text and "50.0" in text
