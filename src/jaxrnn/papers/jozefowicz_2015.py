"""Jozefowicz, Zaremba & Sutskever 2015, "An empirical exploration of recurrent network architectures", section 3.

On tasks with lags, an LSTM whose forget gates start with a bias of 1 does as well as a GRU. With a bias of 0, a common
choice, or with a nearly closed forget gate it does worse.
"""

from jaxrnn.cells import gru, lstm
from jaxrnn.data import adding
from jaxrnn.papers import _curves as curves
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Claim, Reproduction, at_least, at_most
from jaxrnn.training.update import Trainer
from jaxrnn.types import ListOf, Size


def reproduce(
    quick: bool = False,
    length: Size = 50,
    size: Size = 32,
    seeds: Size = 5,
    steps: Size = 1500,
    biases: ListOf[float] = (-2.0, -1.0, 0.0, 1.0, 2.0),
) -> Reproduction:
    """Measures losses on adding for LSTMs with several biases, in one program, and for a GRU.

    Args:
      quick: T = 30, 16 units, two networks, biases -2 and 1, no GRU.
      length: T.
      size: H.
      seeds: networks per bias.
      steps: updates of 16 sequences.
      biases: initial values of b_f; must include 0 and 1.
    """
    if quick:
        length, size, seeds, biases = 30, 16, 2, (-2.0, 1.0)
    data, trainer = adding.dataset(length, "le2015"), Trainer(steps, 16, max(1, steps // 15))

    def make(bias):
        return training.task(lstm.cell(size, forget_bias=bias), data, trainer, learning_rate=5e-3)

    at, losses = training.losses_by_value(make, seeds, biases)
    last = dict(zip(biases, training.last(losses), strict=True))
    mean = dict(zip(biases, losses.mean(axis=0), strict=True))
    slower = f"b_f = {biases[0]:g}: mean loss during training / the same with b_f = 1"
    claims = [
        at_least(slower, 1.1, mean[biases[0]] / mean[1.0]),
        at_most("b_f = 1: last loss (half the loss without memory)", 1 / 12, last[1.0]),
    ]
    kinds = {f"b_f = {bias:g}": (at, losses[:, number]) for number, bias in enumerate(biases)}
    if not quick:
        kinds["GRU"] = training.losses(training.task(gru.cell(size), data, trainer, learning_rate=5e-3), seeds)
        of_gru = kinds["GRU"][1]
        ratio, like_gru = last[1.0] / last[0.0], training.last(of_gru) / last[1.0]
        claims += [
            at_most("b_f = 1: last loss / last loss with b_f = 0", 1.0, ratio, source="unchecked"),
            Claim(
                "GRU: last loss / last loss of an LSTM with b_f = 1", 1.0, like_gru, tolerance=0.5, source="our bound"
            ),
        ]

    def draw():
        return {"jozefowicz_2015": curves.loss_figure(kinds, 1 / 6, medians=True)}

    settings = {"T": length, "H": size, "seeds": seeds, **training.settings(trainer), "Adam": 5e-3, "clip_norm": 1.0}
    differs = ["Adding numbers instead of arithmetic as text, XML and Penn Treebank; settings are not searched."]
    title = "Jozefowicz, Zaremba & Sutskever 2015, the bias of the forget gate"
    return Reproduction(title, claims, settings | {"b_f": list(biases)}, differs, draw)
