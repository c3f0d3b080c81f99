"""Which of eight languages a word is of, letter by letter: the 16,000 most frequent words of each.

From the word lists of pyspellchecker (MIT); words that are frequent in two of the languages are left out.
"""

from jaxrnn.arguments import checked
from jaxrnn.data import _assets
from jaxrnn.data._labels import labelled_texts
from jaxrnn.types import Dataset, Seed


@checked
def dataset(split_seed: Seed = 0) -> Dataset:
    """Words of three letters and more; 80, 10 and 10 % of them train, validate and test.

    Args:
      split_seed: of the split.
    """
    rows = [line.split("\t") for line in _assets.lines(_assets.text("language"))]
    return labelled_texts([row[0] for row in rows], [row[1] for row in rows], "word", "schmetterling", split_seed)
