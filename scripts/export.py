"""Writes a trained network for other libraries: python scripts/export.py run=PATH to=torch."""

import sys

from jaxrnn.experiments.command_line import config_errors, main


def export(cfg):
    from pathlib import Path

    from jaxrnn import interop, runtime
    from jaxrnn.experiments import run_folder, schema
    from jaxrnn.precision import computing

    runtime.prepare()
    with config_errors():
        schema.prepare(cfg)
        run = run_folder.load(cfg.run, schema.listed(cfg.trust, "trust"))
        folder = Path(run.folder, "export", str(cfg.to)) if cfg.folder is None else Path(cfg.folder)
        with computing(run.task.trainer.precision):
            lines = interop.export(run.net, run.params, run.dataset.input_size, cfg.to, folder)
    print(f"{run.folder}, best params (step {run.best_step}), written to {folder}. In that folder, use:\n\n{lines}")


if __name__ == "__main__":
    main(export, "export", sys.argv[1:])
