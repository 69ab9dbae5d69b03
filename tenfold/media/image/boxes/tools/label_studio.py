"""Label Studio JSON: tasks with the annotations of several people, in per cent of the picture.

Source: https://labelstud.io/guide/export, https://labelstud.io/guide/task_format
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.image.boxes.content import Contents, JsonObject, objects_of
from tenfold.media.image.boxes.form import (
    DrawnShape,
    Judgement,
    StatedBoxes,
    bad_box,
    ellipse,
    listed,
    number_of,
)
from tenfold.media.image.boxes.pictures import stem_of

__all__ = ["read", "tasks_of"]

_KEYS = ("image", "img", "photo", "picture", "url", "path")


def read(contents: Contents) -> StatedBoxes | None:
    """Returns the objects of all tasks; None if no file holds tasks.

    Of several annotations of one picture, the newest that was not cancelled is used. A picture
    without one is stated as not used, even if it has predictions of a model.
    """
    files = [(entry.name, tasks_of(value)) for entry, value in contents.json]
    files = [(name, tasks) for name, tasks in files if tasks]
    if not files:
        return None
    found = StatedBoxes(Message("Label Studio files"))
    chosen: list[str] = []
    flat: list[str] = []
    cancelled = 0
    for name, tasks in files:
        found.used.add(name)
        for task in _joined(tasks):
            marks = objects_of(task["annotations"])
            valid = [one for one in marks if not one.get("was_cancelled")]
            cancelled += len(marks) - len(valid)
            picture = _picture(task["data"])
            if not valid:
                why = _CANCELLED if marks else _PREDICTED if task["predictions"] else _OPEN
                found.left_out.append((Judgement(picture, name), why))
                continue
            newest = max(valid, key=_age)
            if len(valid) > 1:
                chosen.append(f"{picture} ({newest.get('id')})")
            found.judgements.append(_judgement(name, task, picture, newest, flat))
    _state(found, chosen, cancelled)
    found.leave("shapes", flat, Message("no area"))
    return found


_CANCELLED = Message("all annotations cancelled")
_PREDICTED = Message("only predicted by a model")
_OPEN = Message("not annotated")


def _state(found: StatedBoxes, chosen: list[str], cancelled: int) -> None:
    if chosen:
        found.notes.append(
            Message(
                "Pictures with several annotations, the newest is used: {count} ({names}).",
                count=len(chosen),
                names=listed(chosen),
            )
        )
    if cancelled:
        found.notes.append(
            Message("Cancelled annotations that are not used: {count}.", count=cancelled)
        )


# --- tasks ----------------------------------------------------------------------------------------


def tasks_of(value: Any) -> list[dict[str, Any]]:
    """Returns the tasks in a JSON value, each with `data`, `annotations` and `predictions`.

    The short form of the export (JSON-MIN) and the files that a storage receives, one annotation
    each, are brought into this form. Returns [] where the value holds no tasks.
    """
    every = value if isinstance(value, list) else [value]
    if not every or not all(isinstance(one, dict) for one in every):
        return []
    found = [task for one in every if (task := _task(one)) is not None]
    return found if len(found) == len(every) else []


def _task(one: dict[str, Any]) -> dict[str, Any] | None:
    marks = one.get("annotations", one.get("completions"))
    if isinstance(one.get("data"), dict) and (marks is not None or "predictions" in one):
        return {
            "id": one.get("id"),
            "data": one["data"],
            "annotations": objects_of(marks),
            "predictions": objects_of(one.get("predictions")),
        }
    task = one.get("task")
    if (
        isinstance(one.get("result"), list)
        and isinstance(task, dict)
        and isinstance(task.get("data"), dict)
    ):
        return {
            "id": task.get("id"),
            "data": task["data"],
            "annotations": [one],
            "predictions": [],
        }
    if "annotation_id" in one or "annotator" in one:
        return _short(one)
    return None


def _short(one: dict[str, Any]) -> dict[str, Any]:
    """Returns the task of one annotation in the short form."""
    regions = [
        {**region, "value": region}
        for values in one.values()
        if isinstance(values, list)
        for region in values
        if isinstance(region, dict) and "original_width" in region
    ]
    mark = {**one, "id": one.get("annotation_id"), "result": regions}
    return {"id": one.get("id"), "data": one, "annotations": [mark], "predictions": []}


def _joined(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns one task for each picture, with all its annotations."""
    found: dict[str, dict[str, Any]] = {}
    for task in tasks:
        first = found.setdefault(_picture(task["data"]), task)
        if first is not task:
            first["annotations"] = [*first["annotations"], *task["annotations"]]
            first["predictions"] = [*first["predictions"], *task["predictions"]]
    return list(found.values())


