"""What a run writes as it goes: `metrics.csv`, and a progress bar."""

import csv
import functools
import hashlib
import io
import logging
import os
from pathlib import Path

import jax
from tqdm import tqdm

from jaxrnn import atomic, hints, stored_files
from jaxrnn.errors import DamagedError
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
FILE = "metrics.csv"


def _there(path, flags):
    """Opens a file that is there: one that was deleted under the run is not begun anew."""
    return os.open(path, flags & ~os.O_CREAT)


class Metrics:
    """`metrics.csv` of a run folder: a row a report and split, in the file once they are flushed.

    Args:
      folder: the run folder.
      step: the step that the run goes on from; rows of later steps, which it will write again, are dropped.
      metrics: names of further columns.
      saved: the text of the file as the checkpoint of that step holds it, which the file is made to hold again.

    Fields:
      rows: the rows up to that step.
    """

    def __init__(self, folder, step=0, metrics=(), saved=""):
        self.rows = [row for row in parsed(saved) if row["step"] <= step]
        self._path, self._new, self._columns = Path(folder) / FILE, [], (*COLUMNS, *metrics)
        self._text = [self._as_text(self.rows, header=True)]
        if step and not _begins_with(self._path, self._text[0]):
            logging.getLogger(__name__).warning(
                "%s does not hold the rows up to step %d that its checkpoint counts on; they are restored from it",
                self._path, step)  # fmt: skip
        atomic.write(self._path, self._text[0])

    def write(self, step, split, row):
        self._new.append({"step": step, "split": split, **row})

    def flush(self):
        text, self._new = self._as_text(self._new), []
        with atomic.naming(self._path), open(self._path, "a", newline="", opener=_there) as file:
            file.write(text)
        self._text.append(text)

    def text(self):
        """What the file holds."""
        return "".join(self._text)

    def close(self):
        """Has the disk take the file; nothing stays open between two flushes."""
        atomic.sync(self._path)

    def _as_text(self, rows, header=False):
        file = io.StringIO()
        writer = csv.DictWriter(file, self._columns, lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerows(rows)
        return file.getvalue()


def _begins_with(path, text):
    return path.is_file() and path.read_bytes().startswith(text.encode())


def read(folder):
    """The rows of a run's `metrics.csv`: dicts with the columns' values, None where a cell is empty.

    A last line that was cut off in the writing is left out.

    Raises:
      ConfigError: if a line is not what was written; it names the line.
    """
    path = Path(folder) / FILE
    try:
        return parsed(stored_files.read_bytes(path).decode())
    except ValueError as error:
        raise DamagedError(f"{path} is damaged: {error}; {_restoring(folder)}") from error


def saved_text(tables, name, where):
    """The text of a `metrics.csv` that a checkpoint holds.

    Args:
      tables: {name: text} of the checkpoint.
      name: of the text.
      where: the folder, for the message.

    Raises:
      DamagedError: if the checkpoint does not hold it, or a line of it is not one of `metrics.csv`.
    """
    if name not in tables:
        raise DamagedError(f"{where}: its checkpoint is damaged: it lacks the rows of {FILE}")
    try:
        parsed(tables[name])
    except ValueError as error:
        raise DamagedError(f"{where}: its checkpoint is damaged: {FILE}, {error}") from error
    return tables[name]


def parsed(text):
    """The rows of the text of a `metrics.csv`, as `read` gives them.

    Raises:
      ValueError: if a line is none of its; it names the line.
    """
    whole, rows = text.split("\n")[:-1], []
    names = whole[0].split(",") if whole else []
    if whole and tuple(names[: len(COLUMNS)]) != COLUMNS:
        raise ValueError("line 1 does not name its columns")
    for number, text in enumerate(whole[1:], 2):
        line = text.split(",")
        if len(line) != len(names):
            raise ValueError(f"line {number} has {len(line)} columns, the first {len(names)}")
        try:
            rows.append({name: _value(name, text) for name, text in zip(names, line, strict=True)})
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    return rows


def digest(folder):
    """{"bytes", "sha256"} of what `metrics.csv` holds now, or None without one."""
    path = Path(folder) / FILE
    return _digest(path.read_bytes()) if path.is_file() else None


def check(folder, noted):
    """Compares `metrics.csv` with what `digest` said of it; further rows may follow.

    Raises:
      ConfigError: if rows were changed or lost.
    """
    path = Path(folder) / FILE
    if noted is not None and _digest(path.read_bytes()[: noted["bytes"]] if path.is_file() else b"") != noted:
        raise DamagedError(f"{path} is damaged: its rows are not those that were written; {_restoring(folder)}")


def _restoring(folder):
    return f"{hints.command('train', resume=str(folder))} restores it from the checkpoint"


def _digest(data):
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def table(folder):
    """The rows of a run's `metrics.csv` as a `Table`; an empty one before the first report."""
    return Table(read(folder) if (Path(folder) / FILE).is_file() else ())


def last_row(folder, split):
    """The losses and norms in the last row of a split, or None if there is none."""
    rows = [row for row in read(folder) if row["split"] == split]
    return {name: value for name, value in rows[-1].items() if name not in ("step", "split")} if rows else None


def versions():
    """The versions and the device that a summary names."""
    device = f"{jax.local_device_count()} x {jax.devices()[0].device_kind}"
    return {"versions": {name: _version(name) for name in ("jax", "flax", "jaxrnn")}, "device": device}


@functools.cache  # metadata are read anew at every call, which thousands of runs would wait for
def _version(name):
    from importlib.metadata import version

    return version(name)


def progress_bar(steps, done):
    """A bar with loss, speed and time left; silent where standard error is no terminal."""
    return tqdm(total=steps, initial=done, unit="step", unit_scale=True, disable=None, dynamic_ncols=True)


def _value(name, text):
    if name == "split":
        return text
    if name == "step":
        step = int(text)
        if not 0 <= step < 2**53:
            raise ValueError(f"step={text} is out of range")
        return step
    return None if text == "" else float(text)
