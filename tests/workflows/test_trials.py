"""What a search draws, keeps in its file and gives up, without any training."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

from tenfold.core.errors import ArtefactRefused
from tenfold.core.settings import Range, check_settings, setting
from tenfold.tasks import registry
from tenfold.training import loop
from tenfold.workflows.trials import LEAST, Pruned, Trial, Trials


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of a task that there is not."""

    way: str = setting("plain", "how", search=("plain", "bold"))
    rate: float = setting(0.0, "how fast", search=lambda told: RANGES[told["way"]])
    width: int = setting(8, "how much", search=Range(2, 32))
    edge: str = setting("none", "where", search=lambda told: EDGES[told["way"]])
    held: int = setting(3, "no search may touch it")


RANGES = {"plain": Range(0.1, 10.0), "bold": Range(0.001, 0.1)}
EDGES = {"plain": (), "bold": ("round", "cut")}
FIELDS = [entry for entry in dataclasses.fields(Settings) if entry.metadata["search"]]


def trials(folder: Path, seed: int = 0) -> Trials:
    return Trials(folder / "trials.jsonl", seed, FIELDS, dataclasses.asdict(Settings()))


def value(settings: dict[str, Any]) -> float:
    """Higher is better: bold, at a width of 20."""
    return ("way" in settings) - abs(settings.get("width", 8) - 20) / 20


