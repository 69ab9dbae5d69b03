"""Peer: the handler that tutorials write, FastAPI around one exported model.

Claim measured (the peer's side of it): requests per second at p99 <= 20 ms on one core.

Protocol: one POST with the picture as base64 in JSON; the handler decodes it with Pillow, resizes
it where it has another size, calls the model (one thread, loaded once) and returns the label and
every probability. uvicorn with uvloop and httptools, without its access log. `--engine torch` calls
the network itself, as most tutorials do, `--engine onnx` onnxruntime. `--handler async` calls it on
the event loop, `--handler thread` (a plain `def`) on FastAPI's pool of threads.

Run it in tenfold's own environment, with a run that holds an export:
    python benchmarks/peers/serving_fastapi.py runs/x 8001 --engine onnx --handler async
"""

from __future__ import annotations

import argparse
import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from PIL import Image
from pydantic import BaseModel

Infer = Callable[[np.ndarray], np.ndarray]


class Asked(BaseModel):
    """The body of a request."""

    image: str


class Model:
    """A picture classifier: base64 in, probabilities out."""

    def __init__(self, run: Path, engine: str) -> None:
        facts = json.loads((run / "facts.json").read_text())
        self.classes, self.sides = facts["truths"]["classes"], facts["data"]
        self.infer = by_torch(run) if engine == "torch" else by_onnx(run / "export" / "net.onnx")

    def read(self, text: str) -> np.ndarray:
        """(H, W, C) uint8 of a file as base64."""
        picture = Image.open(io.BytesIO(base64.b64decode(text)))
        picture = picture.convert("L" if self.sides["channels"] == 1 else "RGB")
        size = (self.sides["width"], self.sides["height"])
        if picture.size != size:
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        return np.array(picture).reshape(*size[::-1], -1)

    def said(self, chances: np.ndarray) -> dict[str, Any]:
        """The answer to one request."""
        named = dict(zip(self.classes, chances.tolist(), strict=True))
        return {"label": max(named, key=named.__getitem__), "probabilities": named}


def by_onnx(path: Path) -> Infer:
    """(B, H, W, C) uint8 to (B, K) probabilities, by onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    return lambda pictures: session.run(["probabilities"], {"image": pictures})[0]


def by_torch(run: Path) -> Infer:
    """(B, H, W, C) uint8 to (B, K) probabilities, by the network."""
    import torch

    import tenfold

    torch.set_num_threads(1)
    net = tenfold.open_run(run).net.eval()

    def infer(pictures: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            found: np.ndarray = net(image=torch.from_numpy(pictures))["probabilities"].numpy()
        return found

    return infer


def service(model: Model, handler: str) -> FastAPI:
    """The application; a handler may be a coroutine or an ordinary function."""
    task = FastAPI()

    def predict(asked: Asked) -> dict[str, Any]:
        return model.said(model.infer(model.read(asked.image)[None])[0])

    async def predict_async(asked: Asked) -> dict[str, Any]:
        return predict(asked)

    task.post("/predict")(predict if handler == "thread" else predict_async)
    return task


def main() -> None:
    parser = argparse.ArgumentParser(description="A plain FastAPI handler around a model.")
    parser.add_argument("run", type=Path, help="run folder that holds an export")
    parser.add_argument("port", type=int)
    parser.add_argument("--engine", choices=("torch", "onnx"), default="torch")
    parser.add_argument("--handler", choices=("async", "thread"), default="async")
    told = parser.parse_args()
    task = service(Model(told.run, told.engine), told.handler)
    uvicorn.run(task, port=told.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
