"""`tenfold` with the words given, on one thread and with a checkpoint every few steps.

python training.py STEPS train TASK DATA ...
"""

from __future__ import annotations

import functools
import sys

import torch

from tenfold import cli
from tenfold.core.plan import Plan
from tenfold.workflows import train


def main() -> None:
    torch.set_num_threads(1)  # on a processor the number of threads decides the last bits
    steps = int(sys.argv[1])
    train.Plan = functools.partial(Plan, checkpoint_steps=steps)  # type: ignore[misc, assignment]
    sys.argv = ["tenfold", *sys.argv[2:]]
    cli.main()


if __name__ == "__main__":
    main()
