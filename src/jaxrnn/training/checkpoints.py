"""Checkpoints: all that a run needs to go on bit for bit, and the best params so far, in one file each.

A file holds a digest of each array, compared when it is read; it gets its name when all of it is on the disk.
"""

import logging
import re
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from typing_extensions import TypedDict

from jaxrnn import stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.training import array_file
from jaxrnn.types import NonNegative, Size

FOLDER = "checkpoints"


class Checkpointing(NamedTuple):
    """When checkpoints are taken.

    Fields:
      seconds: between two of them; the first and the last report always save one.
      keep_every: updates between two that are kept for good, to study the training, a multiple of the updates between
        two reports; None to keep the last one alone.
    """

    seconds: NonNegative = 10.0
    keep_every: Size | None = None


class Notes(TypedDict):
    """What a checkpoint notes beside its arrays: the updates that were made, and the progress then."""

    step: int
    progress: dict[str, Any]


class Saved(NamedTuple):
    """What a checkpoint holds.

    Fields:
      state: a `TrainState`, numpy arrays, its key as key data.
      best: the best params so far.
      progress: what JSON can hold.
      tables: {name: text}, the rows that `metrics.csv` held.
    """

    state: object
    best: object
    progress: dict
    tables: dict[str, str]


class Checkpoints:
    """The checkpoints of one run folder; the newest one is kept, and those of every `keep_every` updates.

    Args:
      folder: the run folder.
      keep_every: as in `Checkpointing`.
      schema: the type of the progress, to which what is read is held.

    Raises:
      ConfigError: if they were written by jaxrnn 0.4 or earlier.
    """

    def __init__(self, folder, keep_every=None, schema=dict[str, Any]):
        self._place, self._keep_every, self._schema = Path(str(folder)) / FOLDER, keep_every, schema
        self._saved = None
        if not self.steps() and any(path.name.isdigit() for path in self._place.glob("*/")):
            raise ConfigError(
                f"{folder}: its checkpoints are of jaxrnn 0.4 or earlier, which this version does not read; go on with "
                "it by jaxrnn 0.4.0, or train it again"
            )

    def save(self, step, state, best, progress, tables=None):
        """Saves a `TrainState` after `step` updates (its key may be key data), the best params, the progress, a dict
        that JSON can hold, and texts {name: text}.

        Raises:
          OSError: if it cannot be written, as on a full disk; the checkpoint before it stays.
        """
        self._place.mkdir(exist_ok=True)  # its parent is there, unless it was deleted under the run
        arrays = {f"arrays{name}": array for name, array in _named(_key_data(state, best))}
        texts = {f"table/{name}": np.frombuffer(text.encode(), np.uint8) for name, text in (tables or {}).items()}
        array_file.write(self._file(step), {**arrays, **texts}, {"step": int(step), "progress": progress})
        for earlier in self.steps()[:-1]:
            if not self._keep_every or earlier % self._keep_every:
                self._file(earlier).unlink()
        self._saved = step

    def is_lost(self):
        """Whether the checkpoint that was saved last was deleted since, which is told."""
        lost = self._saved is not None and not self._file(self._saved).exists()
        if lost:
            logging.getLogger(__name__).warning(
                "%s: the checkpoint of step %d was deleted under the run, which saves another at once",
                self._place, self._saved)  # fmt: skip
        return lost

    def steps(self):
        """The updates after which the checkpoints were taken, in order."""
        names = [re.fullmatch(r"(\d+)\.safetensors", path.name) for path in self._place.glob("*.safetensors")]
        return sorted(int(name[1]) for name in names if name)

    def progress(self):
        """The progress in the newest checkpoint.

        Raises:
          ConfigError: if it is damaged.
        """
        return self._read(self.steps()[-1])[1]

    def restore(self, state, best, step=None):
        """A checkpoint as `Saved`, or None if there is none.

        Args:
          state, best: what was saved, as arrays or `jax.ShapeDtypeStruct`s, to say what is expected.
          step: one of `steps()`; None for the newest.

        Raises:
          ConfigError: if it is damaged, or of another model.
        """
        step = self._newest() if step is None else step
        if step is None:
            return None
        expected = jax.eval_shape(_key_data, state, best)
        arrays, progress, tables = self._read(step)
        tree = self._tree(expected, "arrays", arrays)
        return Saved(tree["state"], tree["best"], progress, tables)

    def params(self, like, part="best", step=None):
        """The params in a checkpoint, whatever else it holds: (params, progress, tables, step), None if there is none.

        Args:
          like: such params, as arrays or `jax.ShapeDtypeStruct`s, to say what is expected.
          part: "best" for the best ones so far, "state" for those of the checkpoint's step.
          step: one of `steps()`; None for the newest.

        Raises:
          ConfigError: if it is damaged, or of another model.
        """
        step = self._newest() if step is None else step
        if step is None:
            return None
        arrays, progress, tables = self._read(step)
        where = "arrays['best']" if part == "best" else "arrays['state'].params"
        own = {name: array for name, array in arrays.items() if name.startswith(where)}
        return self._tree(like, where, own), progress, tables, step

    def _newest(self):
        return max(self.steps(), default=None)

    def _file(self, step):
        return self._place / f"{step}.safetensors"

    def _read(self, step):
        """(arrays, progress, tables) of a checkpoint."""
        try:
            arrays, content = array_file.read(self._file(step))
            notes = stored_files.check(content, Notes, f"{self._file(step)}: its notes")
            stored_files.check(notes["progress"], self._schema, f"{self._file(step)}: its progress")
            texts = {name[6:]: arrays.pop(name) for name in list(arrays) if name.startswith("table/")}
            tables = {name: bytes(text).decode() for name, text in texts.items()}
        except UnicodeDecodeError as error:
            raise DamagedError(f"{self._file(step)} is damaged: its tables are not text") from error
        except DamagedError as error:
            raise DamagedError(f"{error}; restore it from a copy, or train again") from error
        if notes["step"] != step:
            raise ConfigError(f"{self._file(step)} is of another step, {notes['step']}")
        return arrays, notes["progress"], tables

    def _tree(self, expected, where, arrays):
        """Arrays as the tree that is expected, whose names begin by `where`."""
        wanted = [(where + name, f"{leaf.dtype}{list(leaf.shape)}") for name, leaf in _named(expected)]
        for name, kind in wanted:
            found = f"{arrays[name].dtype}{list(arrays[name].shape)}" if name in arrays else "nothing"
            if found != kind:
                raise ConfigError(f"{self._place} is of another model: it holds {found} where {name} should be {kind}")
        if further := set(arrays) - {name for name, _ in wanted}:
            raise ConfigError(f"{self._place} is of another model: it holds {min(further)} too")
        return jax.tree.unflatten(jax.tree.structure(expected), [arrays[name] for name, _ in wanted])


def _key_data(state, best):
    is_key = jax.dtypes.issubdtype(state.key.dtype, jax.dtypes.prng_key)
    return {"state": state._replace(key=jax.random.key_data(state.key)) if is_key else state, "best": best}


def _named(tree):
    """[(name, leaf)] of a tree."""
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]]
