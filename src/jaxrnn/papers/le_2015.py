"""Le, Jaitly & Hinton 2015, "A simple way to initialize recurrent networks of rectified linear units", section 4.1.

Rectified linear units whose recurrent weights start as the identity learn to add two numbers that are far apart. tanh
units stay at the variance of the sum, 1/6.
"""

from jaxrnn.cells import elman
from jaxrnn.data import adding
from jaxrnn.initializers import gaussian, identity
from jaxrnn.papers import _curves as curves
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Claim, Reproduction, at_least, at_most
from jaxrnn.training.update import Trainer
from jaxrnn.types import Positive, Size


def reproduce(
    quick: bool = False,
    length: Size = 100,
    size: Size = 100,
    seeds: Size = 5,
    steps: Size = 4000,
    learning_rate: Positive = 1e-4,
) -> Reproduction:
    """Measures validation losses of an IRNN and a tanh network with the same number of units.

    Args:
      quick: 30 steps, 40 units, a third of the updates at a rate of 3e-4, two networks per kind.
      length: T.
      size: H.
      seeds: networks per kind.
      steps: updates of 16 sequences.
      learning_rate: learning rate of Adam.
    """
    if quick:
        length, size, seeds, steps, learning_rate = 30, 40, 2, steps // 3, 3e-4
    data, trainer = adding.dataset(length, "le2015"), Trainer(steps, 16, max(1, steps // 20))
    cells = {"IRNN": elman.cell(size, "relu", gaussian(0.1), identity()), "tanh": elman.cell(size)}
    curves_by_kind = training.losses_by_kind(cells, data, trainer, seeds, learning_rate=learning_rate)
    last = {name: training.last(losses) for name, (_, losses) in curves_by_kind.items()}
    ratio, min_ratio = last["tanh"] / last["IRNN"], 2.0 if quick else 5.0
    claims = [at_least("loss: tanh / IRNN", min_ratio, ratio)]
    if quick:
        claims.append(at_most("IRNN: loss (half the loss without memory)", 1 / 12, last["IRNN"]))
    else:
        claims.append(at_most("IRNN: loss", 1 / 60, last["IRNN"]))
        claims.append(Claim("tanh: loss (published: variance of the sum)", 1 / 6, last["tanh"], tolerance=1 / 60))

    def draw():
        return {"le_2015": curves.loss_figure(curves_by_kind, 1 / 6)}

    sizes = {"T": length, "H": size, "seeds": seeds, **training.settings(trainer)}
    differs = [
        f"Adam with {steps:,} updates, not gradient descent with millions; T = {length} instead of 150 to 400.",
        "The LSTM is not trained here; `arjovsky_2016` has its loss on this task.",
    ]
    settings = sizes | {"Adam": learning_rate, "clip_norm": 1.0, "W_x": "N(0, 0.01 / D)"}
    return Reproduction("Le, Jaitly & Hinton 2015, IRNN on adding", claims, settings, differs, draw)
