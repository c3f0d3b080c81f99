"""Pairs of sequences of your own: a text file with a source, a tab and its answer a line."""

from typing import Literal

from jaxrnn.data import _assets
from jaxrnn.data._pairs import pairs
from jaxrnn.data._stored import split_rows
from jaxrnn.types import Dataset, Rate, Seed, Size

FEWEST = 20
By = Literal["letters", "words"]


def dataset(
    path: str,
    source: By = "letters",
    target: By = "letters",
    longest: Size = 100,
    label_smoothing: Rate = 0.0,
    split_seed: Seed = 0,
) -> Dataset:
    """The answer to a source; 80, 10 and 10 % of the different sources train, validate and test.

    Empty lines are left out, and so are pairs longer than `longest` symbols. A symbol of a source that the training
    part does not hold is read as one symbol of its own; a pair whose answer holds such a symbol is left out.

    Args:
      path: a file in UTF-8.
      source, target: the symbols of each: letters, or words with spaces between.
      longest: symbols of a source or an answer at most.
      label_smoothing: of the loss.
      split_seed: of the split.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the file is not UTF-8, a line has not two fields, or fewer than 20 pairs are left; it names the
        line.
    """
    separators = tuple("" if by == "letters" else " " for by in (source, target))
    found = {}
    for number, line in enumerate(_assets.read_text(path).splitlines(), 1):
        fields = [field.strip() for field in line.split("\t")]
        if not line.strip():
            continue
        if len(fields) != 2 or not all(fields):
            raise ValueError(f"{path}, line {number}: expected a source, a tab and its answer")
        lengths = [
            len(text if separator == "" else text.split()) for text, separator in zip(fields, separators, strict=True)
        ]
        if max(lengths) <= longest:
            found.setdefault(fields[0], []).append(fields[1])
    if len(found) < FEWEST:
        raise ValueError(
            f"{path}: {len(found)} sources of at most data.longest={longest} symbols; {FEWEST} are the fewest"
        )
    sources, places = list(found), split_rows(len(found), split_seed)
    splits = {
        name: [(sources[row], answer) for row in rows for answer in found[sources[row]]]
        for name, rows in places.items()
    }
    return pairs(splits, "source", sources[0], separators, label_smoothing)
