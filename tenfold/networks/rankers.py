"""What suits a person who had some items: closed forms, a sequence network, an autoencoder, mixed.

Sources: W.-C. Kang and J. McAuley 2018, arXiv 1808.09781 (SASRec; ours looks from one place at all
before it, with a bias by age, and learns by the softmax over the whole catalogue), D. Liang et al.
2018, arXiv 1802.05814 (Mult-VAE), H. Steck 2019, arXiv 1905.03375 (EASE, whose weights come from
outside).

Shapes: B rows, T items of a row, the latest first, numbered from 1 (0 = none), N items there are,
W weights kept of an item, D values of an item, P places of a row, K places of a ranking.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Autoencoder", "LinearRanker", "Ranker", "Sequence", "autoencoder_loss", "sequence_loss"]

TOP = 100
"""Most places of a ranking."""
AGES = 50
"""Items before a place that the sequence network looks at."""
SCALE = 15.0
"""Logits of the sequence network are cosines times this."""
WHOLE = 8192
"""Items up to which all weights are held with their zeros: sums over them are faster so."""
SPREAD = 1 << 22
"""Weights that are added at a time where they are not."""
OUT = -1e4
"""The logit of what is left out."""
LEAST = 1e-9
"""Scores below it are none."""
BLOCK = 1024
"""Rows whose logits are held at a time while learning."""


class LinearRanker(nn.Module):
    """What each item of a row says for others, older ones fading: W weights of each, or all."""

    targets: Tensor
    weights: Tensor
    fading: Tensor

    def __init__(self, items: int, kept: int) -> None:
        super().__init__()
        kind = torch.int16 if items < 2**15 else torch.int32
        self.items, self.all = items, kept >= items
        if not self.all:
            self.register_buffer("targets", torch.zeros(items + 1, kept, dtype=kind))
        self.register_buffer("weights", torch.zeros(items + 1, kept))
        self.register_buffer("fading", torch.ones(()))
        self._held: tuple[Any, Tensor] | None = None

    def forward(self, items: Tensor) -> Tensor:
        """(B, N) logits."""
        age = torch.arange(items.shape[1], device=items.device)
        counts = self.fading**age * (items > 0)
        numbers = items.long()
        if torch.compiler.is_exporting() or items.is_meta:
            return (self._product if self.all else self._spread)(numbers, counts)
        if self.all or self.items <= WHOLE:
            return self._summed(numbers, counts)
        rows = max(1, SPREAD // max(1, items.shape[1] * self.weights.shape[1]))
        parts = zip(numbers.split(rows), counts.split(rows), strict=True)
        return torch.cat([self._spread(*part) for part in parts])

    def whole(self) -> Tensor:
        """(N + 1, N) weights with their zeros, from item to item; nothing first."""
        if self.all:
            return self.weights
        state = self.weights._version, self.targets._version, self.weights.device
        if self._held is None or self._held[0] != state:
            empty = self.weights.new_zeros(self.items + 1, self.items)
            self._held = state, empty.scatter_(1, self.targets.long(), self.weights)
        return self._held[1]

    def _summed(self, numbers: Tensor, counts: Tensor) -> Tensor:
        """(B, N) without going over what a row has not; no graph that is exported knows it."""
        return F.embedding_bag(numbers, self.whole(), mode="sum", per_sample_weights=counts)

    def _product(self, numbers: Tensor, counts: Tensor) -> Tensor:
        """(B, N) as the product of what rows have and all weights."""
        had = counts.new_zeros(len(numbers), self.items + 1).scatter_add(1, numbers, counts)
        return had @ self.weights

    def _spread(self, numbers: Tensor, counts: Tensor) -> Tensor:
        """(B, N): the weights kept of each item, added where they belong."""
        found = F.embedding(numbers, self.weights) * counts.unsqueeze(-1)
        targets = self.targets[numbers].long().flatten(1)
        empty = found.new_zeros(len(numbers), self.items)
        return empty.scatter_add(1, targets, found.flatten(1))


class Sequence(nn.Module):
    """(B, T) -> (B, N): the latest item looks at those before it."""

    def __init__(self, items: int, width: int, dropout: float) -> None:
        super().__init__()
        self.items = nn.Embedding(items + 1, width, padding_idx=0)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.wide, self.narrow = (
            nn.Linear(width, 2 * width),
            nn.Linear(2 * width, width),
        )
        # It begins as a mean of what was had, the latest counting most.
        self.age = nn.Parameter(-0.3 * torch.arange(AGES, dtype=torch.float32))
        self.dropout = nn.Dropout(dropout)
        for same in (self.value, self.out):
            nn.init.eye_(same.weight)
            nn.init.zeros_(same.bias)
        for nothing in (self.query, self.narrow):
            nn.init.zeros_(nothing.weight)
            nn.init.zeros_(nothing.bias)

    def table(self) -> Tensor:
        """(N, D) items at length 1."""
        return F.normalize(self.items.weight[1:], dim=-1)

    def states(self, items: Tensor, places: Tensor) -> Tensor:
        """(B, P, D) at length 1: what places (B, P) of rows (B, T) look for."""
        there = items > 0
        seen = self.dropout(F.normalize(self.items(items.long()), dim=-1))
        own = seen.gather(1, places.unsqueeze(-1).expand(-1, -1, seen.shape[-1]))
        age = torch.arange(items.shape[1], device=items.device) - places.unsqueeze(-1)
        hidden = (age < 0) | (age >= AGES) | ~there.unsqueeze(1)
        looks = self.query(own) @ self.key(seen).transpose(1, 2) / seen.shape[-1] ** 0.5
        looks = (looks + self.age[age.clamp(0, AGES - 1)]).masked_fill(hidden, -1e4)
        found = own + self.out(looks.softmax(-1).to(seen.dtype) @ self.value(seen))
        more = self.narrow(self.dropout(F.gelu(self.wide(self.norm(found)))))
        return F.normalize((found + more).float(), dim=-1)

    def forward(self, items: Tensor) -> Tensor:
        """(B, N) logits."""
        first = items.new_zeros(len(items), 1).long()
        return self.states(items, first)[:, 0] @ self.table().t() * SCALE


class Autoencoder(nn.Module):
    """(B, T) -> (B, N) through a code whose noise keeps it simple."""

    def __init__(self, items: int, width: int, dropout: float) -> None:
        super().__init__()
        hidden, code = 6 * width, 2 * width
        self.items = nn.Embedding(items + 1, hidden, padding_idx=0)
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.code = nn.Linear(hidden, 2 * code)
        self.wide, self.out = nn.Linear(code, hidden), nn.Linear(hidden, items)
        self.dropout = dropout
        nn.init.normal_(self.items.weight, 0, 0.1)

    def codes(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, (B, 2 D) each."""
        there = (items > 0).float()
        if self.training:
            there = there * (torch.rand_like(there) >= self.dropout) / (1 - self.dropout)
        length = there.square().sum(1, keepdim=True).clamp(min=1).sqrt()
        found = (self.items(items.long()) * there.unsqueeze(-1)).sum(1) / length
        mean, spread = self.code(torch.tanh(found + self.bias)).chunk(2, -1)
        return mean, spread

    def decode(self, code: Tensor) -> Tensor:
        """(B, N) logits of codes."""
        return self.out(torch.tanh(self.wide(code)))

    def forward(self, items: Tensor) -> Tensor:
        """(B, N) logits."""
        return self.decode(self.codes(items)[0])


