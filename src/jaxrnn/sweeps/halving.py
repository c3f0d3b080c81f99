"""Successive halving (Jamieson & Talwalkar 2016, algorithm 1): the better part of a program's runs goes on."""

from typing import Annotated, NamedTuple

from annotated_types import Ge

from jaxrnn.errors import ConfigError
from jaxrnn.types import Size


class Options(NamedTuple):
    """How groups are trained.

    Fields:
      max_runs: runs in one program at most; None for as many as the memory holds.
      halve_after: updates before the first cut, a multiple of the updates between two reports; None to train all runs
        to their end.
      halve_factor: eta; at a cut the best 1 / eta of the runs in a program go on, and the next one comes after eta
        times the updates.
    """

    max_runs: Size | None = None
    halve_after: Size | None = None
    halve_factor: Annotated[int, Ge(2)] = 2

    def cuts(self, steps):
        """The updates after which runs are cut."""
        if self.halve_after is None:
            return []
        cuts = [self.halve_after]
        while cuts[-1] < steps:
            cuts.append(cuts[-1] * self.halve_factor)
        return cuts[:-1]


def check(options, report_every):
    """Refuses a first cut that is not at a report.

    Raises:
      ConfigError: if it is not.
    """
    if options.halve_after is not None and options.halve_after % report_every:
        raise ConfigError(
            f"hydra.launcher.halve_after={options.halve_after} is no multiple of trainer.report_every={report_every}"
        )


def cut(training, factor):
    """Ends all but the best of the runs that go on."""
    going = list(training.going().values())
    kept = max(len(going) // factor, 1)
    for rank, history in enumerate(sorted(going, key=lambda history: history.last_loss())[kept:], kept + 1):
        history.end("pruned", f"rank {rank} of {len(going)} after {history.step} updates")
