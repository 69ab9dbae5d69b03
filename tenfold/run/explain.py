"""Explanations: the parts of an input that a prediction depends on, by occlusion or Grad-CAM.

Occlusion covers parts of the input and predicts again. It works for every predictor (torch network,
ONNX runtime, server) and, by `AnswerKind.retained`, for every answer kind. Images are covered in
their encoded form, texts before encoding, as given. Grad-CAM needs a torch network with a
`last_map`. The sanity check (J. Adebayo et al. 2018, arXiv 1810.03292) explains a copy of the
network with shuffled weights: if the map does not change, it shows the input, not the network.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from PIL import Image

from tenfold.answers.kind import AnswerKind
from tenfold.core.columns import Column, Columns, Problem, Ragged
from tenfold.core.lazy import lazy
from tenfold.core.results import Explanation, Prediction
from tenfold.media.cover import CellCover, ColumnCover, CoverParts
from tenfold.media.medium import Medium
from tenfold.media.registry import known, media_of, shown
from tenfold.run.contributions import AskTable, in_fields

if TYPE_CHECKING:
    from torch import Tensor, nn

torch = lazy("torch")

__all__ = ["agreement", "covered", "grad_cam", "has_map", "in_cells", "occlusion", "shuffled"]

AskColumns = Callable[[Columns], Sequence[Prediction | Problem]]


AT_ONCE = 8_000_000
"""Maximum number of characters of covered texts in memory; only huge texts need several batches."""
LEAST_FIELDS = 5
"""Least number of fields whose contributions are compared: few agree by chance."""


class OpenRun(Protocol):
    """The methods and attributes of an open run that explanations need."""

    task: Any
    facts: dict[str, Any]

    @property
    def answer_kind(self) -> AnswerKind:
        """The answer kind of the run."""

    def answer(self, columns: Columns) -> Sequence[Prediction | Problem]:
        """Predictions for encoded rows."""

    def answer_to_score(self, columns: Columns) -> Sequence[Prediction | Problem]:
        """Predictions for encoded rows, with the options for scoring."""

    def answers_of(self, table: pd.DataFrame) -> Sequence[Prediction | Problem]:
        """Predictions for rows before encoding."""


def covered(
    run: OpenRun,
    table: pd.DataFrame,
    columns: Columns,
    row: int = 0,
    about: Prediction | None = None,
) -> list[Explanation]:
    """Explanations of row number `row`, for every input that can be covered or has fields.

    A weight is how much of the prediction is lost when a part is covered; for inputs of fields it
    is the contribution of a field (see `contributions`). `columns` are the encoded columns of
    `table`. `about` is the prediction to explain, with its probabilities; by default the run's own
    prediction. At most 64 parts of an input are covered, one at a time.
    """
    kind, inputs = run.answer_kind, run.task.encodes(run.facts)
    cells = in_cells(kind, run.answers_of, inputs, table, row, about)
    cells += in_fields(kind, run.answers_of, inputs, table, row, about)
    return cells + occlusion(kind, run.answer_to_score, columns, row, about, media_of(inputs))


# --- occlusion ------------------------------------------------------------------------------------


def occlusion(
    kind: AnswerKind,
    say: AskColumns,
    columns: Columns,
    row: int = 0,
    about: Prediction | None = None,
    media: Mapping[str, Medium] | None = None,
) -> list[Explanation]:
    """Occlusion explanations of row number `row`, for every encoded column that can be covered.

    A weight is how much of the prediction is lost when a part is covered. `say` predicts
    encoded columns. `about` is the prediction to explain, with its probabilities; by default that
    of `say`. At most 64 parts of a column are covered, one at a time, and predicted as one batch.
    Columns that cannot be covered are skipped. `media` maps the input names to their media
    (default: all known media).
    """
    alone = {name: _alone(column, columns, row) for name, column in columns.arrays.items()}
    before = about or say(Columns(alone))[0]
    if isinstance(before, Problem):
        return []
    media = known() if media is None else media
    forms = [one.column_cover for one in media.values() if one.column_cover is not None]
    fitting = {
        name: next((form for form in _own(media, name, forms) if form.fits(column)), None)
        for name, column in alone.items()
    }
    return [
        _covered(kind, say, alone, name, form, before)
        for name, form in fitting.items()
        if form is not None
    ]


def _own(media: Mapping[str, Medium], name: str, forms: list[ColumnCover]) -> Sequence[ColumnCover]:
    """Returns the covers to try for a column: that of its medium, or all for unknown columns."""
    if name not in media:
        return forms
    own = media[name].column_cover
    return [] if own is None else [own]


def _alone(column: Column, columns: Columns, row: int) -> Column:
    """The column restricted to one row."""
    place = row if columns.index is None else int(columns.index[row])
    if isinstance(column, Ragged):
        start, end = column.offsets[place : place + 2]
        return Ragged(column.values[start:end], np.array([0, end - start], np.int64))
    return np.asarray(column[place : place + 1])


def _covered(
    kind: AnswerKind,
    say: AskColumns,
    alone: dict[str, Column],
    name: str,
    form: ColumnCover,
    before: Prediction,
) -> Explanation:
    covers, grid = form.covers(np.asarray(alone[name])[0])
    many = {other: _repeated(column, len(covers)) for other, column in alone.items()}
    whole = kind.retained(before, before)
    lost = [
        0.0 if isinstance(one, Problem) else whole - kind.retained(before, one)
        for one in say(Columns(many | {name: covers}))
    ]
    return Explanation(name, "occlusion", _rounded(np.reshape(lost, grid), whole).tolist())


def _rounded(lost: np.ndarray, whole: float) -> np.ndarray:
    """Returns the drops with four decimals, with more where the whole prediction is small."""
    size = max(abs(whole), float(np.max(np.abs(lost), initial=0.0)))
    more = -math.floor(math.log10(size)) - 1 if size > 0 else 0
    return np.round(lost, 4 + max(0, more))


def _repeated(column: Column, times: int) -> Column:
    if isinstance(column, Ragged):
        return Ragged.of([column.values] * times, column.values.dtype, column.values.shape[1:])
    return np.repeat(column, times, 0)


# --- occlusion before encoding ---


def in_cells(
    kind: AnswerKind,
    say: AskTable,
    inputs: dict[str, Any],
    table: pd.DataFrame,
    row: int = 0,
    about: Prediction | None = None,
) -> list[Explanation]:
    """Occlusion explanations of row number `row`, for inputs that are covered before encoding.

    `say` predicts tables. Other inputs are skipped. The weights are a list; `places` holds the
    start and end (exclusive) character of each part.
    """
    every = {name: one.cell_cover for name, one in media_of(inputs).items() if name in table}
    covers = {name: cover for name, cover in every.items() if cover is not None}
    alone = table.iloc[[row]].reset_index(drop=True)
    if not covers or isinstance(before := about or say(alone)[0], Problem):
        return []
    parts = {name: cover.parts(alone[name].iloc[0]) for name, cover in covers.items()}
    return [
        _cell_covered(kind, say, alone, name, parts[name], cover, before)
        for name, cover in covers.items()
        if parts[name]
    ]


def _cell_covered(
    kind: AnswerKind,
    say: AskTable,
    alone: pd.DataFrame,
    name: str,
    parts: CoverParts,
    cover: CellCover,
    before: Prediction,
) -> Explanation:
    cell, whole = alone[name].iloc[0], kind.retained(before, before)
    many = max(1, AT_ONCE // max(1, len(cell)))
    lost: list[float] = []
    for start in range(0, len(parts), many):
        some = [cover.without(cell, *part) for part in parts[start : start + many]]
        asked = alone.iloc[np.zeros(len(some), int)].reset_index(drop=True)
        asked[name] = pd.Series(some, dtype=object)
        lost += [
            # If the covered input cannot be predicted, the whole prediction is lost.
            whole - (0.0 if isinstance(one, Problem) else kind.retained(before, one))
            for one in say(asked)
        ]
    found = Explanation(name, "occlusion", _rounded(np.array(lost), whole).tolist())
    return replace(found, places=[list(place) for place in cover.places(cell, parts)])


# --- Grad-CAM -------------------------------------------------------------------------------------


def has_map(net: Any) -> bool:
    """True for a torch network that names its last feature map."""
    return getattr(net, "last_map", None) is not None


def grad_cam(
    net: nn.Module,
    columns: Columns,
    batch: int = 32,
    about: int | None = None,
    media: Mapping[str, Medium] | None = None,
) -> list[Explanation]:
    """Grad-CAM maps (R. R. Selvaraju et al. 2017), one per row.

    They explain class number `about`, or the best class of each row. Returns [] where the network
    has no feature map, or one with fewer than four values, which cannot locate anything, or where
    not exactly one input can be shown as an image. `media` maps the input names to their media
    (default: all known media).
    """
    names = list(shown(known() if media is None else media, columns.arrays))
    if len(names) != 1 or not has_map(net):
        return []
    was, found = net.training, []
    net.eval()
    try:
        for start in range(0, columns.rows, batch):
            rows = np.arange(start, min(start + batch, columns.rows))
            found += list(_maps(net, columns.take(rows), names[0], about))
    finally:
        net.train(was)
    return found


def _maps(
    net: nn.Module, batch: dict[str, np.ndarray], name: str, about: int | None
) -> Iterator[Explanation]:
    place = next(net.parameters()).device
    inputs = {key: torch.from_numpy(value).to(place) for key, value in batch.items()}
    inputs[name] = inputs[name].float().requires_grad_()
    with torch.enable_grad():
        features, scores = _forward(net, inputs)
        if features is None or features.ndim != 4 or features[0, 0].numel() < 4:
            return
        wanted = scores.amax(1) if about is None else scores[:, about]
        (slope,) = torch.autograd.grad(wanted.sum(), features, retain_graph=True)
        (reach,) = torch.autograd.grad(features.abs().sum(), inputs[name])
    maps = (
        (slope.mean((2, 3), keepdim=True) * features).sum(1).relu().detach().float().cpu().numpy()
    )
    seen = _extent(reach.abs().sum((0, 3)).cpu().numpy())
    for one in maps:
        grid = _spread(one, seen, batch[name].shape[1:3])
        yield Explanation(name, "gradcam", np.round(grid, 4).tolist())


def _forward(net: Any, inputs: dict[str, Tensor]) -> tuple[Tensor | None, Tensor]:
    """The last feature map of the first forward pass, and a score per class.

    A network that averages several views of an image computes several maps; the first one is used.
    """
    kept: list[Tensor] = []
    handle = net.last_map.register_forward_hook(lambda *facts: kept.append(facts[2]))
    try:
        logits = getattr(net, "logits", None)
        scores = logits(**inputs) if logits else net(**inputs)["probabilities"].log()
    finally:
        handle.remove()
    return (kept[0] if kept else None), scores


def _extent(reach: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of the pixels (H, W) that reach the map, without cropped borders.

    The whole image where no pixel reaches the map.
    """
    rows, columns = np.flatnonzero(reach.any(1)), np.flatnonzero(reach.any(0))
    if not len(rows):
        return 0, reach.shape[0], 0, reach.shape[1]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _spread(
    map_: np.ndarray, seen: tuple[int, int, int, int], sides: Any, most: int = 16
) -> np.ndarray:
    """The map as a grid over the whole image, scaled to a maximum of 1; 0 outside of `seen`."""
    top, bottom, left, right = seen
    canvas = np.zeros(sides, np.float32)
    size = (right - left, bottom - top)
    canvas[top:bottom, left:right] = Image.fromarray(map_).resize(size, Image.Resampling.BILINEAR)
    small = (min(most, sides[1]), min(most, sides[0]))
    grid = np.asarray(Image.fromarray(canvas).resize(small, Image.Resampling.BOX))
    return grid / max(float(grid.max()), 1e-12)