def _picture(data: JsonObject) -> str:
    texts = {str(key): one for key, one in data.items() if one and isinstance(one, str)}
    named = next((texts[key] for key in _KEYS if key in texts), "")
    paths = (one for one in texts.values() if stem_of(one) != one)
    return named or next(paths, "")


def _age(mark: JsonObject) -> tuple[bool, str, float]:
    """Returns what orders the annotations of a picture: marked as true, then by time and number."""
    when = str(mark.get("updated_at") or mark.get("created_at") or "")
    return bool(mark.get("ground_truth")), when, number_of(mark.get("id"))


# --- regions --------------------------------------------------------------------------------------


def _judgement(
    file: str, task: JsonObject, picture: str, mark: JsonObject, flat: list[str]
) -> Judgement:
    regions = objects_of(mark.get("result"))
    labels: dict[str, list[str]] = defaultdict(list)
    for region in regions:
        labels[str(region.get("id"))] += _labels(region)
    one = Judgement(picture, file, fractions=True, fields=task["data"])
    sizes = {
        (number_of(region.get("original_width")), number_of(region.get("original_height")))
        for region in regions
        if "original_width" in region
    }
    one.size = next(iter(sizes)) if len(sizes) == 1 else None
    for number, region in enumerate(regions, 1):
        place = Message(
            "annotation {id}, region {number}", id=mark.get("id"), number=region.get("id", number)
        )
        own = list(dict.fromkeys(labels[str(region.get("id"))] if "id" in region else []))
        one.shapes += _shapes(file, region, own or _labels(region), place, flat, picture)
        if number_of(region.get("image_rotation")) % 360 and one.problem is None:
            one.problem = _was_turned(file, region)
    return one


def _labels(region: JsonObject) -> list[str]:
    value = region.get("value")
    if not isinstance(value, dict):
        return []
    for key, names in value.items():
        if str(key).endswith("labels") and isinstance(names, list):
            return [" ".join(str(name).split()) for name in names]
    return []


def _shapes(
    file: str, region: JsonObject, labels: list[str], place: Message, flat: list[str], picture: str
) -> list[DrawnShape]:
    """Returns the objects of a region, one for each of its labels."""
    value = region.get("value")
    if not isinstance(value, dict):
        return []
    if not {"radiusX", "points", "width"} & value.keys():
        if "x" in value or "rle" in value:
            flat.append(f"{picture}: {region.get('type', '')} {' '.join(labels)}")
        return []
    if "width" in value and "height" not in value:  # a key point has a width alone
        flat.append(f"{picture}: {region.get('type', '')} {' '.join(labels)}")
        return []
    if not labels:
        return [DrawnShape("", (), place, problem=_no_label(file, place))]
    try:
        points, about = _points(value)
    except (KeyError, TypeError, ValueError):
        why = Message("its numbers are not valid")
        return [DrawnShape(labels[0], (), place, problem=bad_box(file, place, why))]
    turn = number_of(value.get("rotation"))
    return [DrawnShape(label, points, place, turn=turn, about=about) for label in labels]


def _points(value: JsonObject) -> tuple[tuple[tuple[float, float], ...], tuple[float, float]]:
    """Returns the points of a region in fractions, and the point that it is turned about."""
    if "points" in value:
        points = tuple((float(x) / 100, float(y) / 100) for x, y in value["points"])
        return points, (0.0, 0.0)
    x, y = float(value["x"]) / 100, float(value["y"]) / 100
    if "radiusX" in value:
        return ellipse(x, y, float(value["radiusX"]) / 100, float(value["radiusY"]) / 100), (x, y)
    right, lower = x + float(value["width"]) / 100, y + float(value["height"]) / 100
    return ((x, y), (right, y), (right, lower), (x, lower)), (x, y)


def _no_label(file: str, place: Message) -> Problem:
    return Problem(
        "unnamed-class",
        Message("has a box without a label ({file}, {place})", file=file, place=place),
        Message("Give it a label, or remove it."),
    )


def _was_turned(file: str, region: JsonObject) -> Problem:
    reason = Message(
        "was turned by {degrees} degrees in Label Studio, and its boxes may be for the turned or "
        "the stored picture ({file})",
        degrees=region.get("image_rotation"),
        file=file,
    )
    return Problem("unclear-turn", reason, Message("Store the picture turned, and label it again."))