class Ranker(nn.Module):
    """A ranking of the catalogue for each row, by the part that was `kept` or two of them mixed.

    Without a known item the answer is what is most popular.
    """

    calibrated = ("sharp",)

    popular: Tensor
    vectors: Tensor
    mix: Tensor

    def __init__(
        self, items: int, vectors: int, width: int, dropout: float, **parts: nn.Module
    ) -> None:
        super().__init__()
        self.width, self.dropout = width, dropout
        self.parts = nn.ModuleDict(parts)
        self.sharp = nn.Parameter(torch.ones(()), requires_grad=False)
        self.register_buffer("popular", torch.zeros(items))
        self.register_buffer("vectors", torch.zeros(items + 1, vectors))
        self.register_buffer("mix", torch.ones(2))

    def only(self, **parts: nn.Module) -> Ranker:
        """The same catalogue answered by these parts; tensors are shared but for the mixing."""
        other: Ranker = copy.copy(self)
        other._modules, other._buffers = dict(self._modules), dict(self._buffers)
        other._parameters = dict(self._parameters)
        other.parts = nn.ModuleDict(parts)
        other.sharp = nn.Parameter(torch.ones_like(self.sharp), requires_grad=False)
        other.mix = torch.ones_like(self.mix)
        return other

    def logits(self, items: Tensor) -> Tensor:
        """(B, N) before what is left out: of each part, added up as they are mixed."""
        found: Tensor | None = None
        for number, part in enumerate(self.parts.values()):
            one = part(items) * (self.mix[number] * self.sharp)
            found = one if found is None else found + one
        level = self.popular * self.sharp
        if found is None:
            return level.expand(len(items), -1)
        return found + level * 1e-6  # equal ones by popularity

    def forward(
        self,
        items: Tensor,
        items_length: Tensor,
        seen: Tensor,
        seen_length: Tensor,
        among: Tensor,
        among_length: Tensor,
        given: Tensor,
    ) -> dict[str, Tensor]:
        """`ranking` (B, K) numbers from 1, 0 = none, `scores` of these, how many items are `known`
        and how many were `told`, a vector of the row."""
        known = items_length.unsqueeze(1) > 0
        logits = torch.where(known, self.logits(items), self.popular.unsqueeze(0)).float()
        if torch.compiler.is_exporting() or among.shape[1]:
            other = ~self._marked(among, logits) & (among_length.unsqueeze(1) > 0)
            logits = logits.masked_fill(other, OUT)
        logits = self._without(seen, logits)
        best, ranking = logits.topk(min(TOP, logits.shape[1]), dim=1)
        scores = (best - logits.logsumexp(1, keepdim=True)).exp() * (best > 0.5 * OUT)
        some = scores > LEAST  # what is as good as nothing has no order
        numbers = items.long()
        vector = F.embedding(numbers, self.vectors).sum(1)
        return {
            "ranking": (ranking + 1) * some,
            "scores": scores * some,
            "known": items_length.long().clamp(min=0),
            "told": given.long().clamp(min=0) + 0 * seen_length.long(),
            "embedding": vector / items_length.clamp(min=1).unsqueeze(1),
        }

    def _without(self, numbers: Tensor, logits: Tensor) -> Tensor:
        """(B, N) logits, those of the numbers of each row far below all others."""
        padded = F.pad(logits, (1, 0))
        gone = torch.full_like(numbers, OUT, dtype=padded.dtype)
        return padded.scatter(1, numbers.long(), gone)[:, 1:]

    def _marked(self, numbers: Tensor, like: Tensor) -> Tensor:
        """(B, N) True at the numbers of each row."""
        empty = torch.zeros(like.shape[0], like.shape[1] + 1, device=like.device)
        ones = torch.ones_like(numbers, dtype=empty.dtype)
        return empty.scatter(1, numbers.long(), ones)[:, 1:] > 0


