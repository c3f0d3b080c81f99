"""Pen strokes: the next movement of a pen, predicted as a mixture of Gaussians (Graves 2013)."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _drawings
from jaxrnn.data._splits import split_groups
from jaxrnn.data.examples import Examples, pad, stored
from jaxrnn.dataset import Loss
from jaxrnn.distributions.pen_mixture import mixture
from jaxrnn.strokes import Strokes, movements
from jaxrnn.types import Dataset, Positive, Seed, Size

MIN_DRAWINGS = 10


@checked
def dataset(
    path: str | Path | None = None,
    examples: Size | None = 2000,
    components: Size = 20,
    longest: Size = 300,
    spacing: Positive = 5.0,
    split_seed: Seed = 0,
) -> Dataset:
    """Predicts each movement (dx, dy, end of the stroke) of a pen from the movements before it.

    Training, validation and test get 80, 10 and 10 % of the distinct drawings. The movements are divided by their root
    mean square in the training part, the same for x and y. A drawing is a list of strokes, and y grows downwards.

    Args:
      path: None for rows of simple shapes, drawn by formulas. Otherwise a table with the columns drawing, stroke, x and
        y and a point per row; a file of Quick, Draw! (`.ndjson`); a folder of SVG files whose paths are the strokes; or
        kanjivg for the characters of the package kanjivg. The last two need the extra [strokes].
      examples: the number of drawings, from the first one on; None for all of a file.
      components: M, the number of Gaussians of the mixture.
      longest: the largest number of points; longer drawings are left out.
      spacing: the distance of the points along the paths of SVG files, in their units.
      split_seed: the seed of the split, and of the shapes.

    Raises:
      FileNotFoundError: if the file does not exist.
      ConfigError: if the extra is needed and not installed.
      ValueError: if the file cannot be read, or fewer than 10 different drawings are short enough.
    """
    if path is None:
        drawings = _drawings.drawn(2000 if examples is None else examples, split_seed)
    else:
        drawings = _drawings.read(path, spacing, examples)
    pens = [movements(strokes) for strokes in drawings]
    pens = [pen for pen in pens if 2 <= len(pen) <= longest and np.abs(pen[:, :2]).max() > 0]
    keys = [pen.tobytes() for pen in pens]
    if len(set(keys)) < MIN_DRAWINGS:
        raise ValueError(
            f"data.path={path}: {len(set(keys))} different drawings of 2 to data.longest={longest} points; at least "
            f"{MIN_DRAWINGS} are needed"
        )
    parts = split_groups(keys, seed=split_seed)
    steps = np.concatenate([pens[row][1:] for row in parts["train"]])
    scale = float(np.sqrt(np.mean(steps[:, :2] ** 2)))
    pens = [pen / [scale, scale, 1] for pen in pens]
    distribution = mixture(components)
    data = stored(
        {name: _examples([pens[row] for row in rows]) for name, rows in parts.items()},
        "all",
        distribution.size,
        {"one Gaussian": _one_gaussian(distribution, steps / [scale, scale, 1])},
        loss=Loss(distribution.loss, distribution.loss_name),
        metrics={},
        notes=_notes(len(drawings), len(pens)),
    )
    return data._replace(targets="next_step", strokes=Strokes(distribution, scale))


def _examples(pens):
    xs, lengths = pad([pen[:-1] for pen in pens], np.float32)
    return Examples(xs, lengths, pad([pen[1:] for pen in pens], np.float32)[0])


def _one_gaussian(distribution, steps):
    """Returns the predictor of the mean and the covariance of all movements of the training part [n, 3]."""
    count = len(steps)
    rate = (steps[:, 2].sum() + 1) / (count + 2)
    mean, covariance = steps[:, :2].mean(axis=0), np.cov(steps[:, :2].T, bias=True) + 1e-6 * np.eye(2)
    outputs = np.asarray(distribution.constant(mean, covariance, rate))

    def predict(batch):
        return jnp.broadcast_to(jnp.asarray(outputs, float), (*batch.targets.shape[:-1], len(outputs)))

    return predict


def _notes(count, used):
    left_out = count - used
    return (f"{left_out} of {count} drawings are left out: longer than data.longest, or one point",) * bool(left_out)
