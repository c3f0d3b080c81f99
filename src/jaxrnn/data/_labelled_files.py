"""Reads sequences of values with one label each: `.ts` and TSV files of UCR and UEA, tables of files, and sounds."""

from pathlib import Path

import numpy as np

from jaxrnn.data import _assets, _numbers, sound
from jaxrnn.data._columns import Table


def read(path, file: str | int = "file", label: str | int = "label", columns=(), mels=40, hop=0.01):
    """Reads (sequences, labels): a list of arrays [T, D], and a list of strings.

    The kind of file decides how it is read:

    - a name that ends in `.ts`: the format of the UCR and UEA archives at timeseriesclassification.com;
    - a table with a column named `file`: one sequence per file, and its label;
    - a folder: the WAV files of its folders, whose names are the labels;
    - another file: the format of the UCR archive, a label and its values per line.

    Args:
      path: the file.
      file, label: the columns of a table of files, by name or index.
      columns: the columns of each of its files; none for all.
      mels, hop: as in `jaxrnn.data.sound.log_mel`, for WAV files.

    Raises:
      FileNotFoundError: if a file does not exist.
      ValueError: if a value is missing or not a number, or a label is missing. The message names the line.
    """
    if Path(path).is_dir():
        return _checked(path, _of_folders(path, mels, hop))
    text = _assets.read_text(path)
    if str(path).lower().endswith(".ts"):
        examples = _ts(path, text)
    elif isinstance(file, int) or str(file) in _first_fields(text):
        examples = _of_table(path, file, label, columns, mels, hop)
    else:
        examples = _ucr(path, text)
    return _checked(path, examples)


def _checked(path, examples):
    """Returns (sequences, labels) of examples; raises ValueError if there are none, or their widths differ."""
    examples = list(examples)
    if not examples:
        raise ValueError(f"{path}: no sequences")
    sequences, labels = zip(*examples, strict=True)
    widths = {sequence.shape[1] for sequence in sequences}
    if len(widths) > 1:
        raise ValueError(f"{path}: the sequences have {min(widths)} to {max(widths)} columns; all need the same number")
    return list(sequences), list(labels)


def _first_fields(text):
    first = text.split("\n", 1)[0]
    return {field.strip().strip('"') for delimiter in ",;\t|" for field in first.split(delimiter)}


def _ts(path, text):
    """Yields ([T, D], label) of each line after @data."""
    in_data = False
    for number, line in enumerate(_assets.lines(text), 1):
        line, word = line.strip(), line.strip().lower().split()
        if not in_data:
            in_data = word[:1] == ["@data"]
            if word[:2] == ["@timestamps", "true"]:
                raise ValueError(f"{path}, line {number}: series with time stamps are not supported")
            if word[:1] == ["@targetlabel"] or word[:2] == ["@classlabel", "false"]:
                raise ValueError(f"{path}, line {number}: the series have no class labels")
        elif line and not line.startswith("#"):
            *dimensions, label = line.split(":")
            values = [_values(path, number, dimension.split(",")) for dimension in dimensions]
            if not values or len({len(each) for each in values}) > 1 or not label.strip():
                raise ValueError(f"{path}, line {number}: expected dimensions of one length and a label, after colons")
            yield np.stack(values, axis=1), label.strip()


def _ucr(path, text):
    """Yields ([T, 1], label) of each line of labels and values; NaN at the end of a line is padding."""
    for number, line in enumerate(_assets.lines(text), 1):
        delimiter = next((delimiter for delimiter in ("\t", ",") if delimiter in line), None)
        label, *fields = line.split(delimiter) if line.strip() else [""]
        while fields and fields[-1].strip().lower() in _numbers.GAPS:
            fields.pop()
        if fields:
            yield _values(path, number, fields)[:, None], _plain(label.strip())
        elif line.strip():
            raise ValueError(f"{path}, line {number}: expected a label and its values; got {line[:40]!r}")


def _plain(label):
    """Returns a label without the fraction of a whole number, such as 1.0000000e+00."""
    value = _numbers.PLAIN.parse(label)
    return f"{value:.0f}" if value.is_integer() else label


def _of_folders(path, mels, hop):
    """Yields (log-mel frames [T, mels], name of the folder) of each WAV file, in the order of their names."""
    for file in sorted(Path(path).glob("*/*")):
        if file.suffix.lower() in (".wav", *sound.OTHER_FORMATS):
            yield sound.log_mel(file, mels, hop), file.parent.name


def _of_table(path, file, label, columns, mels, hop):
    """Yields ([T, D], label) of each file that a table names, relative to the table's folder."""
    table = Table(path, (file, label))
    names, labels = (table.texts(table.index(name, f"data.{key}")) for key, name in (("file", file), ("label", label)))
    for row, (name, text) in enumerate(zip(names, labels, strict=True)):
        if not name or not text:
            raise ValueError(f"{table.where(row)}: the {'file' if not name else 'label'} is missing")
        part = Path(path).parent / name
        if not part.exists():
            raise FileNotFoundError(f"{table.where(row)}: {part}: no such file")
        if part.suffix.lower() in (".wav", *sound.OTHER_FORMATS):
            yield sound.log_mel(part, mels, hop), text
            continue
        values = Table(part, columns)
        chosen = [values.index(column, "data.columns") for column in columns] or range(len(values.header))
        form = values.number_format(chosen)
        yield np.stack([values.numbers(index, range(len(values)), "error", form) for index in chosen], axis=1), text


def _values(path, number, fields):
    """Parses the values of a line, [T]."""
    values = np.array([_numbers.PLAIN.parse(field) for field in fields])
    if np.isnan(values).any():
        field = fields[int(np.argmax(np.isnan(values)))].strip()
        raise ValueError(f"{path}, line {number}: {field!r} is not a finite number; fill or leave out missing values")
    return values
