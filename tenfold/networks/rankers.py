"""Recommendation networks: linear item models, a sequence network, an autoencoder, weighted sums.

Sources: SASRec, W.-C. Kang and J. McAuley 2018, arXiv 1808.09781 (this version has one attention
layer with a bias that depends on the age of an item, and is trained with a softmax over the whole
catalogue); Mult-VAE, D. Liang et al. 2018, arXiv 1802.05814; EASE, H. Steck 2019, arXiv 1905.03375
(its weights are computed outside of this file).

Shapes: B rows, T items of a row (the latest first, numbered from 1, 0 = padding), N items of the
catalogue, W weights stored per item, D values of an item vector, P positions of a row, K items of a
ranking. A forward pass reads B from `shape`: with `len` an export fails at first and is made again.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Autoencoder", "LinearRanker", "Ranker", "Sequence", "autoencoder_loss", "sequence_loss"]

TOP = 100
"""Maximum number of items in a ranking."""
AGES = 50
"""Number of items, the current one included, that the sequence network attends to."""
SCALE = 15.0
"""Factor from cosine similarities to the logits of the sequence network."""
WHOLE = 8192
"""Maximum number of items for which the dense weight matrix is kept, because sums are faster."""
SPREAD = 1 << 22
"""Number of sparse weights that are added at a time in larger catalogues."""
OUT = -1e4
"""Logit of excluded items."""
LEAST = 1e-9
"""Minimum score of a ranked item; items with a lower score are dropped from the ranking."""
BLOCK = 1024
"""Number of rows whose logits are held in memory at a time during training."""


class LinearRanker(nn.Module):
    """Linear item-to-item model: sums the weights of a row's items, older items counting less.

    Stores `kept` weights for each item, or the full matrix where `kept` >= `items`.
    """

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
        """Dense item-to-item weights (N + 1, N); row 0 is the padding and holds zeros."""
        if self.all:
            return self.weights
        state = self.weights._version, self.targets._version, self.weights.device
        if self._held is None or self._held[0] != state:
            empty = self.weights.new_zeros(self.items + 1, self.items)
            self._held = state, empty.scatter_(1, self.targets.long(), self.weights)
        return self._held[1]

    def _summed(self, numbers: Tensor, counts: Tensor) -> Tensor:
        """Logits (B, N) as an embedding bag, which cannot be exported."""
        return F.embedding_bag(numbers, self.whole(), mode="sum", per_sample_weights=counts)

    def _product(self, numbers: Tensor, counts: Tensor) -> Tensor:
        """Logits (B, N) as a matrix product with the full weights; for export."""
        had = counts.new_zeros(numbers.shape[0], self.items + 1).scatter_add(1, numbers, counts)
        return had @ self.weights

    def _spread(self, numbers: Tensor, counts: Tensor) -> Tensor:
        """Logits (B, N) by adding the stored weights of each item to their target items."""
        found = F.embedding(numbers, self.weights) * counts.unsqueeze(-1)
        targets = self.targets[numbers].long().flatten(1)
        empty = found.new_zeros(numbers.shape[0], self.items)
        return empty.scatter_add(1, targets, found.flatten(1))


class Sequence(nn.Module):
    """Sequence network with one attention layer: items (B, T) -> logits (B, N)."""

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
        # At initialization, attention is a weighted mean of the items, the latest weighted most.
        self.age = nn.Parameter(-0.3 * torch.arange(AGES, dtype=torch.float32))
        self.dropout = nn.Dropout(dropout)
        for same in (self.value, self.out):
            nn.init.eye_(same.weight)
            nn.init.zeros_(same.bias)
        for nothing in (self.query, self.narrow):
            nn.init.zeros_(nothing.weight)
            nn.init.zeros_(nothing.bias)

    def table(self) -> Tensor:
        """Item vectors (N, D), normalised to length 1."""
        return F.normalize(self.items.weight[1:], dim=-1)

    def states(self, items: Tensor, places: Tensor) -> Tensor:
        """Returns vectors (B, P, D) of length 1, from which the next items are predicted.

        `places` (B, P) are positions in `items` (B, T). Each vector is computed from the item at
        its position and older items, and predicts the item that followed.
        """
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
        first = items.new_zeros(items.shape[0], 1).long()
        return self.states(items, first)[:, 0] @ self.table().t() * SCALE


class Autoencoder(nn.Module):
    """Variational autoencoder over the items of a row: items (B, T) -> logits (B, N)."""

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
        """Mean and log variance of the latent code, (B, 2 D) each."""
        there = (items > 0).float()
        if self.training:
            there = there * (torch.rand_like(there) >= self.dropout) / (1 - self.dropout)
        length = there.square().sum(1, keepdim=True).clamp(min=1).sqrt()
        found = (self.items(items.long()) * there.unsqueeze(-1)).sum(1) / length
        mean, spread = self.code(torch.tanh(found + self.bias)).chunk(2, -1)
        return mean, spread

    def decode(self, code: Tensor) -> Tensor:
        """Logits (B, N) of latent codes (B, 2 D)."""
        return self.out(torch.tanh(self.wide(code)))

    def forward(self, items: Tensor) -> Tensor:
        """(B, N) logits."""
        return self.decode(self.codes(items)[0])


class Ranker(nn.Module):
    """Ranks the catalogue for each row, with one model or a weighted sum of two (`parts`).

    Rows without a known item get the most popular items.
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
        """Returns a copy of the ranker whose models are `parts` and no others.

        The remaining tensors are shared. The copy has its own weights of the models (`mix`) and its
        own inverse softmax temperature (`sharp`), all set to 1.
        """
        other: Ranker = copy.copy(self)
        other._modules, other._buffers = dict(self._modules), dict(self._buffers)
        other._parameters = dict(self._parameters)
        other.parts = nn.ModuleDict(parts)
        other.sharp = nn.Parameter(torch.ones_like(self.sharp), requires_grad=False)
        other.mix = torch.ones_like(self.mix)
        return other

    def logits(self, items: Tensor) -> Tensor:
        """Logits (B, N) before items are excluded: the weighted sum of all parts."""
        found: Tensor | None = None
        for number, part in enumerate(self.parts.values()):
            one = part(items) * (self.mix[number] * self.sharp)
            found = one if found is None else found + one
        level = self.popular * self.sharp
        if found is None:
            return level.expand(items.shape[0], -1)
        return found + level * 1e-6  # popularity breaks ties

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
        """Ranks the catalogue for each row, without the items `seen`.

        If a row has items `among`, only these are ranked. Returns `ranking` (B, K), item numbers
        from 1 (0 = none); `scores` (B, K), their probabilities; `known` (B,), the number of the
        row's items that are in the catalogue; `told` (B,), a copy of `given`, the number of items
        that the user gave, known or not; and `embedding` (B, D), the mean item vector of the row.
        """
        known = items_length.unsqueeze(1) > 0
        logits = torch.where(known, self.logits(items), self.popular.unsqueeze(0)).float()
        if torch.compiler.is_exporting() or among.shape[1]:
            other = ~self._marked(among, logits) & (among_length.unsqueeze(1) > 0)
            logits = logits.masked_fill(other, OUT)
        logits = self._without(seen, logits)
        best, ranking = logits.topk(min(TOP, logits.shape[1]), dim=1)
        scores = _shares(best, logits) * (best > 0.5 * OUT)
        some = scores > LEAST  # the order of items with almost no probability is arbitrary
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
        """Logits (B, N) in which the items `numbers` of each row are excluded (set to OUT)."""
        padded = F.pad(logits, (1, 0))
        gone = torch.full_like(numbers, OUT, dtype=padded.dtype)
        return padded.scatter(1, numbers.long(), gone)[:, 1:]

    def _marked(self, numbers: Tensor, like: Tensor) -> Tensor:
        """Mask (B, N), True at the item numbers of each row; `like` (B, N) sets the shape."""
        empty = torch.zeros(like.shape[0], like.shape[1] + 1, device=like.device)
        ones = torch.ones_like(numbers, dtype=empty.dtype)
        return empty.scatter(1, numbers.long(), ones)[:, 1:] > 0


