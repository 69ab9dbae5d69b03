"""Object detector: plain 3x3 convolutions at strides 2 to 32, joined into one map at stride 8.

Each cell of the map predicts one box, as the distances of its four edges from the cell's centre,
and a score for each class. There are no anchors (FCOS, arXiv 1904.01355).

Shapes: B pictures, H x W pixels of the frame, C channels, K classes, A = cells of the map, times
the number of views at evaluation, D values of an embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tenfold.networks.modules import ResidualBlock, conv_block, convolution

__all__ = ["SIZES", "STRIDE", "Detector", "box_centres"]

STRIDE = 8
"""Pixels of the frame between two cells of the map."""
EDGE = 24.0
"""Distance of an edge from the centre of its cell for an output of 0, in pixels."""
PADDING, SPREAD = 114.0, 64.0
RARE = -4.6
"""First logit of every class: a score of 1 %, because nearly all cells are background."""

SIZES = {
    "tiny": ((8, 16, 32, 48, 64), (0, 1, 1, 1, 1)),
    "small": ((16, 32, 64, 96, 128), (0, 1, 2, 2, 1)),
    "medium": ((24, 48, 96, 144, 192), (0, 1, 2, 2, 2)),
}
"""Channels and number of residual blocks at the strides 2, 4, 8, 16 and 32."""
FLIPS: tuple[tuple[int, ...], ...] = ((), (3,), (2,), (2, 3))
"""The axes of a (B, C, H, W) picture that each view is flipped along."""


class Detector(nn.Module):
    """uint8 pictures (B, H, W, C) -> boxes (B, A, 4) and scores (B, A, K) of all cells.

    Boxes are (left, top, right, bottom) in fractions of the frame, scores are 0 to 1. At evaluation
    the candidates of `views` flipped views follow one another: 1 = the picture alone, 2 = also
    mirrored left to right, 4 = also turned upside down. The attribute may be changed later.
    `picture_size` is the input `size` (B, 2), width and height of the whole pictures in pixels.
    """

    def __init__(self, channels: int, classes: int, size: str) -> None:
        super().__init__()
        widths, blocks = SIZES[size]
        self.views = 1
        stages, before = [], channels
        for width, count in zip(widths, blocks, strict=True):
            down = conv_block(before, width, 3, 2)
            stages.append(nn.Sequential(down, *(ResidualBlock(width) for _ in range(count))))
            before = width
        self.stages = nn.ModuleList(stages)
        joint = widths[2]
        self.sides = nn.ModuleList(conv_block(width, joint, 1) for width in widths[2:])
        self.joined = conv_block(joint, joint)
        self.kinds = nn.Sequential(conv_block(joint, joint), conv_block(joint, joint))
        self.edges = nn.Sequential(conv_block(joint, joint), conv_block(joint, joint))
        self.head = convolution(2 * joint, classes + 4, 1)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()  # type: ignore[union-attr]
            self.head.bias[:classes] = RARE  # type: ignore[index]

    def maps(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns logits (B, A, K), boxes in pixels (B, A, 4) and the embedding (B, D); one view.

        Cells are in row-major order; those of a picture (H, W) are ceil(H / 8) x ceil(W / 8).
        """
        return self._seen(_normal(image))

    def _seen(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        embedding = x.float().mean((2, 3))
        found = self.sides[-1](maps[-1])
        for side, lower in zip(reversed(self.sides[:-1]), reversed(maps[2:-1]), strict=True):
            sides = (lower.shape[2], lower.shape[3])
            found = side(lower) + functional.interpolate(found, sides, mode="nearest")
        found = self.joined(found)
        out = self.head(torch.cat([self.kinds(found), self.edges(found)], 1)).float()
        rows, columns = out.shape[2:]
        out = out.flatten(2).transpose(1, 2)
        distance = out[..., -4:].clamp(-6.0, 4.5).exp() * EDGE
        middle = box_centres(rows, columns, out.device)
        boxes = torch.cat([middle - distance[..., :2], middle + distance[..., 2:]], 2)
        return out[..., :-4], boxes, embedding

    def forward(self, image: Tensor, size: Tensor) -> dict[str, Tensor]:
        x, sides = _normal(image), (image.shape[2], image.shape[1])
        scores, boxes, embeddings = [], [], []
        for flip in FLIPS[: 1 if self.training else self.views]:
            logits, found, embedding = self._seen(x.flip(flip) if flip else x)
            found = found / torch.tensor([*sides, *sides], device=found.device)
            if 3 in flip:
                found = torch.stack(
                    [1 - found[..., 2], found[..., 1], 1 - found[..., 0], found[..., 3]], 2
                )
            if 2 in flip:
                found = torch.stack(
                    [found[..., 0], 1 - found[..., 3], found[..., 2], 1 - found[..., 1]], 2
                )
            scores.append(logits.sigmoid())
            boxes.append(found)
            embeddings.append(embedding)
        return {
            "boxes": torch.cat(boxes, 1),
            "scores": torch.cat(scores, 1),
            "picture_size": size,
            "embedding": torch.stack(embeddings).mean(0),
        }


def box_centres(rows: int, columns: int, place: torch.device) -> Tensor:
    """Returns the centres (x, y) of all cells in pixels, (rows * columns, 2)."""
    down = (torch.arange(rows, device=place) + 0.5) * STRIDE
    across = (torch.arange(columns, device=place) + 0.5) * STRIDE
    grid = torch.stack([across.repeat(rows), down.repeat_interleave(columns)], 1)
    return grid


def _normal(image: Tensor) -> Tensor:
    """(B, H, W, C) bytes or floats 0 to 255 -> (B, C, H, W) floats; the padding becomes 0."""
    return ((image.float() - PADDING) / SPREAD).permute(0, 3, 1, 2)
