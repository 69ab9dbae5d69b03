"""RecBole's part of the recommendation benchmarks: one model, one file, the last item left out.

Prints one JSON document: measures on the test part at ten places over the whole catalogue, seconds
of reading, fitting and evaluating. The model's settings, and `eval_batch_size`, come as JSON.
    python recbole_models.py FOLDER NAME MODEL '{"reg_weight": 250.0}'
FOLDER holds NAME/NAME.inter with user_id:token, item_id:token, timestamp:float.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
import time
from typing import Any

import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed

ASKED: dict[str, Any] = {
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "eval_args": {
        "split": {"LS": "valid_and_test"},
        "order": "TO",
        "group_by": "user",
        "mode": "full",
    },
    "metrics": ["NDCG", "Recall", "MRR", "MAP", "Hit"],
    "topk": [10],
    "valid_metric": "NDCG@10",
    "use_gpu": False,
    "show_progress": False,
    "save_dataset": False,
    "save_dataloaders": False,
    "reproducibility": True,
}


def main(folder: str, name: str, model: str, settings: str) -> dict[str, Any]:
    """Measures and seconds."""
    sys.argv = sys.argv[:1]  # RecBole reads the command line itself
    torch.set_num_threads(2)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as kept:
        told = {**ASKED, "data_path": folder, "checkpoint_dir": kept, **json.loads(settings)}
        config = Config(model=model, dataset=name, config_dict=told)
        init_seed(config["seed"], config["reproducibility"])
        train, valid, test = data_preparation(config, create_dataset(config))
        read = time.perf_counter()
        net = get_model(config["model"])(config, train.dataset).to(config["device"])
        trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, net)
        best = Best(net)
        trainer.fit(train, valid, saved=False, show_progress=False, callback_fn=best)
        net.load_state_dict(best.state)
        fitted = time.perf_counter()
        found = trainer.evaluate(test, load_best_model=False, show_progress=False)
        ended = time.perf_counter()
    return {
        "model": model,
        "scores": {key: float(value) for key, value in found.items()},
        "seconds": {"read": read - began, "fit": fitted - read, "evaluate": ended - fitted},
    }


class Best:
    """The weights with the best validation score, where there was one; else the last."""

    def __init__(self, net: torch.nn.Module) -> None:
        self.net, self.value, self.kept = net, float("-inf"), None

    def __call__(self, epoch: int, value: float) -> None:
        if value > self.value:
            self.value, self.kept = value, copy.deepcopy(self.net.state_dict())

    @property
    def state(self) -> dict[str, Any]:
        return self.kept or self.net.state_dict()


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:5])))
