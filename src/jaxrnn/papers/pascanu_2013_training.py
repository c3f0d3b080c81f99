"""Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", section 4.1: training.

On temporal order plain gradient descent fails beyond some length. Clipping the gradient's norm extends this length. A
regularizer that preserves the norm of the gradient on its way back extends it further:

    Omega = sum_k (|dE/dh_{k+1} dh_{k+1}/dh_k| / |dE/dh_{k+1}| - 1)^2.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn.cells import elman
from jaxrnn.data import temporal_order
from jaxrnn.dynamics import taps
from jaxrnn.initializers import gaussian
from jaxrnn.losses import weighted_sum
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Reproduction, at_least
from jaxrnn.plotting import style
from jaxrnn.training.update import Trainer
from jaxrnn.types import Dataset, ListOf, Positive, Size

WAYS = {"SGD": (None, False), "SGD-C": (1.0, False), "SGD-CR": (1.0, True)}  # (clip_norm, whether to regularise)


def reproduce(
    quick: bool = False,
    lengths: ListOf[Size] = (20, 40),
    size: Size = 50,
    seeds: Size = 4,
    steps: Size = 3000,
    learning_rate: Positive = 0.1,
    weight: Positive = 0.1,
) -> Reproduction:
    """Measures the share of sequences classified right: by gradient descent, with clipping, and with the regularizer.

    Args:
      quick: the shortest sequences, half of the updates, two networks, no regularizer.
      lengths: values of T, the shortest sequence; sequences are up to 1.1 T long.
      size: H.
      seeds: networks per length and way.
      steps: updates of 20 sequences.
      learning_rate: learning rate of plain gradient descent.
      weight: weight of Omega.
    """
    if quick:
        lengths, seeds, steps = lengths[:1], 2, steps // 2
    ways = [name for name in WAYS if not (quick and name == "SGD-CR")]
    right = {
        (length, name): _shares(length, name, size, seeds, steps, learning_rate, weight)
        for length in lengths
        for name in ways
    }
    shortest, longest = lengths[0], lengths[-1]
    claims = [
        at_least(
            f"T = {shortest}: share right, clipped minus plain", 0.5, right[shortest, "SGD-C"] - right[shortest, "SGD"]
        ),
        at_least(f"T = {shortest}: share right, clipped", 0.95, right[shortest, "SGD-C"]),
    ]
    if not quick:
        gained = right[longest, "SGD-CR"] - right[longest, "SGD-C"]
        claim = f"T = {longest}: share right, regularized minus clipped"
        claims.append(at_least(claim, 0.5, gained))
        for length in lengths:
            claim = f"T = {length}: share right, regularized"
            claims.append(at_least(claim, 0.99, right[length, "SGD-CR"], source="unchecked"))
    settings = {"T": list(lengths), "H": size, "seeds": seeds, "updates": steps, "batch": 20, "SGD": learning_rate}
    settings |= {"clip_norm": 1.0, "weight of Omega": weight, "W_h": "N(0, 0.64 / H)"}
    differs = [
        f"T up to {longest} instead of 200; {steps:,} updates instead of as many as needed; our weight of Omega.",
        "A sequence is right if its class has a probability of at least 0.7; a network that diverges has none right.",
    ]
    title = "Pascanu, Mikolov & Bengio 2013, training on temporal order"
    return Reproduction(title, claims, settings, differs, partial(_draw, right))


def _shares(length, name, size, seeds, steps, learning_rate, weight):
    """Returns the shares of validation sequences that are right after training in one of the `WAYS`: [seeds]."""
    data, (clip_norm, regularized) = temporal_order.dataset(length), WAYS[name]
    task = training.task(
        elman.cell(size, "tanh", gaussian(0.1), gaussian(0.8)),
        data,
        Trainer(steps, 20, steps // 4),
        rule=optax.identity(),
        learning_rate=learning_rate,
        clip_norm=clip_norm,
        regularizer=preserving(data, weight) if regularized else None,
    )
    return np.array([training.solved(row) for row in training.train_networks(task, seeds).rows])


def _draw(right):
    """Draws the shares; `right` is {(T, way): shares [N]}."""
    figure, panel = style.axes("T (steps)", "share of sequences right")
    lengths = sorted({length for length, _ in right})
    for number, name in enumerate(dict.fromkeys(name for _, name in right)):
        line = style.series(number)
        panel.plot(lengths, [np.median(right[length, name]) for length in lengths], label=name, **line)
        for length in lengths:
            shares = right[length, name]
            panel.plot(
                np.full(len(shares), length),
                shares,
                linestyle="",
                marker=line["marker"],
                color=line["color"],
                alpha=0.4,
            )
    panel.set_xticks(lengths)
    panel.set_ylim(-0.05, 1.05)
    return {"pascanu_2013_training": style.legend_below(figure)}


def preserving(dataset: Dataset, weight: Any) -> Any:
    """Returns the regularizer Omega of one layer of tanh units, times a weight, as a mean over sequences."""

    def objective(net, params, loss, batch, step, share):
        carry = net.initial(params, batch.fresh.shape)

        def of_nudges(nudges):
            _, ys, layers = taps.observe(net, params, carry, batch.xs, nudges, mask=batch.mask)
            total, weights = weighted_sum(dataset.loss, ys, batch.targets, batch.weights)
            return total / weights, layers

        nudges = taps.zero_perturbations(net, params, carry, batch.xs)
        gradient, (layer,) = jax.grad(of_nudges, has_aux=True)(nudges)
        (delta,), h = jax.lax.stop_gradient((jax.tree.leaves(gradient), layer.carries.h))
        before = (delta * (1 - h**2)) @ params[0].w_h.T
        size = jnp.sum(delta**2, axis=-1)
        nonzero = size > 0
        ratio = jnp.sqrt(jnp.where(nonzero, jnp.sum(before**2, axis=-1), 1) / jnp.where(nonzero, size, 1))
        return loss + weight * share * jnp.mean(jnp.sum((ratio - 1) ** 2, axis=0))

    return objective
