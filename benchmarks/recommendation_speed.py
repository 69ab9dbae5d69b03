"""EASE on a million interactions beside RecBole's, and how long one new person waits.

Claims: fit and full evaluation of EASE on generated interactions of MovieLens-1M's shape at least 4
times faster than RecBole's, evaluation alone at least 10 times; the ten best items of a new person
in less than 5 ms in process.
Protocol: one file, last item left out, lambda 250, the whole catalogue ranked, NDCG, recall, MRR,
MAP and hit rate at ten; two threads; the two in turn, several rounds, ratios round by round.
RecBole's seconds are those of building and fitting its model without validation, and of its
evaluation of the test part, by its default batch (one person at a time) and by a large one, the
processor's own matrix kernels free. Ours: `fit` is all that `--model ease` does, fading and
the weights kept chosen on validation included; `measures` is the evaluation in blocks that also
chooses, its NDCG compared with RecBole's; `answers` is what `test` does, a ranking of 100 items
with probabilities for every person, and the measures of these.
    python benchmarks/recommendation_speed.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import peer, show, spread
from crowds import crowd, written

import tenfold
from tenfold.core.plan import Plan
from tenfold.data.prepare import Prepared, prepare
from tenfold.run.run import Run, open_run
from tenfold.tasks.recommendation.selection import Evaluator
from tenfold.tasks.registry import find
from tenfold.training.inference import by_torch

TASK = "recommendation"
LAMBDA = 250.0
BATCHES = {"recbole": {}, "recbole, large batches": {"eval_batch_size": 2_000_000}}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "crowd" / "crowd.inter"
        lines = written(data, crowd())
        task = find(TASK, model="ease", l2=LAMBDA)
        prepared = prepare(task, data)
        ours(task, prepared)  # warm
        rounds = [compared(task, prepared, folder) for _ in range(told.rounds)]
        run = tenfold.train(TASK, data, model="ease", l2=LAMBDA, out=folder / "run")
        asked = waits(run, prepared)
    figures = {name: spread(one[name] for one in rounds) for name in rounds[0]}
    show("EASE on a million interactions", lines=lines, rounds=figures, new_person=asked)


def compared(task: Any, prepared: Prepared, folder: Path) -> dict[str, float]:
    """Seconds of both and their ratios, in one round."""
    found = ours(task, prepared)
    for name, settings in BATCHES.items():
        told = json.dumps({"reg_weight": LAMBDA, "eval_step": 0} | settings)
        other = peer("recbole", "recbole_models.py", folder, "crowd", "EASE", told)
        fit, evaluate = other["seconds"]["fit"], other["seconds"]["evaluate"]
        found |= {f"{name}: fit": fit, f"{name}: evaluate": evaluate}
        found |= {f"{name}: ndcg": other["scores"]["ndcg@10"]}
        for way in ("measures", "answers"):
            both = (fit + evaluate) / (found["fit"] + found[way])
            found |= {f"{name}: fit + {way}, times": both}
            found |= {f"{name}: {way} alone, times": evaluate / found[way]}
    return found


def ours(task: Any, prepared: Prepared) -> dict[str, float]:
    """Seconds of fitting, and of evaluating in the two ways."""
    began = time.perf_counter()
    found = task.fit(task.build(prepared.facts), prepared.parts, Plan(facts=prepared.facts))
    fitted = time.perf_counter()
    table, rows = prepared.table("test"), prepared.inputs("test")
    net = found.net
    run = Run(Path(), task, prepared.facts | {"fitted": found.facts}, by_torch(net), net)
    answers = run.answer(rows)
    scores = run.answer_kind.measure(answers, table, 0)
    took = time.perf_counter() - fitted
    part, known = net.parts["linear"], labelled(task, prepared)
    answered = time.perf_counter()
    evaluator = Evaluator(known, prepared.facts["net"]["items"], rows.rows)
    measures = evaluator.measures(part.whole()[1:].numpy(), float(part.fading))
    ended = time.perf_counter()
    off = abs(float(measures["ndcg@10"].mean()) - scores["ndcg@10"][0])
    if off > 1e-3:
        raise SystemExit(f"the two ways of evaluating differ by {off}")
    return {
        "fit": fitted - began,
        "answers": took,
        "measures": ended - answered,
        "ndcg": scores["ndcg@10"][0],
    }


def labelled(task: Any, prepared: Prepared) -> Any:
    """Test rows with what came next."""
    rows = prepared.inputs("test")
    columns = {name: rows.arrays[name] for name in rows.arrays}
    targets = task.targets(prepared.used, prepared.facts)
    return type(rows)(columns | targets, prepared.rows("test"))


def waits(run: Run, prepared: Prepared) -> dict[str, Any]:
    """Milliseconds until a new person's ten best are there, one after the other."""
    lists = [[*row[-30:]] for row in prepared.table("test")["items"][:200]]
    tenfold.export(run)
    found = {}
    for name, opened in (("torch", run), ("exported", open_run(run.folder / "export"))):
        took = []
        for items in lists:
            began = time.perf_counter()
            (one,) = tenfold.predict(opened, [items])
            took.append(1000 * (time.perf_counter() - began))
            assert len(one.answer.items) == 10
        found[name] = spread(took[20:]) | {"p99": round(float(np.quantile(took[20:], 0.99)), 3)}
    return found


if __name__ == "__main__":
    main()
