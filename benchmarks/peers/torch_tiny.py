"""Peer: a training loop written by hand for a network of ten parameters (PyTorch).

Claim measured (the peer's side of it): what a training step costs when the network costs nothing,
the floor that the overhead of tenfold's loop is compared with.

Protocol: Linear(9, 1), batches of 64 gathered at random from 4,096 resident rows, mean squared
error, backward, fused AdamW, a linear ramp up over the first fifth of the steps and down to zero.
The targets carry noise, so the gradient never fades into denormal numbers. One thread by default,
as nothing here is large enough to share. Run alone it repeats the loop --windows times and prints
the median; a benchmark may also call `hand_loop` in its own process, between its own loops.

Run it in tenfold's own environment (it needs no data):
    python benchmarks/peers/torch_tiny.py --steps 2000
Prints one JSON object: seconds_per_step, windows, the settings, versions.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

ROWS = 4_096
BATCH = 64
WARM = 200
RATE = 0.01


def hand_loop(steps: int) -> float:
    """Seconds per step over `steps` steps, after some untimed ones."""
    features, targets = world()
    model = nn.Linear(9, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    descend(model, optimizer, features, targets, WARM)
    started = time.perf_counter()
    descend(model, optimizer, features, targets, steps)
    return (time.perf_counter() - started) / steps


def descend(
    model: nn.Module, optimizer: Optimizer, features: Tensor, targets: Tensor, steps: int
) -> None:
    """Train for `steps` steps: features (N, 9), targets (N, 1), batches drawn with replacement."""
    group = optimizer.param_groups[0]
    for step in range(steps):
        rows = torch.randint(len(features), (BATCH,))
        loss = nn.functional.mse_loss(model(features[rows]), targets[rows])
        optimizer.zero_grad()
        loss.backward()
        group["lr"] = RATE * ramp(step, steps)
        optimizer.step()


def ramp(step: int, steps: int) -> float:
    """Share of the full rate: linear up over the first fifth of the steps, then down to zero."""
    up = max(1, steps // 5)
    return (step + 1) / up if step < up else (steps - step) / max(1, steps - up)


def world() -> tuple[Tensor, Tensor]:
    """Features (N, 9) and noisy linear targets (N, 1), always the same."""
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(ROWS, 9, generator=draw)
    truth = torch.randn(9, 1, generator=draw)
    return features, features @ truth + 0.1 * torch.randn(ROWS, 1, generator=draw)


def main() -> None:
    settings = arguments()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    started = time.perf_counter()
    windows = [hand_loop(settings.steps)]
    while len(windows) < settings.windows and time.perf_counter() - started < settings.seconds:
        windows.append(hand_loop(settings.steps))
    result = {
        "seconds_per_step": statistics.median(windows),
        "windows": windows,
        "steps_per_window": settings.steps,
        "batch": BATCH,
        "seed": settings.seed,
        "threads": settings.threads,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    print(json.dumps(result))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A hand-written loop for ten parameters.")
    parser.add_argument("--steps", type=int, default=2_000, help="steps in a window")
    parser.add_argument("--windows", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0, help="no new window after this long")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
