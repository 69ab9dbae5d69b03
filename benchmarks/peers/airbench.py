"""airbench94's network and schedule (K. Jordan 2024, arXiv 2404.00498), learning from our batches.

Written from the paper: a frozen 2x2 whitening convolution, three groups of two convolutions with
batch norm and GELU, logits scaled by 1/9, label smoothing 0.2, Nesterov SGD with decoupled weight
decay and a triangular rate, a lookahead average every five steps, alternating flips, translation
by two pixels, answers averaged over mirror images and shifts. 9.9 epochs of batch 1,024 reach a
mean of 94 % on CIFAR-10 (3.8 s on an A100, as published).
Different here: batches come from tenfold.training.batches, where epochs leave out other rows;
heavy operators run in bfloat16 by autocast where the device multiplies it, in place of float16.

Shapes: B pictures of a batch, 3 x 32 x 32 values, K classes.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tenfold.core import device as devices
from tenfold.core.columns import Columns
from tenfold.training.batches import Batches, tensors

EPOCHS, BATCH = 9.9, 1024
RATE, DECAY, MOMENTUM, BIAS_SCALE = 11.5, 0.0153, 0.85, 64.0
SMOOTHING, TRANSLATION_PIXELS = 0.2, 2
WHITENING_BIAS_EPOCHS, WHITENING_ROWS, WHITENING_EPSILON = 3, 5000, 5e-4
RATE_START, RATE_PEAK_AT, RATE_END = 0.2, 0.23, 0.07
LOOKAHEAD_STEPS, LOOKAHEAD_DECAY = 5, 0.95
WIDTHS = (64, 256, 256)
TRIAL_STEPS, TRIAL_SECONDS = 3, 4.0


# --- the network ---


class Scaled(nn.Module):
    """x -> x * scale."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution without bias whose first filters pass the inputs on."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:inputs])
    return layer


def norm(width: int) -> nn.BatchNorm2d:
    """Batch norm that learns its bias alone."""
    layer = nn.BatchNorm2d(width, eps=1e-12, momentum=0.4)
    layer.weight.requires_grad = False
    return layer


def group(inputs: int, outputs: int) -> nn.Sequential:
    """(B, inputs, H, W) -> (B, outputs, H // 2, W // 2)."""
    return nn.Sequential(
        convolution(inputs, outputs), nn.MaxPool2d(2), norm(outputs), nn.GELU(),
        convolution(outputs, outputs), norm(outputs), nn.GELU(),
    )  # fmt: skip


def network(classes: int) -> nn.Sequential:
    """(B, 3, 32, 32), normalised -> logits (B, K); the first layer is still to be whitened."""
    whitening = nn.Conv2d(3, 24, 2)
    whitening.weight.requires_grad = False
    widths = (24, *WIDTHS)
    groups = [group(*pair) for pair in zip(widths, WIDTHS, strict=False)]
    head = nn.Linear(WIDTHS[-1], classes, bias=False)
    net = nn.Sequential(
        whitening, nn.GELU(), *groups, nn.MaxPool2d(3), nn.Flatten(), head, Scaled(1 / 9)
    )
    return net.to(memory_format=torch.channels_last)


@torch.no_grad()
def whiten(layer: nn.Conv2d, pictures: Tensor) -> None:
    """Filters: eigenvectors of 2x2 patches over the roots of their eigenvalues, and negatives."""
    patches = pictures.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
    values, vectors = torch.linalg.eigh((patches.T @ patches / len(patches)).double().cpu())
    filters = (vectors / (values + WHITENING_EPSILON).sqrt()).T.flip(0).reshape(12, 3, 2, 2)
    layer.weight.copy_(torch.cat([filters, -filters]))


# --- pictures ---


def normalised(batch: dict[str, Tensor], mean: Tensor, deviation: Tensor) -> Tensor:
    """(B, 32, 32, 3) bytes -> (B, 3, 32, 32), mean 0 and deviation 1."""
    x = batch["image"].float().sub(mean).div(deviation).permute(0, 3, 1, 2)
    return x.contiguous(memory_format=torch.channels_last)


def changed(x: Tensor, turned: Tensor, epoch: int) -> Tensor:
    """Each picture mirrored in every second epoch, the rows `turned` in even ones; translated."""
    mirrored = (turned + epoch) % 2 == 1
    x = torch.where(mirrored.view(-1, 1, 1, 1), x.flip(3), x)
    far = TRANSLATION_PIXELS
    padded = functional.pad(x, (far,) * 4, "reflect")
    side = x.shape[-1]
    down, right = (torch.randint(0, 2 * far + 1, (len(x),), device=x.device) for _ in range(2))
    at = torch.arange(side, device=x.device)
    rows = (down[:, None] + at).view(-1, 1, side, 1).expand(-1, x.shape[1], -1, padded.shape[3])
    columns = (right[:, None] + at).view(-1, 1, 1, side).expand(-1, x.shape[1], side, -1)
    return padded.gather(2, rows).gather(3, columns)


# --- learning ---


def optimizer_of(net: nn.Sequential) -> torch.optim.SGD:
    """SGD whose rates are for losses summed over a batch; biases of norms learn faster."""
    kilosteps = 1024 * (1 + 1 / (1 - MOMENTUM))
    rate, decay = RATE / kilosteps, DECAY * BATCH / kilosteps
    learnt = {name: value for name, value in net.named_parameters() if value.requires_grad}
    norms = [value for module in net.modules() if isinstance(module, nn.BatchNorm2d)
             for value in module.parameters() if value.requires_grad]  # fmt: skip
    known = {id(value) for value in norms}
    others = [value for value in learnt.values() if id(value) not in known]
    groups = [
        {"params": norms, "lr": rate * BIAS_SCALE, "weight_decay": decay / (rate * BIAS_SCALE)},
        {"params": others, "lr": rate, "weight_decay": decay / rate},
    ]
    return torch.optim.SGD(groups, momentum=MOMENTUM, nesterov=True)


