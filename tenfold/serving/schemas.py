"""JSON Schemas of a model's requests and answers, for the OpenAPI document.

Inputs and options come from the declarations of the task, answers from the type hints of the
Prediction class of its answer kind, so that no task needs code here.
"""

from __future__ import annotations

from typing import Any

from tenfold.answers.kind import AnswerKind
from tenfold.core.lazy import lazy
from tenfold.serving.declared import options
from tenfold.serving.models import Model

pydantic = lazy("pydantic")

__all__ = ["batch_answer", "components", "one_answer", "prediction"]

Schema = dict[str, Any]
_REF = "#/components/schemas/"


def reference(name: str) -> Schema:
    """A reference to a schema of the OpenAPI document."""
    return {"$ref": _REF + name}


def record(properties: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    """The schema of an object with these keys and no others; only `optional` may be missing."""
    needed = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": properties,
        "required": needed,
        "additionalProperties": False,
    }


# --- requests -------------------------------------------------------------------------------------


def _option(facts: dict[str, Any]) -> Schema:
    said = f"{facts['help']} ({facts['unit']})" if facts["unit"] else facts["help"]
    found = {"type": facts["type"], "default": facts["default"], "description": said}
    limits = {"enum": facts["choices"], "minimum": facts["low"], "maximum": facts["high"]}
    return found | {key: value for key, value in limits.items() if value not in (None, [])}


def option(model: Model) -> Schema:
    """The schema of the options of a model."""
    every = {name: _option(facts) for name, facts in options(model.options).items()}
    return record(every, optional=tuple(every))


def taken(model: Model) -> Schema:
    """The schema of one row: a value for each declared input."""
    properties = {}
    for name, one in model.inputs.items():
        more = {"examples": list(one.choices)} if one.choices else {}
        properties[name] = _value(model, name) | more
    return record(properties)


def _value(model: Model, name: str) -> Schema:
    """The schema of the value of an input or a field; a field may be null."""
    told = model.media[name].schema
    if model.optional(name) and "null" not in told.get("type", ()):
        return {"anyOf": [told, {"type": "null"}]}
    return dict(told)


def body(model: Model, many: bool) -> dict[str, Any]:
    """Returns the OpenAPI description of the request body of a model: JSON or form data."""
    thing = reference(f"{model.id}.inputs")
    things = {"type": "array", "items": thing, "minItems": 1, "maxItems": model.batch}
    told = record(
        {"inputs": things if many else thing, "options": reference(f"{model.id}.options")},
        optional=("options",),
    )
    form = {"schema": _form(model, many)}
    table = {"text/csv": {"schema": {"type": "string"}}} if many and model.table_input else {}
    return {
        "required": True,
        "content": {"application/json": {"schema": told}, "multipart/form-data": form, **table},
    }


def _form(model: Model, many: bool) -> Schema:
    properties: dict[str, Schema] = {}
    for name in model.inputs:
        medium = model.media[name]
        part = {"type": "string", "contentMediaType": "application/octet-stream"}
        part = part if medium.files else _value(model, name)
        properties[name] = {"type": "array", "items": part} if many else part
    own = {name: _option(facts) for name, facts in options(model.options).items()}
    return record(properties | own, optional=tuple(own))


# --- answers --------------------------------------------------------------------------------------


def prediction(kind: AnswerKind) -> Schema:
    """The schema of a prediction of one answer kind, as `to_json` writes it."""
    told = pydantic.TypeAdapter(kind.prediction).json_schema(mode="serialization")
    properties = {"answer": {"const": kind.name}, **told.get("properties", {})}
    properties["source"] = {
        "type": "string",
        "description": "which part of the input, where it has several answers: a media fragment",
    }
    found = record(properties, optional=("source",))
    found["description"] = told.get("description", "")
    return found | ({"$defs": told["$defs"]} if "$defs" in told else {})


def _common(more: dict[str, Schema]) -> Schema:
    return record(
        {
            "model": {"type": "string"},
            "hash": {"type": "string", "description": "SHA-256 of what was learnt"},
            "request": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            **more,
            "milliseconds": {"type": "number"},
        }
    )


def predictions(model: Model) -> Schema:
    """The schema of the list of predictions for one row."""
    failed = record({"error": reference("Problem"), "source": {"type": "string"}}, ("source",))
    return {"type": "array", "items": {"anyOf": [reference(f"{model.id}.prediction"), failed]}}


def one_answer(model: Model) -> Schema:
    """The schema of the response of predict."""
    return _common({"predictions": predictions(model)})


def batch_answer(model: Model) -> Schema:
    """The schema of the response of batch."""
    result = {
        "anyOf": [
            record({"predictions": predictions(model)}),
            record({"error": reference("Problem")}),
        ]
    }
    return _common({"results": {"type": "array", "items": result}})


def explained_answer(model: Model) -> Schema:
    """The schema of the response of explain."""
    weights = {"type": "array", "description": "a grid of rows, or a list along the input"}
    text, number = {"type": "string"}, {"type": "number"}
    place = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
    own: dict[str, Schema] = {
        "places": {"type": "array", "items": place},
        **{key: {"type": "array", "items": text} for key in ("names", "values", "typical")},
        **dict.fromkeys(("base", "total"), number),
    }
    needed: dict[str, Schema] = {"over": text, "method": text, "weights": weights}
    one = record(needed | own, optional=tuple(own))
    return _common(
        {"predictions": predictions(model), "explanations": {"type": "array", "items": one}}
    )


PROBLEM = record({"code": {"type": "string", "pattern": "^[a-z0-9-]+$"}})
ERROR = record(
    {"error": record({"code": PROBLEM["properties"]["code"], "request": {"type": "string"}})}
)


def components(models: list[Model]) -> dict[str, Schema]:
    """All schemas of the OpenAPI document by name."""
    found = {"Problem": PROBLEM, "Error": ERROR, "Model": _model()}
    for model in models:
        found[f"{model.id}.inputs"] = taken(model)
        found[f"{model.id}.options"] = option(model)
        found[f"{model.id}.prediction"] = prediction(model.run.result_kind)
        found[f"{model.id}.one"] = one_answer(model)
        found[f"{model.id}.many"] = batch_answer(model)
        found[f"{model.id}.explained"] = explained_answer(model)
    return found


def _model() -> Schema:
    """The schema of the description of a model in /v1/models."""
    text, number = {"type": "string"}, {"type": "number"}
    end = {"anyOf": [number, {"type": "null"}]}  # null = too few groups for an interval
    numbers = record({"value": number, "low": end, "high": end, "baseline": number})
    whole = {"type": "integer"}
    return record(
        {
            "id": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$"},
            "task": text,
            "hash": text,
            "inputs": {"type": "object"},
            "table": text,
            "answer": text,
            "options": {"type": "object"},
            "classes": {"type": "array", "items": text},
            "headline": text,
            "score": {"anyOf": [numbers, {"type": "null"}]},
            "limits": record({"bytes": whole, "json": whole, "batch": whole, "parts": whole}),
        }
    )
