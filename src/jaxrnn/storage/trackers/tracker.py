"""Contract of an experiment tracker, and the writer that hands the reports of one run to its trackers."""

import collections
import importlib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tqdm import tqdm
from typing_extensions import TypedDict

from jaxrnn import atomic, lazy, stored_files
from jaxrnn.errors import ConfigError

FILE = "trackers.json"


class Notes(TypedDict):
    """Content of `trackers.json`: the name of a run, and its identifier in each tracker, for resuming it there."""

    name: str
    identifiers: dict[str, str]


class TrackedRun(NamedTuple):
    """Description of a run for its trackers.

    Fields:
      name: the overrides that tell a member of a sweep from the others; the name of the run folder for a single run.
      group: name of the sweep, or None.
      settings: {dotted name: value}, its configuration.
      folder: the run folder.
      step: first reported step; a tracker hides what an interrupted process logged from there on.
      identifier: the tracker's identifier of the run if an earlier process logged it, or None.
    """

    name: str
    group: str | None
    settings: dict[str, Any]
    folder: Path
    step: int = 0
    identifier: str | None = None


class Session(Protocol):
    """A run that a tracker records.

    Fields:
      identifier: the tracker's identifier of the run.
    """

    identifier: str

    def log(self, step: int, metrics: dict[str, float]) -> None:
        """Adds the metrics {"NAME/SPLIT": value} of a report."""
        ...

    def finish(self, metrics: dict[str, float], summary: dict[str, Any], figures: list[Path]) -> None:
        """Adds the final metrics {"final/SPLIT/NAME": value}, the content of `summary.json` and figures, and ends."""
        ...


class Tracker(NamedTuple):
    """A tracker that a run may choose.

    Fields:
      name: its name in the group `logger`.
      package: the module that it needs.
      install: the command that installs it.
      begin: `TrackedRun` -> `Session`.
    """

    name: str
    package: str
    install: str
    begin: Callable[[TrackedRun], Session]


class Trackers:
    """Writer of the reports of one run to its trackers.

    A tracker that raises an error is left out from then on, with a note of one line; the run goes on.

    Args:
      trackers: a list of `Tracker`s.
      run: the `TrackedRun`.

    Raises:
      ConfigError: if the package of a tracker is not installed.
    """

    def __init__(self, trackers: list[Tracker], run: TrackedRun):
        for tracker in trackers:
            require(tracker)
        self._trackers = {tracker.name: tracker for tracker in trackers}
        self._run, self._sessions, self._reports = run, {}, {}

    def write(self, step: int, split: str, row: dict[str, Any]) -> None:
        """Adds a row {column: value} of `metrics.csv` for a step and a split."""
        values = {f"{name}/{split}": value for name, value in row.items() if value is not None}
        self._reports.setdefault(step, {}).update(values)

    def flush(self) -> None:
        """Hands the new reports to the trackers, which start with the first report."""
        reports, self._reports = self._reports, {}
        for step, metrics in reports.items():
            self._each(lambda session, step=step, metrics=metrics: session.log(step, metrics), step)

    def close(self) -> None:
        """Does nothing: a run ends with `finish`, once its summary is known."""

    def finish(self, summary: dict[str, Any], figures: list[Path]) -> None:
        """Ends the run in its trackers.

        Args:
          summary: the content of `summary.json`.
          figures: paths of its figures, PNG files.
        """
        metrics = {
            f"final/{split}/{name}": float(value)
            for split, row in summary["metrics"].items()
            for name, value in (row or {}).items()
            if value is not None
        }
        self._each(lambda session: session.finish(metrics, summary, figures), summary["steps"])
        self._sessions.clear()

    def _each(self, call, step):
        """Calls a function with the session of each tracker."""
        for name in list(self._trackers):
            try:
                if name not in self._sessions:
                    self._sessions[name] = self._begin(self._trackers[name], step)
                call(self._sessions[name])
            except Exception as error:  # any error of another library: it must not end the run
                del self._trackers[name]
                reason = next(iter(str(error).splitlines()), type(error).__name__)
                tqdm.write(f"note: logger={name} failed: {reason}; the run goes on without it")

    def _begin(self, tracker, step):
        path, notes = self._run.folder / FILE, Notes(name=self._run.name, identifiers={})
        if path.is_file():
            notes = stored_files.parse(stored_files.read_bytes(path, stored_files.LARGEST), Notes, path)
        identifiers = notes["identifiers"]
        session = tracker.begin(
            self._run._replace(step=step, name=notes["name"], identifier=identifiers.get(tracker.name))
        )
        identifiers[tracker.name] = session.identifier
        atomic.write(path, json.dumps(notes) + "\n")
        return session


def require(tracker: Tracker) -> None:
    """Raises a `ConfigError` with the install line if the package of a tracker is not installed."""
    if importlib.util.find_spec(tracker.package) is None:
        raise ConfigError(f"logger={tracker.name} needs {tracker.package}: {tracker.install}")


def named(name: str) -> Tracker:
    """Returns a tracker with its default options.

    Raises:
      ConfigError: if there is no tracker of this name.
    """
    names = lazy.entries(Path(__file__).parent, "tracker")
    if name not in names:
        raise ConfigError(f"logger={name}: no such tracker; there are: {', '.join(sorted(names))}")
    return importlib.import_module(f"jaxrnn.storage.trackers.{name}").tracker()


def refuse_repeated(trackers: list[Tracker]) -> None:
    """Raises a `ConfigError` if two trackers have the same name, under which a run keeps their identifiers."""
    for name, count in collections.Counter(tracker.name for tracker in trackers).items():
        if count > 1:
            raise ConfigError(f"logger: {count} trackers have the name {name}; choose each tracker once")


def plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns settings with values that every tracker stores: numbers, strings and truth values."""
    return {name: v if isinstance(v, bool | int | float | str) else str(v) for name, v in settings.items()}


def scalars(summary: dict[str, Any]) -> dict[str, int | float | str]:
    """Returns the values of a summary that every tracker stores: numbers, strings and truth values."""
    return {name: value for name, value in summary.items() if isinstance(value, int | float | str)}
