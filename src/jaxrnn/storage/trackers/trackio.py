"""Trackio: a local database (`TRACKIO_DIR`, by default in the cache of Hugging Face), which `trackio show` displays."""

import contextlib
import contextvars
import io

from jaxrnn.storage.trackers.tracker import Tracker, plain, scalars


def tracker(project: str = "jaxrnn") -> Tracker:
    """Builds the `Tracker` of Trackio; it requires the extra [trackio].

    Args:
      project: name of the project.
    """
    return Tracker("trackio", "trackio", "pip install -e '.[trackio]'", lambda run: _Session(project, run))


class _Session:
    def __init__(self, project, run):
        import trackio

        self._step = run.step
        name = None if run.identifier is None else _name_to_resume(project, run.identifier)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints several lines per run
            # Trackio ends the run of the current context when the next one starts. The members of a sweep are open at
            # once, so each has a context of its own.
            self._run = contextvars.Context().run(
                trackio.init,
                project,
                name=name or run.name,
                group=run.group,
                config=plain(run.settings),
                resume="must" if name else "never",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
        self.identifier = self._run.id

    def log(self, step, metrics):
        self._step = step
        self._run.log(metrics, step=step)

    def finish(self, metrics, summary, figures):
        import trackio

        images = {f"figures/{path.stem}": trackio.Image(str(path)) for path in figures}
        self._run.log({**metrics, **scalars(summary), **images}, step=self._step)
        with contextlib.redirect_stdout(io.StringIO()):
            self._run.finish()


def _name_to_resume(project, identifier):
    """Returns the name of a run, because Trackio finds the run to resume by its name; None if the run was deleted.

    A run that shares its name, such as `seed=1` of two sweeps, is renamed: it gets its identifier behind its name.
    """
    import trackio

    runs = list(trackio.Api().runs(project))
    for run in runs:
        if run.id == identifier:
            is_unique = sum(other.name == run.name for other in runs) == 1
            return (run if is_unique else run.rename(f"{run.name} {identifier}")).name
    return None
