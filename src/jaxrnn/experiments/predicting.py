"""Predictions of a trained network for new inputs: arrays in the source's units, texts, or a DataFrame."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.batch import Batch, Pair
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import series_inputs
from jaxrnn.training import compatibility, symbol_inference


def predict(run, inputs, series=None, **covariates):
    """Predicts for new inputs; `Run.predict` describes the arguments and the result.

    Raises:
      ConfigError: if the inputs do not fit the run's data set.
    """
    dataset = run.dataset if series is None else of_series(run.dataset, series)
    texts = [inputs] if isinstance(inputs, str) else [] if hasattr(inputs, "columns") else list(inputs)
    if texts and all(isinstance(text, str) for text in texts):
        answers = _for_texts(run, texts)
        return answers[0] if isinstance(inputs, str) else answers
    predictions = _for_arrays(run, dataset, network_inputs(dataset, inputs, **covariates))
    return predictions if series_inputs.is_ragged(inputs) or np.ndim(inputs) == 3 else predictions[0]


def network_inputs(dataset, inputs, **covariates):
    """Lists the inputs of the network [T_n, D] for sequences in the source's units, with their covariates."""
    if dataset.symbols.inputs is not None:
        advice = "; pass a column, such as frame['text']" if hasattr(inputs, "columns") else ""
        raise ConfigError(f"x: this network reads texts; expected a text or a list of texts{advice}")
    if dataset.series is not None:
        return [series.inputs() for series in series_inputs.read(dataset.series, inputs, **covariates)]
    if unused := [name for name, value in covariates.items() if value is not None]:
        raise ConfigError(f"{unused[0]}: this data set is not a time series, so it has none; leave it out")
    arrays = series_inputs.sequences(inputs, dataset.input_size)
    return arrays if dataset.scales is None else [dataset.scales.inputs.scaled(array) for array in arrays]


def of_series(dataset, name):
    """Returns the data set with only the series `name` of its panel, whose scale its inputs and outputs then have.

    Raises:
      ConfigError: if it has no such series.
    """
    panel = () if dataset.series is None else dataset.series.panel
    for series in panel:
        if series.name == str(name):
            return dataset._replace(series=series._replace(panel=()))
    names = ", ".join(series.name for series in panel)
    advice = f"no such series; there are {names}" if panel else "this data set has no several series"
    raise ConfigError(f"series={name}: {advice}")


def _for_arrays(run, dataset, inputs):
    """Predicts for inputs of the network [T_n, D]; an array [B, ...] if all have the same length."""
    xs, lengths = padded(inputs)
    ys = _in_source_units(dataset, np.asarray(run.evaluator.predict(run.params, batch(xs, lengths))))
    if dataset.targets == "per_sequence":
        return ys[lengths - 1, np.arange(len(inputs))]
    predictions = [ys[:length, row] for row, length in enumerate(lengths)]
    return predictions if len(set(lengths)) > 1 else np.stack(predictions)


def _in_source_units(dataset, ys):
    """Converts outputs [T, B, K]: values to the source's units, logits to labels."""
    series = dataset.series
    if series is not None:
        values = np.asarray(series.distribution.median(jnp.asarray(ys)))
        values = series.in_source_units(values.reshape(*ys.shape[:2], series.horizon, -1))
        values = np.round(values) if series.distribution.counts else values
        return values[:, :, 0] if series.horizon == 1 else values
    if not has_classes(dataset):
        return ys if dataset.scales is None else dataset.scales.targets.unscaled(ys)
    labels = dataset.symbols.outputs
    numbers = ys.argmax(axis=-1)
    return numbers if labels is None else np.array(labels.names)[numbers]


def has_classes(dataset):
    """Returns whether the targets of a data set are classes, not values."""
    return not jnp.issubdtype(compatibility.two_step_batch(dataset).targets.dtype, jnp.floating)


def padded(arrays):
    """Returns sequences [T_n, D] as one padded array [T, B, D], and their lengths [B]."""
    lengths = np.array([len(array) for array in arrays])
    return np.stack([_padded(array, lengths.max()) for array in arrays], axis=1), lengths


def batch(xs, lengths):
    """Returns the `Batch` of padded sequences xs [T, B, D] without targets."""
    xs = jnp.asarray(xs, float)
    mask = np.arange(len(xs))[:, None] < lengths
    mask = None if mask.all() else jnp.asarray(mask)
    return Batch(xs, jnp.zeros((*xs.shape[:2], 1)), jnp.ones(xs.shape[:2]), jnp.ones(len(lengths), bool), mask)


def _for_texts(run, texts):
    """Answers, labels or continues texts, as a list of strings, of lists of labels, or of pictures."""
    symbols = run.dataset.symbols
    if symbols.question is None:
        raise ConfigError("x: the data set of this network has no texts; expected an array [T, D] or [B, T, D]")
    continues = symbols.inputs is not None and symbols.inputs is symbols.outputs and run.net.decoding is None
    if continues:
        return [symbol_inference.ask(run, text).text for text in texts]
    if symbols.outputs is None:
        return [symbol_inference.ask(run, text).picture for text in texts]
    try:
        stacked = _stacked([symbols.question.batch(text) for text in texts])
    except ValueError as error:
        raise ConfigError(f"{symbols.question.name}: {error}") from error
    if run.net.decoding is not None:
        length = max(len(part.targets) for part in run.dataset.splits.values())
        answers = symbol_inference.greedy(run.net, run.params, stacked._replace(targets=np.zeros(length)))
        return [symbols.outputs.decode(answer) for answer in answers.T]
    numbers = np.asarray(run.evaluator.predict(run.params, stacked)).argmax(axis=-1)
    labels, counted = np.array(symbols.outputs.names)[numbers], np.asarray(stacked.weights) > 0
    answers = [labels[counted[:, row], row].tolist() for row in range(len(texts))]
    return [answer[-1] for answer in answers] if run.dataset.targets == "per_sequence" else answers


def _stacked(batches):
    """Joins batches of one sequence each to one batch; shorter sequences are padded and masked."""

    def joined(*arrays):
        length = max(len(array) for array in arrays)
        return np.concatenate([_padded(np.asarray(array), length) for array in arrays], axis=1)

    batches = [_with_mask(batch) for batch in batches]
    fresh = np.ones(len(batches), bool)
    return jax.tree.map(joined, *(batch._replace(fresh=None) for batch in batches))._replace(fresh=fresh)


def _with_mask(batch):
    xs = batch.xs.source if isinstance(batch.xs, Pair) else batch.xs
    return batch if batch.mask is not None else batch._replace(mask=np.ones(xs.shape[:2], bool))


def _padded(array, length):
    return np.pad(array, [(0, length - len(array)), *[(0, 0)] * (array.ndim - 1)])
