"""Sequence tagging from hashed token features: a convolutional network and two simple candidates.

Shapes: B texts, T tokens, F features of a token (numbers from 1, 0 = none), K tags, D values of a
token, V buckets of features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "CANDIDATES",
    "Bayes",
    "LinearTagger",
    "Network",
    "Tagger",
    "TokenScorer",
    "chain_loss",
    "tag_loss",
]

CANDIDATES = ("network", "linear", "naive Bayes")
PLACES = 2  # last columns of a token: start and end (exclusive) of its characters
WHOLE = 2  # first features of a token: the word itself, and the word in lower case


def _there(tokens: Tensor, length: Tensor) -> Tensor:
    """Mask (B, T), True where there is a token, False at the padding."""
    return torch.arange(tokens.shape[1], device=tokens.device)[None] < length[:, None]


def _bag(tokens: Tensor, table: Tensor) -> Tensor:
    """Sum of embeddings: numbers (B, T, F) -> (B, T, D) from a table (V, D); 0 is skipped."""
    found = F.embedding(tokens, table)
    return (found * (tokens > 0).unsqueeze(-1)).sum(2)


class _Summed(nn.Module):
    """Sum of the embeddings of a token's features: (B, T, F) -> (B, T, D).

    Training uses `embedding_bag`, which is a single kernel.
    """

    def __init__(self, buckets: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(buckets, width))

    def forward(self, features: Tensor) -> Tensor:
        if not self.training:
            return _bag(features, self.weight)
        batch, length, many = features.shape
        flat = features.reshape(batch * length, many).long()
        found = F.embedding_bag(flat, self.weight, mode="sum", padding_idx=0)
        return found.view(batch, length, -1)


class _Block(nn.Module):
    """Residual dilated convolution over tokens: (B, T, D) -> (B, T, D), kernel size 3.

    Written as one matrix product, because library convolutions are set up again for each new text
    length.
    """

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(3 * width, width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        far = self.dilation
        y = F.pad(self.norm(x) * there, (0, 0, far, far))  # the padding must be zero
        y = torch.cat([y[:, : -2 * far], y[:, far:-far], y[:, 2 * far :]], 2)
        return x + self.dropout(self.out(F.gelu(self.mix(y))))


class Network(nn.Module):
    """Tagger: summed feature embeddings, residual dilated convolutions, linear-chain CRF.

    Dilated convolutions for tagging: E. Strubell et al. 2017, arXiv 1702.02098. During training,
    whole-word features are dropped for a share `hidden` of the tokens, so that the network also
    uses parts of words, and single features are dropped with probability `blank`.
    """

    def __init__(self, buckets: int, tags: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.hidden, self.blank = 0.2, 0.3
        self.embed = _Summed(buckets, width // 2)
        self.bias = nn.Parameter(torch.zeros(width // 2))
        self.norm = nn.LayerNorm(width // 2)
        self.enter = nn.Linear(width // 2, width)
        dilations = [(1, 2, 4)[number % 3] for number in range(depth)]
        self.blocks = nn.ModuleList([_Block(width, one, dropout) for one in dilations])
        self.last = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(width, tags)
        self.chain = nn.Parameter(torch.zeros(1 + tags, tags))

    def forward(self, tokens: Tensor, length: Tensor) -> Tensor:
        there = _there(tokens, length).unsqueeze(-1).float()
        x = self.embed(self._some(tokens) if self.training else tokens) + self.bias
        x = self.enter(self.dropout(self.norm(x)))
        for block in self.blocks:
            x = block(x, there)
        scores: Tensor = self.answer(self.dropout(self.last(x)))
        return scores

    def _some(self, tokens: Tensor) -> Tensor:
        """Feature dropout: sets random features to 0 (none)."""
        place = tokens.device
        words = torch.rand((*tokens.shape[:2], 1), device=place) >= self.hidden
        seen = torch.rand(tokens.shape, device=place) >= self.blank
        first = torch.arange(tokens.shape[2], device=place) < WHOLE
        return tokens * (seen & (words | ~first))


class LinearTagger(nn.Module):
    """Multinomial logistic regression on the features of a token and of its two neighbours."""

    def __init__(self, buckets: int, tags: int) -> None:
        super().__init__()
        self.weights = _Summed(buckets, 3 * tags)
        self.bias = nn.Parameter(torch.zeros(tags))

    def forward(self, tokens: Tensor, length: Tensor) -> Tensor:
        there = _there(tokens, length).unsqueeze(-1)
        own, before, after = (self.weights(tokens) * there).chunk(3, -1)
        before = F.pad(before[:, :-1], (0, 0, 1, 0))  # contribution of the previous token
        after = F.pad(after[:, 1:], (0, 0, 0, 1))
        return own + before + after + self.bias


class Bayes(nn.Module):
    """Naive Bayes on the first feature of a token, which is its word.

    The score of a tag is log P(tag), the prior, plus log (P(tag | word) / P(tag)), the ratio.
    """

    ratios: Tensor
    prior: Tensor

    def __init__(self, buckets: int, tags: int) -> None:
        super().__init__()
        self.register_buffer("ratios", torch.zeros(buckets, tags))
        self.register_buffer("prior", torch.zeros(tags))

    def forward(self, tokens: Tensor, length: Tensor) -> Tensor:
        return _bag(tokens[..., :1], self.ratios) + self.prior

    def count(self, tokens: Tensor, tags: Tensor) -> None:
        """Adds tokens (W, F) with their tags (W,) to the counts; call `finish` at the end."""
        kinds = F.one_hot(tags, len(self.prior)).float()
        self.prior += kinds.sum(0)
        self.ratios.index_add_(0, tokens[:, 0].long(), kinds)

    def finish(self) -> None:
        """Turns the counts into log probabilities, smoothed by the tag distribution of all words.

        Words without a count get the log ratio 0, so that only the prior decides.
        """
        chances = (self.prior + 1e-3) / (self.prior + 1e-3).sum()
        own = (self.ratios + 0.1 * chances) / (self.ratios.sum(1, keepdim=True) + 0.1)
        known = self.ratios.sum(1, keepdim=True) > 0
        self.ratios.copy_(torch.where(known, (own / chances).log(), 0.0))
        self.prior.copy_(chances.log())


class TokenScorer(nn.Module):
    """Tag scores of one candidate, with the inputs of CRF decoding.

    tokens (B, T, F + 2) and tokens_length (B,) -> `scores` (B, T, K); `transitions` (B, 1 + K, K),
    start scores and transition scores, zeros if the candidate has none; and `places` (B, T, 2), the
    character positions of each token, copied from the input.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def scores(self, tokens: Tensor, tokens_length: Tensor) -> Tensor:
        """Scores (B, T, K) of all tags."""
        found: Tensor = self.inner(tokens[..., :-PLACES], tokens_length)
        return found

    def forward(self, tokens: Tensor, tokens_length: Tensor) -> dict[str, Tensor]:
        """Computes all outputs; each ragged output X comes with its lengths as `X_length`."""
        scores = self.scores(tokens, tokens_length).float()
        chain = getattr(self.inner, "chain", None)
        if chain is None:
            chain = scores.new_zeros(scores.shape[2] + 1, scores.shape[2])
        return {
            "scores": scores,
            "scores_length": tokens_length.clone(),
            "places": tokens[..., -PLACES:].clone(),
            "places_length": tokens_length.clone(),
            "transitions": chain.float()[None].expand(tokens.shape[0], -1, -1).clone(),
        }


