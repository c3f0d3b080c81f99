"""Pairs of sequences of your own: a text file with a source, a tab and its answer a line."""

from pathlib import Path
from typing import Literal

from jaxrnn.arguments import checked
from jaxrnn.data import _assets
from jaxrnn.data._pairs import pairs
from jaxrnn.data._splits import split_groups
from jaxrnn.symbols import Symbols
from jaxrnn.types import Dataset, Rate, Seed, Size

FEWEST = 20
By = Literal["letters", "words"]


@checked
def dataset(
    path: str | Path,
    source: By = "letters",
    target: By = "letters",
    longest: Size = 100,
    label_smoothing: Rate = 0.0,
    split_seed: Seed = 0,
) -> Dataset:
    """The answer to a source; 80, 10 and 10 % of the different sources train, validate and test.

    Empty lines are left out, and so are pairs longer than `longest` symbols. A symbol of a source that the training
    part does not hold is read as one symbol of its own; an answer that holds such a symbol counts as wrong.

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
    split = [Symbols((), separator).split for separator in separators]
    found = [pair for pair in _read(path) if len(split[0](pair[0])) <= longest and len(split[1](pair[1])) <= longest]
    sources = [tuple(split[0](question)) for question, _ in found]
    if len(set(sources)) < FEWEST:
        raise ValueError(
            f"{path}: {len(set(sources))} sources of at most data.longest={longest} symbols; {FEWEST} are the fewest"
        )
    places = split_groups(sources, seed=split_seed)
    splits = {name: [found[row] for row in rows] for name, rows in places.items()}
    return pairs(splits, "source", found[0][0], separators, label_smoothing)


def _read(path):
    """(source, answer) of each line that is not empty."""
    for number, line in enumerate(_assets.lines(_assets.read_text(path)), 1):
        fields = [field.strip() for field in line.split("\t")]
        if not line.strip():
            continue
        if len(fields) != 2 or not all(fields):
            raise ValueError(f"{path}, line {number}: expected a source, a tab and its answer")
        yield fields
