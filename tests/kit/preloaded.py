"""What a process imports before it forks commands: all that each of them would load by itself."""

from __future__ import annotations

import functools
import importlib
import pkgutil

ROOMS = ("tenfold.verbs", "tenfold.tasks", "tenfold.networks", "tenfold.media", "tenfold.reporting")
# With torch._dynamo and torch.utils.flop_counter the first training of a process takes a second.
OTHERS = "torch torch._dynamo torch.utils.flop_counter sklearn.datasets safetensors.torch pyarrow"
EXPORTERS = "onnx onnxscript onnxruntime.quantization"


def load() -> None:
    """Imports tenfold with every task, medium and verb, and what they use; compiles the pages."""
    for name in ROOMS:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(found.name)
    for name in ("tenfold.cli", *OTHERS.split()):
        importlib.import_module(name)
    templates = importlib.import_module("tenfold.reporting.templates")
    for path in templates.HERE.glob("*.jinja"):
        templates._templates().get_template(path.name)


@functools.cache
def load_for_exports() -> None:
    """Imports what an export uses, and makes torch build its table of operators once."""
    from sharing import keep_the_table_of_operators

    for name in EXPORTERS.split():
        importlib.import_module(name)
    keep_the_table_of_operators()


load()
