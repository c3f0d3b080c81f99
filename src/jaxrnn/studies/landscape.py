"""Loss around a network: along its gradient, in a random plane, and its largest curvatures over training.

Pascanu, Mikolov & Bengio 2013 explain exploding gradients by cliffs of the loss; their figure 6 is drawn too. The
Lanczos method gives the largest eigenvalues of the Hessian. The directions of the random plane have the norm of the
params, leaf by leaf (after the filter normalisation of Li et al. 2018).
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.dynamics import curvature
from jaxrnn.norms import norm, tree_norm, unit
from jaxrnn.studies import _landscape_figures as figures
from jaxrnn.studies._collect import at_step, collect
from jaxrnn.studies._ensembles import over_networks
from jaxrnn.studies._gradients import loss_of
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.types import Positive, Size

CLIFF_STEPS, CLIFF_TARGET = 50, 0.7  # of figure 6 of Pascanu et al. 2013


@study_function
def study(networks: Any, batch: Size = 64, points: Size = 31, reach: Positive = 1.0, eigenvalues: Size = 3) -> Result:
    """Loss along the gradient and in a plane at the last checkpoint, and sharpness at every checkpoint.

    Args:
      networks: as in `jaxrnn.studies`.
      batch: sequences, the same at all checkpoints of a network.
      points: points along the gradient and along each direction of the plane.
      reach: reach of the plane relative to the norm of the params; along the gradient it is ten times less.
      eigenvalues: number of the largest eigenvalues of the Hessian.

    Returns:
      A `Result`. Each network has:

      - "steps" [S].
      - "along" [N, points]: loss along the normalised gradient at "distance" [N, points], positive downhill.
      - "plane" [N, points, points].
      - "loss" [S, N] and "grad_norm" [S, N].
      - "sharpness" [S, N, eigenvalues]: the largest eigenvalues of the Hessian.

      Common are "reach" [points] and the cliff, "cliff_w", "cliff_b" and "cliff_loss".
    """
    grid = np.linspace(-reach, reach, points)
    measure_kind = partial(_measure_kind, batch=batch, grid=grid, count=eigenvalues)
    common = {"reach": grid, **cliff(201)}
    return collect(ensembles(networks), measure_kind, _rows, _findings, _scores, plot, figures.CAPTIONS, common)


def _scores(arrays):
    return {"largest eigenvalue of the Hessian": arrays["sharpness"][-1, :, 0]}


def _rows(arrays):
    for moment, step in enumerate(arrays["steps"]):
        row = {"step": int(step), "networks": arrays["loss"].shape[1]}
        row |= quantiles(statistics.median(arrays["sharpness"][moment, :, 0]), ("sharpness", "low", "high"))
        yield row | {name: float(np.median(arrays[name][moment])) for name in ("loss", "grad_norm")}


def _findings(name, arrays):
    rows = list(_rows(arrays))
    words = "loss {loss:.3g}, largest curvature {sharpness:.3g}, gradient norm {grad_norm:.3g}"
    ends = rows[:1] + rows[1:][-1:]
    sentences = [f"{name}, {at_step(row['step'])}: " + words.format(**row) for row in ends]
    return [*sentences, *_before_a_jump(name, arrays)]


def _before_a_jump(name, arrays):
    """Describes the curvature before the largest rise of a network's loss from one checkpoint to the next."""
    rise = np.diff(np.log(np.maximum(arrays["loss"], 1e-300)), axis=0)
    if not len(rise) or rise.max() < np.log(2):
        return []
    moment, network = np.unravel_index(np.argmax(rise), rise.shape)
    sharpness = arrays["sharpness"][: moment + 1, network, 0]
    return [
        f"{name}, network {network}: the loss rises {np.exp(rise[moment, network]):.3g}-fold after step "
        f"{arrays['steps'][moment]}; there its largest curvature is {sharpness[-1]:.3g}, with a median of "
        f"{np.median(sharpness):.3g} up to there"
    ]


