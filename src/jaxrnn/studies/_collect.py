"""The skeleton of a study: measure every kind of network, fill the table, describe and score what was measured."""

from functools import partial

from jaxrnn import statistics
from jaxrnn.plotting.style import BEST, when
from jaxrnn.studies._result import Result, flat, quantiles
from jaxrnn.table import Table
from jaxrnn.training.probes import Probe


def collect(kinds, measure, rows, findings, scores, plot, captions, common=None):
    """Measures every kind of network; returns the `Result`.

    Args:
      kinds: a list of `Ensemble`s.
      measure: ensemble -> {name: {quantity: array}}, one entry per kind of network or per layer of it.
      rows: arrays of one entry -> rows of the table, without the column "network".
      findings: (name, arrays) -> sentences for the terminal.
      scores: arrays -> {quantity: [N]}, by which kinds are compared.
      plot, captions, common: fields of the `Result`.
    """
    arrays_by_name, table, sentences, scores_by_quantity = {}, [], [], {}
    for ensemble in kinds:
        for name, arrays in _measured(measure, ensemble, len(kinds)).items():
            arrays_by_name[name] = arrays
            table += [{"network": name} | row | _named_step(row) for row in rows(arrays)]
            sentences += findings(name, arrays)
            for quantity, values in scores(arrays).items():
                scores_by_quantity.setdefault(quantity, {})[name] = values
    return Result(arrays_by_name, Table(table), sentences, plot, common or {}, captions, scores_by_quantity)


def _measured(measure, ensemble, count):
    """Measures a kind of network; an error names it if there are several."""
    try:
        return measure(ensemble)
    except ValueError as error:
        raise error if count == 1 else ValueError(f"{ensemble.name}: {error}") from error


def at_ends(words):
    """Returns the `findings` of `collect` that say words(arrays, moment) of the first and the last checkpoint."""

    def findings(name, arrays):
        steps = arrays["steps"]
        for moment in sorted({0, len(steps) - 1}):
            yield f"{name}, {at_step(steps[moment])}: {words(arrays, moment)}"

    return findings


def at_step(step):
    """Describes a checkpoint in a finding: "step 300", or "best checkpoint"."""
    return when(step) if step == BEST else f"step {step}"


def _named_step(row):
    return {"step": "best"} if row.get("step") == BEST else {}


def rows_by_lag(row, values):
    """Yields one row per lag: the median over networks of values [N, T] with its interval, added to `row`."""
    for lag, interval in enumerate(zip(*statistics.median(values), strict=True)):
        yield row | {"lag": lag} | quantiles(interval)


def layers_probe(measure, plot):
    """Returns the `Probe` of a study whose arrays belong to layers.

    Args:
      measure: (task, params, batch) -> {layer: {quantity: array, or {state: array}}}, traceable.
      plot: the study's `plot`; every array has one network.
    """
    return Probe(lambda *arguments: dict(flat(measure(*arguments))), partial(_plot_probe, plot))


def _plot_probe(plot, steps, arrays):
    layers = {}
    for key, values in arrays.items():
        *path, last = key.split("/")
        node = layers
        for part in path:
            node = node.setdefault(part, {})
        node[last] = values[:, None]
    return plot(Result({name: {"steps": steps} | each for name, each in layers.items()}, Table([]), [], plot))
