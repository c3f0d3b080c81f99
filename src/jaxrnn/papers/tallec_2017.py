"""Tallec & Ollivier 2017, "Unbiased online recurrent optimization", section 4: influence balancing.

h' = A h + theta s, with A = 1/2 on the diagonal and above it, and s of 10 ones followed by 13 minus ones. The influence
of theta on h_1 within k steps is positive up to k = 40, but -6 in the limit. So backpropagation truncated after 10
steps follows a gradient of the wrong sign and diverges, while an unbiased gradient converges.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn.cells.elman import ElmanCarry
from jaxrnn.data import adding
from jaxrnn.dataset import Loss
from jaxrnn.nets import recurrent
from jaxrnn.optimizers import as_optimizer
from jaxrnn.papers._claims import Claim, Reproduction, at_least, at_most
from jaxrnn.papers._seeds import over_seeds
from jaxrnn.plotting import style
from jaxrnn.training import online
from jaxrnn.training.update import Task, Trainer
from jaxrnn.types import Batch, Cell, Positive, Size
from jaxrnn.unroll import rtrl, uoro

SIGNS = np.concatenate([np.ones(10), -np.ones(13)])
UNITS, POINTS = len(SIGNS), 100
CUT = "cut after 10 steps"
A = (np.eye(UNITS) + np.eye(UNITS, k=1)) / 2


class Influence(NamedTuple):
    theta: jax.Array  # []


def reproduce(
    quick: bool = False, steps: Size = 100_000, seeds: Size = 5, learning_rate: Positive = 1e-5
) -> Reproduction:
    """Measures the influence of theta on h_1, and how near three ways of training bring h_1 to 1.

    Args:
      quick: a quarter of the steps.
      steps: steps of the sequence, and updates.
      seeds: number of draws of UORO.
      learning_rate: learning rate of gradient descent.
    """
    steps = steps // 4 if quick else steps
    net = recurrent(Cell(UNITS, _init, _initial, lambda params, x: x, _step))
    claims = []
    for lag, tolerance in ((10, 1e-3), (40, 1e-3), (400, 1e-3)):
        exact = np.asarray(sum(np.linalg.matrix_power(A, k) @ SIGNS for k in range(lag)))[0]
        claims.append(Claim(f"dh_1 / dtheta within {lag} steps", exact, _influence(net, lag), tolerance=tolerance))
    claims.append(Claim("dh_1 / dtheta in the limit", -6.0, _influence(net, 400), tolerance=1e-3))
    rule = optax.sgd(learning_rate)
    losses_by_way = {
        "exact (RTRL)": _online(net, rtrl.rule(), rule, steps, 1),
        "UORO": _online(net, uoro.rule(), rule, steps, seeds),
        CUT: _cut(net, rule, steps, 10),
    }
    last = {name: losses[:, -1] for name, losses in losses_by_way.items()}
    claims += [at_most(f"last loss, {name}; initially 1/2", 1e-3, last[name]) for name in ("exact (RTRL)", "UORO")]
    claims.append(at_least(f"last loss, {CUT}; initially 1/2", 1.0, last[CUT]))

    def draw():
        figure, panel = style.axes("steps", "loss")
        for number, (name, losses) in enumerate(losses_by_way.items()):
            at = (np.arange(losses.shape[1]) + 1) * steps / losses.shape[1]
            line = style.series(number) | {"markevery": 10}
            panel.loglog(at, losses.T, label=[name] + [None] * (len(losses) - 1), **line)
        panel.set_ylim(1e-6, 1e3)
        return {"tallec_2017": style.legend_below(figure)}

    settings = {"units": UNITS, "plus": 10, "minus": 13, "steps": steps, "SGD": learning_rate, "seeds": seeds}
    differs = ["The paper truncates after 1, 10 and 100 steps; here only after 10, with an update every 10 steps."]
    return Reproduction("Tallec & Ollivier 2017, influence balancing", claims, settings, differs, draw)


def _init(key, input_size):
    return Influence(jnp.zeros(()))


def _initial(params, batch_shape):
    return ElmanCarry(jnp.zeros((*batch_shape, UNITS)))


def _step(params, carry, u):
    h = carry.h @ jnp.asarray(A.T, carry.h.dtype) + params.theta * jnp.asarray(SIGNS, carry.h.dtype)
    return ElmanCarry(h), h


def _influence(net, lag):
    def h_1(theta):
        params = Influence(theta)
        return net.apply(params, net.initial(params, (1,)), jnp.zeros((lag, 1, 1)))[1][-1, 0, 0]

    return float(jax.jit(jax.grad(h_1))(jnp.zeros(())))


def _loss(ys, targets):
    return 0.5 * (ys[..., 0] - 1.0) ** 2


def _task(net, rule):
    dataset = adding.dataset(22)._replace(loss=Loss(_loss, "half the squared error"))
    return Task(net, dataset, as_optimizer(rule), Trainer(1, 1, 1))


def _sequence(steps):
    ones = jnp.ones((steps, 1))
    return Batch(jnp.zeros((steps, 1, 1)), ones[..., None], ones, fresh=jnp.ones(1, bool))


def _online(net, follows, rule, steps, seeds):
    """Returns the losses of one update per step: [seeds, POINTS]."""
    task = _task(net, rule)

    def run(key):
        state = online.begin(task, Influence(jnp.zeros(())))
        losses = online.stepwise(task, follows, "online", state, _sequence(steps), key)[1][0]
        return losses.reshape(POINTS, -1)[:, -1]

    return over_seeds(run, seeds)


def _cut(net, rule, steps, lag):
    """Returns the losses of one update per `lag` steps, by backpropagation through only these: [1, POINTS]."""

    def window(state, _):
        params, opt_state, carry = state

        def loss(params):
            after, ys = net.apply(params, carry, jnp.zeros((lag, 1, 1)))
            return _loss(ys[-1], None)[0], after

        (value, after), grads = jax.value_and_grad(loss, has_aux=True)(params)
        changes, opt_state = rule.update(grads, opt_state)
        return (optax.apply_updates(params, changes), opt_state, after), value

    params = Influence(jnp.zeros(()))
    state = params, rule.init(params), net.initial(params, (1,))
    losses = jax.jit(lambda state: jax.lax.scan(window, state, length=steps // lag)[1])(state)
    return np.asarray(losses).reshape(POINTS, -1)[None, :, -1]
