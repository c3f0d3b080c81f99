"""Your own labelled texts, from a CSV file or a DataFrame with a text column and a label column."""

from typing import Literal

from jaxrnn.arguments import checked
from jaxrnn.data import _words
from jaxrnn.data._columns import Table
from jaxrnn.data._labels import labelled_texts
from jaxrnn.types import Dataset, Seed, Size, TableSource

MIN_TEXTS = 20


@checked
def dataset(
    path: TableSource,
    text: str | int = "text",
    label: str | int = "label",
    by: Literal["letters", "words", "tokens"] = "letters",
    longest: Size = 200,
    split_seed: Seed = 0,
) -> Dataset:
    """Predicts the label of a text.

        dataset = jaxrnn.data.labels.dataset([("what a film", "good"), ("it drags", "bad"), ...], by="words")

    - Training, validation and test get 80, 10 and 10 % of the distinct texts of each label. Rows with the same text
      are in the same part.
    - Rows without a text are left out. A text longer than `longest` symbols is truncated.
    - Symbols that the training part does not contain are read as one unknown symbol.

    Args:
      path: a table such as a CSV or TSV file; see `jaxrnn.data.csv` for how it is read. Or the table itself: a
        DataFrame, a dict of columns, or a list of (text, label).
      text, label: the two columns: names, or indices from 0.
      by: the symbols of a text: letters, words separated by spaces, or tokens, which are words and punctuation marks.
      longest: the largest number of symbols of a text.
      split_seed: the seed of the split.

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if the file is not UTF-8, lacks a column, has a row of the wrong width, or has fewer than 20 distinct
        texts or fewer than two labels. The message names the line.
    """
    texts, labels, notes, name = _read(path, text, label)
    prepare = _words.prepare(by)
    texts = list(map(prepare, texts))
    separator = "" if by == "letters" else " "
    texts = [string[:longest] if by == "letters" else " ".join(string.split()[:longest]) for string in texts]
    if len(set(texts)) < MIN_TEXTS or len(set(labels)) < 2:
        raise ValueError(
            f"{name}: {len(set(texts))} different texts with {len(set(labels))} labels; at least {MIN_TEXTS} texts and "
            "2 labels are needed"
        )
    dataset = labelled_texts(texts, labels, "text", texts[0], split_seed, separator, prepare)
    return dataset._replace(notes=(*notes, *dataset.notes))


def _read(path, text, label):
    """Returns (texts, labels, notes, name of the table); arguments and errors as in `dataset`."""
    table = Table(path, (text, label))
    columns = [table.texts(table.index(name, f"data.{key}")) for key, name in (("text", text), ("label", label))]
    texts, labels = [], []
    for row, (row_text, row_label) in enumerate(zip(*columns, strict=True)):
        if row_text and not row_label:
            raise ValueError(f"{table.where(row)}: the label is missing")
        if row_text:
            texts.append(row_text)
            labels.append(row_label)
    return texts, labels, table.notes, table.path
