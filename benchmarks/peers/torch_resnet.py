"""A ResNet-18-shaped network (arXiv 1512.03385) in plain PyTorch, learning for so many seconds.

Pictures of less than 96 pixels get a first convolution without a stride and no pool, as is usual.
"""

from __future__ import annotations

import math
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

BATCH = 64


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)])
        self.shortcut = nn.Sequential()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.norms[0](self.first(x)).relu()
        return (self.norms[1](self.second(y)) + self.shortcut(x)).relu()


def network(classes: int, large: bool) -> nn.Module:
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    stem.append(nn.MaxPool2d(3, 2, 1))
    if not large:
        stem = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    blocks, inputs = [], 64
    for number, width in enumerate((64, 128, 256, 512)):
        blocks += [Block(inputs, width, 2 if number else 1), Block(width, width, 1)]
        inputs = width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes)]
    return nn.Sequential(*stem, *blocks, *head)


def resnet(
    image: np.ndarray,
    label: np.ndarray,
    test_image: np.ndarray,
    test_label: np.ndarray,
    seconds: float,
    seed: int,
) -> tuple[float, int]:
    """(test accuracy, steps) after learning from (N, H, W, 3) bytes for `seconds`."""
    torch.manual_seed(seed)
    x = torch.from_numpy(image).permute(0, 3, 1, 2)
    y = torch.from_numpy(label)
    mean = x.float().mean((0, 2, 3), keepdim=True)
    deviation = x.float().std((0, 2, 3), keepdim=True)
    net = network(int(y.max()) + 1, min(image.shape[1:3]) >= 96)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    began, steps = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        optimizer.param_groups[0]["lr"] = 0.5e-3 * (1 + math.cos(math.pi * spent / seconds))
        for rows in torch.randperm(len(x))[: BATCH * (len(x) // BATCH)].split(BATCH):
            batch = _changed((x[rows].float() - mean) / deviation)
            loss = functional.cross_entropy(net(batch), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps += 1
            if time.perf_counter() - began >= seconds:
                break
    net.eval()
    right = 0
    with torch.inference_mode():
        for start in range(0, len(test_image), 100):
            part = torch.from_numpy(test_image[start : start + 100]).permute(0, 3, 1, 2)
            said = net((part.float() - mean) / deviation).argmax(1).numpy()
            right += int((said == test_label[start : start + 100]).sum())
    return right / len(test_label), steps


def _changed(x: Tensor) -> Tensor:
    """A shift of the whole batch by up to an eighth, and each picture mirrored or not."""
    most = x.shape[2] // 8
    down, right = (int(one) for one in torch.randint(-most, most + 1, (2,)))
    x = torch.roll(x, (down, right), (2, 3))
    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
