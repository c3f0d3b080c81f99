"""Checkpoints: one file each with everything that resumes a run bit for bit, and the best params so far.

A file holds a digest of each array, which reading compares. It gets its name only when all of it is on the disk.
"""

import logging
import re
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from typing_extensions import TypedDict

from jaxrnn import stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.storage import array_file

FOLDER = "checkpoints"


class Notes(TypedDict):
    """Notes of a checkpoint, stored with its arrays: the number of updates made, and the progress of the run."""

    step: int
    progress: dict[str, Any]


class Saved(NamedTuple):
    """Content of a checkpoint.

    Fields:
      state: a `TrainState` of numpy arrays, with key data in place of its key.
      best: the best params so far.
      progress: the progress of the run, a dict.
      tables: {name: text}, the content of `metrics.csv` at this step.
    """

    state: object
    best: object
    progress: dict
    tables: dict[str, str]


class Checkpoints:
    """The checkpoints of one run folder: the newest one, and one per `keep_every` updates.

    Args:
      folder: the run folder.
      keep_every: updates between two checkpoints that are never deleted; None to keep only the newest one.
      schema: type of the progress, against which reading checks it.

    Raises:
      ConfigError: if jaxrnn 0.4 or earlier wrote them.
    """

    def __init__(self, folder, keep_every=None, schema: Any = dict[str, Any]):
        self._folder, self._keep_every, self._schema = Path(str(folder)) / FOLDER, keep_every, schema
        self._saved_step = None
        if not self.steps() and any(path.name.isdigit() for path in self._folder.glob("*/")):
            raise ConfigError(
                f"{folder}: its checkpoints were written by jaxrnn 0.4 or earlier, which this version cannot read; "
                "resume the run with jaxrnn 0.4.0, or train it again"
            )

    def save(self, step, state, best, progress, tables=None):
        """Saves a checkpoint.

        Args:
          step: number of updates made.
          state: the `TrainState` after them; its key may be key data. None saves only the best params, which can be
            loaded but not resumed.
          best: the best params so far.
          progress: a dict that JSON can hold.
          tables: {name: text}.

        Raises:
          OSError: if it cannot be written, for example on a full disk. The previous checkpoint stays.
        """
        self._folder.mkdir(exist_ok=True)  # no parents: if the run folder was deleted, it must not come back
        arrays = {f"arrays{name}": array for name, array in _named(_key_data(state, best))}
        texts = {f"table/{name}": np.frombuffer(text.encode(), np.uint8) for name, text in (tables or {}).items()}
        array_file.write(self._file(step), {**arrays, **texts}, {"step": int(step), "progress": progress})
        for earlier_step in self.steps()[:-1]:
            if not self._keep_every or earlier_step % self._keep_every:
                self._file(earlier_step).unlink()
        self._saved_step = step

    def is_lost(self):
        """Returns whether the last saved checkpoint has been deleted, and logs a warning if so."""
        lost = self._saved_step is not None and not self._file(self._saved_step).exists()
        if lost:
            logging.getLogger(__name__).warning(
                "%s: the checkpoint of step %d was deleted while the run was training; the run saves a new one now",
                self._folder,
                self._saved_step,
            )
        return lost

    def steps(self):
        """Returns the steps of the checkpoints, in order."""
        names = [re.fullmatch(r"(\d+)\.safetensors", path.name) for path in self._folder.glob("*.safetensors")]
        return sorted(int(name[1]) for name in names if name)

    def progress(self):
        """Returns the progress in the newest checkpoint.

        Raises:
          ConfigError: if it is damaged.
        """
        return self._read(self.steps()[-1])[1]

    def restore(self, state, best, step=None):
        """Reads a checkpoint as `Saved`; returns None if there is none.

        Args:
          state, best: arrays or `jax.ShapeDtypeStruct`s with the expected structure, shapes and types.
          step: one of `steps()`; None for the newest.

        Raises:
          ConfigError: if it is damaged, or belongs to another model.
        """
        step = self._newest() if step is None else step
        if step is None:
            return None
        expected = jax.eval_shape(_key_data, state, best)
        arrays, progress, tables = self._read(step)
        if not any(name.startswith("arrays['state']") for name in arrays):
            raise ConfigError(
                f"{self._folder.parent} was saved by run.save without the state of its optimizer, so it cannot be "
                "resumed; load it, and train on with jaxrnn.fit(net, dataset, params=run.params, ...)"
            )
        tree = self._tree(expected, "arrays", arrays)
        return Saved(tree["state"], tree["best"], progress, tables)

    def params(self, like, part="best", step=None):
        """Reads only the params of a checkpoint: (params, progress, tables, step).

        Args:
          like: arrays or `jax.ShapeDtypeStruct`s with the expected structure, shapes and types.
          part: "best" for the best params so far, "state" for the params of the checkpoint's step.
          step: one of `steps()`; None for the newest.

        Raises:
          ConfigError: if it is damaged, or belongs to another model.
        """
        step = self.steps()[-1] if step is None else step
        arrays, progress, tables = self._read(step)
        prefix = "arrays['best']" if part == "best" else "arrays['state'].params"
        params = {name: array for name, array in arrays.items() if name.startswith(prefix)}
        return self._tree(like, prefix, params), progress, tables, step

    def _newest(self):
        return max(self.steps(), default=None)

    def _file(self, step):
        return self._folder / f"{step}.safetensors"

    def _read(self, step):
        """Reads (arrays, progress, tables) of a checkpoint."""
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
            raise ConfigError(f"{self._file(step)} is the checkpoint of another step, {notes['step']}")
        return arrays, notes["progress"], tables

    def _tree(self, expected, prefix, arrays):
        """Builds the expected tree from arrays whose names begin with `prefix`."""
        kinds = {prefix + name: f"{leaf.dtype}{list(leaf.shape)}" for name, leaf in _named(expected)}
        for name, kind in kinds.items():
            saved_kind = f"{arrays[name].dtype}{list(arrays[name].shape)}" if name in arrays else "nothing"
            if saved_kind != kind:
                raise ConfigError(f"{self._folder} is of another model: {name}: expected {kind}, found {saved_kind}")
        if unexpected := arrays.keys() - kinds.keys():
            raise ConfigError(f"{self._folder} is of another model: it also holds {min(unexpected)}")
        return jax.tree.unflatten(jax.tree.structure(expected), [arrays[name] for name in kinds])


def _key_data(state, best):
    if state is None:  # only the params were saved
        return {"state": None, "best": best}
    is_key = jnp.issubdtype(state.key.dtype, jax.dtypes.prng_key)
    return {"state": state._replace(key=jax.random.key_data(state.key)) if is_key else state, "best": best}


def _named(tree):
    """Lists [(name, leaf)] of a tree."""
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]]
