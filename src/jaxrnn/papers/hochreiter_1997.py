"""Hochreiter & Schmidhuber 1997, "Long short-term memory", experiments 4 and 6a: sequences seen until the stop rule.

Training stops when 2000 successive training sequences are right, each tested before the network learns from it.
"""

import numpy as np

from jaxrnn.cells import lstm
from jaxrnn.data import adding, temporal_order
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Claim, Reproduction, at_most
from jaxrnn.plotting import style
from jaxrnn.studies.long_lag import sequences_seen
from jaxrnn.training.update import Trainer
from jaxrnn.types import Size

PUBLISHED = {"adding": 74_000, "temporal order, 2 symbols": 31_390}  # tables 7 and 9, means over trials


def reproduce(quick: bool = False, seeds: Size = 10, size: Size = 16, max_sequences: Size = 100_000) -> Reproduction:
    """Measures sequences until the stop rule, for LSTMs with a forget gate trained by Adam; the claim is at most those
    of 1997.

    Args:
      quick: a rule of 200 sequences, 22 steps, at most three networks.
      seeds: networks per task.
      size: H.
      max_sequences: number of sequences after which a network has failed; it then counts as infinitely many.
    """
    right, length = (200, 22) if quick else (2000, 100)
    seeds = min(seeds, 3) if quick else seeds
    tasks = {"adding": adding.dataset(length)}
    if not quick:
        tasks["temporal order, 2 symbols"] = temporal_order.dataset(length)
    trainer = Trainer(1000, 8, 100)
    ours = {}
    for name, data in tasks.items():
        task = training.task(lstm.cell(size, chrono=float(length)), data, trainer, learning_rate=1e-2)
        seen = sequences_seen(task, 0, seeds, right, max_sequences, name)
        ours[name] = np.where(np.isnan(seen), np.inf, seen)
    claims = [
        at_most(
            f"{name}, T={length}: sequences until {right} successive ones are right",
            PUBLISHED[name],
            seen,
            source="text",
        )
        for name, seen in ours.items()
    ]
    claims += [
        Claim(f"{name}: share of networks that reach this", 1.0, np.mean(np.isfinite(seen)), source="text")
        for name, seen in ours.items()
    ]

    def draw():
        figure, panel = style.axes("", "sequences seen")
        for x, (name, seen) in enumerate(ours.items()):
            panel.semilogy(np.full(len(seen), x), seen, "o", color=style.BLUE, markersize=3, label="ours")
            panel.plot([x - 0.2, x + 0.2], [PUBLISHED[name]] * 2, color=style.RED, label="published mean")
        panel.set_xticks(range(len(ours)), ours)
        panel.set_xlim(-0.5, len(ours) - 0.5)
        return {"hochreiter_1997": style.legend_below(figure)}

    settings = {"H": size, "batch": 8, "Adam": 1e-2, "chrono": length, "seeds": seeds, "right": right}
    differs = ["The published number belongs to T=100 and 2000 sequences."] if quick else []
    differs += ["Adam and batches of 8 instead of gradient descent after every sequence; exact gradient; forget gate."]
    return Reproduction("Hochreiter & Schmidhuber 1997, long lags", claims, settings, differs, draw)
