"""Checkpoints by Orbax: all that a run needs to go on bit for bit, and the best params so far.

Orbax commits a checkpoint only when all of it is written, so one that was cut off is never found.
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from jaxrnn.errors import ConfigError
from jaxrnn.types import NonNegative, Size


class Checkpointing(NamedTuple):
    """When checkpoints are taken.

    Fields:
      seconds: between two of them; the first and the last report always save one.
      keep_every: updates between two that are kept for good, to study the training, a multiple of the updates between
        two reports; None to keep the last one alone.
    """

    seconds: NonNegative = 10.0
    keep_every: Size | None = None


class Checkpoints:
    """The checkpoints of one run folder; the newest one is kept, and those of every `keep_every` updates."""

    def __init__(self, folder, keep_every=None):
        import orbax.checkpoint as ocp  # here: half a second that only runs need

        self._ocp, self._folder = ocp, folder
        options = ocp.CheckpointManagerOptions(
            max_to_keep=1, keep_period=keep_every, enable_async_checkpointing=False, cleanup_tmp_directories=True
        )
        if jax.process_count() > 1:  # each process keeps its own, without waiting for others
            (Path(folder) / "checkpoints").mkdir(parents=True, exist_ok=True)
            own, alone = jax.process_index(), ocp.options.MultiprocessingOptions
            options.multiprocessing_options = alone(own, active_processes={own}, barrier_sync_key_prefix=str(own))
            options.create = False
        self._manager = ocp.CheckpointManager(Path(folder).absolute() / "checkpoints", options=options)

    def save(self, step, state, best, progress):
        """Saves a `TrainState` after `step` updates (its key may be key data), the best params and the progress, a dict
        that JSON can hold.

        Raises:
          OSError: if it cannot be written, as on a full disk; the checkpoint before it stays.
        """
        args = self._ocp.args
        content = args.Composite(
            arrays=args.StandardSave(jax.tree.map(np.asarray, _key_data(state, best))),
            progress=args.JsonSave({"progress": progress, "shapes": _shapes(_key_data(state, best))}),
        )
        try:
            self._manager.save(step, args=content)
        except ValueError as error:  # what TensorStore makes of a failed write
            raise OSError(f"the checkpoint of step {step} could not be written ({str(error)[:80]}...)") from error

    def close(self):
        """Ends what the manager keeps running; many runs that are saved once would keep many."""
        self._manager.close()

    def steps(self):
        """The updates after which the checkpoints were taken, in order."""
        return sorted(self._manager.all_steps())

    def progress(self):
        """The progress in the newest checkpoint.

        Raises:
          ConfigError: if it is broken.
        """
        with self._refusing():
            return self._saved(self.steps()[-1])["progress"]

    def restore(self, state, best, step=None):
        """A checkpoint as (state, best, progress), numpy arrays and key data for the key, or None if there is none.

        Args:
          state, best: what was saved, as arrays or `jax.ShapeDtypeStruct`s, to say what is expected.
          step: one of `steps()`; None for the newest.

        Raises:
          ConfigError: if it is broken, or of another version or another model.
        """
        step = self._manager.latest_step() if step is None else step
        if step is None:
            return None
        with self._refusing():
            return self._restore(step, jax.eval_shape(_key_data, state, best))

    def params(self, like, part="best", step=None):
        """The params in a checkpoint, whatever else it holds: (params, progress, step), or None if there is none.

        Args:
          like: such params, as arrays or `jax.ShapeDtypeStruct`s, to say what is expected.
          part: "best" for the best ones so far, "state" for those of the checkpoint's step.
          step: one of `steps()`; None for the newest.

        Raises:
          ConfigError: if it is broken, or of another version or another model.
        """
        step = self._manager.latest_step() if step is None else step
        if step is None:
            return None
        with self._refusing():
            saved = self._saved(step)
            where = "['best']" if part == "best" else "['state'].params"
            shapes = {name: shape for name, shape in saved["shapes"] if name.startswith(where)}
            _compare([[where + name, shape] for name, shape in _shapes(like)], list(shapes.items()))
            args = self._ocp.args
            arrays = self._manager.restore(step, args=args.Composite(arrays=args.StandardRestore()))["arrays"]
            tree = arrays["best"] if part == "best" else arrays["state"]["params"]
            paths = jax.tree_util.tree_flatten_with_path(like)[0]
            leaves = [np.asarray(_at(tree, path)) for path, _ in paths]
        return jax.tree.unflatten(jax.tree.structure(like), leaves), saved["progress"], step

    def _restore(self, step, expected):
        saved, args = self._saved(step), self._ocp.args
        _compare(_shapes(expected), saved["shapes"])
        arrays = self._manager.restore(step, args=args.Composite(arrays=args.StandardRestore(expected)))["arrays"]
        arrays = jax.tree.map(np.asarray, arrays)
        return arrays["state"], arrays["best"], saved["progress"]

    def _saved(self, step):
        args = self._ocp.args
        return self._manager.restore(step, args=args.Composite(progress=args.JsonRestore()))["progress"]

    @contextlib.contextmanager
    def _refusing(self):
        try:
            yield
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise ConfigError(
                f"{self._folder}: its checkpoint is broken, or of another version of jaxrnn or of the model "
                f"({str(error).splitlines()[0][:200]})"
            ) from error


def _compare(expected, saved):
    for (name, shape), (saved_name, saved_shape) in zip(expected, saved, strict=True):
        if (name, shape) != (saved_name, saved_shape):
            raise ValueError(f"it holds {saved_name} {saved_shape} where {name} {shape} is expected")


def _at(tree, path):
    """The leaf of a tree of dicts and lists, as Orbax restores one, at a path of the tree that was saved."""
    for key in path:
        name = key.idx if hasattr(key, "idx") else getattr(key, "name", getattr(key, "key", None))
        tree = tree[name] if not isinstance(tree, dict) or name in tree else tree[str(name)]
    return tree


def _key_data(state, best):
    is_key = jax.dtypes.issubdtype(state.key.dtype, jax.dtypes.prng_key)
    return {"state": state.replace(key=jax.random.key_data(state.key)) if is_key else state, "best": best}


def _shapes(tree):
    """[[name, "dtype[shape]"], ...] of the leaves: Orbax cuts or pads an array to the shape that is asked for."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return [[jax.tree_util.keystr(path), f"{leaf.dtype}{list(leaf.shape)}"] for path, leaf in leaves]
