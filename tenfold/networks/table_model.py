"""One network for tables that holds every candidate kept, and answers with one or with their blend.

Shapes: B rows, D numbers, C categories, F numbers after the derived columns, K classes, E values.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from tenfold.networks.derived import Derived

__all__ = ["TableModel"]


class TableModel(nn.Module):
    """numbers (B, D) and levels (B, C) -> probabilities (B, K), or value, low and high (B,).

    `derived` computes the columns (B, F) that the parts use. A part takes these and the levels. It
    returns raw scores (B, K), for two classes also (B, 1); or values (B, 1), or values with both
    ends of their intervals (B, 3); or a dictionary of `probabilities`, or of `value`, `low` and
    `high`. `mixes` holds the weights of the parts in each answer by name, and `selected` is the
    name of the answer given. For numbers (`classes` 0) the part `bounds` gives the ends of the
    interval, "" = the value itself; `offsets` are subtracted from the low end and added to the high
    end. `bias` (K,) is added to the logits after the temperature; it is set from the facts.
    `embedded` is the part whose `embedding` or `features` are returned.
    """

    calibrated: ClassVar[tuple[str, ...]] = ("temperature", "offsets")
    derived: Derived
    temperature: Tensor
    offsets: Tensor
    bias: Tensor

    def __init__(
        self,
        derived: Derived,
        parts: Mapping[str, nn.Module],
        mixes: Mapping[str, Mapping[str, float]],
        classes: int,
        bounds: str = "",
        embedded: str = "",
    ) -> None:
        super().__init__()
        self.derived = derived
        self.parts = nn.ModuleDict({_key(name): part for name, part in parts.items()})
        self.mixes = {name: dict(weights) for name, weights in mixes.items()}
        self.selected = next(reversed(self.mixes), "")
        self.classes, self.bounds, self.embedded = classes, bounds, embedded
        self.place = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("offsets", torch.zeros(2))
        self.register_buffer("bias", torch.zeros(classes), persistent=False)

    def add(self, name: str, part: nn.Module) -> None:
        """Adds a part, and the answer that this part alone gives."""
        self.parts[_key(name)] = part
        self.mixes[name] = {name: 1.0}

    def part(self, name: str) -> nn.Module:
        """Returns a part by its name."""
        return self.parts[_key(name)]

    def answers(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """Returns the probabilities (B, K) before the temperature, or the values (B, 1).

        They are 0 before anything is fitted.
        """
        if not self.mixes:
            return numbers.new_zeros(len(numbers), max(1, self.classes))
        columns = self.derived(numbers)
        mixed = [
            weight * self._answer(self.part(name)(columns, levels))
            for name, weight in self.mixes[self.selected].items()
        ]
        return torch.stack(mixed).sum(0)

    def logits(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """Returns the logarithms of the probabilities (B, K), before the temperature."""
        return self.answers(numbers, levels).clamp_min(1e-12).log()

    def interval(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """Returns the low and the high ends (B, 2) before the offsets; crossing ones are sorted."""
        found = self.part(self.bounds)(self.derived(numbers), levels)
        if isinstance(found, dict):
            return torch.stack([found["low"], found["high"]], 1)
        return torch.stack([found[:, 1:].amin(1), found[:, 1:].amax(1)], 1)

    def forward(self, numbers: Tensor, levels: Tensor) -> dict[str, Tensor]:
        embedding = {"embedding": self._embedding(numbers, levels)}
        if self.classes:
            logits = self.logits(numbers, levels) / self.temperature + self.bias
            return {"probabilities": logits.softmax(1)} | embedding
        value = self.answers(numbers, levels)[:, 0]
        ends = self.interval(numbers, levels) if self.bounds else value[:, None].expand(-1, 2)
        low = torch.minimum(ends[:, 0] - self.offsets[0], value)
        high = torch.maximum(ends[:, 1] + self.offsets[1], value)
        return {"value": value, "low": low, "high": high} | embedding

    def _answer(self, found: Tensor | dict[str, Tensor]) -> Tensor:
        """Returns the probabilities (B, K) or values (B, 1) from the output of a part."""
        if isinstance(found, dict):
            return found["probabilities"] if self.classes else found["value"][:, None]
        if not self.classes:
            return found[:, :1]
        if self.classes == 2 and found.shape[1] == 1:
            found = torch.cat([torch.zeros_like(found), found], 1)
        return found.softmax(1)

    def _embedding(self, numbers: Tensor, levels: Tensor) -> Tensor:
        if not self.embedded:
            return numbers.nan_to_num()
        part, columns = self.part(self.embedded), self.derived(numbers)
        found = part(columns, levels)
        if isinstance(found, dict):
            embedding: Tensor = found["embedding"]
            return embedding
        features: Tensor = part.features(columns, levels)  # type: ignore[operator]
        return features


def _key(name: str) -> str:
    """Returns the name of a part as a key of a ModuleDict."""
    return name.replace(" ", "_")