def searched(folder: Path, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Trials until there are `count`, each time from the file anew."""
    while len((found := trials(folder, seed)).done) < count:
        trial = found.next()
        drawn = trial.draw()
        trial.tell("finished", value(drawn), {"settings": drawn})
    return found.done


def folders(home: Path, *names: str) -> list[Path]:
    found = [home / name for name in names]
    for one in found:
        one.mkdir()
    return found


def test_the_first_trial_is_the_default(tmp_path: Path):
    found = searched(tmp_path, 12)
    assert found[0] == {"trial": 0, "settings": {}, "ended": "finished"}
    assert all(one["settings"] for one in found[1:])


def test_values_lie_where_the_settings_say(tmp_path: Path):
    found = [one["settings"] for one in searched(tmp_path, 25)[1:]]
    for one in found:
        range_ = RANGES[one.get("way", "plain")]
        assert range_.low <= one["rate"] <= range_.high
        assert 2 <= one.get("width", 8) <= 32 and isinstance(one.get("width", 8), int)
        assert ("edge" not in one) or one["way"] == "bold"
    assert {"round", "cut"} <= {one.get("edge") for one in found}
    assert len({one["rate"] for one in found}) == len(found)


def test_what_was_found_leads_to_better_trials(tmp_path: Path):
    every = [searched(folder, 30, seed) for seed, folder in enumerate(folders(tmp_path, *"abcd"))]
    values = [[value(one["settings"]) for one in found] for found in every]
    first = sum(sum(one[1:6]) for one in values) / 20
    last = sum(sum(one[-5:]) for one in values) / 20
    assert last > first + 0.2


def test_draws_are_a_function_of_the_seed(tmp_path: Path):
    """One process or thirty: each trial above came from a file opened anew."""
    whole, parts, other = folders(tmp_path, "whole", "parts", "other")
    found = trials(whole)
    for _ in range(15):
        trial = found.next()
        drawn = trial.draw()
        trial.tell("finished", value(drawn), {"settings": drawn})
    assert found.done == searched(parts, 15)
    assert found.done != searched(other, 15, seed=1)


@pytest.mark.parametrize("number", [0, 3, 9])
@pytest.mark.parametrize("drawn", [0, 1, 2])
def test_killed_among_its_draws_it_draws_the_same(tmp_path: Path, number: int, drawn: int):
    """What is drawn of a trial before a kill does not change what is drawn after it."""
    undisturbed, killed = folders(tmp_path, "undisturbed", "killed")
    whole = searched(undisturbed, 14)
    searched(killed, number)
    interrupted = trials(killed)
    trial, left = interrupted.next(), iter(range(drawn))

    def until(name: str, search: Any, default: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return Trial._pick(trial, name, search, default)

    with pytest.raises(KeyboardInterrupt):
        interrupted.walk(until)
    assert searched(killed, 14) == whole


def test_a_line_that_was_cut_off_is_written_again(tmp_path: Path):
    whole = searched(folders(tmp_path, "whole")[0], 12)
    searched(tmp_path, 7)
    path = tmp_path / "trials.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: data.rfind(b"\n", 0, -1) + 9])
    assert searched(tmp_path, 12) == whole
    assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize("text", ["no JSON\n\n{}\n", '{"op_code": 99}\n', "[]\n", "\x80\x02}\n"])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str):
    (tmp_path / "trials.jsonl").write_text(text)
    with pytest.raises(ArtefactRefused) as caught:
        trials(tmp_path)
    assert caught.value.code == "damaged-trials"
    assert caught.value.where == str(tmp_path / "trials.jsonl")


# --- giving up ---


def logged(found: Trials, losses: list[float]) -> Trial:
    """A trial under way, with these losses at every tenth of its length."""
    trial = found.next()
    trial.draw()
    for place, loss in enumerate(losses, 1):
        trial.prune(place / 10, loss)
    return trial


def usual(found: Trials, count: int) -> None:
    for number in range(count):
        trial = logged(found, [1.0 - 0.05 * place + 0.01 * number for place in range(9)])
        trial.tell("finished", 0.5, {})


def test_a_trial_worse_than_the_median_is_given_up(tmp_path: Path):
    found = trials(tmp_path)
    usual(found, LEAST)
    with pytest.raises(Pruned, match=r"validation loss 2\.000 at 30% of its length") as caught:
        logged(found, [2.0, 2.0, 2.0])
    assert caught.value.share == 0.3
    trial = trials(tmp_path).next()
    trial.tell("pruned", None, {"settings": {}})
    logged(found, [1.0, 0.9, 0.8, 0.7]).tell("finished", 0.6, {})
    assert [one["ended"] for one in found.done][-2:] == ["pruned", "finished"]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_the_worst(tmp_path: Path, loss: float):
    found = trials(tmp_path)
    usual(found, LEAST)
    with pytest.raises(Pruned):
        logged(found, [loss] * 4)
    for line in (tmp_path / "trials.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_few_trials_give_nothing_up(tmp_path: Path):
    found = trials(tmp_path)
    usual(found, LEAST - 1)
    logged(found, [9.0] * 9).tell("finished", 0.1, {})


def test_rows_that_are_logged_again_are_judged_alike(tmp_path: Path):
    """Killed after the fifth row and continued from before the third."""
    found = trials(tmp_path)
    usual(found, LEAST)
    logged(found, [1.0, 0.9, 0.8, 0.8, 0.7])
    again = trials(tmp_path)
    logged(again, [1.0, 0.9, 0.8, 0.8, 0.7, 0.6]).tell("finished", 0.5, {})
    logged(again, [1.0, 0.95])
    with pytest.raises(Pruned):
        logged(trials(tmp_path), [1.0, 0.95, 1.9])
    with pytest.raises(Pruned):  # nor is a row before the last one the one to blame
        logged(trials(tmp_path), [1.0, 0.95, 1.9])


# --- what tasks declare ---


@pytest.mark.parametrize("kind", sorted(registry.names()))
def test_what_is_searched_is_what_the_settings_allow(kind: str):
    cls = registry.class_of(kind)
    settings = {entry.name: entry.default for entry in dataclasses.fields(cls)}
    for entry in dataclasses.fields(cls):
        search = entry.metadata["search"]
        search = search(settings) if callable(search) else search
        ends = (search.low, search.high) if isinstance(search, Range) else search
        for one in ends:
            check_settings(cls, {entry.name: one}, kind)
        assert not isinstance(search, Range) or 0 < search.low < search.high
        assert len(set(ends)) == len(ends)


def test_pictures_are_searched_around_the_rate_of_their_recipe():
    fields = {entry.name: entry for entry in dataclasses.fields(registry.class_of(PICTURES))}
    around = fields["learning_rate"].metadata["search"]
    muon = around({"network": "fast", "optimizer": "auto"})
    adamw = around({"network": "fast", "optimizer": "adamw"})
    assert math.sqrt(muon.low * muon.high) == pytest.approx(0.1)
    assert math.sqrt(adamw.low * adamw.high) == pytest.approx(loop.Recipe().learning_rate) == 2e-3


PICTURES = "image-classification"