class Tagger(nn.Module):
    """All tagging candidates; `selected` names the one used for prediction."""

    def __init__(self, network: Network, linear: LinearTagger, bayes: Bayes, kept: str) -> None:
        super().__init__()
        self.network, self.linear, self.bayes = (
            TokenScorer(network),
            TokenScorer(linear),
            TokenScorer(bayes),
        )
        self.selected = kept

    def forward(self, tokens: Tensor, tokens_length: Tensor) -> dict[str, Tensor]:
        """Outputs of the selected candidate (see TokenScorer)."""
        candidate = {"network": self.network, "linear": self.linear, "naive Bayes": self.bayes}
        found: dict[str, Tensor] = candidate[self.selected](tokens, tokens_length)
        return found


def tag_loss(scores: Tensor, tags: Tensor, length: Tensor) -> Tensor:
    """Mean cross-entropy of scores (B, T, K) over tokens whose tag (B, T) is known (not -1)."""
    tags = torch.where(_there(tags, length), tags, -1)
    flat = scores.float().flatten(0, 1), tags.flatten()
    total = F.cross_entropy(*flat, ignore_index=-1, reduction="sum")
    return total / (tags >= 0).sum().clamp(min=1)


def chain_loss(scores: Tensor, chain: Tensor, tags: Tensor, length: Tensor) -> Tensor:
    """Negative log likelihood per token of tags (B, T) under a linear-chain CRF, in float32.

    J. Lafferty, A. McCallum, F. Pereira 2001, "Conditional random fields". The forward algorithm,
    rescaled at every token, sums over all tag sequences. A token with an unknown tag (-1) may have
    any tag: the likelihood sums over all tag sequences that contain the known tags.
    """
    scores, there = scores.float(), _there(tags, length)
    known = F.one_hot(tags.clamp(min=0), scores.shape[2]).bool() | (tags < 0).unsqueeze(-1)
    both = torch.cat([scores, scores.masked_fill(~known, -1e4)])  # one recursion computes both sums
    kind = scores.device.type
    with torch.autocast("cpu" if kind == "meta" else kind, enabled=False):
        everything, ours = _ways(both, chain.float(), torch.cat([there, there])).chunk(2)
    return (everything - ours).sum() / there.sum().clamp(min=1)


def _ways(scores: Tensor, chain: Tensor, there: Tensor) -> Tensor:
    """Returns the log partition function (B,) of a CRF from scores (B, T, K); ignores padding.

    That is the log of the sum of exp(score) over all tag sequences of a text.
    """
    top = scores.amax(2, keepdim=True).detach()
    weights, steps = (scores - top).exp(), chain[1:].exp()
    now, logs = weights[:, 0] * chain[0].exp(), []
    for place in range(1, weights.shape[1]):
        size = now.sum(1, keepdim=True)
        logs.append(size)
        now = now / size
        following = (now @ steps) * weights[:, place]
        now = torch.where(there[:, place : place + 1], following, now)
    logs.append(now.sum(1, keepdim=True))
    found: Tensor = torch.cat(logs, 1).log().sum(1) + (top[..., 0] * there).sum(1)
    return found
