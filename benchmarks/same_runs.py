"""Whether two versions of the code train the same runs, to the last bit.

Claim: a refactor changes no tensor, split, score or answer. Every task is trained tiny, with two
seeds, on one and on two threads, here and at another commit; compared are the SHA-256 of each
tensor, the rows with their parts, scores, answers, and answers of the exported run. Names that a
commit changed are mapped by the tables below (old -> new). The commit is run on this machine too,
since bits differ between processors.
    python benchmarks/same_runs.py --against COMMIT
    python benchmarks/same_runs.py              # prints a digest of each run
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import io
import json
import math
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SEEDS = (0, 1)

# Tables of old -> new names; both sides are compared under their new names.
KEYS = {
    "kind": "answer",
    "guess": "baseline",
    "best constant guess": "constant baseline",
    "kept": "selected",
    "tried": "validation_scores",
}
"""Keys of JSON documents, and of rows.jsonl."""
WORDS: dict[str, str] = {}
"""Values that are names, such as that of a baseline."""
TENSORS = {"ridge": "l2_vectors", "plain": "l2_biases"}
"""Names of tensors, or their beginnings up to a dot."""
SETTINGS = {
    "rate": "learning_rate",
    "side": "image_size",
    "damping": "l2",
    "split": "holdout",
    "network": "model",
    "column": "target",
    "least": "threshold",
    "answer": "output",
}
"""Settings of tasks, as `train` takes them."""

CASES: dict[str, dict[str, Any]] = {
    "image-classification": {"size": "tiny", "epochs": 6},
    "text-classification": {"size": "tiny", "epochs": 4},
    "token-classification": {"size": "tiny", "epochs": 4},
    "recommendation": {"size": "tiny", "epochs": 4},
    "recommendation sasrec": {"size": "tiny", "epochs": 4, "model": "sasrec"},
    "recommendation ratings": {"output": "ratings", "epochs": 4},
}
CLOSED_FORM = "recommendation"
"""Its best model is the same for every seed."""
PROVED = ("scores", "valid", "baselines", "details", "calibration", "ablations")
"""Parts of scores.json that hold no time and no path."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--against", metavar="COMMIT", help="commit to compare this tree with")
    parser.add_argument("--cases", nargs="*", default=[*CASES], choices=[*CASES])
    parser.add_argument("--child", nargs=2, metavar=("DATA", "OUT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        return child(Path(asked.child[0]), Path(asked.child[1]), asked.cases)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_data(place / "data")
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "tenfold", place / "here" / "tenfold", ignore=ignored)
        trees = {"here": place / "here"}
        if asked.against:
            trees["there"] = checkout(asked.against, place / "there")
        sys.exit(report(every_print(trees, place, asked.cases), asked.against))


# --- data, made once by this tree for both ---


def make_data(folder: Path) -> None:
    """Labelled data without given parts, so that the split is drawn."""
    sys.path.insert(0, str(ROOT / "tests" / "kit"))
    worlds = importlib.import_module("worlds")
    worlds.shapes(folder / "image-classification", 5, {"": 40})
    worlds.texts(folder / "text-classification", 5, {"all": 150})
    worlds.tagged(folder / "token-classification", 5, {"all": 90})
    worlds.walks(folder / "walks", 5)
    parts = [(folder / "walks" / f"{part}.csv").read_text() for part in ("train", "valid", "test")]
    lines = [line for part in parts for line in part.splitlines()[1:]]
    people = folder / "recommendation"
    people.mkdir()
    (people / "all.csv").write_text("\n".join(["user,item,time", *lines]) + "\n")
    rated = [line.split(",") for line in lines]
    stars = [
        f"{u},{i},{1 + (int(u) * 7 + ord(i[0]) * 3 + int(i[1:])) % 5},{t}" for u, i, t in rated
    ]
    ratings = folder / "recommendation ratings"
    ratings.mkdir()
    (ratings / "all.csv").write_text("\n".join(["user,item,rating,time", *stars]) + "\n")


def checkout(commit: str, folder: Path, *names: str) -> Path:
    """The files of a commit, in a folder of their own; `names` = its folders, else the package."""
    packed = subprocess.run(
        ["git", "archive", commit, *(names or ("tenfold",))],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


# --- one tree, in a process of its own ---


def every_print(
    trees: dict[str, Path], place: Path, cases: list[str]
) -> dict[tuple[str, int], dict[str, Any]]:
    """The prints of each (tree, threads); processes of one thread run side by side."""
    started = {(name, 1): start(root, place, name, 1, cases) for name, root in trees.items()}
    found = {key: finish(*process) for key, process in started.items()}
    for name, root in trees.items():
        found[name, 2] = finish(*start(root, place, name, 2, cases))
    return found


def start(
    root: Path, place: Path, name: str, threads: int, cases: list[str]
) -> tuple[subprocess.Popen[bytes], Path]:
    out = place / f"{name}-{threads}"
    out.mkdir()
    environment = os.environ | {
        "PYTHONPATH": str(root),
        "OMP_NUM_THREADS": str(threads),
        "TENFOLD_CACHE": str(out / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = ["--child", str(place / "data"), str(out), "--cases", *cases]
    command = [sys.executable, str(Path(__file__).resolve()), *words]
    log = (out / "log").open("wb")
    return subprocess.Popen(command, env=environment, cwd=out, stderr=log), out


def finish(process: subprocess.Popen[bytes], out: Path) -> dict[str, Any]:
    if process.wait():
        sys.exit((out / "log").read_text()[-3000:])
    found: dict[str, Any] = json.loads((out / "prints.json").read_text())
    return found


def child(data: Path, out: Path, cases: list[str]) -> None:
    """Trains every case with the tenfold that PYTHONPATH names, and writes what it came to."""
    tenfold: Any = importlib.import_module("tenfold")
    home = Path(os.environ["PYTHONPATH"]).resolve()
    if not Path(tenfold.__file__).resolve().is_relative_to(home):
        sys.exit(f"{tenfold.__file__} is not under {home}")
    hold_threads()
    prints = {}
    for case in cases:
        for seed in SEEDS:
            task, settings = case.split(" ")[0], {"seed": seed, "device": "cpu", **CASES[case]}
            folder = out / f"{case}-{seed}".replace(" ", "-")
            source = data / case.replace(" sasrec", "")
            run = train(tenfold, task, source, folder, settings)
            prints[f"{case}, seed {seed}"] = print_of(
                tenfold, run, folder, source, seed == SEEDS[0]
            )
    (out / "prints.json").write_text(json.dumps(prints))


def hold_threads() -> None:
    """A busy machine must not change the number of threads midway, and with it the last bits."""
    for name in ("tenfold.training.interrupts", "tenfold.watch"):
        with contextlib.suppress(ModuleNotFoundError):
            module: Any = importlib.import_module(name)
            module.crowded, module.Contention.COLLAPSE = (lambda threads: False), math.inf
            return
    raise SystemExit("the module that watches for a busy machine was renamed: name it here")


def train(tenfold: Any, task: str, data: Path, out: Path, settings: dict[str, Any]) -> Any:
    """A run; in a tree of before a setting was renamed, under its old name."""
    try:
        return tenfold.train(task, data, out=out, **settings)
    except tenfold.TenfoldError as error:
        if error.code != "unknown-setting":
            raise
    old = {new: name for name, new in SETTINGS.items()}
    renamed = {old.get(name, name): value for name, value in settings.items()}
    return tenfold.train(task, data, out=out, **renamed)


def print_of(tenfold: Any, run: Any, folder: Path, data: Path, export: bool) -> dict[str, Any]:
    """All of a run that must not change; exported where asked for, which takes seconds."""
    lines = (folder / "rows.jsonl").read_text().splitlines()
    scores = json.loads((folder / "scores.json").read_text())
    log = folder / "log.jsonl"  # closed forms write none
    logged = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    inputs = handed_over(data)
    exported: list[Any] = []
    if export:
        made = folder.with_name(f"{folder.name}-exported")
        tenfold.export(run, out=made)
        exported = [one.to_json() for one in tenfold.predict(made, inputs)]
    return {
        "tensors": dict(tensors_of(folder / "weights.safetensors")),
        "rows": [json.loads(line) for line in lines],
        "scores": {part: scores.get(part) for part in PROVED},
        "answers": [one.to_json() for one in tenfold.predict(run, inputs)],
        "exported": exported,
        "threads": sorted({row["threads"] for row in logged if "threads" in row}),
    }


def handed_over(data: Path) -> list[str]:
    """Something to predict: some files, or texts, or lists of items."""
    if pictures := sorted(data.rglob("*.png")):
        return [str(path) for path in pictures[::5]]
    if data.name.startswith("recommendation"):
        return ["a1|a2|a3", "b4|c2", "user=003", "user=010"]
    return ["the soup was very tasty", "today Anna calls in Quito .", "比赛 今天 我们", "rain"]


def tensors_of(path: Path) -> Iterator[tuple[str, str]]:
    """(name, SHA-256 of type, shape and bytes) of every tensor of a safetensors file."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    for name, facts in header.items():
        if name != "__metadata__":
            first, last = (8 + length + at for at in facts["data_offsets"])
            form = json.dumps([facts["dtype"], facts["shape"]]).encode()
            yield name, hashlib.sha256(form + content[first:last]).hexdigest()


# --- comparing ---


def renamed(value: Any) -> Any:
    """A JSON value with every known old name replaced by its new one."""
    if isinstance(value, dict):
        return {KEYS.get(key, key): renamed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [renamed(one) for one in value]
    return WORDS.get(value, value) if isinstance(value, str) else value


def tensor_name(name: str) -> str:
    """The new name of a tensor."""
    for old, new in TENSORS.items():
        if name == old or name.startswith(old + "."):
            return new + name[len(old) :]
    return name


def canonical(found: dict[str, Any]) -> dict[str, Any]:
    """A print under new names."""
    tensors = {tensor_name(name): digest for name, digest in found["tensors"].items()}
    return {"tensors": tensors} | {
        part: renamed(value) for part, value in found.items() if part not in ("tensors", "threads")
    }


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if key not in one or key not in other:
                yield f"{path}/{key} is {'new' if key in one else 'gone'}"
            else:
                yield from differences(one[key], other[key], f"{path}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}/{number}")
    elif one != other:
        yield f"{path}: {str(one)[:80]} here, {str(other)[:80]} there"


def digest_of(found: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(canonical(found), sort_keys=True).encode()).hexdigest()[:16]


def counts(found: dict[str, Any]) -> str:
    return ", ".join(f"{len(found[part])} {part}" for part in ("tensors", "rows", "answers"))


def report(prints: dict[tuple[str, int], dict[str, Any]], against: str | None) -> int:
    """Prints a line a run; 1 where any differs, or where two seeds do not."""
    failed = 0
    for threads in (1, 2):
        here, there = prints["here", threads], prints.get(("there", threads))
        for name, found in here.items():
            line = f"{name}, {threads} thread{'s' * (threads > 1)}: {counts(found)}, "
            if there is None:
                print(line + digest_of(found), flush=True)
                continue
            wrong = list(differences(canonical(found), canonical(there[name])))
            if found["threads"] != there[name]["threads"]:
                wrong.append(f"threads: {found['threads']} here, {there[name]['threads']} there")
            print(line + (f"{len(wrong)} DIFFERENCES" if wrong else "equal"), flush=True)
            print(*(f"    {one}" for one in wrong[:8]), sep="\n", end="\n" * bool(wrong))
            failed += bool(wrong)
        failed += control(here)
    print(f"against {against}: {failed or 'no'} differences" if against else "", flush=True)
    return int(bool(failed))


def control(found: dict[str, Any]) -> int:
    """Two seeds must differ in their tensors and their parts, or the comparison sees nothing."""
    blind = 0
    for name in [name for name in found if name.endswith(f"seed {SEEDS[0]}")]:
        if name.startswith(f"{CLOSED_FORM},"):
            continue
        other = found[name.replace(f"seed {SEEDS[0]}", f"seed {SEEDS[1]}")]
        if not list(differences(found[name]["tensors"], other["tensors"])):
            print(f"{name}: another seed has equal tensors, so nothing is proved")
            blind += 1
    return blind


if __name__ == "__main__":
    main()
