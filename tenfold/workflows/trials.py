"""What a search tries next, and which trials it gives up: Optuna, and a file of JSON lines.

The file is Optuna's own journal: nothing is pickled, and there is no database. What is drawn is a
function of the seed, the trial's number, the setting's name and the trials that are done, so a
search that was killed draws what it would have drawn.

Sources: tree of Parzen estimators (J. Bergstra et al. 2011; arXiv 2304.11127), the median stopping
rule (D. Golovin et al. 2017), T. Akiba et al. 2019 (Optuna).
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tenfold.core.errors import ArtefactRefused
from tenfold.core.lazy import lazy
from tenfold.core.settings import Range, Search

optuna, journal = lazy("optuna"), lazy("optuna.storages.journal")

__all__ = ["Pruned", "Trial", "Trials", "version"]

RANDOM = 5
"""Trials drawn at random before what was found decides."""
BINS = 20
"""Marks of a trial's length at which losses are compared."""
WARM, LEAST = 0.3, 4
"""Nothing is given up before this share of its length, nor before so many trials are done: while
the rate still rises, losses say little."""
LARGEST = 1e9
"""What a loss that is not finite counts as."""

Field = dataclasses.Field[Any]
Pick = Callable[[str, Search, Any], Any]


class Pruned(Exception):
    """A trial is worse than the usual one: `share` of its length is done."""

    def __init__(self, share: float, loss: float) -> None:
        super().__init__(f"validation loss {loss:.3f} at {share:.0%} of its length")
        self.share = share


def version() -> str:
    """Of Optuna. Raises EnvironmentRefused, naming the extra, where it is not installed."""
    return str(optuna.__version__)


class Trials:
    """The trials of one search in `path`, which must be held for this process alone.

    `fields` are the settings that may vary, `settings` all of them by name as the person left
    them. The first trial is just those. Higher values are better.
    """

    def __init__(
        self, path: Path, seed: int, fields: Sequence[Field], settings: dict[str, Any]
    ) -> None:
        self.seed, self.fields, self.settings = seed, fields, settings
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study = _opened(path)
        if not self.study.trials:
            self.study.enqueue_trial(self._usual())

    def next(self) -> Trial:
        """The trial that was interrupted, else a new one."""
        known = self.study.get_trials(deepcopy=False)
        running = [one for one in known if one.state == optuna.trial.TrialState.RUNNING]
        self.study.sampler = self.sampler(running[0].number if running else len(self.done))
        if running:
            return Trial(self, optuna.trial.Trial(self.study, running[0]._trial_id))
        return Trial(self, self.study.ask())

    def _usual(self) -> dict[str, Any]:
        """The first trial as Optuna knows it."""
        found: dict[str, Any] = {}

        def note(name: str, search: Search, default: Any) -> Any:
            found[name] = _place(search, default)
            return default

        self.walk(note)
        return found

    @property
    def done(self) -> list[dict[str, Any]]:
        """What was noted of every finished trial, in order; each has its `trial`, its number."""
        known = self.study.get_trials(deepcopy=False)
        return [{"trial": one.number, **one.user_attrs} for one in known if one.state.is_finished()]

    def walk(self, pick: Pick) -> dict[str, Any]:
        """A value for each field by name: `pick(name, search, default)`, in the fields' order."""
        drawn: dict[str, Any] = {}
        for entry in self.fields:
            search, name = entry.metadata["search"], entry.name
            if callable(search):
                search = search({**self.settings, **drawn})
                if isinstance(search, tuple):  # values that change are another question each time
                    name = f"{name} of {', '.join(map(str, search))}"
            if search:
                drawn[entry.name] = pick(name, search, entry.default)
        return drawn

    def sampler(self, number: int, name: str = "") -> Any:
        """Draws as a function of seed, trial and setting."""
        text = f"{self.seed} {number} {name}".encode()
        seed = int.from_bytes(hashlib.blake2b(text, digest_size=4).digest())
        return optuna.samplers.TPESampler(
            n_startup_trials=RANDOM,
            multivariate=True,
            constant_liar=False,
            seed=seed,
        )


