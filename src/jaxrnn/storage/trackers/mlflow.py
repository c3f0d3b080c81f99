"""MLflow: the database `mlflow.db` and the folder `mlruns/` of the working directory, which `mlflow ui` displays.

The variable MLFLOW_TRACKING_URI sends the runs to another database or to a server.
"""

import contextlib
import logging
import os
import time

from jaxrnn.storage.trackers.tracker import Tracker

FILES = "sqlite:///"  # beginning of the address of a database in a file
DATABASE = FILES + "mlflow.db"
STATUSES = {"finished": "FINISHED", "diverged": "FAILED"}  # other statuses are KILLED: stopped and pruned
MAX_PARAMS, MAX_LENGTH = 100, 6000  # MLflow's limits for one call, and for the value of a param


def tracker(experiment: str = "jaxrnn") -> Tracker:
    """Builds the `Tracker` of MLflow; it requires the extra [mlflow].

    Args:
      experiment: name of the experiment.
    """
    return Tracker("mlflow", "mlflow", "pip install -e '.[mlflow]'", lambda run: _Session(experiment, run))


class _Session:
    def __init__(self, experiment, run):
        from mlflow import MlflowClient
        from mlflow.entities import Param

        logging.getLogger("mlflow.store").setLevel(logging.WARNING)  # it logs the creation of the database
        address = os.environ.get("MLFLOW_TRACKING_URI", DATABASE)
        with _locked(address):
            self._client = MlflowClient(tracking_uri=address)
            number = _experiment_number(self._client, experiment) if run.identifier is None else None
        if run.identifier is not None:
            self.identifier = run.identifier
            self._client.update_run(self.identifier, status="RUNNING")
            return
        tags = {"folder": str(run.folder)} | ({"sweep": run.group} if run.group else {})
        self.identifier = self._client.create_run(number, run_name=run.name, tags=tags).info.run_id
        params = [Param(name, str(value)[:MAX_LENGTH]) for name, value in run.settings.items()]
        for first in range(0, len(params), MAX_PARAMS):
            self._client.log_batch(self.identifier, params=params[first : first + MAX_PARAMS])

    def log(self, step, metrics):
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        values = [Metric(name, value, now, step) for name, value in metrics.items()]
        self._client.log_batch(self.identifier, metrics=values)

    def finish(self, metrics, summary, figures):
        self.log(summary["steps"], metrics)
        self._client.log_dict(self.identifier, summary, "summary.json")
        for path in figures:
            self._client.log_artifact(self.identifier, str(path), "figures")
        self._client.set_terminated(self.identifier, STATUSES.get(summary["status"], "KILLED"))


def _locked(address):
    """Locks a database in a file: of processes that start together, the first one creates its tables."""
    if not address.startswith(FILES):
        return contextlib.nullcontext()
    from filelock import FileLock

    return FileLock(address.removeprefix(FILES).partition("?")[0] + ".lock")


def _experiment_number(client, name):
    """Returns MLflow's number of the experiment of a name, and creates the experiment if there is none."""
    from mlflow.exceptions import MlflowException

    known = client.get_experiment_by_name(name)
    if known is None:
        try:
            return client.create_experiment(name)
        except MlflowException:  # a server that another process asked at the same time
            known = client.get_experiment_by_name(name)
            if known is None:
                raise
    return known.experiment_id
