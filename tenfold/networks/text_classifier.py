"""Text classifier from n-grams and tokens: linear bag-of-n-grams models and a convolution.

A bag-of-n-grams model has one weight per n-gram and class. The convolutional network (Y. Kim 2014,
arXiv 1408.5882) reads the tokens in order; the vector of a token is the sum of the embeddings of
its word and its parts. The logits of the models can be combined in a weighted sum.

Shapes: B texts, G n-grams, T tokens, F numbers of a token, K classes, V known n-grams, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Bag", "Convolution", "TextClassifier"]

SIZES = (2, 3, 4)
"""Filter sizes of the convolution, in tokens."""


class Bag(nn.Module):
    """Linear bag-of-n-grams model: n-grams (B, G), 0 = none, to logits (B, K).

    Its weights are buffers that are set from outside. With `normal`, the sum of the weights is
    divided by the square root of the sum of `squares` over the n-grams of the text, so that long
    and short texts have comparable logits.
    """

    weights: Tensor
    squares: Tensor
    bias: Tensor

    def __init__(self, grams: int, classes: int, normal: bool) -> None:
        super().__init__()
        self.normal = normal
        self.register_buffer("weights", torch.zeros(grams + 1, classes))
        self.register_buffer("squares", torch.zeros(grams + 1 if normal else 0, classes))
        self.register_buffer("bias", torch.zeros(classes))

    def forward(self, grams: Tensor) -> Tensor:
        """Logits (B, K)."""
        found = functional.embedding(grams, self.weights).sum(1)
        if self.normal:
            length = functional.embedding(grams, self.squares).sum(1).clamp(min=1e-9)
            found = found * length.rsqrt()
        return found + self.bias


class Convolution(nn.Module):
    """Convolutional text classifier: tokens (B, T, F), tokens_length (B,) to logits (B, K).

    The first number of a token is its word (0 = padding, 1 = unknown), the others are its parts
    (0 = none).
    """

    def __init__(
        self, words: int, buckets: int, features: int, classes: int, width: int, dropout: float
    ) -> None:
        super().__init__()
        self.word = nn.Embedding(words, width, padding_idx=0)
        self.part = nn.Embedding(buckets, width, padding_idx=0)
        for table in (self.word, self.part):
            nn.init.normal_(table.weight, std=0.1)
        self.layers = nn.ModuleList(nn.Conv1d(width, width, size) for size in SIZES)
        self.answer = nn.Linear(width * (len(SIZES) + 1), classes)
        self.dropout, self.features = dropout, features

    def embed(self, tokens: Tensor, tokens_length: Tensor) -> Tensor:
        """Text embeddings (B, 4 D): the scaled sum of tokens and the maximum of each filter."""
        there = torch.arange(tokens.shape[1], device=tokens.device) < tokens_length[:, None]
        kept = there[:, None].float()
        x = self.word(tokens[..., 0]) + self.part(tokens[..., 1:]).sum(2)
        x = x.transpose(1, 2) * self.features**-0.5 * kept
        x = functional.dropout(x, 0.6 * self.dropout, self.training)
        found = [x.sum(2) * kept.sum(2).clamp(min=1).rsqrt()]
        for layer, size in zip(self.layers, SIZES, strict=True):
            found.append((layer(functional.pad(x, (0, size - 1))).relu() * kept).amax(2))
        return torch.cat(found, 1)

    def logits(self, tokens: Tensor, tokens_length: Tensor) -> Tensor:
        """Logits (B, K); in training, with dropout."""
        x = self.embed(tokens, tokens_length)
        return self.answer(functional.dropout(x, self.dropout, self.training))

    def forward(self, tokens: Tensor, tokens_length: Tensor) -> Tensor:
        """Logits (B, K)."""
        return self.logits(tokens, tokens_length)


class TextClassifier(nn.Module):
    """All text classification candidates; `selected` names the one used for prediction.

    "naive Bayes", "linear" and "convolution" are single models. "mixed" is the weighted sum of the
    logits of `bag` (weights scaled by how much more often an n-gram occurs in a class), `linear`
    and `convolution`, with the weights `mix`. `several` selects multi-label classification (sigmoid
    in place of softmax).
    """

    calibrated = ("temperature",)

    mix: Tensor
    temperature: Tensor
    bias: Tensor

    def __init__(self, grams: int, convolution: Convolution, classes: int, several: bool) -> None:
        super().__init__()
        self.bayes = Bag(grams, classes, normal=False)
        self.linear = Bag(grams, classes, normal=True)
        self.bag = Bag(grams, classes, normal=True)
        self.convolution = convolution
        self.several, self.selected = several, "mixed"
        self.register_buffer("mix", torch.full((3,), 1 / 3))
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("bias", torch.zeros(classes), persistent=False)

    def branches(
        self, ids: Tensor, ids_length: Tensor, tokens: Tensor, tokens_length: Tensor
    ) -> Tensor:
        """Logits (B, 3, K) of `bag`, `linear` and `convolution`, before the weighted sum."""
        found = [self.bag(ids), self.linear(ids), self.convolution(tokens, tokens_length).float()]
        return torch.stack(found, 1)

    def logits(
        self, ids: Tensor, ids_length: Tensor, tokens: Tensor, tokens_length: Tensor
    ) -> Tensor:
        """Logits (B, K) of the selected candidate, before temperature scaling."""
        if self.selected == "naive Bayes":
            return self.bayes(ids)
        if self.selected == "linear":
            return self.linear(ids)
        if self.selected == "convolution":
            return self.convolution(tokens, tokens_length)
        branches = self.branches(ids, ids_length, tokens, tokens_length)
        return (branches * self.mix[:, None]).sum(1)

    def forward(
        self, ids: Tensor, ids_length: Tensor, tokens: Tensor, tokens_length: Tensor
    ) -> dict[str, Tensor]:
        """Probabilities (B, K), and the embedding (B, 4 D) where the convolution is used."""
        logits = self.logits(ids, ids_length, tokens, tokens_length)
        logits = logits / self.temperature + self.bias
        found = {"probabilities": logits.sigmoid() if self.several else logits.softmax(1)}
        if self.selected in ("convolution", "mixed"):
            found["embedding"] = self.convolution.embed(tokens, tokens_length)
        return found
