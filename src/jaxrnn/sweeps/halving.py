"""Successive halving (Jamieson & Talwalkar 2016, algorithm 1): only the best runs of a program train further."""

from typing import Annotated, NamedTuple

from annotated_types import Ge

from jaxrnn.errors import ConfigError
from jaxrnn.types import Size


class Options(NamedTuple):
    """Options for training groups.

    Fields:
      max_runs: largest number of runs in one program; None for as many as fit in memory.
      halve_after: updates before the first cut, a multiple of the updates between two reports; None to train all runs
        to their end.
      halve_factor: eta. A cut keeps the best 1 / eta of the runs in a program; the next cut comes at eta times the
        number of updates.
    """

    max_runs: Size | None = None
    halve_after: Size | None = None
    halve_factor: Annotated[int, Ge(2)] = 2

    def cuts(self, steps):
        """Lists the steps at which runs are cut."""
        if self.halve_after is None:
            return []
        cuts = [self.halve_after]
        while cuts[-1] < steps:
            cuts.append(cuts[-1] * self.halve_factor)
        return cuts[:-1]


def check(options, report_every):
    """Checks that the first cut is at a report.

    Raises:
      ConfigError: if `options.halve_after` is not a multiple of `report_every`.
    """
    if options.halve_after is not None and options.halve_after % report_every:
        raise ConfigError(
            f"hydra.launcher.halve_after={options.halve_after} must be a multiple of "
            f"trainer.report_every={report_every}: runs are compared at reports"
        )


def cut(training, factor):
    """Ends all runs except the best 1 / factor of those that have not ended."""
    going = list(training.going().values())
    survivors = max(len(going) // factor, 1)
    ranked = sorted(going, key=lambda history: history.last_loss())
    for rank, history in enumerate(ranked[survivors:], survivors + 1):
        history.end("pruned", f"rank {rank} of {len(going)} after {history.step} updates")
