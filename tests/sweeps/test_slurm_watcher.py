"""The jobs of a sweep are watched by Slurm's queue, and other jobs of the same process by submitit."""

import pytest

from jaxrnn.errors import ConfigError

submitit = pytest.importorskip("submitit")


@pytest.mark.parametrize("error", [None, submitit.core.utils.UncompletedJobError("Job 7 has no result"), ValueError])
def test_only_the_jobs_of_a_launch_are_watched_by_the_queue(error):
    from submitit.slurm.slurm import SlurmJob

    from jaxrnn.sweeps.slurm import waiting

    watchers = [SlurmJob.watcher]

    def launch(*args):
        watchers.append(SlurmJob.watcher)
        if error is not None:
            raise error
        return args

    waiting_launch = waiting(launch)
    assert SlurmJob.watcher is watchers[0]
    for count in range(2):
        if error is None:
            assert waiting_launch(count) == (count,)
        else:
            with pytest.raises(ValueError if error is ValueError else ConfigError):
                waiting_launch(count)
        assert SlurmJob.watcher is watchers[0]
    _, first, second = watchers
    assert type(first) is not type(watchers[0])
    assert first.read_info(b"") == {}
    assert first is not second
