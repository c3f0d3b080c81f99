"""Data sets of stored examples: sequences with one label, a label per step, or an answer with its own length."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.batch import Batch, Pair
from jaxrnn.data._buckets import buckets, group_by_length
from jaxrnn.data._forecast import shuffled
from jaxrnn.dataset import Dataset, Loss, MakeBatch, Metric, Plan, Predictor, TrainingSet
from jaxrnn.losses import CROSS_ENTROPY
from jaxrnn.metrics import accuracy, exact_match, macro_f1
from jaxrnn.symbols import SymbolData

TargetKind = Literal["all", "last", "answer"]


class Examples(NamedTuple):
    """N examples, padded to the longest, as arrays of NumPy or JAX.

    Fields:
      xs: [N, S, D]; symbols are integers [N, S, 1].
      lengths: [N], the steps of each input without padding.
      targets: [N, T, K] or [N, T, 1]; T is 1 for one label per sequence, S for one per step. In an answer, -1 stands
        for a symbol that the outputs lack: it has no loss and counts as wrong.
      answers: [N], the steps of each answer without padding; None if the targets are labels.
    """

    xs: Any
    lengths: Any
    targets: Any
    answers: Any = None

    def take(self, rows: Any) -> "Examples":
        """Returns the examples with these indices."""
        return Examples(*(None if a is None else a[rows] for a in self))


def pad(sequences: Sequence[Any], dtype: Any = np.int32) -> tuple[np.ndarray, np.ndarray]:
    """Pads sequences [T_n] or [T_n, D] with zeros; returns ([N, S, D], lengths [N])."""
    lengths = np.array([len(sequence) for sequence in sequences], np.int32)
    first = np.asarray(sequences[0])
    array = np.zeros((len(sequences), lengths.max(), *first.shape[1:]), dtype)
    for row, sequence in enumerate(sequences):
        array[row, : len(sequence)] = sequence
    return array if array.ndim == 3 else array[..., None], lengths


def stored(
    splits: dict[str, Examples],
    kind: TargetKind,
    output_size: int,
    baselines: dict[str, Predictor],
    loss: Loss = CROSS_ENTROPY,
    metrics: dict[str, Metric] | None = None,
    symbols: SymbolData = SymbolData(),
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Builds the data set of stored examples, with buckets if their lengths differ.

    Args:
      splits: {"train", "validation", "test": `Examples`}.
      kind: "last" for one label at the last step, "all" for a label per step, "answer" for an answer with its own
        length.
      output_size: K.
      baselines, loss, symbols, notes: as in `Dataset`; the first baseline is the trivial predictor.
      metrics: as in `Dataset`; None for the accuracy, and the macro F1 (one label per sequence) or
        exact matches (several).
    """
    train = splits["train"]
    lengths = train.lengths[:, None] if train.answers is None else np.stack([train.lengths, train.answers], axis=1)
    arrays = Examples(*(None if a is None else jnp.asarray(a) for a in train))
    whole = tuple(int(length) for length in lengths.max(axis=0))
    plan, length_buckets = shuffled_rows(len(train.lengths)), None
    if len(np.unique(lengths[:, 0])) > 1:
        plan, length_buckets = buckets(group_by_length(lengths), lengths, lambda shape: cut(kind, shape))
    evaluated = {name: _whole(kind, examples) for name, examples in splits.items() if name != "train"}
    if metrics is None:
        metrics = {"accuracy": accuracy()}
        metrics |= {"macro_f1": macro_f1()} if kind == "last" else {"exact_match": exact_match()}
    return Dataset(
        input_size=train.xs.shape[-1],
        output_size=output_size,
        train=TrainingSet(len(train.lengths), arrays, plan, cut(kind, whole), buckets=length_buckets),
        splits=evaluated,
        loss=loss,
        baselines=baselines,
        metrics=metrics,
        targets="per_sequence" if kind == "last" else "per_step",
        notes=notes,
        symbols=symbols,
    )


def shuffled_rows(rows: int) -> Plan:
    """Returns a plan, (key, steps, batch_size) -> indices [n, B], of `rows` examples in a new order each epoch."""
    plan = shuffled(rows)
    return lambda key, steps, batch_size: plan(key, steps, batch_size)[0]


def cut(kind: TargetKind, shape: tuple[int, ...]) -> MakeBatch:
    """Returns (arrays, rows [B]) -> `Batch` of these examples, cut to the steps of `shape`."""

    def batch(arrays, rows):
        xs = jnp.moveaxis(arrays.xs[rows, : shape[0]], 0, 1)
        lengths, fresh = arrays.lengths[rows], jnp.ones(len(rows), bool)
        times = jnp.arange(shape[0])[:, None]
        mask = times < lengths
        if kind == "answer":
            targets = jnp.moveaxis(arrays.targets[rows, : shape[1]], 0, 1)
            valid = jnp.arange(shape[1])[:, None] < arrays.answers[rows]
            counted = valid & (targets >= 0).all(axis=-1)  # the outputs lack a symbol with index -1
            return Batch(Pair(xs, jnp.maximum(targets, 0), valid), targets, jnp.asarray(counted, float), fresh, mask)
        if kind == "all":
            return Batch(
                xs, jnp.moveaxis(arrays.targets[rows, : shape[0]], 0, 1), jnp.asarray(mask, float), fresh, mask
            )
        labels = jnp.moveaxis(arrays.targets[rows], 0, 1)  # [1, B, K]
        targets = jnp.broadcast_to(labels, (shape[0], *labels.shape[1:]))
        return Batch(xs, targets, jnp.asarray(times == lengths - 1, float), fresh, mask)

    return batch


def single_batch(kind: TargetKind, xs: Any, targets: Any = None) -> Batch:
    """Returns the `Batch` of one sequence xs [S, D] with unknown targets.

    Raises:
      ValueError: if the sequence is empty.
    """
    if not len(xs):
        raise ValueError("the text is empty; give at least one symbol")
    width = 1 if targets is None else targets.shape[-1]
    length = {"all": len(xs), "last": 1, "answer": 1}[kind]
    targets = np.zeros((length, width), np.int32) if targets is None else targets
    answers = np.array([len(targets)], np.int32) if kind == "answer" else None
    return _whole(kind, Examples(np.asarray(xs)[None], np.array([len(xs)], np.int32), targets[None], answers))


def _whole(kind, examples):
    shape = (int(examples.lengths.max()), *([] if examples.answers is None else [int(examples.answers.max())]))
    return jax.jit(cut(kind, shape))(examples, np.arange(len(examples.lengths)))  # one program instead of many


def constant_logits(frequencies: Any) -> Predictor:
    """Returns Batch -> ys [T, B, K]: for every input, the logarithms of frequencies [K]."""
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(frequencies / np.sum(frequencies)), -30.0)

    def predict(batch):
        return jnp.broadcast_to(jnp.asarray(logits, float), (*batch.targets.shape[:-1], len(logits)))

    return predict
