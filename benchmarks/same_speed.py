"""Whether two versions of the code are equally fast, measured in turn in one run.

Claim: a refactor slows nothing down. For each part of PARTS, the functions of that benchmark are
run by this tree and by the tree of another commit in turn, `--times` rounds after one that is not
counted. It prints the values of both and the ratio here/there: median, least and most of all.
    python benchmarks/same_speed.py --against COMMIT [--times 5] [--parts start texts]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common import data, show, spread
from same_runs import ROOT, checkout

PARTS = {
    "start": """
        from start import whole
        found = {"seconds": min(whole("-m", "tenfold", "--help") for _ in range(5))}
    """,
    "mnist_99": """
        from mnist_99 import measured
        one = measured("listing", 5)
        found = {"seconds": one["seconds"]["median"], "accuracy": one["mean_accuracy"]}
    """,
    "throughput": """
        from common import Pictures
        from throughput import tenfold_rate
        pictures = Pictures("mnist", network="listing", augment="none", optimizer="adamw")
        pictures.learn(0, epochs=0.02)
        found = {"rows_per_second": tenfold_rate(pictures, 200)}
    """,
    "texts": """
        from texts import once
        one = once("trec", 0)
        found = {"seconds": one["seconds"], "accuracy": one["tenfold"]}
    """,
    "serving": """
        import load
        from servers import CLIENT, Server, ours
        from serving import drawn, trained
        with tempfile.TemporaryDirectory() as home:
            run, pictures = trained(Path(home)), drawn()
            load.pin(CLIENT)
            with Server(ours(), run, pictures) as server:
                found = {"requests_per_second": server.clients(4.0).goodput}
    """,
}
"""By benchmark, the code that measures it. It uses only names that both trees have."""

HEAD = "import json, tempfile\nfrom pathlib import Path\n"
TAIL = "print(json.dumps(found))\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--against", metavar="COMMIT", required=True)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--parts", nargs="+", default=[*PARTS], choices=[*PARTS])
    request = parser.parse_args()
    data("mnist")
    with tempfile.TemporaryDirectory() as folder:
        here = ROOT
        there = checkout(request.against, Path(folder), "tenfold", "benchmarks")
        for part in request.parts:
            rounds = [
                {name: measure(tree, part) for name, tree in (("here", here), ("there", there))}
                for _ in range(request.times + 1)
            ][1:]
            values: dict[str, object] = {}
            for key in rounds[0]["here"]:
                for name in ("here", "there"):
                    values[f"{key}_{name}"] = spread(one[name][key] for one in rounds)
                ratios = (one["here"][key] / one["there"][key] for one in rounds)
                values[f"{key}_ratio"] = spread(ratios)
            show(f"{part}: this tree against {request.against}", **values)


def measure(tree: Path, part: str) -> dict[str, float]:
    """What the code of a part gives with the package and the benchmarks of a tree."""
    lines = [line.removeprefix(" " * 8) for line in PARTS[part].strip("\n").splitlines()]
    environment = os.environ | {
        "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'benchmarks'}",
        "TENFOLD_DATA": str(data("mnist").parent),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", HEAD + "\n".join(lines) + "\n" + TAIL],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=tree,
    )
    found: dict[str, float] = json.loads(done.stdout.decode().strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
