"""Your own pairs of sequences: lines with a source, a tab and its answer, a table, or a list of pairs."""

from typing import Literal

from jaxrnn.arguments import checked
from jaxrnn.data import _assets, _frames, _words
from jaxrnn.data._columns import Table
from jaxrnn.data._pairs import pairs
from jaxrnn.data._splits import split_groups
from jaxrnn.symbols import Symbols
from jaxrnn.types import Dataset, Rate, Seed, Size, TableSource

MIN_SOURCES = 20
By = Literal["letters", "words", "tokens"]


@checked
def dataset(
    path: TableSource,
    source: By = "letters",
    target: By = "letters",
    longest: Size = 100,
    label_smoothing: Rate = 0.0,
    split_seed: Seed = 0,
    columns: tuple[str | int, str | int] | None = None,
) -> Dataset:
    """Predicts the answer to a source.

        dataset = jaxrnn.data.pairs.dataset([("2+3", "5"), ("4+1", "5"), ...])

    - Training, validation and test get 80, 10 and 10 % of the distinct sources.
    - Empty lines, and pairs with more than `longest` symbols on one side, are left out.
    - Source symbols that the training part does not contain are read as one unknown symbol. An answer with such a
      symbol counts as wrong.

    Args:
      path: a UTF-8 text file with a source, a tab and its answer on each line, or a table (see `columns`). Or the
        table itself: a DataFrame, a dict of columns, or a list of (source, answer).
      source, target: the symbols of each side: letters, words separated by spaces, or tokens, which are words and
        punctuation marks.
      longest: the largest number of symbols of a source or an answer.
      label_smoothing: the label smoothing of the loss.
      split_seed: the seed of the split.
      columns: the columns of the source and of the answer in a table: names, or indices from 0; see `jaxrnn.data.csv`
        for how a table is read. None for a text file, or for a table in memory with only these two columns.

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if the file is not UTF-8, a line does not have two fields, or fewer than 20 distinct sources remain.
        The message names the line.
    """
    prepare = [_words.prepare(by) for by in (source, target)]
    separators = tuple("" if by == "letters" else " " for by in (source, target))
    split = [Symbols((), separator).split for separator in separators]
    is_file = _frames.is_file(path)
    name = path if is_file else _frames.NAME
    read, notes = (_read_lines(path), ()) if is_file and columns is None else _read_table(path, columns)
    texts = ([f(text) for f, text in zip(prepare, pair, strict=True)] for pair in read)
    examples = [pair for pair in texts if all(len(f(text)) <= longest for f, text in zip(split, pair, strict=True))]
    sources = [tuple(split[0](question)) for question, _ in examples]
    if len(set(sources)) < MIN_SOURCES:
        raise ValueError(
            f"{name}: {len(set(sources))} sources of at most data.longest={longest} symbols; at least {MIN_SOURCES} "
            "are needed"
        )
    parts = split_groups(sources, seed=split_seed)
    splits = {name: [examples[row] for row in rows] for name, rows in parts.items()}
    dataset = pairs(splits, "source", examples[0][0], separators, label_smoothing, prepare=prepare[0])
    return dataset._replace(notes=(*notes, *dataset.notes))


def _read_lines(path):
    """Yields (source, answer) of each line that is not empty."""
    for number, line in enumerate(_assets.lines(_assets.read_text(path)), 1):
        fields = [field.strip() for field in line.split("\t")]
        if not line.strip():
            continue
        if len(fields) != 2 or not all(fields):
            raise ValueError(f"{path}, line {number}: expected a source, a tab and its answer; got {line[:40]!r}")
        yield fields


def _read_table(path, columns):
    """Returns ([(source, answer), ...], notes) of the rows of a table."""
    table = Table(path, () if columns is None else columns)
    if columns is None:
        if len(table.header) != 2:
            raise ValueError(
                f"data.columns: name the source's column and the answer's; {table.path} has {', '.join(table.header)}"
            )
        columns = (0, 1)
    texts = [table.texts(table.index(column, "data.columns")) for column in columns]
    rows = list(zip(*texts, strict=True))
    for row, pair in enumerate(rows):
        if not all(pair):
            raise ValueError(f"{table.where(row)}: the source or its answer is missing")
    return rows, table.notes
