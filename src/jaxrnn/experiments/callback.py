"""Hydra callback that locks the folder of a run before Hydra writes into it."""

import atexit

from hydra.experimental.callback import Callback

from jaxrnn.experiments.command_line import config_errors


class FolderCallback(Callback):
    """Holds the lock of a run folder. Raises an error if another process writes there or the folder contains a run.

    If the command ends before its run begins, the folder is removed.
    """

    def __init__(self):
        self._lock = None

    def __getstate__(self):
        """Leaves out the lock: launchers send the callback to other processes, but the lock belongs to this one."""
        return {"_lock": None}

    def on_run_start(self, config, **kwargs):
        from hydra.core.hydra_config import HydraConfig

        from jaxrnn.experiments import run_folder
        from jaxrnn.runtime import processes
        from jaxrnn.storage import locks

        HydraConfig.instance().set_config(config)  # the name of the folder needs it, and Hydra sets it only later
        with config_errors():  # Hydra would turn any other error into a warning
            if processes()[0] == 0:  # if several processes train together, only the first one writes
                folder = config.hydra.run.dir
                locks.refuse_if_held(folder)
                run_folder.refuse_a_run(folder)
                self._lock = locks.Lock(folder)
                atexit.register(self._lock.discard)  # a command that is refused ends without `on_run_end`
                run_folder.refuse_a_run(folder)  # another process may have trained here in the meantime

    def on_run_end(self, config, **kwargs):
        if self._lock is not None:
            atexit.unregister(self._lock.discard)
            self._lock.release()