# --- learning -------------------------------------------------------------------------------------


class _FullSoftmax(torch.autograd.Function):
    """Weighed cross-entropy over all items, a block of rows at a time; gradients on the way."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, table: Tensor, targets: Tensor, weights: Tensor
    ) -> Tensor:
        slope, turned = torch.zeros_like(states), torch.zeros_like(table)
        total = states.new_zeros(())
        for start in range(0, len(states), BLOCK):
            rows = slice(start, start + BLOCK)
            some, weight = states[rows], weights[rows].unsqueeze(1)
            place = targets[rows].unsqueeze(1)
            chances = (some @ table.t()).float().mul_(SCALE)
            level = chances.logsumexp(1, keepdim=True)
            total += ((level - chances.gather(1, place)) * weight).sum()
            chances.sub_(level).exp_().scatter_add_(1, place, -torch.ones_like(level))
            chances.mul_(weight * SCALE)
            slope[rows] = (chances.to(table.dtype) @ table).to(slope.dtype)
            turned += (chances.t().to(some.dtype) @ some).to(turned.dtype)
        ctx.save_for_backward(slope, turned)
        return total

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None, None]:
        slope, turned = ctx.saved_tensors
        return slope * slopes[0], turned * slopes[0], None, None


def sequence_loss(net: Ranker, batch: dict[str, Tensor], places: int) -> Tensor:
    """Cross-entropy of what came after `places` places of each row; to judge, of what came last."""
    part: Any = net.parts["sequence"]
    items, after, length = batch["items"], batch["next"], batch["items_length"]
    if not net.training:
        return _of_next(part(items), after)
    items, length = items[:, :AGES], length.clamp(max=AGES)
    came = torch.cat([after[:, :1], items], 1).long()
    # One place in each of equal stretches, so that short rows are seen whole.
    share = torch.arange(places, device=items.device) + torch.rand(
        len(items), places, device=items.device
    )
    chosen = (share * length.unsqueeze(1) / places).long().clamp(max=items.shape[1] - 1)
    weights = (length.unsqueeze(1) / places).expand(-1, places).float()
    targets = came.gather(1, chosen)
    weights = weights * (targets > 0)
    states = part.states(items, chosen).flatten(0, 1)
    total = _FullSoftmax.apply(
        states, part.table(), (targets - 1).clamp(min=0).flatten(), weights.flatten()
    )
    return total / weights.sum().clamp(min=1)


def autoencoder_loss(net: Ranker, batch: dict[str, Tensor], share: Tensor) -> Tensor:
    """Multinomial likelihood of all that was had, and `share` of what the code costs."""
    part: Any = net.parts["autoencoder"]
    items, after = batch["items"], batch["next"]
    if not net.training:
        return _of_next(part(items), after)
    mean, spread = part.codes(items)
    code = mean + torch.randn_like(mean) * (0.5 * spread).exp()
    logits = part.decode(code).float().log_softmax(-1)
    wanted = net._marked(torch.cat([after, items], 1), logits).float()
    likely = -(logits * wanted).sum(1) / wanted.sum(1).clamp(min=1)
    cost = -0.5 * (1 + spread - mean.square() - spread.exp()).sum(1)
    return (likely + share * cost / wanted.sum(1).clamp(min=1)).mean()


def _of_next(logits: Tensor, after: Tensor) -> Tensor:
    """Mean cross-entropy of the numbers `after` (B, M), 0 = none."""
    there = (after > 0).float()
    found = logits.float().log_softmax(-1).gather(1, (after.long() - 1).clamp(min=0))
    return -(found * there).sum() / there.sum().clamp(min=1)
