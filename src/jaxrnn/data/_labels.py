"""Builds data sets of labelled texts."""

from collections.abc import Callable

import numpy as np

from jaxrnn.data import _descriptions, _ngrams
from jaxrnn.data._splits import absent_labels, split_groups
from jaxrnn.data.examples import Examples, constant_logits, pad, single_batch, stored
from jaxrnn.symbols import Question, SymbolData, Symbols, vocabulary

GRAMS = {  # separator of the symbols -> {name: (orders of the n-grams, whether text ends count)} of the baselines
    "": {"trigrams": ((3,), True)},
    " ": {"words": ((1,), False), "words and bigrams": ((1, 2), False)},
}


def labelled_texts(texts, labels, name, default, split_seed=0, separator="", prepare: Callable[[str], str] = str):
    """Builds the data set of labelled texts: reads a text symbol by symbol, predicts its label at the last one.

    Training, validation and test get 80, 10 and 10 % of the distinct texts of each label.

    Args:
      texts: [N] strings.
      labels: [N] labels, as strings.
      name: the name of the question, such as "word".
      default: the text to classify if the user gives none.
      split_seed: the seed of the split.
      separator: the separator of a text's symbols: "" for letters, " " for words.
      prepare: (text of the user) -> text, applied to a question.
    """
    split = Symbols((), separator).split
    sequences = [split(text) for text in texts]
    parts = split_groups(map(tuple, sequences), labels, split_seed)
    symbols = vocabulary([sequences[row] for row in parts["train"]], separator, unknown=True)
    names = tuple(sorted(set(labels)))
    xs, lengths = pad([symbols.encode(sequence) for sequence in sequences])
    numbers = np.array([names.index(label) for label in labels], np.int32)
    examples = Examples(xs, lengths, numbers[:, None, None])
    splits = {part: examples.take(rows) for part, rows in parts.items()}

    def question_batch(text):
        return single_batch("last", symbols.encode(split(prepare(text)))[:, None])

    counts = np.bincount(numbers[parts["train"]], minlength=len(names))
    return stored(
        splits,
        "last",
        len(names),
        {"most frequent label": constant_logits(counts)}
        | {
            f"logistic regression on {name}": _ngrams.regression(splits["train"], len(names), symbols.size, *grams)
            for name, grams in GRAMS[separator].items()
        },
        symbols=SymbolData(
            symbols,
            Symbols(names),
            Question(name, question_batch, default),
            _descriptions.labelled(names, _descriptions.text_of(symbols)),
        ),
        notes=absent_labels(labels, parts),
    )
