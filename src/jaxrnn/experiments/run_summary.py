"""The summary of a run: final metrics, time, notes and the number of params."""

import jax

from jaxrnn.metrics import better, unit_of
from jaxrnn.training import series_tables
from jaxrnn.training.diagnostics import notes, worse_than_trivial
from jaxrnn.training.history import COLUMNS
from jaxrnn.training.priming import generates, generation_error, generation_inputs, generation_rmse


def content(run):
    """Builds the content of `summary.json` for a `Run`, without the configuration and the versions."""
    stopped = run.status == "stopped"
    train = run.history.where(split="train").rows
    columns = (*COLUMNS[2:], *run.task.measured)  # without step and split
    last = {name: train[-1].get(name) for name in columns} if train else None
    warnings = [] if stopped else worse_than_trivial(run.metrics, run.dataset.trivial_name)
    values = {
        "status": run.status,
        "reason": run.reason,
        "notes": [*run.dataset.notes, *notes(run.history), *warnings],
        "steps": run.step,
        "best_step": run.best_step,
        "baseline": run.dataset.trivial_name,
        "units": {name: unit for name, metric in run.task.measured.items() if (unit := unit_of(metric))},
        "better": {name: better(metric) for name, metric in run.task.measured.items()},
        "metrics": {"train": last, **({} if stopped else run.metrics)},
        **({} if run.dataset.train.buckets is None else {"padding": run.dataset.train.buckets.padding}),
        **run.timing,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(run.params)),
    }
    if generates(run.task) and not stopped:
        prime, length, *_ = generation_inputs(run.task)
        generated = run.generate()
        values["generation"] = {
            "prime": prime,
            "length": length,
            "mean_squared_error": generation_error(run.dataset, generated),
            "rmse": generation_rmse(run.dataset, generated),
            **({"series": run.dataset.series.name} if run.dataset.series.panel else {}),
        }
    if run.dataset.series is not None and run.dataset.series.panel and not stopped:
        values["series"] = series_tables.errors(run)
    return values
