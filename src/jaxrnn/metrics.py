"""Metrics, reported with the loss: factories that return a `Metric`, (ys, batch) -> score.

A metric reads the outputs ys [T, B, K] and their `Batch`, and weights each step by `batch.weights`. Your own metric is
a `Metric` or a plain function with these arguments. On the command line, set the function that makes it with
`metrics.NAME._target_=module.factory`.
"""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import losses
from jaxrnn.batch import Batch
from jaxrnn.dataset import Metric


def weighted_mean(values: Any, weights: Any) -> jax.Array:
    """Weighted mean of values [T, B] over the steps with a positive weight [T, B]; NaN if there is none."""
    return jnp.sum(jnp.where(weights > 0, values, 0) * weights) / jnp.sum(weights)


def mean_absolute_error() -> Metric:
    """Mean of |y - target| over outputs and weighted steps, in the network's units."""
    return _mean_over_values(lambda ys, targets: jnp.abs(ys - targets))


def accuracy() -> Metric:
    """Share of the weighted steps at which the label, batch.targets [T, B, 1], has the largest logit of ys [T, B, K].

    A label below 0 is not among the outputs; it counts as wrong with weight 1.
    """

    def metric(ys, batch):
        labels = batch.targets[..., 0]
        return weighted_mean(1.0 * (jnp.argmax(ys, axis=-1) == labels), jnp.where(labels < 0, 1.0, batch.weights))

    return Metric(metric, better="up")


def cross_entropy() -> Metric:
    """Mean of -ln softmax(ys)[label] over the weighted steps, in nats per symbol."""
    return Metric(
        lambda ys, batch: weighted_mean(losses.cross_entropy(ys, batch.targets.astype(int)), batch.weights), "nats"
    )


def exact_match() -> Metric:
    """Share of the sequences in which the label has the largest logit at every weighted step.

    For an encoder-decoder this is the share of answers that greedy decoding gets completely right: as long as it is
    right, its inputs are the same as with teacher forcing.
    """
    return Metric(lambda ys, batch: share_right(classified(ys, batch), batch.weights), better="up")


def macro_f1() -> Metric:
    """Mean over the classes of F1 = 2 TP / (2 TP + FP + FN), from the largest logit at every weighted step.

    A class that neither the targets nor the predictions contain is left out.
    """

    def metric(ys, batch):
        labels, predicted = batch.targets[..., 0].astype(int), jnp.argmax(ys, axis=-1)
        counted = batch.weights > 0

        def count(classes, which):
            classes = jnp.where(which, classes, ys.shape[-1]).ravel()  # one class too many takes what does not count
            return jnp.zeros(ys.shape[-1] + 1).at[classes].add(1.0)[:-1]

        right = count(labels, counted & (labels == predicted))
        total = count(labels, counted) + count(predicted, counted)
        return weighted_mean(2 * right / jnp.maximum(total, 1), 1.0 * (total > 0))

    return Metric(metric, better="up")


def entity_f1(tags: Any) -> Metric:
    """F1 of whole entities in BIO tags (Tjong Kim Sang & De Meulder 2003): the same beginning, end and kind.

    As in conlleval, an I tag after O or another kind begins an entity.

    Args:
      tags: the names of the tags, by index, such as ("B-PER", "I-PER", "O").
    """
    kinds = sorted({tag[2:] for tag in tags if tag != "O"})
    kind_of = np.array([0 if tag == "O" else 1 + kinds.index(tag[2:]) for tag in tags])  # 0 outside of entities
    is_begin = np.array([tag.startswith("B-") for tag in tags])

    def spans(numbers, counted):
        kind = jnp.where(counted, jnp.asarray(kind_of)[numbers], 0)
        before = jnp.concatenate([jnp.zeros_like(kind[:1]), kind[:-1]])
        begins = (kind > 0) & (jnp.asarray(is_begin)[numbers] | (kind != before))
        ends = (kind > 0) & jnp.concatenate([(kind[:-1] != kind[1:]) | begins[1:], jnp.ones_like(begins[:1])])
        return kind, begins, ends

    def metric(ys, batch):
        counted = batch.weights > 0
        true = spans(batch.targets[..., 0].astype(int), counted)
        predicted = spans(jnp.argmax(ys, axis=-1), counted)

        def step(inside, at):
            (kind, begins, ends), (other_kind, other_begins, other_ends) = at
            inside = jnp.where(begins | other_begins, begins & other_begins, inside) & (kind == other_kind) & (kind > 0)
            return inside & ~ends & ~other_ends, jnp.sum(inside & ends & other_ends)

        _, right = jax.lax.scan(step, jnp.zeros(counted.shape[1], bool), (true, predicted))
        total = jnp.sum(true[1]) + jnp.sum(predicted[1])
        return jnp.where(total > 0, 2 * jnp.sum(right) / jnp.maximum(total, 1), jnp.nan)

    return Metric(metric, better="up")