class Lookahead:
    """A moving average of all float tensors that also replaces them (arXiv 1907.08610)."""

    def __init__(self, net: nn.Module) -> None:
        self.values = [value for value in net.state_dict().values() if value.is_floating_point()]
        self.averages = [value.clone() for value in self.values]

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """Moves the averages by 1 - `decay` towards the values, and the values to them."""
        for average, value in zip(self.averages, self.values, strict=True):
            average.lerp_(value, 1 - decay)
            value.copy_(average)


class Training:
    """airbench94 on a device, for `epochs` of its schedule."""

    def __init__(self, train: Columns, classes: int, device: str, seed: int) -> None:
        torch.manual_seed(seed)
        self.place = devices.choose_device(device)
        self.precision = devices.choose_precision("auto", self.place)
        turned = np.random.default_rng(seed).integers(0, 2, train.rows).astype(np.int64)
        rows = train.take(np.arange(train.rows))
        columns = Columns({"image": rows["image"], "label": rows["label"], "turned": turned})
        self.feed = Batches(columns, BATCH, seed, self.place)
        first = torch.from_numpy(rows["image"][:WHITENING_ROWS]).float().flatten(0, 2)
        self.mean, self.deviation = first.mean(0).to(self.place), first.std(0).to(self.place)
        self.net = network(classes)
        some = tensors({"image": rows["image"][:WHITENING_ROWS]}, self.place)
        self.net.to(self.place)
        whiten(self.net[0], normalised(some, self.mean, self.deviation))  # type: ignore[arg-type]
        self.optimizer = optimizer_of(self.net)
        self.schedule = [group["lr"] for group in self.optimizer.param_groups]

    def fit(self, steps: int, most: int | None = None) -> None:
        """All steps of a schedule, or the first `most`; cuDNN may choose its fastest kernels."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            self._fit(steps, steps if most is None else min(most, steps))

    def _fit(self, steps: int, last: int) -> None:
        lookahead = Lookahead(self.net)
        marks = [0, int(RATE_PEAK_AT * steps), steps]
        rates = np.interp(np.arange(1 + steps), marks, [RATE_START, 1, RATE_END])
        self.net.train()
        for step in range(last):
            epoch = step // self.feed.length
            for one, rate in zip(self.optimizer.param_groups, self.schedule, strict=True):
                one["lr"] = rate * float(rates[step])
            self.net[0].bias.requires_grad = epoch < WHITENING_BIAS_EPOCHS  # type: ignore[union-attr]
            self._step(self.feed.batch(step), epoch)
            if (step + 1) % LOOKAHEAD_STEPS == 0:
                lookahead.update(LOOKAHEAD_DECAY**5 * ((step + 1) / steps) ** 3)
        lookahead.update(1.0)

    def _step(self, batch: dict[str, Tensor], epoch: int) -> None:
        x = normalised(batch, self.mean, self.deviation)
        x = changed(x, batch["turned"], epoch)
        with devices.autocast(self.place, self.precision):
            logits = self.net(x)
        loss = functional.cross_entropy(
            logits.float(), batch["label"], label_smoothing=SMOOTHING, reduction="sum"
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    @torch.inference_mode()
    def accuracy(self, test: Columns, size: int = 500) -> float:
        """Share of right answers, averaged over mirror images and shifts by one pixel."""
        self.net.eval()
        right = 0
        for start in range(0, test.rows, size):
            batch = test.take(np.arange(start, min(start + size, test.rows)))
            x = normalised(
                tensors({"image": batch["image"]}, self.place), self.mean, self.deviation
            )
            padded = functional.pad(x, (1,) * 4, "reflect")
            shifted = [padded[:, :, :-2, :-2], padded[:, :, 2:, 2:]]
            logits = self._mirrored(x) + sum(map(self._mirrored, shifted)) / 2
            right += int((logits.argmax(1).cpu().numpy() == batch["label"]).sum())
        return right / test.rows

    def _mirrored(self, x: Tensor) -> Tensor:
        with devices.autocast(self.place, self.precision):
            logits: Tensor = (self.net(x) + self.net(x.flip(3))) / 2
        return logits.float()


def seconds_a_step(trial: Training) -> float:
    """Of a few steps after the first, which also loads kernels; of the first where it is slow."""
    for steps in (1, TRIAL_STEPS):
        began = time.perf_counter()
        trial.fit(100, steps)
        devices.wait(trial.place)
        each = (time.perf_counter() - began) / steps
        if each * TRIAL_STEPS > TRIAL_SECONDS and trial.place.type == "cpu":
            break
    return each


def airbench(
    train: Columns, test: Columns, classes: int, device: str, seconds: float, seed: int = 0
) -> dict[str, Any]:
    """Accuracy, seconds and epochs: those published, or as many as fit into `seconds`."""
    each = seconds_a_step(Training(train, classes, device, seed))
    training = Training(train, classes, device, seed)
    published = math.ceil(EPOCHS * training.feed.length)
    steps = max(1, min(published, int(seconds / each)))
    began = time.perf_counter()
    training.fit(steps)
    devices.wait(training.place)
    spent = time.perf_counter() - began
    return {
        "accuracy": round(training.accuracy(test), 4),
        "seconds": round(spent, 2),
        "steps": steps,
        "epochs": round(steps / training.feed.length, 2),
        "published_schedule": steps == published and train.rows >= 50_000,
        "rows_per_second": round(steps * training.feed.size / spent),
    }
