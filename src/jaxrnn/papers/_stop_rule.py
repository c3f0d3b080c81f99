"""Sequences that LSTMs see until many successive ones are right, and the published numbers (the stop rule of
Hochreiter & Schmidhuber 1997).
"""

from typing import Any, NamedTuple

import numpy as np

from jaxrnn.cells import lstm
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import at_most
from jaxrnn.plotting import style
from jaxrnn.studies.long_lag import sequences_seen
from jaxrnn.training.ensemble import network_seeds
from jaxrnn.training.update import Trainer


class Experiment(NamedTuple):
    """One of the paper's experiments.

    Fields:
      name: name of the experiment.
      dataset: a `Dataset`.
      right: number of successive sequences that must be right.
      before: whether the paper counts only the sequences before these.
      published: sequences seen, mean over trials.
      max_sequences: number of sequences after which a network has failed.
      batch: sequences per update.
      size, rate: H, and Adam's learning rate.
    """

    name: str
    dataset: Any
    right: int
    before: bool
    published: float
    max_sequences: int
    batch: int = 8
    size: int = 16
    rate: float = 1e-2

    def sequences(self, seeds, length):
        """Trains LSTMs with chrono biases for lags up to `length`; returns the sequences seen [seeds].

        It is infinite for a network that failed.
        """
        cell, trainer = lstm.cell(self.size, chrono=float(length)), Trainer(1000, self.batch, 100)
        task = training.task(cell, self.dataset, trainer, learning_rate=self.rate)
        uncounted = self.right * self.before
        seen = sequences_seen(task, network_seeds(0, seeds), self.right, self.max_sequences + uncounted, self.name)
        return np.where(np.isnan(seen), np.inf, seen - uncounted)


def claims_of(experiments, ours):
    """Returns the claims that the sequences seen, {name: [seeds]}, are at most the published ones."""
    return [
        at_most(
            f"{each.name}: sequences until {each.right} successive ones are right",
            each.published,
            ours[each.name],
            source="text",
        )
        for each in experiments
    ]


def figure(experiments, ours):
    """Draws the sequences seen, {name: [seeds]}, and the published means."""
    drawing, panel = style.axes("sequences seen", "")
    for y, each in enumerate(reversed(experiments)):
        seen = ours[each.name]
        success = np.isfinite(seen)
        marks = {"color": style.BLUE, "markersize": 3, "label": "ours"}
        panel.plot(seen[success], np.full(success.sum(), y), "o", **marks)
        if not success.all():
            panel.plot(each.max_sequences, y, ">", color=style.BLUE, markersize=5, label="not until then")
        panel.plot([each.published] * 2, [y - 0.3, y + 0.3], color=style.RED, label="published mean")
    panel.set_xscale("log")
    panel.set_yticks(range(len(experiments)), [each.name for each in reversed(experiments)])
    return style.legend_below(drawing)
