"""Progress bars of trainings, on standard error."""

from tqdm import tqdm


def progress_bar(steps):
    """Returns a bar over a number of updates, with speed and remaining time; it is silent outside a terminal."""
    return tqdm(total=steps, unit="step", unit_scale=True, disable=None, dynamic_ncols=True)
