"""Texts with a label each, and what a bag of letter trigrams tells of them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn.data import _shown
from jaxrnn.data._splits import absent_labels, split_groups
from jaxrnn.data._stored import Examples, constant_logits, one, padded, stored
from jaxrnn.symbols import Symbols, vocabulary
from jaxrnn.types import Question

FEATURES = 2**14  # places that the numbers of trigrams are hashed to


def labelled_texts(texts, labels, name, default, split_seed=0, separator=""):
    """The data set of texts and their labels, symbol by symbol, the label asked for at the last one.

    Args:
      texts: [N] texts.
      labels: [N] labels, as text.
      name: what the question is called, such as "word".
      default: the text that is asked where none is given.
      split_seed: of the split: 80, 10 and 10 % of the different texts of each label train, validate and test.
      separator: what stands between the symbols of a text: "" for letters, " " for words.
    """
    split = Symbols((), separator).split
    sequences = [split(text) for text in texts]
    places = split_groups(map(tuple, sequences), labels, split_seed)
    symbols = vocabulary([sequences[row] for row in places["train"]], separator, unknown=True)
    names = tuple(sorted(set(labels)))
    xs, lengths = padded([symbols.encode(each) for each in sequences])
    numbers = np.array([names.index(label) for label in labels], np.int32)
    examples = Examples(xs, lengths, numbers[:, None, None])
    splits = {part: examples.take(rows) for part, rows in places.items()}
    counts = np.bincount(numbers[places["train"]], minlength=len(names))
    return stored(
        splits,
        "last",
        len(names),
        {
            "most frequent label": constant_logits(counts),
            "logistic regression on trigrams": trigrams(splits["train"], len(names), symbols.size),
        },
        inputs=symbols,
        outputs=Symbols(names),
        question=Question(name, lambda text: one("last", symbols.encode(split(text))[:, None]), default),
        shown=_shown.labelled(names, _shown.text_of(symbols)),
        notes=absent_labels(labels, places),
    )


def trigrams(train, classes, size):
    """Batch -> ys [T, B, K]: multinomial logistic regression on the trigrams of the symbols, fitted when first asked.

    A text has a feature for each trigram that it holds, its ends included, hashed to 16,384; the weights have an L2
    penalty of 1 / N and are found by L-BFGS.
    """

    @functools.cache
    def weights():
        places = _hashed(jnp.asarray(train.xs[..., 0]), jnp.asarray(train.lengths), size)
        return _fitted(places, jnp.asarray(train.targets[:, 0, 0]), classes)

    def predict(batch):
        xs, mask = jnp.moveaxis(batch.xs[..., 0], 0, 1).astype(int), batch.mask
        logits = _logits(weights(), _hashed(xs, jnp.sum(mask, axis=0), size))
        return jnp.broadcast_to(logits, (len(batch.xs), *logits.shape))

    return predict


def _hashed(xs, lengths, size):
    """The places [N, S] of the trigrams of xs [N, S]; the last place for none."""
    valid = jnp.arange(xs.shape[1]) < lengths[:, None]
    xs = jnp.pad(jnp.where(valid, xs + 1, 0), ((0, 0), (1, 1)))
    numbers = (xs[:, :-2] * (size + 1) + xs[:, 1:-1]) * (size + 1) + xs[:, 2:]
    return jnp.where(valid, numbers * 40503 % FEATURES, FEATURES)


def _logits(weights, places):
    w, b = weights
    return jnp.sum(jnp.pad(w, ((0, 1), (0, 0)))[places], axis=1) + b


@functools.partial(jax.jit, static_argnums=2)
def _fitted(places, labels, classes):
    def objective(weights):
        losses = optax.softmax_cross_entropy_with_integer_labels(_logits(weights, places), labels)
        return losses.mean() + 0.5 / len(labels) * jnp.sum(weights[0] ** 2)

    solver = optax.lbfgs()
    first = (jnp.zeros((FEATURES, classes)), jnp.zeros(classes))
    value_and_grad = optax.value_and_grad_from_state(objective)

    def step(state, _):
        weights, inner = state
        value, gradient = value_and_grad(weights, state=inner)
        changes, inner = solver.update(gradient, inner, weights, value=value, grad=gradient, value_fn=objective)
        return (optax.apply_updates(weights, changes), inner), None

    return jax.lax.scan(step, (first, solver.init(first)), length=60)[0][0]
