"""A run: a folder that holds a trained application, and what can be asked of it.

app.json facts.json plan.json     what it is, what it learnt, how
weights.safetensors               parameters and buffers
rows.jsonl quarantine.jsonl       every row used, every file left out
log.jsonl scores.json report.html
manifest.json                     size and SHA-256 of each of these but the report
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tenfold import cache, device, system
from tenfold.app import Answer, App, Outputs, Table, check_settings, find, name_of, settings_of
from tenfold.data import Columns, Ragged, batches
from tenfold.document import scores_text
from tenfold.errors import ArtefactRefused, EnvironmentRefused, UsageError
from tenfold.feed import at_once, tensors
from tenfold.lazy import lazy
from tenfold.results import SCHEMA

if TYPE_CHECKING:
    from torch import nn

torch, safetensors = lazy("torch"), lazy("safetensors.torch")

__all__ = ["Infer", "Run", "open_run", "save", "seal"]

Infer = Callable[[Columns], Outputs]

SEALED = (
    "app.json",
    "facts.json",
    "plan.json",
    "weights.safetensors",
    "rows.jsonl",
    "quarantine.jsonl",
    "log.jsonl",
    "scores.json",
)
NEEDED = ("app.json", "facts.json", "weights.safetensors", "scores.json")
KNOWN = {*SEALED, "manifest.json", "report.html", "export", ".lock"}


@dataclass
class Run:
    """A trained application. `infer` is a torch network or any other way to the same outputs."""

    folder: Path
    app: App
    facts: dict[str, Any]
    infer: Infer
    net: Any = None
    scores: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of work."""
        return name_of(self.app)

    def answer(self, columns: Columns, wishes: Any = None) -> list[Answer]:
        """Predictions of encoded rows; the columns are just those that encode gives."""
        if not columns.rows:
            return []
        wishes = wishes or type(self.app).wishes()
        return list(self.app.decode(self.infer(columns), self.facts, wishes))

    def say(self, table: Table, wishes: Any = None) -> list[Answer]:
        """One answer a row: a Prediction, or the Problem of a row that cannot be read."""
        encoded = self.app.encode(table.reset_index(drop=True), self.facts)
        answers = self.answer(Columns(encoded.columns), wishes)
        return [encoded.problems.get(row, answer) for row, answer in enumerate(answers)]

    def predict(self, tables: Iterator[Table], **wishes: Any) -> Iterator[tuple[str, Answer]]:
        """(source, answer) for tables of inputs, lazily.

        Raises UsageError for an unknown wish or one out of range.
        """
        wanted = check_settings(type(self.app).wishes, wishes, self.kind)
        return self.app.predict(tables, lambda table: self.say(table, wanted), self.facts, wanted)

    def to_json(self) -> dict[str, Any]:
        """The JSON document of `train` and `test`."""
        return self.scores

    def __str__(self) -> str:
        return scores_text(self.scores) if self.scores else f"{self.kind} run in {self.folder}"

    def __repr__(self) -> str:
        best = self.scores.get("scores", {}).get(self.scores.get("headline", ""), {})
        score = f", {self.scores['headline']} {best['value']:.4f}" if best else ""
        return f"<Run {self.folder.name}: {self.kind}{score}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{name}</td><td>{one['value']:.4f}</td><td>{one['low']:.4f} to "
            f"{one['high']:.4f}</td><td>{one['guess']:.4f}</td></tr>"
            for name, one in self.scores.get("scores", {}).items()
        )
        head = "<tr><th>metric</th><th>value</th><th>95 % interval</th><th>best guess</th></tr>"
        return f"<b>{self.kind}</b> in {self.folder.name}<table>{head}{rows}</table>"


def by_torch(net: nn.Module, size: int = 128) -> Infer:
    """Inference with a torch network, in batches, on the device it lies on."""
    net.eval()

    def infer(columns: Columns) -> Outputs:
        place = next(net.parameters()).device
        first = next(iter(columns.arrays.values()))
        lengths = first.lengths if isinstance(first, Ragged) and columns.index is None else None
        found, order = [], []
        with torch.inference_mode():
            for rows in batches(columns.rows, at_once(columns, size), lengths):
                outputs = net(**tensors(columns.take(rows), place))
                found.append({name: value.cpu().numpy() for name, value in outputs.items()})
                order.append(rows)
        return _in_row_order(found, np.concatenate(order))

    return infer


