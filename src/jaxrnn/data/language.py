"""Language identification, letter by letter: the 16,000 most frequent words of each of eight languages.

The words come from pyspellchecker (MIT). Words that are frequent in two of the languages are left out.
"""

from jaxrnn.arguments import checked
from jaxrnn.data import _assets
from jaxrnn.data._labels import labelled_texts
from jaxrnn.types import Dataset, Seed


@checked
def dataset(split_seed: Seed = 0) -> Dataset:
    """Words of three or more letters; training, validation and test get 80, 10 and 10 % of them.

    Args:
      split_seed: the seed of the split.
    """
    rows = [line.split("\t") for line in _assets.lines(_assets.text("language"))]
    return labelled_texts([row[0] for row in rows], [row[1] for row in rows], "word", "schmetterling", split_seed)
