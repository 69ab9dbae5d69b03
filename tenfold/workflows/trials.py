"""Trials of a hyperparameter search: sampled and pruned by Optuna, stored as JSON lines.

The file is Optuna's own journal: it needs no pickle and no database. A draw is a function of the
seed, the trial's number, the setting's name and the finished trials, so that an interrupted search
draws the same values when it continues.

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
from tenfold.core.message import Message
from tenfold.core.settings import Range, Search

optuna, journal = lazy("optuna"), lazy("optuna.storages.journal")

__all__ = ["Pruned", "Trial", "Trials", "version"]

RANDOM = 5
"""Number of trials drawn at random before the results decide what to try."""
BINS = 20
"""Number of points along a trial at which losses are compared."""
WARM, LEAST = 0.3, 4
"""Minimum fraction of a trial, and minimum number of finished trials, before a trial is pruned.

While the learning rate still rises, losses mean little.
"""
LARGEST = 1e9
"""The value that replaces a loss that is not finite."""

Field = dataclasses.Field[Any]
Pick = Callable[[str, Search, Any], Any]


class Pruned(Exception):
    """Raised where a trial is worse than the median; `share` is the fraction of it that is done."""

    def __init__(self, share: float, loss: float) -> None:
        self.message = Message(
            "validation loss {loss:.3f} at {share:.0%} of its length", loss=loss, share=share
        )
        super().__init__(self.message)
        self.share = share


def version() -> str:
    """The version of Optuna.

    Raises EnvironmentRefused, which names the extra to install, where it is not installed.
    """
    return str(optuna.__version__)


class Trials:
    """The trials of one search in `path`, which must be locked for this process.

    `fields` are the settings to search, `settings` the values of all settings before the search.
    The first trial uses the values in `settings`. A higher value of a trial is better.
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
        """The trial that was interrupted, else a new trial."""
        known = self.study.get_trials(deepcopy=False)
        running = [one for one in known if one.state == optuna.trial.TrialState.RUNNING]
        self.study.sampler = self.sampler(running[0].number if running else len(self.done))
        if running:
            return Trial(self, optuna.trial.Trial(self.study, running[0]._trial_id))
        return Trial(self, self.study.ask())

    def _usual(self) -> dict[str, Any]:
        """The parameters of the first trial in the form of Optuna."""
        found: dict[str, Any] = {}

        def note(name: str, search: Search, default: Any) -> Any:
            found[name] = _place(search, default)
            return default

        self.walk(note)
        return found

    @property
    def done(self) -> list[dict[str, Any]]:
        """The notes on every ended trial, in order; `trial` is its number."""
        known = self.study.get_trials(deepcopy=False)
        return [{"trial": one.number, **one.user_attrs} for one in known if one.state.is_finished()]

    def walk(self, pick: Pick) -> dict[str, Any]:
        """Returns a value for each searched field: `pick(name, search, default)`, in order."""
        drawn: dict[str, Any] = {}
        for entry in self.fields:
            search, name = entry.metadata["search"], entry.name
            if callable(search):
                search = search({**self.settings, **drawn})
                if isinstance(search, tuple):  # other choices need another name in Optuna
                    name = f"{name} of {', '.join(map(str, search))}"
            if search:
                drawn[entry.name] = pick(name, search, entry.default)
        return drawn

    def sampler(self, number: int, name: str = "") -> Any:
        """A sampler whose seed depends on the search's seed, the trial and the setting."""
        text = f"{self.seed} {number} {name}".encode()
        seed = int.from_bytes(hashlib.blake2b(text, digest_size=4).digest())
        return optuna.samplers.TPESampler(
            n_startup_trials=RANDOM,
            multivariate=True,
            constant_liar=False,
            seed=seed,
        )


class Trial:
    """One trial in progress."""

    def __init__(self, trials: Trials, trial: Any) -> None:
        self._trials, self._trial = trials, trial
        # Optuna draws joint values at the first access: here, with the trial's own sampler.
        self._together = trial.relative_params
        self.number: int = trial.number

    def draw(self) -> dict[str, Any]:
        """The drawn settings that differ from their defaults; none in the first trial."""
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
        """Raises Pruned where the trial is worse at this point than the median of finished trials.

        `share` is the fraction of the trial that is done. A continued run may report a point again:
        it is checked only if it is the last one reported before.
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
        """Ends the trial as `finished` with a value, `pruned` or `failed`; stores the notes."""
        state = {"finished": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}[ended]
        for name, one in (noted | {"ended": ended}).items():
            self._trial.set_user_attr(name, one)
        wanted = optuna.trial.TrialState[state]
        self._trials.study.tell(self.number, value, state=wanted)


def _choices(search: tuple[Any, ...], default: Any) -> list[Any]:
    """The choices of a setting, with the default first."""
    return [default, *(value for value in search if value != default)]


def _place(search: Search, default: Any) -> Any:
    """The default in the form of Optuna: itself, or its position in a range (0 to 1, log scale)."""
    if not isinstance(search, Range):
        return default
    if not search.low <= default <= search.high:
        return 0.5
    return math.log(default / search.low) / math.log(search.high / search.low)


# --- journal file ---------------------------------------------------------------------------------


class _Held:
    """A lock that does nothing for Optuna's file, since the whole folder is already locked."""

    def acquire(self) -> bool:
        """Returns True: the search already holds the lock of its folder."""
        return True

    def release(self) -> None:
        """Does nothing."""


def _opened(path: Path) -> Any:
    """The study in a file, created where there is none.

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
    except Exception as error:  # a damaged journal may raise anything
        raise ArtefactRefused(
            Message(
                "The finished trials cannot be read ({kind}: {error})",
                kind=type(error).__name__,
                error=error,
            ),
            code="damaged-trials",
            where=str(path),
            fix=Message("Remove the folder and search again."),
        ) from error


def _cut(path: Path) -> None:
    """Removes an incomplete last line, which an interrupted process may leave."""
    if not path.exists():
        return
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)
