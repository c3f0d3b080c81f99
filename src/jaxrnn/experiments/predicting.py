"""Predictions of a trained network for new inputs: arrays in the source's units, texts, or a DataFrame."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.batch import Batch, Pair
from jaxrnn.errors import ConfigError
from jaxrnn.training import compatibility, symbol_inference


def predict(run, inputs, series=None):
    """Predicts for new inputs; `Run.predict` describes the arguments and the result.

    Raises:
      ConfigError: if the inputs do not fit the run's data set.
    """
    dataset = run.dataset if series is None else of_series(run.dataset, series)
    texts = [inputs] if isinstance(inputs, str) else [] if hasattr(inputs, "columns") else list(inputs)
    if texts and all(isinstance(text, str) for text in texts):
        answers = _for_texts(run, texts)
        return answers[0] if isinstance(inputs, str) else answers
    predictions = _for_arrays(run, dataset, sequences(dataset, inputs))
    return predictions if _is_ragged(inputs) or np.ndim(inputs) == 3 else predictions[0]


def sequences(dataset, inputs):
    """Lists the sequences [T_n, V] of an array [T], [T, V] or [B, T, V], of a list of arrays, or of a DataFrame."""
    if dataset.symbols.inputs is not None:
        raise ConfigError("x: this network reads texts; expected a text or a list of texts")
    if hasattr(inputs, "columns"):
        inputs = _of_columns(dataset, inputs)
    array = None if _is_ragged(inputs) else np.asarray(inputs, float)
    if array is not None:
        array = array[:, None] if array.ndim == 1 else array  # a series of one variable
    arrays = [np.asarray(sequence, float) for sequence in inputs] if array is None else [array]
    arrays = list(array) if array is not None and array.ndim == 3 else arrays
    width = dataset.input_size if dataset.series is None else len(dataset.series.value_labels)
    for array in arrays:
        if array.ndim != 2 or array.shape[1] != width or not len(array) or not np.isfinite(array).all():
            raise ConfigError(f"x: expected finite numbers [T, {width}] or [B, T, {width}], got shape {array.shape}")
    return arrays


def _is_ragged(inputs):
    return isinstance(inputs, list | tuple) and len({np.shape(sequence) for sequence in inputs}) > 1


def _of_columns(dataset, frame):
    """Returns the columns of a DataFrame that a network trained on a table reads, [T, V]."""
    if dataset.series is None:
        return frame.to_numpy()
    labels = list(dataset.series.value_labels)
    if missing := [label for label in labels if label not in frame.columns]:
        raise ConfigError(f"x: no column {missing[0]!r}; the columns are {', '.join(map(str, frame.columns))}")
    return frame[labels].to_numpy()


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


def _for_arrays(run, dataset, arrays):
    """Predicts for sequences [T_n, V] in the source's units; an array [B, ...] if all have the same length."""
    xs, lengths = padded([network_inputs(dataset, array) for array in arrays])
    ys = _in_source_units(dataset, np.asarray(run.evaluator.predict(run.params, batch(xs, lengths))))
    if dataset.targets == "per_sequence":
        return ys[lengths - 1, np.arange(len(arrays))]
    predictions = [ys[:length, row] for row, length in enumerate(lengths)]
    return predictions if len(set(lengths)) > 1 else np.stack(predictions)


def network_inputs(dataset, values):
    """Converts a sequence [T, V] from the source's units to the inputs of the network, [T, D]."""
    series = dataset.series
    if series is None:
        return values if dataset.scales is None else dataset.scales.inputs.scaled(values)
    return scaled_series(series, values).inputs()


def scaled_series(series, values):
    """Returns a `Series` with other values [T, V], in the source's units, scaled like the run's series."""
    if series.panel:
        names = ", ".join(each.name for each in series.panel)
        raise ConfigError(
            f"x: this network learned several series, each with a scale of its own ({names}); call "
            f"run.predict(x, series={series.name!r}) or name another"
        )
    if series.past_covariates is not None or series.future_covariates is not None:
        raise ConfigError(
            "x: this network also reads covariates or a calendar, which x does not contain; generate() continues the "
            "series of the run"
        )
    if series.log and (values <= 0).any():
        raise ConfigError("x: this network reads logarithms, so every value must be above 0")
    scaled = ((np.log(values) if series.log else values) - series.mean) / series.std
    return series._replace(values=scaled, missing=None, informed=None)


def _in_source_units(dataset, ys):
    """Converts outputs [T, B, K]: values to the source's units, logits to labels."""
    series = dataset.series
    if series is not None:
        values = np.asarray(series.distribution.median(jnp.asarray(ys)))
        values = series.in_source_units(values.reshape(*ys.shape[:2], series.horizon, -1))
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
