"""What a run writes as it goes: `metrics.csv`, `summary.json`, and a progress bar."""

import csv
import json
import math
import os
from pathlib import Path

import jax
from tqdm import tqdm

from jaxrnn.table import Table

COLUMNS = (
    "step",
    "split",
    "loss",
    "grad_norm",
    "grad_norm_max",
    "clipped",
    "update_norm",
    "param_norm",
    "correct",
)
FILE, SUMMARY = "metrics.csv", "summary.json"


class Metrics:
    """`metrics.csv` of a run folder: a row a report and split, in the file once they are flushed.

    Args:
      folder: the run folder.
      step: the step that the run goes on from; rows of later steps, which it will write again, are dropped.
      metrics: names of further columns.

    Fields:
      rows: the rows that the file held up to that step.
    """

    def __init__(self, folder, step=0, metrics=()):
        path = Path(folder) / FILE
        self.rows = [row for row in read(folder) if row["step"] <= step] if path.is_file() else []
        self._path, self._new, self._columns = path, [], (*COLUMNS, *metrics)
        kept = path.with_suffix(".tmp")
        with open(kept, "w", newline="") as file:
            self._writer(file).writeheader()
            self._writer(file).writerows(self.rows)
        os.replace(kept, path)

    def write(self, step, split, row):
        self._new.append({"step": step, "split": split, **row})

    def flush(self):
        with open(self._path, "a", newline="") as file:
            self._writer(file).writerows(self._new)
        self._new = []

    def close(self):
        """Nothing stays open between two flushes."""

    def _writer(self, file):
        return csv.DictWriter(file, self._columns, lineterminator="\n")


def read(folder):
    """The rows of a run's `metrics.csv`: dicts with the columns' values, None where a cell is empty.

    A last line that was cut off in the writing is left out.
    """
    with open(Path(folder) / FILE, newline="") as file:
        text = file.read()
    whole = text[: text.rfind("\n") + 1].splitlines()
    return [{name: _value(name, text) for name, text in row.items()} for row in csv.DictReader(whole)]


def table(folder):
    """The rows of a run's `metrics.csv` as a `Table`; an empty one before the first report."""
    return Table(read(folder) if (Path(folder) / FILE).is_file() else ())


def read_summary(folder):
    """The content of a run's `summary.json`, or None if there is none yet."""
    path = Path(folder) / SUMMARY
    return json.loads(path.read_text()) if path.is_file() else None


def last_row(folder, split):
    """The losses and norms in the last row of a split, or None if there is none."""
    rows = [row for row in read(folder) if row["split"] == split]
    return {name: value for name, value in rows[-1].items() if name not in ("step", "split")} if rows else None


def write_summary(folder, summary):
    """Writes `summary.json` in one piece: a reader finds the old content or the new, never a part.

    JSON knows no NaN and no infinity; they become null.
    """
    path = Path(folder) / SUMMARY
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(_finite(summary), indent=2, allow_nan=False) + "\n")
    os.replace(temporary, path)


def versions():
    """The versions and the device that a summary names."""
    from importlib.metadata import version

    device = jax.devices()[0]
    return {
        "versions": {name: version(name) for name in ("jax", "flax", "jaxrnn")},
        "device": f"{jax.local_device_count()} x {device.device_kind}",
    }


def progress_bar(steps, done):
    """A bar with loss, speed and time left; silent where standard error is no terminal."""
    return tqdm(total=steps, initial=done, unit="step", unit_scale=True, disable=None, dynamic_ncols=True)


def _value(name, text):
    if name == "split":
        return text
    if text == "":
        return None
    return int(text) if name == "step" else float(text)


def _finite(content):
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    return None if isinstance(content, float) and not math.isfinite(content) else content
