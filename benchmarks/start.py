"""How long `tenfold --help` takes, as a whole process, and that it loads no torch.

Claim: < 150 ms. Protocol: fresh processes in turn with an empty Python, median.
    python benchmarks/start.py [--times 15]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from common import show, spread


def whole(*words: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=15)
    times = parser.parse_args().times
    empty, ours = [], []
    for _ in range(times + 1):
        empty.append(whole("-c", "pass"))
        ours.append(whole("-m", "tenfold", "--help"))
    show("seconds of --help", help=spread(ours[1:]), python_alone=spread(empty[1:]))


if __name__ == "__main__":
    main()
