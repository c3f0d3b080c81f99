"""Vorontsov, Trabelsi, Kadoury & Pal 2017, "On orthogonality and learning recurrent networks with long term
dependencies", section 4.

Singular values of the recurrent weights may differ from 1 by a margin m. A hard constraint, m = 0, preserves gradients
but slows down learning. With a small margin copying memory is learned sooner, and the derivative over T steps stays
between (1 - m)^T and (1 + m)^T.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import elman
from jaxrnn.data import copy_memory
from jaxrnn.papers import _curves as curves
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Reproduction, at_most
from jaxrnn.parametrizations import soft_orthogonal
from jaxrnn.training.update import Trainer
from jaxrnn.types import ListOf, Positive, Rate, Size

LARGE = 0.5  # the paper calls margins below this small


def reproduce(
    quick: bool = False,
    length: Size = 100,
    size: Size = 64,
    margins: ListOf[Rate] = (0.0, 0.01, 0.1, 0.9),
    seeds: Size = 3,
    steps: Size = 1200,
    learning_rate: Positive = 1e-3,
) -> Reproduction:
    """Measures losses on copying memory for several margins, all in one program.

    Args:
      quick: T = 10, 32 units, a third of the updates, two networks per margin, margins 0 and 0.1.
      length: T.
      size: H.
      margins: values of m, the hard constraint first.
      seeds: networks per margin.
      steps: updates of 16 sequences.
      learning_rate: learning rate of Adam.
    """
    if quick:
        length, size, steps, seeds, margins = 10, 32, steps // 3, 2, (0.0, 0.1)
    data, trainer = copy_memory.dataset(length), Trainer(steps, 16, max(1, steps // 20))

    def make(margin):
        cell, family = elman.cell(size, "linear"), soft_orthogonal(margin)
        return training.task(cell, data, trainer, learning_rate=learning_rate, parametrization=family)

    at, losses = training.losses_by_value(make, seeds, margins)
    floor = 10 * np.log(8) / (length + 20)
    mean = losses.mean(axis=0) / floor
    small = [number for number, m in enumerate(margins) if 0 < m < LARGE]
    claim = f"m = {margins[small[-1]]:g}: mean loss during training / the same at m = 0"
    claims = [at_most(claim, 1.0, mean[small[-1]] / mean[0], source="unchecked")]
    claim, last = "m = 0: last loss / loss without memory", training.last(losses)[0] / floor
    claims.append(at_most(claim, 0.6 if quick else 0.2, last))
    claims += [_bound(size, length, margins[number]) for number in small]

    kinds = {f"m = {m:g}": (at, losses[:, number] / floor) for number, m in enumerate(margins)}

    def draw():
        return {"vorontsov_2017": curves.loss_figure(kinds, 1.0, "loss / loss without memory", medians=True)}

    settings = {"T": length, "H": size, "margins": list(margins), "seeds": seeds, **training.settings(trainer)}
    settings |= {"Adam": learning_rate, "clip_norm": 1.0, "units": "linear"}
    differs = [
        "Singular vectors by exponentials of skew matrices and Adam, instead of geodesic descent; linear units.",
        "The paper finds margins of 1 worse on longer lags; here, at T = 100, the large margin is not worse.",
    ]
    return Reproduction("Vorontsov et al. 2017, margins around orthogonality", claims, settings, differs, draw)


def _bound(size, length, margin):
    """Compares ln of the largest singular value of W^T with T ln(1 + m), for random weights of the family."""
    raw = 3 * jax.random.normal(jax.random.key(0), (size, size)) / jnp.sqrt(size)
    w = np.asarray(soft_orthogonal(margin).matrix(raw), float)
    power = np.linalg.norm(np.linalg.matrix_power(w, length), 2)
    ours = np.log(power) / (length * np.log1p(margin))
    return at_most(
        f"m = {margin:g}: ln of the norm of dh_T / dh_0, divided by its bound T ln(1 + m)", 1.0, ours, source="derived"
    )
