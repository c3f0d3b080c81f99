"""Evaluates a trained network on every split of its data."""

from jaxrnn.experiments.command_line import config_errors, main, with_key


def evaluate(cfg):
    from pathlib import Path

    from jaxrnn import runtime
    from jaxrnn.experiments import answer_errors, artifacts, run_folder, run_report, schema
    from jaxrnn.metrics import unit_of

    runtime.prepare()
    with config_errors():
        schema.prepare(cfg)
        run = run_folder.load(cfg.run, schema.listed(cfg.trust, "trust"))
        metrics, baselines = artifacts.write_evaluation(run), artifacts.baselines(run)
        predictions = artifacts.write_predictions(run, cfg.split)
        leads = None if cfg.horizon is None else artifacts.write_by_lead(run, cfg.horizon)
    print(f"{run.folder}, best params (step {run.best_step})")
    units = {name: unit_of(metric) for name, metric in run.task.measured.items()}
    print(run_report.table(metrics, run.dataset.trivial_name, units))
    print(baselines)
    if errors := answer_errors.sentence(run, predictions):
        print(errors)
    for note in run.dataset.notes:
        print(f"note: {note}")
    if leads is not None:
        print(f"mean absolute scaled error over {cfg.horizon} steps ahead (errors per step in {leads[0]}):")
        print("\n".join(f"  {name}: {error:.4g}" for name, error in leads[1].items()))
    print(f"in {Path(str(run.folder), 'evaluation.csv')}" + (f", predictions in {predictions}" if predictions else ""))


def start(arguments):
    """Evaluates the network of a run folder."""
    main(evaluate, "evaluate", with_key(arguments, "run"))
