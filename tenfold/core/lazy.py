"""Lazy imports, so that `--help` and models that do not need torch start fast."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from typing import Any

from tenfold.core.errors import EnvironmentRefused
from tenfold.core.message import Message

__all__ = ["installed", "lazy"]

_EXTRA = {
    "torch": "train",
    "safetensors": "train",
    "sklearn": "train",
    "scipy": "train",
    "faster_coco_eval": "train",
    "jinja2": "train",
    "matplotlib": "train",
    "pyarrow": "parquet",
    "cv2": "vision",
    "pillow_heif": "heic",
    "onnx": "export",
    "onnxscript": "export",
    "fastapi": "serve",
    "starlette": "serve",
    "uvicorn": "serve",
    "httptools": "serve",
    "uvloop": "serve",
    "multipart": "serve",
    "python_multipart": "serve",
    "prometheus_client": "serve",
    "pydantic": "serve",
    "optuna": "tune",
}


class _Lazy:
    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name

    def __getattr__(self, word: str) -> Any:
        value = getattr(_load(self._name), word)
        self.__dict__[word] = value
        return value


def lazy(name: str) -> Any:
    """Returns a stand-in for the module `name` that imports it on first attribute access.

    The access raises EnvironmentRefused where the package is missing; its fix names the extra to
    install.
    """
    return _Lazy(name)


def installed(name: str) -> bool:
    """Returns True if the package is installed, without importing it."""
    with contextlib.suppress(ImportError):
        return importlib.util.find_spec(name) is not None
    return False


def _load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = (error.name or name).split(".")[0]
        if package == "tenfold":
            raise
        extra = _EXTRA.get(package, "all")
        raise EnvironmentRefused(
            Message("The package {package} is needed and not installed", package=package),
            code="missing-package",
            fix=Message('pip install "tenfold[{extra}]"', extra=extra),
        ) from error
