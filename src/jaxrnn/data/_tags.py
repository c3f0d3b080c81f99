"""Builds data sets of tagged sentences."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.data import _assets, _descriptions
from jaxrnn.data._splits import split_groups
from jaxrnn.data.examples import Examples, pad, single_batch, stored
from jaxrnn.symbols import UNKNOWN, Question, SymbolData, Symbols, vocabulary


def parse(text, path):
    """Parses lines of word, tab and tag, with an empty line between sentences, into [[(word, tag), ...], ...].

    Raises:
      ValueError: if a line has another form. The message names the line.
    """
    sentences = [[]]
    for number, line in enumerate(_assets.lines(text), 1):
        fields = line.split("\t")
        if not line.strip():
            sentences.append([])
        elif len(fields) == 2 and fields[0].strip() and fields[1].strip():
            sentences[-1].append((fields[0].strip(), fields[1].strip()))
        else:
            raise ValueError(f"{path}, line {number}: expected a word, a tab and a tag; got {line[:40]!r}")
    return [sentence for sentence in sentences if sentence]


def tagging(sentences, longest, fewest, split_seed, default):
    """Builds the data set of tagged sentences: reads them word by word, in lower case, and predicts each word's tag.

    A word with fewer than `fewest` occurrences in the training part is read as its ending, the last three letters. A
    word with an equally rare ending is read as the unknown symbol. Training, validation and test get 80, 10 and 10 %
    of the distinct sentences.

    Args:
      sentences: [[(word, tag), ...], ...].
      longest: the largest number of words; longer sentences are left out.
      fewest: the number of occurrences in the training part from which a word or an ending has a symbol of its own.
      split_seed: the seed of the split.
      default: the sentence to tag if the user gives none.
    """
    sentences = [sentence for sentence in sentences if len(sentence) <= longest]
    parts = split_groups([tuple(word.lower() for word, _ in sentence) for sentence in sentences], seed=split_seed)
    training = [sentences[row] for row in parts["train"]]
    known = _frequent([[word.lower() for word, _ in sentence] for sentence in training], fewest)
    rare_words = [[word for word, _ in sentence if word.lower() not in known] for sentence in training]
    endings = _frequent([[_ending(word) for word in words] for words in rare_words], fewest)
    symbols = Symbols((UNKNOWN, *sorted(known), *sorted(endings)), " ")
    tags = vocabulary([[tag for _, tag in sentence] for sentence in sentences], " ")

    def read(words):
        lower = [word.lower() for word in words]
        return symbols.encode([word if word in known else _ending(word) for word in lower])

    xs, lengths = pad([read([word for word, _ in sentence]) for sentence in sentences])
    targets, _ = pad([tags.encode([tag for _, tag in sentence]) for sentence in sentences])
    examples = Examples(xs, lengths, targets)
    splits = {part: examples.take(rows) for part, rows in parts.items()}

    def question_batch(text):
        return single_batch("all", read(text.split())[:, None], np.zeros((len(text.split()), 1), np.int32))

    return stored(
        splits,
        "all",
        tags.size,
        {"most frequent tag of the word": most_frequent(splits["train"], symbols.size, tags.size)},
        symbols=SymbolData(
            symbols, tags, Question("sentence", question_batch, default), _descriptions.tagged(symbols, tags)
        ),
    )


def most_frequent(train, symbols, tags):
    """Returns Batch -> ys [T, B, K]: the logarithm of how often each word has each tag in the training part."""
    valid = np.arange(train.xs.shape[1]) < train.lengths[:, None]
    counts = np.zeros((symbols, tags), np.float32)
    np.add.at(counts, (train.xs[..., 0][valid], train.targets[..., 0][valid]), 1.0)
    prior = counts.sum(axis=0) / counts.sum()
    logits = np.log(counts + 0.1 * prior + 1e-6)
    return lambda batch: jnp.asarray(logits, float)[batch.xs[..., 0].astype(int)]


def _ending(word):
    return f"-{word.lower()[-3:]}"


def _frequent(sentences, fewest):
    words, counts = np.unique([word for sentence in sentences for word in sentence], return_counts=True)
    return set(words[counts >= fewest].tolist())
