"""Progress of a sweep: finished runs, the best score so far and the remaining time."""

import time
from pathlib import Path

from jaxrnn.experiments import run_folder
from jaxrnn.progress_bar import progress_bar
from jaxrnn.storage import summaries


class Progress:
    """Progress bar over all groups of a sweep, with the finished runs and the best score so far."""

    def __init__(self, jobs, summaries):
        self._jobs, self._done, self._best = len(jobs), 0, None
        remaining = [job for job in jobs if job.number not in summaries]
        self.bar = progress_bar(sum(int(job.cfg.trainer.steps) for job in remaining))
        for job in jobs:
            if job.number in summaries:
                self.ended(job, summaries[job.number])

    def report(self, updates, histories):
        self.bar.update(updates * len(histories))
        losses = [loss for history in histories if (loss := history.last_loss()) is not None]
        text = f"{self._done} of {self._jobs} runs done" + (f", now {min(losses):.3g}" if losses else "")
        self.bar.set_postfix_str(text + (f", best {self._best[0]:.3g}" if self._best else ""), refresh=False)

    def ended(self, job, content):
        """Records a run that has ended: its `Job` and its summary."""
        self._done += 1
        loss = score(content)
        if loss is not None and (self._best is None or loss < self._best[0]):
            self._best = (loss, job.number)

    def say(self, text):
        self.bar.write(f"{text}; {so_far(self._done, self._jobs, self._best)}")


def how_far(folder, jobs, began=None, before=0):
    """Describes the progress of a sweep whose runs are trained one by one: finished runs, best score, remaining time.

    Args:
      folder: the sweep's folder, with one numbered folder per run.
      jobs: number of runs in the sweep.
      began: value of `time.monotonic()` when the sweep started or resumed; None if it started on another host.
      before: number of runs that had ended before.
    """
    files = [file for file in Path(folder).glob(f"*/{summaries.FILE}") if file.parent.name.isdecimal()]
    ended = {file: content for file in files if (content := done(file.parent)) is not None}
    elapsed = 0.0 if began is None else time.monotonic() - began
    seconds_left = elapsed / max(len(ended) - before, 1) * (jobs - len(ended))
    losses = [(loss, file.parent.name) for file, content in ended.items() if (loss := score(content)) is not None]
    text = so_far(len(ended), jobs, min(losses, default=None))
    if seconds_left <= 0:
        return text
    return f"{text}; about " + (
        f"{seconds_left / 60:.0f} min left" if seconds_left >= 90 else f"{seconds_left:.0f} s left"
    )


def so_far(done, jobs, best):
    """Describes the finished runs and the best one; best is (loss, number) or None."""
    return f"{done} of {jobs} runs done" + (f"; best so far {best[0]:.4g} (#{best[1]})" if best else "")


def done(folder):
    """Returns the summary of a run that has ended in another process, or None."""
    content = summaries.read(folder)
    return content if content is not None and content["status"] in (*run_folder.ENDED, "failed") else None


def score(content):
    """Score by which runs of a sweep are compared: the validation loss of the best params, or else the training loss.

    It is None if the run has neither loss, or diverged.
    """
    if content["status"] == "diverged":
        return None
    for split in ("validation", "train"):
        if (values := content["metrics"].get(split)) and values.get("loss") is not None:
            return values["loss"]
    return None
