"""Grid of gains and lengths that studies of the initial recurrent weights measure."""

import numpy as np


def gain_grid(lowest, highest, gains, shortest, longest, lengths):
    """Returns (gains, lengths), evenly spread in their logarithms.

    Raises:
      ValueError: if a range is empty.
    """
    if lowest >= highest or shortest >= longest:
        raise ValueError("study.lowest must be below study.highest, and study.shortest below study.longest")
    steps = np.unique(np.rint(np.geomspace(shortest, longest, lengths)).astype(int))
    return np.geomspace(lowest, highest, gains), steps
