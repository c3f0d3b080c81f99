"""Progress bars of trainings: on standard error, or in a notebook."""

import os
import sys


def progress_bar(steps):
    """Returns a bar over a number of updates, with speed and remaining time.

    It is silent outside a terminal and a notebook. The environment variable TQDM_DISABLE=1 silences a notebook too.
    """
    options = {"total": steps, "unit": "step", "unit_scale": True, "dynamic_ncols": True}
    is_notebook = "ipykernel.zmqshell" in sys.modules and not os.environ.get("TQDM_DISABLE")
    if is_notebook:  # a widget, or text without ipywidgets; tqdm.auto imports asyncio, so it is not imported elsewhere
        from tqdm.auto import tqdm as notebook_bar

        return notebook_bar(**options)
    from tqdm import tqdm

    return tqdm(**options, disable=None)
