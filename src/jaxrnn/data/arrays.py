"""Your own sequences as arrays, each with a value, a class, or one of them per step; for use from Python."""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _descriptions
from jaxrnn.data._splits import absent_labels, split_groups
from jaxrnn.data.examples import Examples, constant_logits, pad, stored
from jaxrnn.dataset import Metric
from jaxrnn.losses import CROSS_ENTROPY, SQUARED_ERROR
from jaxrnn.metrics import weighted_mean
from jaxrnn.scales import Scale, Scales
from jaxrnn.symbols import SymbolData, Symbols
from jaxrnn.types import Dataset, Rate, Seed

Pairs = tuple[Any, Any]
LARGEST_CLASS = 10_000  # a larger integer is probably a value that was not converted to float


@checked
def dataset(
    x: Any,
    y: Any,
    target: Literal["all", "last"] | None = None,
    validation: Rate | Pairs = 0.1,
    test: Rate | Pairs = 0.1,
    sample_weight: Any = None,
    class_weight: dict[Any, float] | Literal["balanced"] | None = None,
    scale: bool = True,
    split_seed: Seed = 0,
) -> Dataset:
    """N sequences with N targets.

        dataset = jaxrnn.data.arrays.dataset(x, y, class_weight="balanced")

    Equal sequences are in the same part, and each part has its share of every class.

    Args:
      x: [N, T, D] or [N, T], or a list of N arrays [T_n, D] or [T_n].
      y: one target per sequence, [N] or [N, K], or one per step, [N, T], [N, T, K] or a list of [T_n] or [T_n, K].
        Floats are values. Integers are classes from 0, and strings are classes by name.
      target: "last" for one target per sequence, "all" for one per step; None decides by the shape of y.
      validation, test: the share of the sequences, or (x, y).
      sample_weight: [N], the weight of each sequence in the training loss; with (x, y) for a split, of the others only.
      class_weight: {class: weight} in the training loss, 1 for the others; "balanced" gives every class the same sum.
      scale: whether inputs and target values are scaled by the mean and deviation of the training part.
      split_seed: the seed of the split.

    Raises:
      ValueError: if shapes do not fit each other, a value is not finite, or a weight does not fit.
    """
    source = _read(x, y, target, "x")
    read_parts = {name: part for name, part in (("validation", validation), ("test", test)) if isinstance(part, tuple)}
    others = {name: _read(*part, source.target, name) for name, part in read_parts.items()}
    shares: dict[str, Any] = {"validation": 0.0 if others.get("validation") else validation, "test": test}
    shares |= dict.fromkeys(others, 0.0)
    labels = _strata(source)
    keys = [sequence.tobytes() for sequence in source.xs]
    rows = {name: part for name, part in split_groups(keys, labels, split_seed, **shares).items() if len(part)}
    names = _class_names([source, *others.values()])
    scales = _scales(source, rows["train"]) if scale else Scales()
    parts = {name: _examples(source, scales, names, part) for name, part in rows.items()}
    parts |= {name: _examples(part, scales, names, np.arange(len(part.xs))) for name, part in others.items()}
    notes = () if labels is None else absent_labels(labels, rows)
    data = _built(parts, source, names, notes)._replace(scales=scales if scale else None)
    return _with_weights(data, _sequence_weights(sample_weight, len(keys), rows["train"]), class_weight, names)


class _Source(NamedTuple):
    """Sequences and their targets, as lists of arrays [T_n, D] and [T_n, K] or [1, K]."""

    xs: list[np.ndarray]
    ys: list[np.ndarray]
    target: str
    is_class: bool


def _read(x, y, target, name):
    xs = [_sequence(sequence, name) for sequence in x]
    if len(xs) != len(y):
        raise ValueError(f"{name}: {len(xs)} sequences but {len(y)} targets; both must have the same number")
    ys = [np.asarray(value) for value in y]
    if len({sequence.shape[1] for sequence in xs}) != 1:
        raise ValueError(f"{name}: every sequence must have the same number of inputs per step")
    is_per_step = all(y.ndim and len(y) == len(x) for x, y in zip(xs, ys, strict=True))
    target = target or ("all" if is_per_step else "last")
    if target == "all" and not is_per_step:
        raise ValueError(f"{name}: target='all' needs one target per step, an array [T_n] or [T_n, K] per sequence")
    is_class = not np.issubdtype(np.result_type(*ys) if ys[0].dtype.kind in "biuf" else str, np.floating)
    ys = [y.reshape(len(x) if target == "all" else 1, -1) for x, y in zip(xs, ys, strict=True)]
    if len({y.shape[1] for y in ys}) != 1 or (is_class and ys[0].shape[1] != 1):
        raise ValueError(f"{name}: the targets must all have the same width, and a class has width 1")
    if not is_class and not all(np.isfinite(y).all() for y in ys):
        raise ValueError(f"{name}: the targets must be finite numbers")
    return _Source(xs, ys, target, is_class)


def _sequence(values, name):
    array = np.asarray(values, float)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not len(array) or not np.isfinite(array).all():
        raise ValueError(f"{name}: a sequence must be finite numbers [T] or [T, D], got shape {np.shape(values)}")
    return array


def _strata(source):
    """Returns the class of each sequence, [N]; None for values or for one class per step."""
    return np.array([y[0, 0] for y in source.ys]) if source.is_class and source.target == "last" else None


