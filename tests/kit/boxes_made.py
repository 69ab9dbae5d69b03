"""Folders of pictures with boxes, in the formats that annotation tools write."""

import json
import unicodedata
from collections import Counter
from pathlib import Path

from PIL import Image

from tenfold.media.image.boxes.read import read

SIZE = (100, 80)


def picture(path, size=SIZE, orientation=1):
    """Saves a picture; with an EXIF orientation, `size` is that of the stored picture."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.linear_gradient("L").resize(size)
    exif = image.getexif()
    if orientation > 1:
        exif[0x0112] = orientation
    image.save(path, exif=exif)
    return path


def pictures(folder, *names, **options):
    for name in names:
        picture(Path(folder, name), **options)


def write(path, value):
    """Saves a text, or a value as JSON."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).encode()
    )
    return path


def coco(files, names=("bolt", "nut"), **more):
    """Returns a COCO document: `files` maps names of pictures to lists of (label, x, y, w, h).

    A picture may be a pair of its name and its size; a mark may be a dictionary.
    """
    images, marks = [], []
    for at, (name, boxes) in enumerate(files.items()):
        name, size = name if isinstance(name, tuple) else (name, SIZE)
        images.append({"id": at, "file_name": name, "width": size[0], "height": size[1]})
        for box in boxes:
            made = box if isinstance(box, dict) else {"label": box[0], "bbox": list(box[1:])}
            number = names.index(made["label"]) if made["label"] in names else made["label"]
            rest = {key: cell for key, cell in made.items() if key != "label"}
            marks.append({"id": len(marks), "image_id": at, "category_id": number, **rest})
    categories = [{"id": at, "name": name} for at, name in enumerate(names)]
    return {"images": images, "annotations": marks, "categories": categories, **more}


def voc(objects, size="<size><width>100</width><height>80</height></size>", filename="x.jpg"):
    """Returns an XML file of Pascal VOC with objects (label, xmin, ymin, xmax, ymax[, more])."""
    made = "".join(
        f"<object><name>{label}</name>{more[0] if more else ''}<bndbox><xmin>{a}</xmin>"
        f"<ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for label, a, b, c, d, *more in objects
    )
    return f"<annotation><filename>{filename}</filename>{size}{made}</annotation>"


BOX = ("bolt", 10, 20, 30, 40)
FRACTIONS = ("bolt", 0.1, 0.25, 0.4, 0.75)
"""The same box: in COCO as corner and size, and as a row has it."""

LABELME = {
    "imagePath": "a.jpg",
    "imageWidth": 100,
    "imageHeight": 80,
    "shapes": [{"label": "bolt", "shape_type": "rectangle", "points": [[40, 60], [10, 20]]}],
}
CVAT = (
    "<annotations><image id='0' name='a.jpg' width='100' height='80'>"
    "<box label='bolt' xtl='10' ytl='20' xbr='40' ybr='60'/></image></annotations>"
)


def region(x=10.0, y=25.0, width=30.0, height=50.0, rotation=0, label="bolt", **more):
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": rotation}
    return {
        "original_width": 100,
        "original_height": 80,
        "type": "rectanglelabels",
        "value": {**value, "rectanglelabels": [label]},
        **more,
    }


def task(image, *annotations, **more):
    return {"data": {"image": image}, "annotations": list(annotations), **more}


def centred(label, x, y, width, height):
    """A box of CreateML."""
    return {"label": label, "coordinates": {"x": x, "y": y, "width": width, "height": height}}


def rect(label, x, y, width, height):
    """A region of the VGG Image Annotator."""
    shape = {"name": "rect", "x": x, "y": y, "width": width, "height": height}
    return {"shape_attributes": shape, "region_attributes": {"class": label}}


def via(name, regions):
    """A picture of the VGG Image Annotator."""
    return {"filename": name, "size": 812, "regions": regions, "file_attributes": {}}


FORMATS = {
    "coco": {"marks.json": coco({"a.jpg": [BOX]})},
    "yolo": {"labels/a.txt": "0 0.25 0.5 0.3 0.5\n", "data.yaml": "names: [bolt]\n"},
    "voc": {"Annotations/a.xml": voc([("bolt", 10, 20, 40, 60)])},
    "labelme": {"a.json": LABELME},
    "cvat": {"annotations.xml": CVAT},
    "label-studio": {
        "project.json": [task("/data/upload/1/0a1b2c3d-a.jpg", {"result": [region()]})]
    },
    "createml": {
        "a.createml.json": [{"image": "a.jpg", "annotations": [centred("bolt", 25, 40, 30, 40)]}]
    },
    "hugging-face": {
        "images/metadata.jsonl": json.dumps(
            {"file_name": "a.jpg", "objects": {"bbox": [[10, 20, 30, 40]], "categories": ["bolt"]}}
        )
    },
    "via": {"via.json": {"a.jpg812": via("a.jpg", [rect("bolt", 10, 20, 30, 40)])}},
    "pixels": {"boxes.csv": "path,x0,y0,x1,y1,label\na.jpg,10,20,40,60,bolt\n"},
    "fractions": {
        "boxes.tsv": "filename\txmin\tymin\txmax\tymax\tclass\na.jpg\t.1\t.25\t.4\t.75\tbolt\n"
    },
    "sides": {"boxes.csv": "image,x,y,width,height,label\na.jpg,10,20,30,40,bolt\n"},
    "headless": {"boxes.csv": "a.jpg,10,20,40,60,bolt\n"},
}


class Seen:
    """What the reader found in a folder, by the last names of the pictures."""

    def __init__(self, source, *args):
        self.rows = read(source, *args)
        self.table, self.taken = self.rows.table, self.rows.taken
        self.names = [unicodedata.normalize("NFC", one).split("/")[-1] for one in self.table.source]
        self.boxes = dict(zip(self.names, self.table.boxes, strict=True))
        self.ignored = dict(zip(self.names, self.table.boxes_ignored, strict=True))
        self.problems = {
            name: one for name, one in zip(self.names, self.table.problem, strict=True) if one
        }

    @property
    def codes(self):
        return {name: one.code for name, one in self.problems.items()}

    def counts(self, part=None):
        good = self.table[self.table.problem.isna()]
        good = good if part is None else good[good.split == part]
        return dict(Counter(box[0] for boxes in good.boxes for box in boxes))

    def part(self, name):
        return sorted(
            n for n, part in zip(self.names, self.table.split, strict=True) if part == name
        )

    def left(self, kind):
        return {
            name: str(one.why) for one in self.taken.left if one.kind == kind for name in one.names
        }

    @property
    def notes(self):
        return {one.template: one.values for one in self.taken.notes}

    def note(self, word):
        """Returns the values of the only note whose template contains a word."""
        (values,) = [values for name, values in self.notes.items() if word in name]
        return values


def close(found, wanted, most=2e-4):
    """Returns True where boxes are equal, each edge within `most`, in any order."""
    return len(found) == len(wanted) and all(
        any(
            one[0] == other[0]
            and all(abs(a - b) < most for a, b in zip(one[1:], other[1:], strict=True))
            for other in wanted
        )
        for one in found
    )
