"""How far a sweep is: runs done, the best so far, the time left."""

import time
from pathlib import Path

from jaxrnn.experiments import folders
from jaxrnn.training import records, summaries


class Progress:
    """Runs done, the best so far, and the time left, over all groups."""

    def __init__(self, jobs, summaries):
        self._jobs, self._done, self._best = len(jobs), 0, None
        left = [job for job in jobs if job.number not in summaries]
        self.bar = records.progress_bar(sum(int(job.cfg.trainer.steps) for job in left), 0)
        for job in jobs:
            if job.number in summaries:
                self.ended(job, summaries[job.number])

    def report(self, updates, histories):
        self.bar.update(updates * len(histories))
        losses = [loss for history in histories if (loss := history.last_loss()) is not None]
        text = f"{self._done} of {self._jobs} runs done" + (f", now {min(losses):.3g}" if losses else "")
        self.bar.set_postfix_str(text + (f", best {self._best[0]:.3g}" if self._best else ""), refresh=False)

    def ended(self, job, content, alone=False):
        """Notes a run that has ended; one that was trained alone moves the bar here."""
        self._done += 1
        if alone:
            self.bar.update(content["steps"])
        loss = score(content)
        if loss is not None and (self._best is None or loss < self._best[0]):
            self._best = (loss, job.number)

    def say(self, text):
        self.bar.write(f"{text}; {so_far(self._done, self._jobs, self._best)}")


def how_far(folder, jobs, began=None, before=0):
    """Runs done, the best so far and the time left of a sweep whose runs are trained one by one, as text.

    Args:
      folder: the sweep's folder, with a numbered folder a run.
      jobs: how many runs there will be.
      began: when the sweep began or went on, as `time.monotonic()` of this host tells; None where another host began.
      before: runs that had ended then.
    """
    files = [file for file in Path(folder).glob(f"*/{summaries.FILE}") if file.parent.name.isdecimal()]
    ended = {file: content for file in files if (content := done(file.parent)) is not None}
    taken = 0.0 if began is None else time.monotonic() - began
    left = taken / max(len(ended) - before, 1) * (jobs - len(ended))
    losses = [(loss, file.parent.name) for file, content in ended.items() if (loss := score(content)) is not None]
    text = so_far(len(ended), jobs, min(losses, default=None))
    return text + (f"; about {left / 60:.0f} min left" if left >= 90 else f"; about {left:.0f} s left") * (left > 0)


def so_far(done, jobs, best):
    """Progress as text; best is (loss, number) or None."""
    return f"{done} of {jobs} runs done" + (f"; best so far {best[0]:.4g} (#{best[1]})" if best else "")


def done(folder):
    """The summary of a run that another process has left, or None."""
    content = summaries.read(folder)
    return content if content is not None and content["status"] in (*folders.ENDED, "failed") else None


def score(content):
    """What runs of a sweep are compared by: the validation loss of the best params, the training loss without one; None
    if the run has neither, or diverged."""
    if content["status"] == "diverged":
        return None
    for split in ("validation", "train"):
        if (values := content["metrics"].get(split)) and values.get("loss") is not None:
            return values["loss"]
    return None
