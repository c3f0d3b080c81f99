"""Tables in memory: DataFrames, dicts of columns, and lists of rows, read as the texts that a file would hold."""

from pathlib import Path

NAME = "the table"  # in place of a path in messages
LONGEST_PATH = 4096  # characters


def is_file(source):
    """Returns whether a source is the path of a file, not a table in memory.

    Raises:
      ValueError: if it is a text instead of a path.
    """
    is_path = isinstance(source, str | Path)
    if is_path and ("\n" in str(source) or len(str(source)) > LONGEST_PATH):
        raise ValueError("data.path: expected the path of a file, got a text; pass it as a list of its lines")
    return is_path


def texts_of(source, names):
    """Returns (names of the columns, `pandas.DataFrame` of strings) of a table in memory; a gap is an empty string.

    The index of a DataFrame is its last column if it has a name.

    Args:
      source: a DataFrame, a dict of columns, a list of rows or an array [N, columns].
      names: the columns that the user names. They name the columns of rows that have no names of their own.

    Raises:
      ValueError: if it is not a table, or has no rows.
    """
    import pandas  # imported here: it takes half a second

    try:
        frame = source if hasattr(source, "columns") else pandas.DataFrame(source)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{NAME}: {error}; expected a DataFrame, a dict of columns or a list of rows") from error
    if not len(frame):
        raise ValueError(f"{NAME} has no rows")
    header = [str(name) for name in frame.columns]
    if not hasattr(source, "columns") and isinstance(frame.columns, pandas.RangeIndex):
        is_named = len(names) == len(header) and all(isinstance(name, str) for name in names)
        header = list(names) if is_named else [f"column {number}" for number in range(len(header))]
    columns = [frame.iloc[:, number] for number in range(len(header))]
    if frame.index.name is not None:
        header, columns = [*header, str(frame.index.name)], [*columns, frame.index.to_series()]
    strings = [column.astype(object).where(column.notna(), "").map(str).reset_index(drop=True) for column in columns]
    return header, pandas.concat(strings, axis=1, ignore_index=True)
