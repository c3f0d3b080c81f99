"""Kerg et al. 2019, "Non-normal recurrent neural network (nnRNN): learning long time dependencies while improving
expressivity with transient dynamics", sections 2 to 4.

The recurrent weights have the Schur form P (Lambda + T) P^T with eigenvalues on the unit circle. With T = 0 they are
orthogonal and no vector grows. With T they are non-normal, and vectors grow for a while although no eigenvalue exceeds
one. Trained on copying memory, such a network learns the task and leaves the normal matrices.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import elman
from jaxrnn.data import copy_memory
from jaxrnn.papers import _curves as curves
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Claim, Reproduction, at_least, at_most
from jaxrnn.parametrizations import non_normal, orthogonal
from jaxrnn.training.update import Trainer
from jaxrnn.types import Positive, Size

FAMILIES = {"non-normal": non_normal(), "orthogonal": orthogonal(), "free": None}


def reproduce(
    quick: bool = False,
    length: Size = 100,
    size: Size = 64,
    seeds: Size = 3,
    steps: Size = 1200,
    learning_rate: Positive = 1e-3,
) -> Reproduction:
    """Measures losses on copying memory for three kinds of networks, and how far the first departs from normal
    matrices.

    Args:
      quick: T = 10, 24 units, a third of the updates, one network per kind.
      length: T.
      size: H, even.
      seeds: networks per kind.
      steps: updates of 16 sequences.
      learning_rate: learning rate of Adam.
    """
    length, size, steps, seeds = (10, 24, steps // 3, 1) if quick else (length, size, steps, seeds)
    data, trainer = copy_memory.dataset(length), Trainer(steps, 16, max(1, steps // 20))
    floor = 10 * np.log(8) / (length + 20)
    curves_by_family, departures = {}, None
    for name, family in FAMILIES.items():
        task = training.task(
            elman.cell(size, "tanh" if family is None else "linear"),
            data,
            trainer,
            learning_rate=learning_rate,
            parametrization=family,
        )
        at, losses, rows = training.train_and_record(task, seeds)
        curves_by_family[name] = at, losses / floor
        if name == "non-normal":
            explicit: Any = task.net.explicit_weights
            weights = [explicit.weights(rows.params(row))[0].w_h for row in range(seeds)]
            departures = np.array([_departure(np.asarray(w, float)) for w in weights])
    last = {name: training.last(losses) for name, (_, losses) in curves_by_family.items()}
    claims = [
        *_transient(size),
        at_most("non-normal: loss / loss without memory", 0.6 if quick else 0.2, last["non-normal"]),
        at_least("tanh with free weights: loss / loss without memory", 0.9, last["free"]),
        at_least("non-normal, trained: norm of W W^T - W^T W / squared norm of W", 0.01, departures),
    ]

    def draw():
        return {"kerg_2019": curves.loss_figure(curves_by_family, 1.0, "loss / loss without memory", medians=True)}

    settings = {"T": length, "H": size, "seeds": seeds, **training.settings(trainer), "Adam": learning_rate}
    differs = [
        "Linear units instead of modReLU; Adam with one learning rate instead of RMSProp with two; no penalty on the "
        "moduli.",
        "The paper also compares the kinds on harder tasks (permuted digits, Penn Treebank), which are not run here.",
    ]
    return Reproduction("Kerg et al. 2019, non-normal recurrent weights", claims, settings, differs, draw)


def _departure(w):
    return np.linalg.norm(w @ w.T - w.T @ w) / np.linalg.norm(w) ** 2


def _transient(size):
    """Checks properties of every matrix of the family: eigenvalues of modulus one, and growth only with T."""
    family = non_normal()
    raw = family.begin(jax.random.key(0), jax.random.normal(jax.random.key(1), (size, size)) / jnp.sqrt(size))
    below = 0.2 * jnp.tril(jax.random.normal(jax.random.key(2), (size, size)), -1) / jnp.sqrt(size)
    normal, not_normal = (np.asarray(family.matrix(a), float) for a in (raw, raw + below))
    radius = np.abs(np.linalg.eigvals(not_normal)).max()
    growth = [max(np.linalg.norm(np.linalg.matrix_power(w, t), 2) for t in (1, 2, 5, 10)) for w in (normal, not_normal)]
    return [
        Claim("largest modulus of an eigenvalue, T drawn at random", 1.0, radius, tolerance=0.02),
        Claim("T = 0: largest norm of W^t over 10 steps", 1.0, growth[0], tolerance=1e-4),
        at_least("T drawn at random: largest norm of W^t over 10 steps", 1.1, growth[1]),
    ]
