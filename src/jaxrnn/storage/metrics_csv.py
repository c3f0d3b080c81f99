"""The file `metrics.csv` of a run: one row per report and split."""

import csv
import hashlib
import io
import logging
import os
from pathlib import Path

from jaxrnn import atomic, hints, stored_files
from jaxrnn.errors import DamagedError
from jaxrnn.table import Table
from jaxrnn.training.history import COLUMNS

FILE = "metrics.csv"


def _open_existing(path, flags):
    """Opens a file without creating it: a file that was deleted during the run must not restart in the middle."""
    return os.open(path, flags & ~os.O_CREAT)


class Metrics:
    """Writer of a run's `metrics.csv`: one row per report and split, written to the file by `flush`.

    Args:
      folder: the run folder.
      step: the step from which the run resumes. Rows of later steps are removed; the run will write them again.
      metrics: names of further columns.
      saved: the content of the file in the checkpoint of that step, which is restored.

    Fields:
      rows: the rows up to that step.
    """

    def __init__(self, folder, step=0, metrics=(), saved=""):
        self.rows = [row for row in parsed(saved) if row["step"] <= step]
        self._path, self._new, self._columns = Path(folder) / FILE, [], (*COLUMNS, *metrics)
        self._text = [self._as_text(self.rows, header=True)]
        if step and not _begins_with(self._path, self._text[0]):
            logging.getLogger(__name__).warning(
                "%s does not hold the rows up to step %d that its checkpoint expects; the checkpoint restores them",
                self._path,
                step,
            )
        with atomic.aside(self._path) as temporary:  # not synced: checkpoints hold the rows too, and `close` syncs
            temporary.write_bytes(self._text[0].encode())

    def write(self, step, split, row):
        self._new.append({"step": step, "split": split, **row})

    def flush(self):
        text, self._new = self._as_text(self._new), []
        with atomic.naming(self._path), open(self._path, "a", newline="", opener=_open_existing) as file:
            file.write(text)
        self._text.append(text)

    def text(self):
        """Returns the content of the file."""
        return "".join(self._text)

    def close(self):
        """Syncs the file to the disk; no file is open between two flushes."""
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
    """Reads the rows of a run's `metrics.csv`: one dict of the columns' values per row, None for an empty cell.

    An incomplete last line is ignored: the process was killed while it wrote the line.

    Raises:
      ConfigError: if a line is damaged. The message names the line.
    """
    path = Path(folder) / FILE
    try:
        return parsed(stored_files.read_bytes(path).decode())
    except ValueError as error:
        raise DamagedError(f"{path} is damaged: {error}; {_hint(folder)}") from error


def saved_text(tables, name, where):
    """Returns the text of a `metrics.csv` that is stored in a checkpoint.

    Args:
      tables: {name: text} of the checkpoint.
      name: name of the text.
      where: the folder, for the message.

    Raises:
      DamagedError: if the checkpoint does not hold it, or a line of it does not belong to a `metrics.csv`.
    """
    if name not in tables:
        raise DamagedError(f"{where}: its checkpoint is damaged: the rows of {FILE} are missing")
    try:
        parsed(tables[name])
    except ValueError as error:
        raise DamagedError(f"{where}: its checkpoint is damaged: {FILE}, {error}") from error
    return tables[name]


def parsed(text):
    """Parses the text of a `metrics.csv` into rows, as `read` returns them.

    Raises:
      ValueError: if a line is damaged. The message names the line.
    """
    complete_lines, rows = text.split("\n")[:-1], []
    names = complete_lines[0].split(",") if complete_lines else []
    if complete_lines and tuple(names[: len(COLUMNS)]) != COLUMNS:
        raise ValueError("line 1 does not name the expected columns")
    for number, line in enumerate(complete_lines[1:], 2):
        cells = line.split(",")
        if len(cells) != len(names):
            raise ValueError(f"line {number}: expected {len(names)} columns, found {len(cells)}")
        try:
            rows.append({name: _value(name, cell) for name, cell in zip(names, cells, strict=True)})
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    return rows


def digest(folder):
    """Returns {"bytes", "sha256"} of the current `metrics.csv`, or None without a file."""
    path = Path(folder) / FILE
    return _digest(path.read_bytes()) if path.is_file() else None


def check(folder, saved_digest):
    """Compares `metrics.csv` with an earlier `digest` of it; rows may have been added since.

    Raises:
      ConfigError: if rows were changed or lost.
    """
    path = Path(folder) / FILE
    if (
        saved_digest is not None
        and _digest(path.read_bytes()[: saved_digest["bytes"]] if path.is_file() else b"") != saved_digest
    ):
        raise DamagedError(f"{path} is damaged: its rows were changed or lost; {_hint(folder)}")


def _hint(folder):
    return f"{hints.command('train', [hints.override('resume', str(folder))])} restores it from the checkpoint"


def _digest(data):
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def table(folder):
    """Reads a run's `metrics.csv` as a `Table`; the table is empty before the first report."""
    return Table(read(folder) if (Path(folder) / FILE).is_file() else ())


def _value(name, text):
    if name == "split":
        return text
    if name == "step":
        step = int(text)
        if not 0 <= step < 2**53:
            raise ValueError(f"step={text} is out of range")
        return step
    return None if text == "" else float(text)
