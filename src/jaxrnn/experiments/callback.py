"""Hydra's callback around one run: the lock of its folder, from before Hydra writes into it."""

from hydra.experimental.callback import Callback

from jaxrnn.experiments.command_line import config_errors


class FolderCallback(Callback):
    """Holds the lock of a run's folder; a folder that another process writes to, or that holds a run, is refused."""

    def __init__(self):
        self._lock = None

    def __getstate__(self):
        """Launchers send the callback to other processes; the lock stays with this one."""
        return {"_lock": None}

    def on_run_start(self, config, **kwargs):
        from hydra.core.hydra_config import HydraConfig

        from jaxrnn.experiments import locks
        from jaxrnn.runtime import processes

        HydraConfig.instance().set_config(config)  # which the folder's name asks for, and Hydra sets right after
        with config_errors():  # Hydra makes a warning of any other error
            if processes()[0] == 0:  # of several processes that train together the first one writes
                folder = config.hydra.run.dir
                locks.refuse_if_held(folder)
                locks.refuse_a_run(folder)
                self._lock = locks.Lock(folder)
                locks.refuse_a_run(folder)  # that another process began and ended meanwhile

    def on_run_end(self, config, **kwargs):
        if self._lock is not None:
            self._lock.release()
