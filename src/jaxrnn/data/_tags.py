"""Builds data sets of tagged sentences."""

import re

import jax.numpy as jnp
import numpy as np

from jaxrnn.data import _assets, _descriptions
from jaxrnn.data._splits import split_groups
from jaxrnn.data.examples import Examples, pad, single_batch, stored
from jaxrnn.metrics import accuracy, entity_f1, exact_match
from jaxrnn.symbols import UNKNOWN, Question, SymbolData, Symbols, vocabulary

CONLL_U = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
ENTITY_TAG = re.compile(r"O|[BI]-.+")


def parse(text, path, columns=None):
    """Parses a file with a word and its tag per line and an empty line between sentences: [[(word, tag), ...], ...].

    The first line decides how all lines are read:

    - ten fields with tabs (CoNLL-U): the form and the universal tag. Comments, ranges of words and empty nodes are
      left out;
    - other fields with tabs, or with blanks as in CoNLL-2003: the first and the last one. Lines with -DOCSTART- are
      left out.

    Args:
      text: the content of the file.
      path: its path, for messages.
      columns: the fields of the word and of the tag, as indices or as names of CoNLL-U; None for those above.

    Raises:
      ValueError: if a line has another form. The message names the line.
    """
    lines = list(enumerate(_assets.lines(text), 1))
    first = next((line for _, line in lines if line.strip() and ("\t" in line or not line.startswith("#"))), "")
    separator = "\t" if "\t" in first or len(first.split()) < 2 else None
    width = len(first.split(separator))
    is_universal = separator == "\t" and width == len(CONLL_U)
    word, tag = _indices(columns, width, separator, is_universal)
    sentences = [[]]
    for number, line in lines:
        fields = [field.strip() for field in line.split(separator)]
        if not line.strip():
            sentences.append([])
        elif fields[0] == "-DOCSTART-" or (is_universal and not fields[0].isdigit()):
            continue
        elif len(fields) == width > max(word, tag) and fields[word] and fields[tag]:
            sentences[-1].append((fields[word], fields[tag]))
        else:
            form = "a word, a tab and a tag" if separator and width <= 2 else f"{width} fields with a word and a tag"
            raise ValueError(f"{path}, line {number}: expected {form}; got {line[:40]!r}")
    return [sentence for sentence in sentences if sentence]


def _indices(columns, width, separator, is_universal):
    """Returns the indices of the fields of the word and of the tag."""
    if columns is None:
        if is_universal:
            return CONLL_U.index("form"), CONLL_U.index("upos")
        return 0, width - 1
    indices = [CONLL_U.index(column) if column in CONLL_U and is_universal else column for column in columns]
    for column, index in zip(columns, indices, strict=True):
        if not isinstance(index, int) or not -width <= index < width:
            names = f", or a name ({', '.join(CONLL_U)})" if is_universal else ""
            raise ValueError(f"data.columns={column}: expected an index from 0 to {width - 1}{names}")
    return [index % width for index in indices]


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

    is_entities = len(tags.names) > 1 and all(map(ENTITY_TAG.fullmatch, tags.names))

    def question_batch(text):
        return single_batch("all", read(text.split())[:, None], np.zeros((len(text.split()), 1), np.int32))

    return stored(
        splits,
        "all",
        tags.size,
        {"most frequent tag of the word": most_frequent(splits["train"], symbols.size, tags.size)},
        metrics={"accuracy": accuracy(), "exact_match": exact_match()}
        | ({"entity_f1": entity_f1(tags.names)} if is_entities else {}),
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
