"""Weights & Biases: offline files in `wandb/` of the working directory, which `wandb sync` uploads."""

from typing import Literal

from jaxrnn.storage.trackers.tracker import Tracker, plain, scalars


def tracker(project: str = "jaxrnn", mode: Literal["offline", "online"] = "offline") -> Tracker:
    """Builds the `Tracker` of Weights & Biases; it requires the extra [wandb].

    Args:
      project: name of the project.
      mode: "offline" writes files only; "online" sends them to the server of your account.
    """
    return Tracker("wandb", "wandb", "pip install -e '.[wandb]'", lambda run: _Session(project, mode, run))


class _Session:
    def __init__(self, project, mode, run):
        import wandb

        self._step = run.step
        self._run = wandb.init(
            project=project,
            mode=mode,
            name=run.name,
            group=run.group,
            id=run.identifier,
            config=plain(run.settings),
            resume="allow" if mode == "online" else None,
            reinit="create_new",  # the members of a sweep are open at once
            settings=wandb.Settings(console="off", silent=True, x_disable_stats=True),
        )
        self.identifier = self._run.id

    def log(self, step, metrics):
        self._step = step
        self._run.log(metrics, step=step)

    def finish(self, metrics, summary, figures):
        import wandb

        images = {f"figures/{path.stem}": wandb.Image(str(path)) for path in figures}
        if images:
            self._run.log(images, step=self._step)
        self._run.summary.update(metrics | scalars(summary))
        self._run.finish()
