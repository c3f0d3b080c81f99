"""Joins the data sets of several series: one network reads the windows of all of them."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.batch import Batch
from jaxrnn.data._forecast import shuffled
from jaxrnn.dataset import TrainingSet
from jaxrnn.windows import Windows


def joined(datasets):
    """Joins data sets of windows: training draws from all windows, a split holds the windows of series after series.

    The arrays of the series follow each other; a window never crosses from one to the next.

    Args:
      datasets: a list of data sets as from `forecast`, of the same widths, horizon and window.
    """
    if len(datasets) == 1:
        return datasets[0]
    lengths = [len(dataset.train.arrays[0]) for dataset in datasets]
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    inputs, targets = (_concatenated([d.train.arrays[number] for d in datasets]) for number in range(2))
    starts = [offset + np.arange(dataset.train.rows) for offset, dataset in zip(offsets, datasets, strict=True)]
    starts, of_series = jnp.asarray(np.concatenate(starts), jnp.int32), datasets[0].train.batch

    def batch(arrays, items):
        rows, fresh = items
        return of_series(arrays[:2], (arrays[2][rows], fresh))

    splits = {
        name: _side_by_side(inputs, targets, offsets, [dataset.splits[name] for dataset in datasets])
        for name in datasets[0].splits
    }
    with_gaps = [each for each in datasets if each.series.missing is not None or each.series.informed is not None]
    return datasets[0]._replace(
        train=TrainingSet(len(starts), (inputs, targets, starts), shuffled(len(starts)), batch),
        splits=splits,
        loss=(with_gaps or datasets)[0].loss,
    )


def _side_by_side(inputs, targets, offsets, batches):
    """Returns the `Batch` of the windows of all batches, cut to the shortest window."""
    length = min(len(batch.xs) for batch in batches)
    starts = [batch.xs.starts + len(batch.xs) - length + int(offset)
              for offset, batch in zip(offsets, batches, strict=True)]  # fmt: skip
    ends, weights = (_concatenated([getattr(b, name) for b in batches], axis=1) for name in ("targets", "weights"))
    windows = Windows(inputs, targets, _concatenated(starts), length)
    return Batch(windows, ends, weights, jnp.ones(weights.shape[1], bool))


def _concatenated(arrays, axis=0):
    """Concatenates arrays without compiling a program for their number."""
    return jnp.asarray(np.concatenate([np.asarray(array) for array in arrays], axis=axis))
