"""MLflow: the database `mlflow.db` and the folder `mlruns/` of the working directory, which `mlflow ui` displays.

The variable MLFLOW_TRACKING_URI sends the runs to another database or to a server.
"""

import logging
import os
import time

from jaxrnn.storage.trackers.tracker import Tracker

DATABASE = "sqlite:///mlflow.db"
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
        self._client = MlflowClient(tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", DATABASE))
        if run.identifier is not None:
            self.identifier = run.identifier
            self._client.update_run(self.identifier, status="RUNNING")
            return
        known = self._client.get_experiment_by_name(experiment)
        number = self._client.create_experiment(experiment) if known is None else known.experiment_id
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
