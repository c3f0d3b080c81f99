"""Sussillo & Barak 2013, "Opening the black box", section 3.1: the dynamics of a network that holds three bits.

A network trained on three flip-flops has 2^3 = 8 stable fixed points, one per state of the bits. Between them lie
saddles, over which a pulse pushes the state from one point to another.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import ctrnn
from jaxrnn.data import flip_flop
from jaxrnn.dynamics.fixed_points import distinct, find_points
from jaxrnn.dynamics.maps import as_map, trajectory
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Claim, Reproduction, at_least
from jaxrnn.plotting import style
from jaxrnn.training.update import Trainer
from jaxrnn.types import Size

SLOW, APART = 1e-4, 0.1  # largest |F(z) - z| of a fixed point; smallest distance between two


def reproduce(
    quick: bool = False, size: Size = 48, seeds: Size = 3, steps: Size = 2000, starts: Size = 400
) -> Reproduction:
    """Trains continuous-time networks on three flip-flops and counts their fixed points by unstable directions.

    Args:
      quick: one network, 24 units, a quarter of the starts; saddles are not counted.
      size: H.
      seeds: number of networks.
      steps: updates of 32 sequences.
      starts: number of points on the networks' trajectories from which the search starts.
    """
    size, seeds, starts = (24, 1, starts // 4) if quick else (size, seeds, starts)
    trainer = Trainer(steps, 32, 100)
    task = training.task(ctrnn.cell(size, alpha=0.5, form="current"), flip_flop.dataset(), trainer, learning_rate=5e-3)
    trained = training.train_networks(task, seeds)
    networks = [_points(task, trained.params(row), starts, row) for row in range(seeds)]
    right = [training.solved(history) for history in trained.rows]
    counts = [[int(np.sum(unstable == number)) for unstable in (each[1] for each in networks)] for number in (0, 1)]
    claims = [
        at_least("share of sequences whose bits are all held", 0.95, right),
        Claim("stable fixed points", 8, counts[0], source="unchecked"),
        Claim("states of the bits that stable points represent", 8, [each[2] for each in networks], source="unchecked"),
    ]
    if not quick:
        between = "saddles with one unstable direction (7 are needed to connect 8 states)"
        claims.append(at_least(between, 7, counts[1], source="derived"))

    def draw():
        points, unstable, _, path = networks[0]
        axes = np.linalg.svd(path - path.mean(axis=0), full_matrices=False)[2][:2]
        figure, panel = style.axes("first principal component", "second")
        panel.plot(*((path - path.mean(axis=0)) @ axes.T).T, color="0.7", linewidth=0.4)
        for number, marker, colour in ((0, "o", style.BLACK), (1, "x", style.RED)):
            chosen = (points[unstable == number] - path.mean(axis=0)) @ axes.T
            label = ("stable", "one unstable direction")[number]
            panel.plot(*chosen.T, marker, color=colour, label=label, markersize=4)
        return {"sussillo_2013": style.legend_below(figure)}

    settings = {"H": size, "alpha": 0.5, "seeds": seeds, **training.settings(trainer), "Adam": 5e-3, "starts": starts}
    differs = [f"{size} units trained by backpropagation, instead of 1,000 trained by FORCE; pulses of one step."]
    return Reproduction("Sussillo & Barak 2013, three flip-flops", claims, settings, differs, draw)


def _points(task, params, starts, seed):
    """Finds the fixed points of a network.

    Returns:
      (fixed points, number of unstable directions of each, number of bit states that the stable points represent, a
      trajectory).
    """
    net, dataset = task.net, task.dataset
    f, z_0 = as_map(net, params)
    xs = dataset.splits["validation"].xs[:, :20]
    path = jax.jit(jax.vmap(lambda xs: trajectory(f, z_0, xs), 1, 1))(xs)
    drawn = jax.random.choice(jax.random.key(seed), path.reshape(-1, path.shape[-1]), (starts,), replace=False)
    drawn += 0.1 * jax.random.normal(jax.random.key(seed + 1), drawn.shape)
    silent = jnp.zeros(dataset.input_size)
    minima = jax.jit(lambda starts: find_points(f, starts, silent))(drawn)
    z = np.asarray(minima.z)[np.asarray(minima.speed) < SLOW]
    z = z[distinct(z, APART)]
    jacobians = jax.jit(jax.vmap(lambda z: jax.jacfwd(f)(z, silent)))(jnp.asarray(z))
    unstable = np.sum(np.abs(np.linalg.eigvals(np.asarray(jacobians))) > 1, axis=-1)
    readout = params[-1]
    outputs = np.tanh(z) @ np.asarray(readout.w) + np.asarray(readout.b)
    states = {tuple(row) for row in np.sign(outputs[unstable == 0]).astype(int).tolist()}
    return z, unstable, len(states), np.asarray(path[:, 0])
