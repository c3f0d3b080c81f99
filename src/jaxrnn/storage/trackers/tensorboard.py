"""TensorBoard: event files in the run folder, written by tensorboardX. View them with `tensorboard --logdir FOLDER`."""

from typing import Any

from jaxrnn.storage.trackers.tracker import Tracker, plain

FOLDER = "tensorboard"


def tracker() -> Tracker:
    """Builds the `Tracker` of TensorBoard; it requires the extra [tensorboard]."""
    return Tracker("tensorboard", "tensorboardX", "pip install -e '.[tensorboard]'", _Session)


class _Session:
    def __init__(self, run):
        from tensorboardX import SummaryWriter

        self.identifier, self._settings, self._step = FOLDER, run.settings, run.step
        folder = run.folder / FOLDER
        purge_step = run.step if folder.is_dir() else None  # hides events that an interrupted process wrote later
        self._writer: Any = SummaryWriter(str(folder), purge_step=purge_step)

    def log(self, step, metrics):
        self._step = step
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def finish(self, metrics, summary, figures):
        import numpy as np
        from PIL import Image
        from tensorboardX.summary import hparams

        for record in hparams(plain(self._settings), metrics):
            self._writer.file_writer.add_summary(record)
        for name, value in metrics.items():
            self._writer.add_scalar(name, value)
        for path in figures:
            pixels = np.asarray(Image.open(path).convert("RGB"))
            self._writer.add_image(f"figures/{path.stem}", pixels, self._step, dataformats="HWC")
        self._writer.close()
