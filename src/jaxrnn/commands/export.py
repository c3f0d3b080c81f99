"""Writes a trained network for other libraries."""

from jaxrnn.experiments.command_line import config_errors, main, with_key


def export(cfg):
    from pathlib import Path

    from jaxrnn import interop, runtime
    from jaxrnn.experiments import run_folder, schema
    from jaxrnn.precision import computing

    runtime.prepare()
    with config_errors():
        schema.prepare(cfg)
        run = run_folder.load(cfg.run, schema.listed(cfg.trust, "trust"))
        folder = Path(str(run.folder), "export", str(cfg.to)) if cfg.folder is None else Path(cfg.folder)
        unroll = str(run.cfg.unroll["_target_"])
        is_custom = not unroll.startswith("jaxrnn.")
        with computing(run.task.trainer.precision):
            lines = interop.export(run.net, run.params, run.dataset.input_size, cfg.to, folder, keep_unroll=is_custom)
    print(f"{run.folder}, best params (step {run.best_step}), written to {folder}. In that folder, use:\n\n{lines}")
    if is_custom and cfg.to != "stablehlo":
        print(f"\nThese files do not contain unroll._target_={unroll}; to=stablehlo keeps it.")


def start(arguments):
    """Exports the network of a run folder."""
    main(export, "export", with_key(arguments, "run"))
