"""Engelken 2023, "Gradient flossing: improving gradient descent through dynamic control of Jacobians", sections 2 to 4.

Pushing Lyapunov exponents to zero before training makes gradients reach further back. Networks then learn to copy a bit
over delays at which plain training fails, and the condition number of the long-term Jacobian falls.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import elman
from jaxrnn.data.sequences import Sequence, drawn
from jaxrnn.dataset import Loss, MemoryTask
from jaxrnn.dynamics.exponents import lyapunov
from jaxrnn.dynamics.maps import as_map
from jaxrnn.initializers import gaussian
from jaxrnn.losses import binary_cross_entropy
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Reproduction, at_most
from jaxrnn.plotting import style
from jaxrnn.training.regularizers import flossing
from jaxrnn.training.update import Trainer
from jaxrnn.types import Size


def reproduce(
    quick: bool = False,
    delay: Size = 20,
    length: Size = 60,
    size: Size = 40,
    seeds: Size = 5,
    steps: Size = 2000,
    before: Size = 100,
    exponents: Size = 30,
) -> Reproduction:
    """Compares losses on copying bits, trained plainly and with flossing first.

    Args:
      quick: two networks, half of the updates.
      delay: number of steps after which a bit is asked for.
      length: T.
      size: H.
      seeds: networks per kind.
      steps: updates of 16 sequences, including flossing.
      before: number of these updates that use only flossing.
      exponents: number of exponents pushed to zero.
    """
    if quick:
        seeds, steps = 2, steps // 2
    data, trainer = _delayed(delay, length), Trainer(steps, 16, max(1, steps // 20))
    cell = elman.cell(size, "tanh", gaussian(1.0), gaussian(1.0))
    kinds = {"plain": None, "flossed first": flossing(exponents, before, 0.0)}
    curves = {
        name: training.losses(training.task(cell, data, trainer, regularizer=regularizer), seeds)
        for name, regularizer in kinds.items()
    }
    last = {name: training.last(losses) for name, (_, losses) in curves.items()}
    spectra = {
        number: _spectra(cell, data, Trainer(max(number, 1), 16, max(number, 1)), exponents, number, seeds)
        for number in (0, before)
    }
    claims = [
        at_most("last loss: flossed first / plain", 0.9, np.median(last["flossed first"]) / np.median(last["plain"])),
        at_most(
            "mean square of the exponents: after flossing / before",
            0.2,
            np.mean(spectra[before] ** 2, axis=1) / np.mean(spectra[0] ** 2, axis=1),
        ),
    ]

    settings = {"delay": delay, "T": length, "H": size, "seeds": seeds, **training.settings(trainer), "Adam": 1e-3}
    settings |= {"flossing": before, "exponents": exponents, "W_h": "N(0, 1 / H)"}
    differs = [
        f"{size} units and T = {length} instead of 80 and 300; {before} updates of flossing instead of 500.",
        "Only copying; the paper's delayed XOR is not run.",
    ]
    return Reproduction("Engelken 2023, gradient flossing", claims, settings, differs, partial(_draw, curves, spectra))


def _draw(curves, spectra):
    """Draws losses and exponents.

    Args:
      curves: {kind: (updates, losses)}.
      spectra: {updates of flossing: exponents [N, k]}.
    """
    figure, panels = style.panels(2, "", "")
    for number, (name, (at, losses)) in enumerate(curves.items()):
        line = style.series(number) | {"markevery": 4}
        panels[0].plot(at, losses, label=[name] + [None] * (losses.shape[1] - 1), **line)
    panels[0].axhline(np.log(2), **style.FAINT)
    panels[0].set_xlabel("updates")
    style.title(panels[0], "validation loss (nats)")
    for number, lam in enumerate(spectra.values()):
        panels[1].plot(
            np.arange(1, lam.shape[1] + 1), np.median(lam, axis=0), **style.series(number) | {"markevery": 5}
        )
    panels[1].axhline(0.0, **style.FAINT)
    panels[1].set_xlabel("number")
    style.title(panels[1], "exponents before training")
    return {"engelken_2023_flossing": style.legend_below(figure)}


def _spectra(cell, data, trainer, exponents, updates, seeds):
    """Returns the exponents of networks after `updates` updates of flossing only: [seeds, exponents], descending."""
    task = training.task(cell, data, trainer, regularizer=flossing(exponents, updates, 0.0))
    if updates:
        run = training.train_networks(task, seeds)
        params = [run.params(row) for row in range(seeds)]
    else:
        params = [task.net.init(jax.random.key(seed), data.input_size) for seed in range(seeds)]
    xs = data.splits["validation"].xs[:, 0]

    def of_network(params):
        f, z_0 = as_map(task.net, params)
        return jnp.sort(lyapunov(f, z_0, xs, exponents).lam)[::-1]

    return np.stack([np.asarray(jax.jit(of_network)(each)) for each in params])


def _delayed(delay, length):
    """Task to repeat bits, one per step: from step `delay` on, the target is the bit of `delay` steps ago."""
    times = jnp.arange(length)

    def sample(key):
        bits = jax.random.bernoulli(key, 0.5, (length,)).astype(float)
        return Sequence(2 * bits[:, None] - 1, jnp.roll(bits, delay)[:, None], 1.0 * (times >= delay), times >= 0)

    def right(ys, batch):
        return ((ys > 0) == (batch.targets > 0.5))[..., 0].all(axis=0, where=batch.weights > 0)

    return drawn(
        sample,
        output_size=1,
        loss=Loss(binary_cross_entropy, "cross-entropy (nats)"),
        baselines={"a guess": lambda batch: jnp.zeros_like(batch.targets)},
        memory=MemoryTask(right, lags=(delay, delay)),
    )
