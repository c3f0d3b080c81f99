"""Progress bars of trainings, on standard error."""

from tqdm import tqdm


def progress_bar(steps, done=0):
    """Returns a bar with speed and remaining time; it is silent if standard error is not a terminal.

    Args:
      steps: number of updates.
      done: number of updates made before.
    """
    return tqdm(total=steps, initial=done, unit="step", unit_scale=True, disable=None, dynamic_ncols=True)