def _shares(best: Tensor, logits: Tensor) -> Tensor:
    """Softmax over `logits` (B, N) at its largest values `best` (B, K), the largest first.

    The sum is in double precision. In float32, rounding would lose thousands of small terms beside
    a large one, and results of torch and ONNX Runtime would differ (by 0.0004 at 12,000 items).
    """
    most = best[:, :1]
    total = (logits - most).exp().sum(1, keepdim=True, dtype=torch.float64)
    return (best - most).exp() / total.to(best.dtype)


# --- losses ---------------------------------------------------------------------------------------


class _FullSoftmax(torch.autograd.Function):
    """Weighted cross-entropy over the whole catalogue, computed in blocks of rows.

    The forward pass also computes the gradients, so that the logits need not be stored.
    """

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
    """Cross-entropy of the next item.

    In training, `places` random positions of each row are used to estimate the mean over all
    positions. In evaluation, the items in `next` are predicted from all items of the row.
    """
    part: Any = net.parts["sequence"]
    items, after, length = batch["items"], batch["next"], batch["items_length"]
    if not net.training:
        return _of_next(part(items), after)
    items, length = items[:, :AGES], length.clamp(max=AGES)
    came = torch.cat([after[:, :1], items], 1).long()
    # One random position in each of `places` equal sections covers the whole row.
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
    """Loss of the variational autoencoder: negative log likelihood + `share` * KL divergence.

    The multinomial likelihood covers the items of the row and those in `next`; both terms are
    divided by the number of these items. In evaluation, it is the cross-entropy of the items in
    `next`.
    """
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
    """Mean cross-entropy of logits (B, N) for the item numbers `after` (B, M), 0 = padding."""
    there = (after > 0).float()
    found = logits.float().log_softmax(-1).gather(1, (after.long() - 1).clamp(min=0))
    return -(found * there).sum() / there.sum().clamp(min=1)
