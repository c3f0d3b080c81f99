"""Bengio, Simard & Frasconi 1994, "Learning long-term dependencies with gradient descent is difficult", sections 2-4.

One unit h_t = tanh(w h_{t-1} + u_t) with w > 1 holds a bit robustly against every input below

    u* = sqrt(w (w - 1)) - artanh sqrt(1 - 1 / w),

the input at which one of its two stable points vanishes. While it holds the bit, the derivative dh_t / dh_0 shrinks by
w (1 - h^2) < 1 per step. Therefore gradient descent learns to hold the bit only over few steps.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn.cells import elman
from jaxrnn.data.sequences import Sequence, drawn
from jaxrnn.dataset import Loss, MemoryTask
from jaxrnn.dynamics.maps import as_map, jacobians
from jaxrnn.initializers import identity
from jaxrnn.losses import squared_error
from jaxrnn.nets import recurrent
from jaxrnn.optimizers import optimizer
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Claim, Reproduction, at_least, at_most
from jaxrnn.plotting import style
from jaxrnn.training.update import Task, Trainer
from jaxrnn.types import ListOf, Size

STEPS = 20_000  # steps until a unit has settled
CLASS_STEPS = 3  # number of first steps whose input shows the class


def reproduce(
    quick: bool = False,
    weights: ListOf[float] = (1.25, 2.0, 4.0),
    lengths: ListOf[Size] = (5, 10, 20, 40, 80),
    seeds: Size = 20,
    steps: Size = 1000,
) -> Reproduction:
    """Measures the input that resets a latch, the rate at which its gradient vanishes, and how often latching is
    learned.

    Args:
      quick: train nothing.
      weights: values of w.
      lengths: values of T, the length of the training sequences.
      seeds: networks per length.
      steps: updates of 20 sequences.
    """
    claims = []
    for w in weights:
        claims.append(Claim(f"w = {w:g}: input that resets the bit", _bound(w), _reset_input(w), tolerance=1e-3))
        h = _stable_point(w)
        claims.append(Claim(f"w = {w:g}: ln dh_t / dh_0 per step", np.log(w * (1 - h**2)), _rate(w), tolerance=1e-3))
    learned = {} if quick else {length: _train_latches(length, seeds, steps) for length in lengths}
    if learned:
        first, last = (np.mean(learned[length]) for length in (lengths[0], lengths[-1]))
        claims += [
            at_least(f"T = {lengths[0]}: share of units that hold the class", 0.8, first),
            at_most(
                f"T = {lengths[-1]}: share that hold the class, minus the share at T = {lengths[0]}", -0.3, last - first
            ),
        ]

    settings = {"w": list(weights), "T": list(lengths), "seeds": seeds, "updates": steps, "batch": 20, "SGD": 0.1}
    settings |= {"noise": 0.2, "class in steps": CLASS_STEPS, "first w": 1.25}
    differs = [
        "The class enters in the first 3 steps through a trained input weight; the paper trains the inputs themselves."
    ]
    draw = partial(_draw, weights, learned)
    return Reproduction("Bengio, Simard & Frasconi 1994, latching", claims, settings, differs, draw)


def _bound(w):
    """Returns u*, the input at which a stable point vanishes."""
    return np.sqrt(w * (w - 1)) - np.arctanh(np.sqrt(1 - 1 / w))


def _draw(weights, learned):
    """Draws both figures; `learned` is {T: whether each network holds the class}."""
    figure, panels = style.panels(1 + bool(learned), "", "")
    dense = np.linspace(1.01, max(weights), 100)
    panels[0].plot(dense, _bound(dense), color=style.BLACK, label="closed form")
    panels[0].plot(weights, [_reset_input(w) for w in weights], "o", color=style.RED, label="measured")
    panels[0].set_xlabel("w")
    style.title(panels[0], "input that resets the bit")
    if learned:
        panels[1].semilogx(list(learned), [np.mean(each) for each in learned.values()], color=style.BLACK, marker="o")
        panels[1].set_xticks(list(learned), list(learned))
        panels[1].minorticks_off()
        panels[1].set(xlabel="T (steps)", ylim=(-0.05, 1.05))
        style.title(panels[1], "share that learns to hold it")
    return {"bengio_1994": style.legend_below(figure)}


def _unit(w):
    """Returns the map of the unit, h [1] and u [1] -> h'."""
    net = recurrent(elman.cell(1, "tanh", identity(), identity(w)))
    return as_map(net, net.init(jax.random.key(0), 1))[0]


def _stable_point(w):
    """Returns the stable point above zero."""
    f = _unit(w)
    return float(jax.jit(lambda h: jax.lax.fori_loop(0, STEPS, lambda _, h: f(h, jnp.zeros(1)), h))(jnp.ones(1))[0])


def _reset_input(w):
    """Finds, by bisection, the size of a constant input that drives a held 1 to the other point."""
    f = _unit(w)

    @jax.jit
    def falls(u):
        return jax.lax.fori_loop(0, STEPS, lambda _, h: f(h, jnp.full(1, -u)), jnp.ones(1))[0] < 0

    low, high = 0.0, w
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if falls(middle) else (middle, high)
    return high


def _rate(w, steps=50):
    f, h = _unit(w), jnp.full(1, _stable_point(w))
    return float(jnp.mean(jnp.log(jnp.abs(jacobians(f, h, jnp.zeros((steps, 1)))))))


def _train_latches(length, seeds, steps):
    """Returns whether each network [seeds] ends at least 95 of 100 sequences within 0.4 of their target."""

    def sample(key):
        key_class, key_noise = jax.random.split(key)
        sign = jax.random.rademacher(key_class, (), float)
        shown_class = sign * (jnp.arange(length) < CLASS_STEPS)
        xs = jnp.stack([shown_class, 0.2 * jax.random.normal(key_noise, (length,))], axis=-1)
        last = 1.0 * (jnp.arange(length) == length - 1)
        return Sequence(xs, jnp.full((length, 1), 0.8 * sign), last, jnp.ones(length, bool))

    def right(ys, batch):
        return jnp.abs(ys[-1] - batch.targets[-1])[..., 0] < 0.4

    data = drawn(
        sample,
        output_size=1,
        loss=Loss(squared_error, "squared error"),
        baselines={"zero": lambda batch: jnp.zeros_like(batch.targets)},
        memory=MemoryTask(right, lags=(length - CLASS_STEPS, length)),
    )
    net = recurrent(elman.cell(1, "tanh", _small, identity(1.25)))
    task = Task(net, data, optimizer(optax.identity(), 0.1, 1.0), Trainer(steps, 20, steps // 4))
    rows = training.train_networks(task, seeds).rows
    return np.array([training.solved(row) > 0.95 for row in rows])


def _small(key, shape):
    """Returns weights that are small for the class and one for the noise, which is trained too."""
    return jnp.array([[0.1], [1.0]]) + 0.05 * jax.random.normal(key, shape)
