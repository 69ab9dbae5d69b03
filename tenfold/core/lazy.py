"""Packages that load on first use, so that `--help` and a model without torch start at once."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from typing import Any

from tenfold.core.errors import EnvironmentRefused

__all__ = ["installed", "lazy"]

_EXTRA = {
    "torch": "train",
    "safetensors": "train",
    "sklearn": "train",
    "scipy": "train",
    "jinja2": "train",
    "matplotlib": "train",
    "pyarrow": "parquet",
    "cv2": "vision",
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
    """The module `name`, imported when an attribute is first asked of it.

    Raises EnvironmentRefused, naming the extra to install, where the package is missing.
    """
    return _Lazy(name)


def installed(name: str) -> bool:
    """True where the package can be found; nothing is imported."""
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
            f"This needs the package {package}, which is not installed",
            code="missing-package",
            fix=f'pip install "tenfold[{extra}]"',
        ) from error
