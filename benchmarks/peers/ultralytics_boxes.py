"""Peer: the smallest detector of Ultralytics, trained from scratch on a Pascal VOC folder.

Claims measured (the peer's side of them): mAP50 and mAP50-95 on the test list after the same
minutes of training as tenfold's.

Protocol: the network is built from its yaml, without downloaded weights; train and val lists as
they are; all settings at their defaults, but for the side of the pictures, the batch and the time.
`time` of Ultralytics limits training; loading and the test come on top and are stated. The weights
that are best on the val list are scored on the test list with its own `val`, which adds 1 to no
edge and keeps its default thresholds (confidence 0.001, overlap 0.7).

Run it in the environment `ultralytics` (environments.py), with a folder in Pascal VOC form:
    python benchmarks/peers/ultralytics_boxes.py $TENFOLD_DATA/bccd --minutes 10
Prints one JSON object: scores, epochs, parameters, seconds, versions.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.metadata
import json
import os
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

PARTS = ("train", "val", "test")


def main() -> None:
    settings = arguments()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        description = converted(settings.data, Path(folder))
        found = measured(settings, description, Path(folder))
    print(json.dumps(found | {"versions": versions(), "threads": os.cpu_count()}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="folder in Pascal VOC form")
    parser.add_argument("--network", default="yolo11n.yaml", help="default: yolo11n.yaml")
    parser.add_argument("--minutes", type=float, default=10.0, help="of training; default: 10")
    parser.add_argument("--side", type=int, default=320, help="longer side in pixels; default: 320")
    parser.add_argument("--batch", type=int, default=16, help="default: 16, as Ultralytics'")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def converted(data: Path, folder: Path) -> Path:
    """Writes the boxes in YOLO's form below `folder` and returns the path of its data.yaml."""
    names: dict[str, int] = {}
    for part in PARTS:
        (folder / "labels" / part).mkdir(parents=True)
        (folder / "images" / part).mkdir(parents=True)
        for stem in (data / "ImageSets" / "Main" / f"{part}.txt").read_text().split():
            tree = ElementTree.parse(data / "Annotations" / f"{stem}.xml")
            lines = [line for one in tree.iter("object") if (line := yolo_line(tree, one, names))]
            (folder / "labels" / part / f"{stem}.txt").write_text("\n".join(lines))
            picture = next((data / "JPEGImages").glob(f"{stem}.*"))
            (folder / "images" / part / picture.name).symlink_to(picture.resolve())
    lines = [f"path: {folder}", *(f"{part}: images/{part}" for part in PARTS), "names:"]
    lines += [f"  {number}: {name}" for name, number in names.items()]
    (folder / "data.yaml").write_text("\n".join(lines) + "\n")
    return folder / "data.yaml"


def yolo_line(tree: Any, one: Any, names: dict[str, int]) -> str:
    """Returns class, centre and size of an object in fractions; "" for a box without an area."""
    width, height = (float(tree.findtext(f"size/{side}")) for side in ("width", "height"))
    edges = [float(one.findtext(f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax")]
    left, top, right, bottom = edges
    if right <= left or bottom <= top:
        return ""
    number = names.setdefault(one.findtext("name"), len(names))
    middle = ((left + right) / 2 / width, (top + bottom) / 2 / height)
    numbers = (*middle, (right - left) / width, (bottom - top) / height)
    return " ".join([str(number), *(f"{value:.6f}" for value in numbers)])


def measured(settings: argparse.Namespace, description: Path, folder: Path) -> dict[str, Any]:
    """Trains for the minutes given and returns the scores on the test list."""
    model = importlib.import_module("ultralytics").YOLO(settings.network)
    began = time.perf_counter()
    model.train(
        data=str(description),
        time=settings.minutes / 60,
        imgsz=settings.side,
        batch=settings.batch,
        seed=settings.seed,
        pretrained=False,
        device="cpu",
        project=str(folder / "runs"),
        plots=False,
        verbose=False,
    )
    trained = time.perf_counter()
    best = Path(model.trainer.best)
    found = (
        importlib.import_module("ultralytics")
        .YOLO(str(best))
        .val(data=str(description), split="test", imgsz=settings.side, device="cpu", plots=False)
    )
    return {
        "network": settings.network,
        "parameters": sum(entry.numel() for entry in model.model.parameters()),
        "minutes": settings.minutes,
        "epochs": model.trainer.epoch + 1,
        "map50": float(found.box.map50),
        "map50_95": float(found.box.map),
        "seconds": {
            "train": round(trained - began, 1),
            "test": round(time.perf_counter() - trained, 1),
        },
    }


def versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("ultralytics", "torch")}


if __name__ == "__main__":
    main()
