"""Texts of your own with a label each: a CSV file with a column of texts and a column of labels."""

from pathlib import Path
from typing import Any, Literal

from jaxrnn.arguments import checked
from jaxrnn.data import _assets
from jaxrnn.data._labels import labelled_texts
from jaxrnn.types import Dataset, Seed, Size

FEWEST = 20


@checked
def dataset(
    path: str | Path,
    text: str = "text",
    label: str = "label",
    by: Literal["letters", "words"] = "letters",
    longest: Size = 200,
    split_seed: Seed = 0,
) -> Dataset:
    """The label of a text; 80, 10 and 10 % of the different texts of each label train, validate and test.

    Rows without a text are left out; a text longer than `longest` symbols is cut there. Rows with the same text are in
    the same part. Symbols that the training part does not hold are read as one symbol of their own.

    Args:
      path: a CSV file in UTF-8 whose first row names the columns.
      text, label: the columns' names.
      by: the symbols of a text.
      longest: symbols of a text at most.
      split_seed: of the split.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the file is not UTF-8, lacks a column, has a row of another width, or fewer than 20 different
        texts or two labels; it names the line.
    """
    texts, labels = read(path, text, label)
    separator = "" if by == "letters" else " "
    texts = [each[:longest] if by == "letters" else " ".join(each.split()[:longest]) for each in texts]
    if len(set(texts)) < FEWEST or len(set(labels)) < 2:
        raise ValueError(
            f"{path}: {len(set(texts))} different texts with {len(set(labels))} labels; {FEWEST} and two are the "
            "fewest to learn from"
        )
    return labelled_texts(texts, labels, "text", texts[0], split_seed, separator)


def read(path: str | Path, text: Any, label: Any) -> Any:
    """(texts, labels) of the file. Arguments and errors as of `dataset`."""
    rows = _assets.read_rows(path)
    _, header = next(rows)
    places = [_assets.place_of(name, header, path, f"data.{key}") for key, name in (("text", text), ("label", label))]
    texts, labels = [], []
    for line, row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise ValueError(f"{path}, line {line}: {len(row)} fields, the header names {len(header)}")
        of_text, of_label = (row[place] for place in places)
        if of_text and not of_label:
            raise ValueError(f"{path}, line {line}: the label is missing")
        if of_text:
            texts.append(of_text)
            labels.append(of_label)
    return texts, labels
