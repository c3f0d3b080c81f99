"""Vogt, Puelma Touzel, Shlizerman & Lajoie 2020, "On Lyapunov exponents for RNNs".

The Lyapunov exponents of a network along its inputs tell how well it can be trained: the nearer the largest one is to
zero, the farther gradients reach. Measured before training, it predicts the loss across initialisations.
"""

from functools import partial
from typing import Any

import jax
import numpy as np
from scipy.stats import spearmanr

from jaxrnn.cells import elman
from jaxrnn.dynamics.exponents import lyapunov
from jaxrnn.dynamics.maps import as_map
from jaxrnn.initializers import gaussian
from jaxrnn.papers import _lags as lags
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Reproduction, at_least, at_most
from jaxrnn.plotting import style
from jaxrnn.training.update import Trainer
from jaxrnn.types import ListOf, Size

SYMBOLS, NOISE = 4, 0.05
LEARNED = 0.1  # nats; a network with a lower loss has learned; a guess has ln 4 = 1.4


def reproduce(
    quick: bool = False,
    scales: ListOf[float] = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0),
    length: Size = 40,
    seeds: Size = 3,
    units: Size = 48,
    steps: Size = 300,
) -> Reproduction:
    """Measures the largest exponents before and after training, and the losses, of tanh networks of many scales.

    Args:
      quick: one network per scale.
      scales: values of s; the recurrent weights have variance s^2 / N.
      length: T, the number of steps between the symbol and the question.
      seeds: networks per scale.
      units: N.
      steps: updates of 32 sequences.
    """
    seeds = 1 if quick else seeds
    data, trainer = lags.symbol_before_noise(length, SYMBOLS, NOISE), Trainer(steps, 32, max(1, steps // 10))

    def make(s):
        def recurrent_init(key, shape):
            return s * gaussian()(key, shape)

        return training.task(elman.cell(units, "tanh", gaussian(), recurrent_init), data, trainer)

    _, losses, run = training.train_and_record(make, seeds, scales)
    last = training.last(losses)
    xs: Any = data.splits["validation"].xs
    net, noise = make(1.0).net, np.tile(xs[1:, 0], (10, 1))
    exponent = jax.jit(lambda params: _largest(net, params, noise))
    first = [make(s).net.init(jax.random.key(seed), data.input_size) for s in scales for seed in range(seeds)]
    before = np.array([exponent(params) for params in first])
    after = np.array([exponent(run.params(row)) for row in range(len(last))])
    size = np.abs(before)
    correlation: Any = spearmanr(size, last)
    claims = [
        at_least(
            "rank correlation between the size of the largest exponent before training and the last loss",
            0.7,
            correlation.statistic,
        ),
        at_most(
            "size of the largest exponent before training, networks that learned, nats per step",
            0.3,
            size[last < LEARNED],
        ),
    ]
    settings = {"N": units, "T": length, "seeds": seeds, "s": list(scales), **training.settings(trainer), "Adam": 1e-3}
    differs = [
        "tanh networks keep a symbol over noise; in the paper LSTMs read letters of a text and GRUs read images.",
        "The paper's correlations were not available, so the bounds are ours. Training does not bring exponents to "
        "zero in general: networks that do not learn keep theirs.",
    ]
    draw = partial(_draw, before, after, last)
    return Reproduction("Vogt et al. 2020, exponents foretell the loss", claims, settings, differs, draw)


def _largest(net, params, xs):
    """Returns the largest exponent along the noise, after a warm-up of a quarter of it."""
    f, z_0 = as_map(net, params)
    return lyapunov(f, z_0, xs, 1, warm_up=len(xs) // 4).lam[0]


def _draw(before, after, last):
    figure, panels = style.panels(2, "largest exponent (nats per step)", "last loss (nats)")
    for panel, lam, moment in zip(panels, (before, after), ("before", "after"), strict=True):
        panel.semilogy(lam, last, "o", color=style.BLUE, markersize=3)
        panel.axvline(0.0, **style.FAINT)
        panel.axhline(np.log(SYMBOLS), **style.FAINT)
        style.title(panel, f"exponent {moment} training")
    return {"vogt_2020": figure}
