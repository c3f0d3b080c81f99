"""Examples that are stored: sequences with a label, with a label a step, or with an answer of its own length."""

from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxrnn.data._buckets import buckets, grouped
from jaxrnn.data._forecast import shuffled
from jaxrnn.losses import cross_entropy
from jaxrnn.metrics import accuracy, exact_match
from jaxrnn.types import Batch, Dataset, Pair

Asked = Literal["every", "last", "answer"]


class Examples(NamedTuple):
    """N examples, padded to the longest.

    Fields:
      xs: [N, S, D]; symbols [N, S, 1] as integers.
      lengths: [N], steps of each that are no padding.
      targets: [N, T, K] or [N, T, 1]; T is 1 for a label a sequence, S for one a step. In an answer -1 stands for a
        symbol that the outputs do not have: it has no loss and is wrong.
      answers: [N], steps of the targets that are no padding where they have a length of their own, else None.
    """

    xs: np.ndarray
    lengths: np.ndarray
    targets: np.ndarray
    answers: np.ndarray | None = None

    def take(self, rows):
        """The examples of these numbers."""
        return Examples(*(None if a is None else a[rows] for a in self))


def padded(sequences, dtype=np.int32):
    """([N, S, D], [N]): sequences [T_n] or [T_n, D] with zeros after their ends, and their lengths."""
    lengths = np.array([len(each) for each in sequences], np.int32)
    first = np.asarray(sequences[0])
    found = np.zeros((len(sequences), lengths.max(), *first.shape[1:]), dtype)
    for row, each in enumerate(sequences):
        found[row, : len(each)] = each
    return found if found.ndim == 3 else found[..., None], lengths


def stored(splits, asked: Asked, output_size, baselines, **further):
    """The data set of stored examples, in buckets where their lengths differ.

    Args:
      splits: {"train", "validation", "test": `Examples`}.
      asked: "last" for a label at the last step, "every" for one a step, "answer" for an answer of its own length.
      output_size: K.
      baselines: as in `Dataset`; the first one is the trivial predictor.
      further: other fields of `Dataset`; the loss is the cross-entropy unless it is given.
    """
    train = splits["train"]
    lengths = train.lengths[:, None] if train.answers is None else np.stack([train.lengths, train.answers], axis=1)
    arrays = Examples(*(None if a is None else jnp.asarray(a) for a in train))
    whole = tuple(int(length) for length in lengths.max(axis=0))
    plan, fast = shuffled_rows(len(train.lengths)), None
    if len(np.unique(lengths[:, 0])) > 1:
        plan, fast = buckets(grouped(lengths), lengths, lambda shape: cut(asked, shape))
    evaluated = {name: _whole(asked, examples) for name, examples in splits.items() if name != "train"}
    fields = {
        "loss": cross_entropy,
        "loss_name": "cross-entropy (nats)",
        "metrics": {"accuracy": accuracy()} | ({} if asked == "last" else {"exact": exact_match()}),
    }
    return Dataset(
        input_size=train.xs.shape[-1],
        output_size=output_size,
        rows=len(train.lengths),
        arrays=arrays,
        plan=plan,
        batch=cut(asked, whole),
        splits=evaluated,
        baselines=baselines,
        buckets=fast,
        targets="per_sequence" if asked == "last" else "per_step",
        **fields | further,
    )


def shuffled_rows(rows):
    """A plan of `rows` examples in an order drawn anew each epoch: (key, steps, batch_size) -> numbers [n, B]."""
    plan = shuffled(rows)
    return lambda key, steps, batch_size: plan(key, steps, batch_size)[0]


def cut(asked, shape):
    """(arrays, rows [B]) -> the `Batch` of these examples, as many steps as the shape says."""

    def batch(arrays, rows):
        xs = jnp.moveaxis(arrays.xs[rows, : shape[0]], 0, 1)
        lengths, fresh = arrays.lengths[rows], jnp.ones(len(rows), bool)
        times = jnp.arange(shape[0])[:, None]
        mask = times < lengths
        if asked == "answer":
            targets = jnp.moveaxis(arrays.targets[rows, : shape[1]], 0, 1)
            valid = jnp.arange(shape[1])[:, None] < arrays.answers[rows]
            counted = valid & (targets >= 0).all(axis=-1)  # no output is a symbol of number -1
            return Batch(Pair(xs, jnp.maximum(targets, 0), valid), targets, jnp.asarray(counted, float), fresh, mask)
        if asked == "every":
            return Batch(
                xs, jnp.moveaxis(arrays.targets[rows, : shape[0]], 0, 1), jnp.asarray(mask, float), fresh, mask
            )
        labels = jnp.moveaxis(arrays.targets[rows], 0, 1)  # [1, B, K]
        targets = jnp.broadcast_to(labels, (shape[0], *labels.shape[1:]))
        return Batch(xs, targets, jnp.asarray(times == lengths - 1, float), fresh, mask)

    return batch


def one(asked, xs, targets=None):
    """The `Batch` of one sequence xs [S, D], whose targets nobody knows.

    Raises:
      ValueError: if it has no steps.
    """
    if not len(xs):
        raise ValueError("the text is empty; give at least one symbol")
    width = 1 if targets is None else targets.shape[-1]
    length = {"every": len(xs), "last": 1, "answer": 1}[asked]
    targets = np.zeros((length, width), np.int32) if targets is None else targets
    answers = np.array([len(targets)], np.int32) if asked == "answer" else None
    return _whole(asked, Examples(np.asarray(xs)[None], np.array([len(xs)], np.int32), targets[None], answers))


def _whole(asked, examples):
    shape = (int(examples.lengths.max()), *([] if examples.answers is None else [int(examples.answers.max())]))
    arrays = Examples(*(None if a is None else jnp.asarray(a) for a in examples))
    return cut(asked, shape)(arrays, jnp.arange(len(examples.lengths)))


def constant_logits(frequencies):
    """Batch -> ys [T, B, K]: the logarithms of the frequencies [K] of the training part, whatever is asked."""
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(frequencies / np.sum(frequencies)), -30.0)

    def predict(batch):
        return jnp.broadcast_to(jnp.asarray(logits, float), (*batch.targets.shape[:-1], len(logits)))

    return predict
