"""Ribeiro, Tiels, Aguirre & Schon 2020, "Beyond exploding and vanishing gradients: analysing RNN training using
attractors and smoothness", section 6.

An LSTM receives a frequency as a constant input and should generate a sine of that frequency. Before training it has
one stable point for every input. After training it has a limit cycle of the given frequency. So its attractors change
their kind during training.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import lstm
from jaxrnn.data.sequences import Sequence, drawn
from jaxrnn.losses import SQUARED_ERROR
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Reproduction, at_least, at_most
from jaxrnn.plotting import style
from jaxrnn.training.update import Trainer
from jaxrnn.types import Size

SLOWEST, FASTEST = np.pi / 16, np.pi / 8  # rad per step


def reproduce(
    quick: bool = False, size: Size = 64, length: Size = 200, seeds: Size = 3, steps: Size = 3000, orbit: Size = 1600
) -> Reproduction:
    """Measures the attractors of networks under constant inputs, before and after training.

    Args:
      quick: 32 units, 60 steps, a third of the updates, one network.
      size: H.
      length: T of the training sequences.
      seeds: number of networks.
      steps: updates of 10 sequences.
      orbit: number of steps from a carry of zeros; the last quarter is measured.
    """
    if quick:
        size, length, seeds, steps = 32, 60, 1, steps // 3
    data, trainer = _sines(length), Trainer(steps, 10, max(1, steps // 20))
    task = training.task(lstm.cell(size), data, trainer, learning_rate=3e-3, clip_norm=0.25)
    run = training.train_networks(task, seeds)
    omegas = np.linspace(SLOWEST, FASTEST, 9)[1:-1]
    before = [_orbit(task.net, task.net.init(jax.random.key(seed), 1), omegas, orbit) for seed in range(seeds)]
    after = [_orbit(task.net, run.params(row), omegas, orbit) for row in range(seeds)]
    error = [np.median(np.abs(_frequencies(each) / omegas - 1)) for each in after]
    claims = [
        at_most(
            "before training: largest standard deviation on the attractor",
            1e-3,
            [each.std(axis=0).max() for each in before],
        ),
        at_least(
            "after training: smallest standard deviation on the attractor (the sine has 0.71)",
            0.2,
            [each.std(axis=0).min() for each in after],
        ),
        at_most("after training: median relative error of the frequency", 0.1, error),
    ]

    draw = partial(_draw, omegas, before, after)
    settings = {"H": size, "T": length, "seeds": seeds, **training.settings(trainer), "Adam": 3e-3, "clip_norm": 0.25}
    differs = [
        f"{size} units and T = {length} instead of 200 and 400; new sequences per update instead of 100 fixed ones.",
        "We compare before and after training; the paper follows the change from epoch to epoch.",
    ]
    return Reproduction(
        "Ribeiro et al. 2020, attractors in training", claims, settings | {"orbit": orbit}, differs, draw
    )


def _draw(omegas, before, after):
    """Draws outputs and frequencies; `before` and `after` list the outputs [steps, len(omegas)] of each network."""
    figure, panels = style.panels(2, "told (rad per step)", "")
    kinds = (
        (after, {"color": style.SKY, "label": "after training", "marker": "."}),
        (before, {"color": style.RED, "label": "before", "marker": "x", "zorder": 3}),
    )
    for number, omega in enumerate(omegas):
        for outputs, line in kinds:
            values = np.concatenate([each[-60:, number] for each in outputs])
            panels[0].plot(np.full(len(values), omega), values, linestyle="", markersize=3, **line)
    for each in after:
        panels[1].plot(omegas, _frequencies(each), "o", color=style.SKY, label="after training", markersize=3)
    panels[1].plot(omegas, omegas, color=style.BLACK, label="as told")
    style.title(panels[0], "outputs on the attractor")
    style.title(panels[1], "their frequency")
    return {"ribeiro_2020": style.legend_below(figure)}


def _encoded(omega):
    """Returns the constant input, from -1 to 1, that encodes a frequency."""
    return 2 * (omega - SLOWEST) / (FASTEST - SLOWEST) - 1


def _sines(length):
    times = jnp.arange(length)

    def sample(key):
        omega = jax.random.uniform(key, minval=SLOWEST, maxval=FASTEST)
        xs = jnp.full((length, 1), _encoded(omega))
        return Sequence(xs, jnp.sin(omega * times)[:, None], jnp.ones(length), times >= 0)

    return drawn(sample, 1, SQUARED_ERROR, {"zero": lambda batch: jnp.zeros_like(batch.targets)})


def _orbit(net, params, omegas, steps):
    """Returns the outputs of the last quarter of a run, [steps / 4, len(omegas)]."""
    xs = jnp.broadcast_to(_encoded(jnp.asarray(omegas, jnp.float32))[:, None], (steps, len(omegas), 1))
    run = jax.jit(lambda params: net.apply(params, net.initial(params, (len(omegas),)), xs)[1])
    return np.asarray(run(params))[-(steps // 4) :, :, 0]


def _frequencies(outputs):
    """Returns the strongest frequency of each column in rad per step, by a zero-padded Fourier transform."""
    centred = outputs - outputs.mean(axis=0)
    power = np.abs(np.fft.rfft(centred * np.hanning(len(centred))[:, None], 16 * len(centred), axis=0))
    return 2 * np.pi * np.argmax(power, axis=0) / (16 * len(centred))