def mean_squared_error(distribution: Any) -> Metric:
    """Mean of (median - target)^2 over the values and the weighted steps, in the network's units.

    Args:
      distribution: the `jaxrnn.distributions` distribution that the outputs describe.
    """
    return _mean_over_values(lambda ys, targets: (distribution.median(ys) - targets) ** 2)


def absolute_error(series: Any, distribution: Any) -> Metric:
    """Mean absolute error of the median (MAE), in the source's units.

    Args:
      series: a `Series`.
      distribution: as in `mean_squared_error`.
    """
    return _mean_over_values(_in_units(series, distribution, jnp.abs))._replace(unit=_unit(series))


def root_mean_squared_error(series: Any, distribution: Any) -> Metric:
    """Root mean squared error of the median (RMSE), in the source's units; arguments as in `absolute_error`."""

    def metric(ys, batch):
        # Errors are divided by the deviation before they are squared, so that float32 holds the squares.
        scale = 1.0 if series.log else jnp.max(jnp.asarray(series.std, float))
        squares = _mean_over_values(_in_units(series, distribution, lambda error: (error / scale) ** 2))
        return scale * jnp.sqrt(squares(ys, batch))

    return Metric(metric, _unit(series))


def _in_units(series, distribution, function):
    """Returns (ys, targets) -> function(median - target) of each value, with the error in the source's units."""

    def score(ys, targets):
        predicted, true = (
            values.reshape(*values.shape[:-1], series.horizon, -1) for values in (distribution.median(ys), targets)
        )
        return function(series.differences(predicted, true)).reshape(targets.shape)

    return score


def _unit(series):
    """Returns the unit of a series: the text in brackets at the end of its label, or "file's units"."""
    match = re.search(r"[(\[]([^()\[\]]+)[)\]]\s*$", series.value_labels[0])
    return match[1] if match else "file's units"


def scaled_error(series: Any, distribution: Any) -> Metric:
    """Mean absolute scaled error (Hyndman & Koehler 2006): |median - target| / `series.naive_error`.

    The naive forecast is the last value, or the value one season before. Its error is measured on the training part, in
    the source's units.

    Args:
      series: a `Series` with a `naive_error`.
      distribution: as in `mean_squared_error`.
    """

    def share(error):
        return jnp.abs(error) / series.naive_error

    return _mean_over_values(_in_units(series, distribution, share))._replace(unit="scaled")


def crps(series: Any, distribution: Any) -> Metric:
    """Continuous ranked probability score (Gneiting & Raftery 2007), divided by `series.naive_error`.

    If the network sees the logarithms of the source's values, the score is in the network's units instead.
    """
    scale = 1.0 if series.log else series.naive_error / series.std

    def score(ys, targets):
        scores = distribution.crps(ys, targets)
        return (scores.reshape(*scores.shape[:-1], series.horizon, -1) / scale).reshape(scores.shape)

    return _mean_over_values(score)._replace(unit="scaled")


def coverage(distribution: Any, share: Any = 0.9) -> Metric:
    """Share of the values inside the central interval of probability `share`; the best value is `share`."""
    low, high = 0.5 - share / 2, 0.5 + share / 2

    def inside(ys, targets):
        probability = distribution.cdf(ys, targets)
        return 1.0 * ((probability >= low) & (probability <= high))

    return _mean_over_values(inside)._replace(better=share)


def _mean_over_values(function):
    """Makes the metric that averages (ys, targets) -> [T, B, n] over the known values and the weighted steps."""

    def metric(ys, batch):
        ys = jnp.where(batch.weights[..., None] > 0, ys, 0)
        return weighted_mean(losses.mean_of_known(function, ys, batch.targets), batch.weights)

    return Metric(metric)


def cost(way: Any, value: Any) -> Any:
    """Returns a cost, which is smaller for better values.

    Args:
      way: the field `better` of a `Metric`.
      value: a value of that metric, a number or an array.
    """
    return {"up": -value, "down": value}[way] if isinstance(way, str) else abs(value - way)


def classified(logits: Any, batch: Batch) -> Any:
    """Returns bool [B]: whether the label, batch.targets [T, B, 1], has the largest logit at every weighted step.

    A label below 0 is not among the outputs; it counts as wrong at any weight.
    """
    labels = batch.targets[..., 0].astype(int)
    wrong = (jnp.argmax(logits, axis=-1) != labels) & ((batch.weights > 0) | (labels < 0))
    return ~wrong.any(axis=0)


def share_right(right: Any, weights: Any) -> Any:
    """Share of the sequences with `right` [B] among the sequences with a positive weight, weights [T, B]."""
    return weighted_mean(1.0 * right, (weights > 0).any(axis=0))


def unit_of(metric: Any) -> str:
    """Returns the unit of a `Metric`; an empty string for a plain function."""
    return metric.unit if isinstance(metric, Metric) else ""


def better(metric: Any) -> Any:
    """Returns the field `better` of a `Metric`; "down" for a plain function."""
    return metric.better if isinstance(metric, Metric) else "down"