# --- sanity check ---------------------------------------------------------------------------------


def shuffled(net: nn.Module, seed: int = 0) -> nn.Module:
    """A copy of the network with the values of each float tensor shuffled.

    Includes buffers, because values fitted after training are buffers. The values of a tensor stay
    the same, so that activations keep their range; a tensor of one value does not change.
    """
    twin, random = copy.deepcopy(net), np.random.default_rng(seed)
    state = {
        name: _permuted(value, random) if value.is_floating_point() else value
        for name, value in twin.state_dict().items()
    }
    twin.load_state_dict(state)
    return twin


def _permuted(value: Tensor, random: np.random.Generator) -> Tensor:
    order = torch.from_numpy(random.permutation(value.numel())).to(value.device)
    return value.flatten()[order].reshape(value.shape)


def agreement(one: Explanation, other: Explanation) -> float | None:
    """Spearman rank correlation of two maps of one input, -1 to 1.

    Contributions of fields are compared by name; a field that one of them lacks has 0 there. None
    where a map is constant, the sizes differ, or there are fewer than two values, or fewer than
    LEAST_FIELDS fields.
    """
    names = list(dict.fromkeys([*one.names, *other.names]))
    both = [dict(zip(each.names, each.weights, strict=True)) for each in (one, other) if names]
    maps = [[each.get(name, 0.0) for name in names] for each in both] or [
        one.weights,
        other.weights,
    ]
    first, second = (pd.Series(np.ravel(each)).rank() for each in maps)
    if (
        len(first) != len(second)
        or len(first) < (LEAST_FIELDS if names else 2)
        or not first.std()
        or not second.std()
    ):
        return None
    return round(float(np.corrcoef(first, second)[0, 1]), 4)