def _class_names(sources):
    """Returns the names of the classes: strings, or integers from 0; None for values."""
    if not sources[0].is_class:
        return None
    classes = np.unique(np.concatenate([y.ravel() for source in sources for y in source.ys]))
    if classes.dtype.kind not in "biu":
        return [str(name) for name in classes]
    if classes.min() < 0 or classes.max() > LARGEST_CLASS:
        raise ValueError(
            f"y: integers are classes from 0, got {classes.min()} to {classes.max()}; pass values as floats"
        )
    return list(range(max(int(classes.max()) + 1, 2)))


def _scales(source, rows):
    ys = [] if source.is_class else [np.concatenate([source.ys[row] for row in rows])]
    scales = []
    for values in (np.concatenate([source.xs[row] for row in rows]), *ys):
        std = values.std(axis=0)
        scales.append(Scale(values.mean(axis=0), np.where(std > 0, std, 1.0)))
    return Scales(*scales)


def _examples(source, scales, names, rows):
    """Returns the padded and scaled `Examples` of some rows."""
    xs, lengths = pad([scales.inputs.scaled(source.xs[row]) for row in rows], float)
    if names is None:
        return Examples(xs, lengths, pad([scales.targets.scaled(source.ys[row]) for row in rows], float)[0])
    numbers = {name: number for number, name in enumerate(names)}
    is_text = isinstance(names[0], str)
    convert = np.vectorize(lambda name: numbers[str(name) if is_text else int(name)], otypes=[np.int32])
    return Examples(xs, lengths, pad([convert(source.ys[row]) for row in rows])[0])


def _built(parts, source, names, notes):
    """Returns the `Dataset` of the parts, without weights."""
    train = parts["train"]
    if names is None:
        mean = _counted(train, source).mean(axis=0)
        baselines = {"mean": lambda batch: jnp.broadcast_to(jnp.asarray(mean, float), batch.targets.shape)}
        return stored(
            parts, source.target, len(mean), baselines, SQUARED_ERROR, {"mae": _absolute_error()}, notes=notes
        )
    frequencies = np.bincount(_counted(train, source).ravel(), minlength=len(names))
    describe = None
    if source.target == "last":
        shown = [str(name) for name in names]
        describe = _descriptions.labelled(shown, lambda xs, row: {"input": f"sequence {row + 1}, {len(xs)} steps"})
    outputs = Symbols(tuple(names)) if isinstance(names[0], str) else None
    baselines = {"most frequent class": constant_logits(frequencies)}
    symbols = SymbolData(outputs=outputs, describe=describe)
    return stored(parts, source.target, len(names), baselines, CROSS_ENTROPY, symbols=symbols, notes=notes)


def _counted(examples, source):
    """Returns the targets [n, K] of the examples without padding."""
    if source.target == "last":
        return examples.targets[:, 0]
    return examples.targets[np.arange(examples.targets.shape[1]) < examples.lengths[:, None]]


def _absolute_error():
    def metric(ys, batch):
        return weighted_mean(jnp.abs(ys - batch.targets).mean(axis=-1), batch.weights)

    return Metric(metric)


def _sequence_weights(weights, count, rows):
    if weights is None:
        return None
    weights = np.asarray(weights, float)
    if weights.shape != (count,) or not (np.isfinite(weights) & (weights >= 0)).all() or not weights[rows].any():
        raise ValueError(f"sample_weight: expected {count} numbers, 0 or more, got shape {weights.shape}")
    return weights[rows]


def _with_weights(data, sequence_weights, class_weight, names):
    """Returns the data set with weights of its training sequences [N] and of its classes."""
    if sequence_weights is None and class_weight is None:
        return data
    train = data.train
    rows = jnp.ones(train.rows) if sequence_weights is None else jnp.asarray(sequence_weights, float)
    classes = None if class_weight is None else _class_weights(data, class_weight, names)

    def weighted(make_batch):
        def batch(arrays, items):
            examples, row_weights = arrays
            unweighted = make_batch(examples, items)
            weights = unweighted.weights * row_weights[items]
            return unweighted._replace(
                weights=weights
                if classes is None
                else weights * jnp.asarray(classes, float)[unweighted.targets[..., 0]]
            )

        return batch

    buckets = train.buckets
    if buckets is not None:
        buckets = buckets._replace(batches=tuple(map(weighted, buckets.batches)))
    return data._replace(
        train=train._replace(arrays=(train.arrays, rows), batch=weighted(train.batch), buckets=buckets)
    )


def _class_weights(data, class_weight, names):
    """Returns the weight of each class, [K]."""
    if names is None:
        raise ValueError("class_weight: the targets are values; pass classes as integers or strings")
    if class_weight == "balanced":
        targets = np.asarray(data.train.arrays.targets)
        lengths = np.asarray(data.train.arrays.lengths)
        is_valid = np.arange(targets.shape[1]) < (lengths[:, None] if targets.shape[1] > 1 else 1)
        counts = np.bincount(targets[..., 0][np.broadcast_to(is_valid, targets.shape[:2])], minlength=len(names))
        return np.where(counts > 0, counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1)), 0.0)
    if unknown := [name for name in class_weight if name not in names]:
        raise ValueError(f"class_weight: no class {unknown[0]!r}; there are {', '.join(map(repr, names[:10]))}")
    return np.array([class_weight.get(name, 1.0) for name in names])
