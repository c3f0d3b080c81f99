"""Summary of a run: writes `summary.json` in one piece, and checks it when it is read."""

import functools
import hashlib
import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, Required

import jax
from annotated_types import Ge, Lt
from typing_extensions import TypedDict

from jaxrnn import atomic, hints, stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.storage import metrics_csv

FILE, DIGEST = "summary.json", "sha256"
Count = Annotated[int, Ge(0), Lt(2**53)]


class Rows(TypedDict):
    """Size of `metrics.csv` in bytes and its digest, from the time of the summary."""

    bytes: Count
    sha256: str


class Generation(TypedDict):
    """Length of the prime and of the generated values, and their errors in the source's units, by variable."""

    prime: Count
    length: Count
    mean_squared_error: float | None
    rmse: NotRequired[dict[str, float | None]]
    series: NotRequired[str]


class Summary(TypedDict, total=False):
    """Fields of a summary that the program reads again; a summary holds others too."""

    status: Required[Literal["finished", "stopped", "diverged", "pruned", "failed"]]
    reason: Required[str | None]
    steps: Required[Count]
    metrics: Required[dict[str, dict[str, float | None] | None]]
    rows: Required[Rows | None]
    sha256: Required[str]
    best_step: Count
    better: dict[str, Literal["down", "up"] | float]
    configuration: dict[str, Any]
    generation: Generation


def write(folder, content):
    """Writes a summary and returns it, with a digest of its content and of the current `metrics.csv`.

    NaN and infinity become null, because JSON cannot hold them.
    """
    content = {**_finite(content), "rows": metrics_csv.digest(folder)}
    content[DIGEST] = _digest(content)
    atomic.write(Path(folder) / FILE, json.dumps(content, indent=2, allow_nan=False) + "\n")
    return content


def read(folder):
    """Reads a run's `summary.json`; returns None if there is none yet.

    Raises:
      ConfigError: if it is damaged.
    """
    path = Path(folder) / FILE
    try:
        text = stored_files.read_bytes(path, stored_files.LARGEST)
    except FileNotFoundError:
        return None
    content = stored_files.parse(text, dict[str, Any], path)
    if DIGEST not in content:
        raise ConfigError(f"{path} is damaged, or was written by jaxrnn 0.4 or earlier")
    if content[DIGEST] != _digest(content):
        command = hints.command("train", [hints.override("resume", str(folder))])
        raise DamagedError(f"{path} is damaged: its content was changed; {command} writes it again")
    return stored_files.check(content, Summary, path)


def _digest(content):
    fields = {name: value for name, value in content.items() if name != DIGEST}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def versions():
    """Returns the versions and the device for a summary."""
    device = f"{jax.local_device_count()} x {jax.devices()[0].device_kind}"
    return {"versions": {name: _version(name) for name in ("jax", "flax", "jaxrnn")}, "device": device}


@functools.cache  # `version` reads files at every call, which is slow for thousands of runs
def _version(name):
    from importlib.metadata import version

    return version(name)
