"""tenfold: deep learning from a folder of examples to a working application.

The verbs are functions with the same names as on the command line:

    run = tenfold.train("image-classification", "photos/", minutes=5)
    for answer in tenfold.predict(run, "new/"):
        print(answer)
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

from tenfold.core.version import __version__

_WHERE = {
    "check": "tenfold.verbs.check",
    "train": "tenfold.verbs.train",
    "tune": "tenfold.verbs.tune",
    "test": "tenfold.verbs.test",
    "predict": "tenfold.verbs.predict",
    "explain": "tenfold.verbs.explain",
    "similar": "tenfold.verbs.similar",
    "features": "tenfold.verbs.features",
    "report": "tenfold.verbs.report",
    "serve": "tenfold.verbs.serve",
    "export": "tenfold.verbs.export",
    "tasks": "tenfold.verbs.tasks",
    "runs": "tenfold.verbs.runs",
    "doctor": "tenfold.verbs.doctor",
    "demo": "tenfold.verbs.demo",
    "open_run": "tenfold.run.run",
    "Run": "tenfold.run.run",
    "TenfoldError": "tenfold.core.errors",
}

__all__ = ["__version__", *_WHERE]

if TYPE_CHECKING:
    from tenfold.core.errors import TenfoldError as TenfoldError
    from tenfold.run.run import Run as Run
    from tenfold.run.run import open_run as open_run
    from tenfold.verbs.check import check as check
    from tenfold.verbs.demo import demo as demo
    from tenfold.verbs.doctor import doctor as doctor
    from tenfold.verbs.explain import explain as explain
    from tenfold.verbs.export import export as export
    from tenfold.verbs.features import features as features
    from tenfold.verbs.predict import predict as predict
    from tenfold.verbs.report import report as report
    from tenfold.verbs.runs import runs as runs
    from tenfold.verbs.serve import serve as serve
    from tenfold.verbs.similar import similar as similar
    from tenfold.verbs.tasks import tasks as tasks
    from tenfold.verbs.test import test as test
    from tenfold.verbs.train import train as train
    from tenfold.verbs.tune import tune as tune


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'tenfold' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


class _Package(types.ModuleType):
    """The class of the package: a subpackage never replaces a verb of the same name (`tasks`)."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _WHERE and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted(__all__)