def _in_row_order(found: list[Outputs], order: np.ndarray) -> Outputs:
    back = np.argsort(order)
    return {name: np.concatenate([one[name] for one in found])[back] for name in found[0]}


def unfinished(folder: Path) -> bool:
    """True where a run was begun and not ended."""
    return (folder / "plan.json").exists() and not (folder / "manifest.json").exists()


def plan_of(folder: Path) -> dict[str, Any]:
    """The settings that a run was begun with."""
    found: dict[str, Any] = _read(folder / "plan.json")
    return found


def beside(folder: Path, ending: str) -> Path:
    """A path beside a run folder, named after it, also where the folder is `.`."""
    home = folder.resolve()
    return (folder if folder.name == home.name else home).with_name(f"{home.name}{ending}")


def refuse_inside(folder: Path, place: Path, what: str) -> None:
    """Raises UsageError where `place` lies in a run folder, which is sealed: but for its report."""
    home, place = folder.resolve(), place.resolve()
    if place.is_relative_to(home) and place != home / "report.html":
        raise UsageError(
            f"{what} cannot go into the run folder, which is sealed",
            code="bad-setting",
            where=str(place),
            fix="Choose another --out.",
        )


def remember_data(folder: Path, data: Path) -> None:
    """Notes on this machine, never in the run, where a run's data lie."""
    cache.remember(f"data of {folder.resolve()}", str(data.resolve()))


def data_of(folder: Path) -> Path | None:
    """Where the data of a run lay when it was trained here; None for a run from elsewhere."""
    found = cache.recall(f"data of {folder.resolve()}")
    return Path(found) if found and Path(found).exists() else None


# --- on disk --------------------------------------------------------------------------------------


def begin(folder: Path, app: App, facts: dict[str, Any], plan: dict[str, Any]) -> None:
    """Writes what is known before learning starts, the plan first: with it the run is begun.

    A run that was killed here, or anywhere later, is begun again and continues.
    """
    for left in _leftovers(folder):
        (folder / left).unlink()
    about = {
        "schema": SCHEMA,
        "kind": name_of(app),
        "knobs": settings_of(app),
        "encoding": app.encoding,
    }
    for name, value in (("plan", plan), ("app", about), ("facts", facts)):
        system.write_atomically(folder / f"{name}.json", _pretty(value))


def _leftovers(folder: Path) -> set[str]:
    """Half-written files of processes that were killed (see system.write_atomically)."""
    return {path.name for name in KNOWN for path in folder.glob(f".{name}.????????")}


def rows(folder: Path, used: pd.DataFrame, root: Path | None, quarantined: list[Any]) -> None:
    """Writes the rows that were used and those that were not."""
    names = [
        name for name in ("source", "split", "label", "labels", "group", "digest") if name in used
    ]
    lines = used[names].to_dict(orient="records")
    system.write_atomically(folder / "rows.jsonl", _lines(lines))
    system.write_atomically(folder / "quarantine.jsonl", _lines(quarantined))


def save(run: Run) -> None:
    """Writes facts and weights of a trained run."""
    system.write_atomically(run.folder / "facts.json", _pretty(run.facts))
    state = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in run.net.state_dict().items()
    }
    system.write_atomically(run.folder / "weights.safetensors", safetensors.save(state))


