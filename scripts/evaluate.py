"""Evaluates a trained network on every split of its data: python scripts/evaluate.py run=PATH."""

import sys

from jaxrnn.experiments.command_line import config_errors, main


def evaluate(cfg):
    from jaxrnn import runtime
    from jaxrnn.experiments import config, files, folders

    runtime.prepare()
    with config_errors():
        config.check(cfg)
        run = folders.load(cfg.run, config.listed(cfg.trust, "trust"))
        metrics, baselines = files.write_evaluation(run), files.baselines(run)
        predictions = files.write_predictions(run, cfg.split)
        leads = None if cfg.horizon is None else files.write_by_lead(run, cfg.horizon)
    print(f"{run.folder}, best params (step {run.best_step})")
    print(files.table(metrics, run.dataset.trivial_name))
    print(baselines)
    for note in run.dataset.notes:
        print(f"note: {note}")
    if leads is not None:
        print(f"mean absolute scaled error over {cfg.horizon} steps ahead (errors per step in {leads[0]}):")
        print("\n".join(f"  {name}: {error:.4g}" for name, error in leads[1].items()))
    print(f"in {run.folder / 'evaluation.csv'}" + (f", predictions in {predictions}" if predictions else ""))


if __name__ == "__main__":
    main(evaluate, "evaluate", sys.argv[1:])
