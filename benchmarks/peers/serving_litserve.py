"""Peer: LitServe around one exported model, batching on.

Claim measured (the peer's side of it): requests per second at p99 <= 20 ms on one core.

Protocol: one POST with the picture as base64 in JSON; decode_request decodes it with Pillow,
predict asks onnxruntime (one thread) for the whole batch, encode_response returns the label and
every probability. One worker, `--batch` requests at most in a batch, which waits `--wait` seconds
at most; `--fast-queue` uses its ZeroMQ queue. Its logs are off.

Run it in the environment of peers/litserve.txt, with a run that holds an export:
    python benchmarks/peers/serving_litserve.py runs/x 8002 --batch 64 --wait 0.002
"""

from __future__ import annotations

import argparse
import base64
import io
import json
from pathlib import Path
from typing import Any

import litserve
import numpy as np
import onnxruntime
from PIL import Image


class Classifier(litserve.LitAPI):
    """A picture classifier: base64 in, probabilities out."""

    def __init__(self, run: Path, **settings: Any) -> None:
        super().__init__(**settings)
        self.run = run

    def setup(self, device: str) -> None:
        facts = json.loads((self.run / "facts.json").read_text())
        self.classes, self.sides = facts["truths"]["classes"], facts["data"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.run / "export" / "net.onnx", options)

    def decode_request(self, request: dict[str, str]) -> np.ndarray:
        """(H, W, C) uint8 of a file as base64."""
        picture = Image.open(io.BytesIO(base64.b64decode(request["image"])))
        picture = picture.convert("L" if self.sides["channels"] == 1 else "RGB")
        size = (self.sides["width"], self.sides["height"])
        if picture.size != size:
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(picture).reshape(*size[::-1], -1)

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        return np.stack(inputs)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(B, K) probabilities of (B, H, W, C) pictures, or (K,) of one where batching is off."""
        many = x if x.ndim == 4 else x[None]
        found: np.ndarray = self.session.run(["probabilities"], {"image": many})[0]
        return found if x.ndim == 4 else found[0]

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return list(output)

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        named = dict(zip(self.classes, output.tolist(), strict=True))
        return {"label": max(named, key=named.__getitem__), "probabilities": named}


def main() -> None:
    parser = argparse.ArgumentParser(description="LitServe around a model.")
    parser.add_argument("run", type=Path, help="run folder that holds an export")
    parser.add_argument("port", type=int)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--wait", type=float, default=0.002, help="seconds")
    parser.add_argument("--fast-queue", action="store_true")
    told = parser.parse_args()
    api = Classifier(told.run, max_batch_size=told.batch, batch_timeout=told.wait)
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=1, fast_queue=told.fast_queue
    )
    server.run(
        host="127.0.0.1",
        port=told.port,
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )


if __name__ == "__main__":
    main()