def seal(run: Run) -> None:
    """Writes scores.json, with no path of this machine, then the manifest: the run is finished."""
    folder = run.folder
    portable = run.scores | {"run": folder.name, "report": "report.html"}
    system.write_atomically(folder / "scores.json", _pretty(portable))
    facts = {name: _facts_of(folder / name) for name in SEALED if (folder / name).exists()}
    manifest = {"schema": SCHEMA, "files": facts}
    system.write_atomically(folder / "manifest.json", _pretty(manifest))


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def open_run(folder: str | Path, device_wish: str = "auto") -> Run:
    """The run in `folder`, every file checked against its manifest first.

    Raises UsageError where there is no run, ArtefactRefused where it is damaged or too new.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(
            f"There is no run folder {str(folder)!r}",
            code="no-such-run",
            fix="`tenfold runs` lists the runs here.",
        )
    if not (folder / "manifest.json").is_file():
        raise _unfinished(folder)
    _verify(folder)
    facts = _read(folder / "facts.json")
    device.prepare()
    app, net = _built(folder, _read(folder / "app.json"), facts)
    _load(net, folder / "weights.safetensors")
    net.to(device.choose_device(device_wish))
    place = {"run": str(folder), "report": str(folder / "report.html")}
    scores = _read(folder / "scores.json")
    if not isinstance(scores, dict) or not isinstance(scores.get("rows"), dict):
        raise _refused(folder, "has a scores.json that holds no scores", "unreadable")
    return Run(folder, app, facts, by_torch(net), net, scores | place)


def _unfinished(folder: Path) -> Exception:
    if (folder / "plan.json").exists():
        return ArtefactRefused(
            "The run is not finished",
            code="unfinished-run",
            where=str(folder),
            fix="Give the same `tenfold train` command again to continue it.",
        )
    return UsageError(
        f"{str(folder)!r} is not a run folder",
        code="no-such-run",
        where=str(folder),
        fix="`tenfold runs` lists the runs here.",
    )


def _verify(folder: Path) -> None:
    if links := [path.name for path in folder.rglob("*") if path.is_symlink()]:
        raise _refused(folder, f"holds a link: {links[0]!r}", "link")
    present = {path.name for path in folder.iterdir()}
    if strangers := sorted(present - KNOWN - {"checkpoints"} - _leftovers(folder)):
        raise _refused(
            folder, f"holds a file that does not belong there: {strangers[0]!r}", "stranger"
        )
    files = _manifest(folder)
    if missing := sorted({*NEEDED, *(present & {*SEALED})} - set(files)):
        raise _refused(folder, f"has a manifest without {missing[0]}", "missing")
    for name, facts in files.items():
        if name not in SEALED:
            raise _refused(folder, f"has a manifest that names {name!r}", "stranger")
        path = folder / name
        if not path.is_file():
            raise _refused(folder, f"lacks {name}", "missing")
        if facts != _facts_of(path):
            raise _refused(
                folder, f"was changed or damaged: {name} is not what was written", "changed"
            )


def _manifest(folder: Path) -> dict[str, Any]:
    """What the manifest says of each file."""
    found = _read(folder / "manifest.json")
    schema = found.get("schema") if isinstance(found, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise _refused(folder, f"was made by a newer tenfold (schema {schema})", "newer")
    files = found.get("files") if isinstance(schema, int) and schema > 0 else None
    if not isinstance(files, dict):
        raise _refused(folder, "has a manifest that says nothing of its files", "unreadable")
    return files


def _facts_of(path: Path) -> dict[str, Any]:
    """Size and hash of a file, as the manifest has them."""
    return {"size": path.stat().st_size, "sha256": system.digest_file(path)}


def _built(folder: Path, about: Any, facts: Any) -> tuple[App, nn.Module]:
    """The application and its network; files that agree with their manifest may still be odd."""
    try:
        app = find(about["kind"], **about["knobs"])
        return app, app.build(facts)
    except EnvironmentRefused:
        raise
    except Exception as error:  # whatever a stranger's facts lead to
        reason = f"{type(error).__name__}: {error}"
        raise _refused(folder, f"cannot be built ({reason})", "unbuildable") from error


def _refused(folder: Path, what: str, code: str) -> ArtefactRefused:
    return ArtefactRefused(
        f"The run {what}",
        code=f"run-{code}",
        where=str(folder),
        fix="Copy it again from where it was made, or train again.",
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(
            path.parent, f"has an unreadable {path.name} ({error})", "unreadable"
        ) from error


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _load(net: nn.Module, path: Path) -> None:
    try:
        state = safetensors.load_file(path)
    except Exception as error:  # the library raises its own kinds; any is the end
        raise _refused(path.parent, f"has damaged weights ({error})", "weights") from error
    wanted = net.state_dict()
    if set(wanted) != set(state):
        name = sorted(set(wanted) ^ set(state))[0]
        raise _refused(path.parent, f"has weights of another network ({name})", "weights")
    for name, value in state.items():
        if value.shape != wanted[name].shape or value.dtype != wanted[name].dtype:
            raise _refused(path.parent, f"has weights of another size ({name})", "weights")
        if value.is_floating_point() and not math.isfinite(float(value.double().sum())):
            raise _refused(path.parent, f"has weights that are not finite ({name})", "weights")
    net.load_state_dict(state)
