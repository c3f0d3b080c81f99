"""Menick et al. 2020, "Practical real time recurrent learning with a sparse approximation", sections 3 and 5.

SnAp-n keeps those parts of the params' influence that arise within n steps. With dense weights SnAp-2 is exact. The
sparser the recurrent weights, the more it leaves out, but it is never further from the exact gradient than SnAp-1. In
online training, with an update at every step, SnAp-1 learns to copy sooner than UORO.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn.cells import elman
from jaxrnn.data import copy_memory
from jaxrnn.initializers import gaussian
from jaxrnn.nets import rnn
from jaxrnn.optimizers import as_optimizer
from jaxrnn.papers._claims import Claim, Reproduction, at_least, at_most
from jaxrnn.papers._seeds import over_seeds
from jaxrnn.plotting import style
from jaxrnn.training import online
from jaxrnn.training.batches import draw as drawn_from
from jaxrnn.training.update import Task, Trainer
from jaxrnn.types import Size
from jaxrnn.unroll import rtrl, scan, snap, uoro

SPARSITIES = (0.0, 0.5, 0.75, 0.94)
ONLINE = {"RTRL": rtrl.rule(), "SnAp-1": snap.rule(1), "UORO": uoro.rule()}


def reproduce(
    quick: bool = False, size: Size = 24, length: Size = 20, seeds: Size = 4, updates: Size = 900
) -> Reproduction:
    """Measures cosines of SnAp-1 and SnAp-2 with the exact gradient against sparsity, and losses of online training on
    copying.

    Args:
      quick: 12 units, 10 steps, train nothing.
      size: H, of all networks.
      length: T, number of steps that the gradient goes back.
      seeds: number of networks.
      updates: batches of 16 sequences.
    """
    size, length = (12, 10) if quick else (size, length)
    cosines = {share: _cosines(size, length, share, seeds) for share in SPARSITIES}
    claims = [Claim("dense: cosine of SnAp-2 with the exact gradient", 1.0, cosines[0.0][:, 1], tolerance=1e-5)]
    claims += [
        at_least(
            f"{share:.0%} of W_h zero: cosine of SnAp-2 minus cosine of SnAp-1",
            0.0,
            np.diff(cosines_of_share)[:, 0],
            source="derived",
        )
        for share, cosines_of_share in cosines.items()
        if share
    ]
    curves = {} if quick else {name: _train(size, rule, seeds, updates) for name, rule in ONLINE.items()}
    if curves:
        mean = {name: np.mean(losses, axis=1) for name, losses in curves.items()}
        claims.append(
            at_most(
                "mean loss during online training: SnAp-1 / UORO",
                1.0,
                mean["SnAp-1"] / mean["UORO"],
                source="unchecked",
            )
        )

    settings = {"H": size, "T": length, "sparsity": list(SPARSITIES), "seeds": seeds, "batch": 16, "Adam": 1e-3}
    settings |= {"copied": 2, "alphabet": 2, "lag": 4, "updates": updates}
    differs = [
        "Elman networks of 24 units, for the gradients and for copying; the paper's networks have up to thousands.",
        "The copying task has one length; the paper lengthens it as the loss falls.",
        "The masks do not save time: at this size sparse products are not faster on a CPU.",
    ]
    return Reproduction("Menick et al. 2020, SnAp", claims, settings, differs, partial(_draw, cosines, curves, updates))


def _draw(cosines, curves, updates):
    figure, panels = style.panels(1 + bool(curves), "", "")
    for number in (0, 1):
        medians = [np.median(values[:, number]) for values in cosines.values()]
        panels[0].plot([100 * share for share in cosines], medians, label=f"SnAp-{number + 1}", **style.series(number))
    panels[0].set(xlabel="zeros in W_h (%)", ylim=(0, 1.05))
    style.title(panels[0], "cosine with exact gradient")
    colours = {"SnAp-1": 0, "RTRL": 2, "UORO": 3}
    for name, losses in curves.items():
        at = (np.arange(losses.shape[1]) + 0.5) * updates * 16 / losses.shape[1]
        line = style.series(colours[name]) | {"markevery": 6}
        panels[1].plot(at, np.median(losses, axis=0), label=name, **line)
    if curves:
        panels[1].set(xlabel="sequences seen", yscale="log")
        style.title(panels[1], "loss online (nats)")
    return {"menick_2020": style.legend_below(figure)}


def _cosines(size, length, share, seeds):
    """Returns the cosines of SnAp-1 and SnAp-2 for random Elman networks with a share of zeros in W_h: [seeds, 2]."""

    def of_network(key):
        key_mask, key_params, key_xs = jax.random.split(key, 3)
        mask = jax.random.uniform(key_mask, (size, size)) >= share
        cell = elman.cell(size, recurrent_init=gaussian(1.0))

        def step(params, carry, u):
            return cell.step(params._replace(w_h=params.w_h * mask), carry, u)

        sparse = cell._replace(step=step)
        params = sparse.init(key_params, 2)
        params = params._replace(w_h=params.w_h / jnp.sqrt(1 - share))
        xs = jax.random.normal(key_xs, (length, 4, 2))

        def gradient(unroll):
            def loss(params):
                return jnp.mean(unroll(sparse, params, sparse.initial(params, (4,)), xs)[1][-1] ** 2)

            return jax.grad(loss)(params)

        exact = gradient(scan.unroll())
        approximations = [gradient(snap.unroll(n)) for n in (1, 2)]
        norm = optax.tree.norm
        return jnp.stack([optax.tree.vdot(exact, each) / (norm(exact) * norm(each)) for each in approximations])

    return over_seeds(of_network, seeds)


def _train(size, rule, seeds, updates, points=30):
    """Returns the losses while copying is learned online: [seeds, points]."""
    data = copy_memory.dataset(2, 2, 2)
    task = Task(rnn(elman.cell(size), data.output_size), data, as_optimizer(optax.adam(1e-3)), Trainer(1, 16, 1))

    def run(key):
        def update(state, number):
            key_data, key_rule = jax.random.split(jax.random.fold_in(key, number))
            return online.through(task, rule, "online", state, drawn_from(data, 16, key_data, "train"), key_rule)

        state_0 = online.begin(task, task.net.init(key, data.input_size))
        _, losses = jax.lax.scan(update, state_0, jnp.arange(updates))
        return losses.reshape(points, -1).mean(axis=1)

    return over_seeds(run, seeds, first_key=1)
