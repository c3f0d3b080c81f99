"""Saves a run, also one that was trained without a folder, as a run folder that `jaxrnn.load` reads."""

import shutil
from pathlib import Path

from jaxrnn import atomic
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, made_again, saved_config
from jaxrnn.experiments.build import description
from jaxrnn.experiments.hydra_internals import to_yaml
from jaxrnn.storage import fingerprint, locks, metrics_csv, summaries
from jaxrnn.storage.checkpoints import Checkpoints
from jaxrnn.storage.trackers import tracker


def save(run, folder):
    """Writes a run into a new folder; a run that has a folder is copied with everything that resumes it.

    Raises:
      ConfigError: if the folder contains a run, or another process holds its lock.
      OSError: if a file cannot be written.
    """
    folder = Path(folder)
    if (folder / metrics_csv.FILE).exists():
        raise ConfigError(f"{folder} already contains a run; choose another folder")
    with locks.Lock(folder):
        if run.folder is not None:
            # Without the identifiers, the copy is a run of its own in the trackers of the original.
            ignored = shutil.ignore_patterns(locks.FILE, locks.WRITER, tracker.FILE)
            shutil.copytree(run.folder, folder, ignore=ignored, dirs_exist_ok=True)
            return
        if run.cfg is not None:
            config_path = saved_config.file(folder)
            config_path.parent.mkdir(exist_ok=True)
            atomic.write(config_path, to_yaml(run.cfg))
        elif run.objects and (reason := made_again.write(folder, run.objects)):
            print(f"{folder}: load it with jaxrnn.load(folder, net, dataset), because of {reason}")
        _write_checkpoint(run, folder, _write_metrics(run, folder))
        configuration = {} if run.cfg is None else {"configuration": comparing.leaves(run.cfg)}
        summaries.write(folder, run.summary() | summaries.versions() | configuration)


def _write_metrics(run, folder):
    """Writes the reports of a run to `metrics.csv` and returns their text."""
    metrics_file = metrics_csv.Metrics(folder, metrics=tuple(run.task.measured))
    for row in run.history.rows:
        metrics_file.write(row["step"], row["split"], row)
    metrics_file.flush()
    return metrics_file.text()


def _write_checkpoint(run, folder, text):
    """Writes a checkpoint with the best params only, since the state of the optimizer is gone."""
    settings = fingerprint.settings_of(
        run.task,
        run.seed,
        None if run.cfg is None else description(run.cfg),
        fingerprint.of_program(run.task) if run.cfg is None else None,
    )
    seconds = float(run.timing.get("seconds", 0.0))
    progress = {"best_loss": None, "best_step": run.best_step, "stale": 0, "seconds": seconds, "ended_by": run.reason}
    checkpoints = Checkpoints(folder, schema=fingerprint.Progress)
    checkpoints.save(run.step, None, run.params, progress | {"settings": settings}, {metrics_csv.FILE: text})
