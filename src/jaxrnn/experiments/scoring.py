"""Scores of a trained network on other data: a data set, a series, or inputs with their targets."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.batch import Batch
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import predicting, series_inputs
from jaxrnn.types import Dataset


def evaluate(run, data, targets=None, **covariates):
    """Scores a run on other data; `Run.evaluate` describes the arguments and the result.

    Raises:
      ConfigError: if the data do not fit the run's data set.
    """
    if isinstance(data, Dataset):
        _check_units(run.dataset, data)
        return {name: run.evaluator.measure(run.params, batch) for name, batch in data.splits.items()}
    if targets is not None:
        batch = _labelled(run.dataset, data, targets)
    elif run.dataset.series is not None:
        batch = _continued(run.dataset, series_inputs.read(run.dataset.series, data, **covariates))
    else:
        raise ConfigError("evaluate: the targets are missing; call run.evaluate(x, y), or pass a data set")
    return run.evaluator.measure(run.params, batch)


def _check_units(dataset, other):
    """Raises a `ConfigError` for a data set whose inputs or outputs have other sizes, scales or symbols."""
    for name in ("input_size", "output_size"):
        if getattr(dataset, name) != getattr(other, name):
            raise ConfigError(
                f"data: its {name} is {getattr(other, name)}, but the network has {getattr(dataset, name)}"
            )
    if (dataset.symbols.inputs, dataset.symbols.outputs) != (other.symbols.inputs, other.symbols.outputs):
        raise ConfigError("data: its symbols have other numbers than in the run; build it from the same vocabulary")
    if any(not _equal(a, b) for a, b in zip(_units(dataset), _units(other), strict=True)):
        raise ConfigError(
            "data: it is scaled by its own training part, not by the run's; pass its values in the source's "
            "units instead: run.evaluate(values), or run.evaluate(x, y)"
        )


def _units(dataset):
    """Lists the means and deviations of a data set's inputs and targets."""
    series, scales = dataset.series, dataset.scales
    if series is not None:
        return [series.mean, series.std, 0.0, float(series.log)]
    return [0.0] * 4 if scales is None else [*scales.inputs, *scales.targets]


def _equal(a, b):
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-6)


def _continued(dataset, scaled):
    """Returns the `Batch` of several `Series`, whose targets are their own later values."""
    xs, lengths = predicting.padded([series.inputs() for series in scaled])
    targets, _ = predicting.padded([series.targets() for series in scaled])
    weights = np.arange(len(xs))[:, None] < lengths - dataset.series.horizon
    if not weights.any():
        raise ConfigError(f"data: the series is too short; {dataset.series.horizon + 1} steps are needed")
    if dataset.targets == "per_sequence":
        weights = np.arange(len(xs))[:, None] == lengths - dataset.series.horizon - 1
    return predicting.batch(xs, lengths)._replace(
        targets=jnp.asarray(targets, float), weights=jnp.asarray(weights, float)
    )


def _labelled(dataset, data, targets):
    """Returns the `Batch` of sequences with targets: values or classes, one each or one per step."""
    if dataset.series is not None:
        raise ConfigError("y: the targets of a series are its own later values; call run.evaluate(values)")
    inputs = predicting.network_inputs(dataset, data)
    if len(inputs) != len(targets):
        raise ConfigError(f"y: {len(inputs)} sequences but {len(targets)} targets")
    xs, lengths = predicting.padded(inputs)
    rows = [_target_rows(dataset, y, length) for y, length in zip(targets, lengths, strict=True)]
    values, _ = predicting.padded(rows)
    mask = np.arange(len(xs))[:, None] < lengths
    if dataset.targets == "per_sequence":
        mask = np.arange(len(xs))[:, None] == lengths - 1
    is_class = predicting.has_classes(dataset)
    values = jnp.asarray(values, jnp.int32 if is_class else float)
    batch: Batch = predicting.batch(xs, lengths)
    return batch._replace(targets=values, weights=jnp.asarray(mask, float))


def _target_rows(dataset, y, length):
    """Returns the targets [T, K] of a sequence in the network's units; one target stands at every step."""
    if predicting.has_classes(dataset):
        names = dataset.symbols.outputs
        flat = np.asarray(y).ravel()
        numbers = flat.astype(int) if names is None else np.array([_number(names.names, str(name)) for name in flat])
        rows = numbers[:, None]
    else:
        rows = np.asarray(y, float).reshape(-1 if dataset.targets == "per_step" else 1, dataset.output_size)
        rows = rows if dataset.scales is None else dataset.scales.targets.scaled(rows)
    if dataset.targets == "per_sequence":
        rows = np.repeat(rows[:1], length, axis=0)
    if len(rows) != length:
        raise ConfigError(f"y: expected {length} targets for a sequence of {length} steps, got {len(rows)}")
    return rows


def _number(names, name):
    if name not in names:
        raise ConfigError(f"y: no class {name!r}; there are {', '.join(names[:10])}")
    return names.index(name)