def _measure_kind(ensemble, batch, grid, count):
    ensemble.draw(batch, jax.random.key(0))  # rejects data that the study cannot use
    net, dataset = ensemble.net, ensemble.dataset

    def of_network(params, key):
        loss = loss_of(net, dataset, ensemble.draw(batch, key))
        value, gradient = jax.value_and_grad(loss)(params)
        return value, tree_norm(gradient)

    def around(params, key):
        key_data, key_one, key_two = key, *jax.random.split(jax.random.fold_in(key, 1))
        loss = loss_of(net, dataset, ensemble.draw(batch, key_data))
        gradient = jax.grad(loss)(params)
        distance = jnp.asarray(grid) * 0.1 * tree_norm(params)
        step = unit(gradient)
        along = jax.lax.map(lambda at: loss(_move(params, (at, step))), distance)
        first, second = _direction(key_one, params), _direction(key_two, params)
        points = jnp.stack(jnp.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)
        plane = jax.lax.map(lambda at: loss(_move(params, (at[0], first), (at[1], second))), points)
        return distance, along, plane.reshape(len(grid), len(grid))

    loss, grad_norm = over_networks(of_network, ensemble)
    last = ensemble.at([len(ensemble.steps) - 1])
    distance, along, plane = (a[0] for a in over_networks(around, last))
    arrays = {
        "steps": ensemble.steps,
        "distance": -distance[:, ::-1],
        "along": along[:, ::-1],
        "plane": plane,
        "loss": loss,
        "grad_norm": grad_norm,
        "sharpness": _sharpness(ensemble, batch, count),
    }
    return {ensemble.name: arrays}


def _sharpness(ensemble, batch, count):
    """Computes the largest eigenvalues of every network's Hessian at every checkpoint: [S, N, count]."""

    @jax.jit
    def product(params, drawn, v):
        return curvature.hessian_product(loss_of(ensemble.net, ensemble.dataset, drawn), params)[0](v)

    batches = [jax.jit(partial(ensemble.draw, batch))(key) for key in list(ensemble.keys())]
    eigenvalues = np.zeros((len(ensemble.steps), ensemble.networks, count))
    for moment, network in np.ndindex(eigenvalues.shape[:2]):
        params = jax.tree.map(lambda a, at=(moment, network): jnp.asarray(a[at]), ensemble.params)
        leaves = jax.tree.leaves(params)
        size = sum(leaf.size for leaf in leaves)
        eigenvalues[moment, network] = curvature.largest_eigenvalues(
            lambda v, p=params, b=batches[network]: product(p, b, v), size, count, leaves[0].dtype
        )
    return eigenvalues


def _direction(key, params):
    """Draws a random direction; each of its leaves has the norm of the same leaf of the params."""
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))
    drawn = [jax.random.normal(k, leaf.shape, leaf.dtype) for k, leaf in zip(keys, leaves, strict=True)]
    scaled = [norm(leaf) * unit(d) for d, leaf in zip(drawn, leaves, strict=True)]
    return tree.unflatten(scaled)


def _move(params, *ways):
    for at, direction in ways:
        params = jax.tree.map(lambda p, d, at=at: p + at * d, params, direction)
    return params


def cliff(points: Any) -> Any:
    """Computes the loss of one sigmoid unit over w and b (figure 6 of Pascanu, Mikolov & Bengio 2013).

    The unit is h_t = sigmoid(w h_{t-1} + b) from h_0 = 0.5, its loss (h_50 - 0.7)^2.
    """
    w, b = np.linspace(4.0, 7.0, points), np.linspace(-3.6, -2.0, points)

    def loss(w, b):
        h = jax.lax.fori_loop(0, CLIFF_STEPS, lambda _, h: jax.nn.sigmoid(w * h + b), jnp.asarray(0.5, w.dtype))
        return (h - CLIFF_TARGET) ** 2

    over = jax.vmap(jax.vmap(loss, (None, 0)), (0, None))
    return {"cliff_w": w, "cliff_b": b, "cliff_loss": np.asarray(jax.jit(over)(jnp.asarray(w), jnp.asarray(b)))}


def plot(result: Result) -> dict[str, Any]:
    """Draws the loss along the gradient and in the plane, sharpness over training, and the cliff."""
    return figures.draw(result)
