"""Chen, Pennington & Schoenholz 2018, "Dynamical isometry and a mean field theory of RNNs": training, section 5.

The first step shows a symbol, noise follows, and step T asks for the symbol. A gradient over T steps shrinks or grows
as exp(-T / xi) with xi = 1 / |ln chi| (see `jaxrnn.papers.chen_2018`). Within few updates networks learn only up to
about T = 6 xi. For tanh units xi is long only near the scale s = 1; for the minimalRNN its gate's bias sets xi at every
scale.
"""

from functools import partial

import numpy as np

from jaxrnn.cells import elman, minimal_rnn
from jaxrnn.initializers import gaussian
from jaxrnn.papers import _lags as lags
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Claim, Reproduction, at_most
from jaxrnn.papers._mean_field import minimal_theory, tanh_theory
from jaxrnn.plotting import style
from jaxrnn.training.update import Trainer
from jaxrnn.types import ListOf, Size

SYMBOLS, NOISE, BIAS = 4, 0.05, 2.0
TANH, MINIMAL = "tanh", f"minimalRNN, b = {BIAS:g}"
LEARNED = 0.9  # share of right sequences that counts as learned


def reproduce(
    quick: bool = False,
    scales: ListOf[float] = (0.3, 0.6, 0.8, 1.0, 1.2, 1.6, 2.4),
    lengths: ListOf[Size] = (10, 20, 40, 80, 160),
    seeds: Size = 2,
    units: Size = 64,
    steps: Size = 200,
) -> Reproduction:
    """Compares the number of steps that are learned with 6 xi of the theory, over the scale of the recurrent weights.

    Args:
      quick: only tanh units, three scales, and the lengths 10 and 40.
      scales: values of s; the recurrent weights have variance s^2 / N.
      lengths: values of T, each at most twice the one before.
      seeds: networks per scale.
      units: N.
      steps: updates of 32 sequences.
    """
    kinds = {TANH: tanh_theory, MINIMAL: _minimal_theory}
    if quick:
        kinds, scales, lengths = {TANH: tanh_theory}, (0.3, 1.0, 2.4), (10, 40)
    trainer = Trainer(steps, 32, max(1, steps // 4))
    xi = {kind: np.array([1 / abs(theory(s, NOISE)) for s in scales]) for kind, theory in kinds.items()}
    right = {kind: _right(kind, scales, lengths, seeds, units, trainer) for kind in kinds}  # [lengths, scales]
    longest = {kind: _longest(shares, lengths) for kind, shares in right.items()}
    # 6 xi is clipped to the tried lengths, because the longest learned T cannot leave them.
    predicted = {kind: np.clip(6 * xi[kind], lengths[0], lengths[-1]) for kind in kinds}
    factors = {kind: 2 ** np.max(np.abs(np.log2(longest[kind] / predicted[kind]))) for kind in kinds}
    claims = [
        at_most(f"{kind}: largest factor between the longest learned T and 6 xi", 4.0, factor)
        for kind, factor in factors.items()
    ]
    claims.append(
        Claim("tanh: s with the longest learned T", 1.0, scales[int(np.argmax(longest[TANH]))], tolerance=0.2)
    )
    if MINIMAL in kinds:
        spread = np.max(longest[MINIMAL]) / np.min(longest[MINIMAL])
        claim = f"{MINIMAL}: longest learned T over all s, largest / smallest"
        claims.append(at_most(claim, 1.0, spread))
    settings = {"N": units, "seeds": seeds, "s": list(scales), "T": list(lengths), "symbols": SYMBOLS, "noise": NOISE}
    settings |= training.settings(trainer) | {"Adam": 1e-3, "learned": f"{LEARNED:.0%} right"}
    differs = [
        f"The first step shows one of {SYMBOLS} symbols instead of an image; {units} units, {steps} updates; Adam.",
        "The paper shows the map as a figure, without numbers.",
    ]
    draw = partial(_draw, scales, lengths, xi, right)
    return Reproduction("Chen, Pennington & Schoenholz 2018, what can be learned", claims, settings, differs, draw)


def _minimal_theory(s, noise):
    return minimal_theory(s, BIAS, noise)


def _draw(scales, lengths, xi, right):
    figure, panels = style.panels(len(right), "s", "T (steps)", sharey=True)
    for panel, (kind, shares) in zip(panels, right.items(), strict=True):
        columns = np.arange(len(scales))
        image = panel.pcolormesh(columns, np.arange(len(lengths)), shares, cmap="Greys", vmin=0, vmax=1, alpha=0.5)
        at = np.log2(6 * xi[kind] / lengths[0]) / np.log2(lengths[-1] / lengths[0]) * (len(lengths) - 1)
        panel.plot(columns, at, color=style.RED, marker="o", label="6 xi, theory")
        panel.set_xticks(columns[::2], [f"{s:g}" for s in scales[::2]])
        panel.set_yticks(np.arange(len(lengths)), lengths)
        panel.set_ylim(-0.5, len(lengths) - 0.5)
        style.title(panel, kind)
    figure.colorbar(image, ax=panels, label="share right")
    return {"chen_2018_training": style.legend_below(figure)}


def _longest(right, lengths):
    """Returns the longest T [scales] up to which all lengths are learned; the shortest length if none is."""
    learned = np.cumprod(right > LEARNED, axis=0).sum(axis=0)
    return np.array(lengths)[np.maximum(learned - 1, 0)]


def _right(kind, scales, lengths, seeds, units, trainer):
    """Returns the shares of right sequences after training, means over networks: [lengths, scales]."""

    def make(s, data):
        def recurrent_init(key, shape):
            return s * gaussian()(key, shape)

        if kind == TANH:
            cell = elman.cell(units, "tanh", gaussian(), recurrent_init)
        else:
            cell = minimal_rnn.cell(units, BIAS, gaussian(), recurrent_init)
        return training.task(cell, data, trainer)

    shares_by_length = []
    for length in lengths:
        rows = training.train_networks(
            partial(make, data=lags.symbol_before_noise(length, SYMBOLS, NOISE)), seeds, scales
        ).rows
        shares = [training.solved(row) for row in rows]
        shares_by_length.append(np.reshape(shares, (len(scales), seeds)).mean(axis=1))
    return np.array(shares_by_length)