class Trial:
    """One trial under way."""

    def __init__(self, trials: Trials, trial: Any) -> None:
        self._trials, self._trial = trials, trial
        # What Optuna draws together, it draws when first asked: now, with the trial's own sampler.
        self._together = trial.relative_params
        self.number: int = trial.number

    def draw(self) -> dict[str, Any]:
        """The settings that differ from their defaults; none in the first trial."""
        drawn = self._trials.walk(self._pick)
        usual = {entry.name: entry.default for entry in self._trials.fields}
        if not self.number:
            return {}
        return {name: value for name, value in drawn.items() if value != usual[name]}

    def _pick(self, name: str, search: Search, default: Any) -> Any:
        self._trials.study.sampler = self._trials.sampler(self.number, name)
        if not isinstance(search, Range):
            return self._trial.suggest_categorical(name, _choices(search, default))
        place = self._trial.suggest_float(name, 0.0, 1.0)
        value = search.low * (search.high / search.low) ** place
        return round(value) if isinstance(default, int) else float(f"{value:.4g}")

    def prune(self, share: float, loss: float) -> None:
        """Raises Pruned where the median of the trials that are done was lower at this place.

        A row that a continued run logs again is judged only where it was the last one.
        """
        mark = math.floor(BINS * share + 1e-9)
        known = self._trials.study.get_trials(deepcopy=False)[self.number].intermediate_values
        if mark not in known:
            self._trial.report(-min(loss, LARGEST) if math.isfinite(loss) else -LARGEST, mark)
        elif mark != max(known):
            return
        if self._trial.should_prune():
            raise Pruned(share, loss)

    def tell(self, ended: str, value: float | None, noted: dict[str, Any]) -> None:
        """Ends the trial: `finished` with a value, `pruned` or `failed`; notes what there is."""
        state = {"finished": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}[ended]
        for name, one in (noted | {"ended": ended}).items():
            self._trial.set_user_attr(name, one)
        wanted = optuna.trial.TrialState[state]
        self._trials.study.tell(self.number, value, state=wanted)


def _choices(search: tuple[Any, ...], default: Any) -> list[Any]:
    """The values with the default among them, first."""
    return [default, *(value for value in search if value != default)]


def _place(search: Search, default: Any) -> Any:
    """The default as Optuna knows it: itself, or where it lies in a range."""
    if not isinstance(search, Range):
        return default
    if not search.low <= default <= search.high:
        return 0.5
    return math.log(default / search.low) / math.log(search.high / search.low)


# --- the file -------------------------------------------------------------------------------------


class _Held:
    """Optuna's lock on its file, where the whole folder is locked already."""

    def acquire(self) -> bool:
        """Always."""
        return True

    def release(self) -> None:
        """Nothing to do."""


def _opened(path: Path) -> Any:
    """The study in a file, begun where there is none.

    Raises ArtefactRefused where the file is damaged.
    """
    _cut(path)
    pruner = optuna.pruners.MedianPruner(LEAST, math.ceil(WARM * BINS), n_min_trials=LEAST - 1)
    try:
        backend = journal.JournalFileBackend(str(path), lock_obj=_Held())
        return optuna.create_study(
            storage=optuna.storages.JournalStorage(backend),
            study_name="tune",
            pruner=pruner,
            direction="maximize",
            load_if_exists=True,
        )
    except OSError:
        raise
    except Exception as error:  # whatever a damaged journal leads to
        raise ArtefactRefused(
            f"The trials so far cannot be read ({type(error).__name__}: {error})",
            code="damaged-trials",
            where=str(path),
            fix="Remove the folder and search again.",
        ) from error


def _cut(path: Path) -> None:
    """Takes away a last line that was half written when the process was killed."""
    if not path.exists():
        return
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)
