"""Waits for the jobs of a sweep that submitit gave to Slurm, until none of them is left in Slurm's queue.

submitit is imported when a sweep runs on Slurm, because only the extra `[launch]` installs it.
"""

import re

from jaxrnn.errors import ConfigError


def queue_watcher():
    """Returns a watcher that knows from `squeue` which jobs have ended.

    submitit's own asks `sacct`, which clusters without accounting do not have. A job without a result, whose node died
    for example, has ended when no job of its array is left in the queue. So a sweep does not end before its jobs.
    """
    from submitit.slurm.slurm import SlurmInfoWatcher

    class QueueWatcher(SlurmInfoWatcher):
        def _make_command(self):
            return ["squeue", "--me", "--noheader", "--format=%F"] if self._registered - self._finished else None

        def read_info(self, string):
            queued = set((string if isinstance(string, str) else string.decode()).split())
            return {job: {"State": "RUNNING" if job.split("_")[0] in queued else "ENDED"} for job in self._registered}

    return QueueWatcher()


def waiting(launch):
    """Returns the `launch` of submitit's launcher for Slurm, which then waits by Slurm's queue.

    Raises:
      ConfigError: by the returned function, if a job ended without a result; all other jobs have ended too.
    """
    from submitit.core.utils import UncompletedJobError
    from submitit.slurm.slurm import SlurmJob

    def launch_and_wait(*args, **kwargs):
        watcher, SlurmJob.watcher = SlurmJob.watcher, queue_watcher()
        try:
            return launch(*args, **kwargs)
        except UncompletedJobError as error:
            job = match[0] if (match := re.match(r"Job \S+", str(error))) else "a job"
            raise ConfigError(
                f"{job} ended without a result: its node died, it was cancelled, or it used more time or memory than "
                "Slurm allows; its log is in .submitit in the sweep's folder; the same command trains what is missing"
            ) from error
        finally:
            SlurmJob.watcher = watcher  # other jobs of this process keep submitit's

    return launch_and_wait
