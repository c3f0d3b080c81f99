"""Your own labelled sequences of values: files of the UCR and UEA archives, tables of files, or sounds."""

from pathlib import Path

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _descriptions, _labelled_files
from jaxrnn.data._splits import absent_labels, split_groups
from jaxrnn.data.examples import Examples, constant_logits, pad, stored
from jaxrnn.scales import Scale, Scales
from jaxrnn.symbols import SymbolData
from jaxrnn.types import Dataset, Positive, Rate, Seed, Size

MIN_SEQUENCES = 10


@checked
def dataset(path: str | Path, test_path: str | Path | None = None, file: str | int = "file",
            label: str | int = "label", columns: tuple[str | int, ...] = (), validation: Rate = 0.1,
            test: Rate = 0.1, mels: Size = 40, hop: Positive = 0.01, split_seed: Seed = 0) -> Dataset:  # fmt: skip
    """Predicts the label of a sequence of values at its last step; values are scaled by the training part.

    Equal sequences are in the same part, and each label has its share of every part. NAME_TEST next to NAME_TRAIN is
    the test part, as published.

    Args:
      path: a `.ts` file, a file with a label and its values per line (UCR), or a table that names a file and a label
        per row. Each of these files is a table with one step per row, or a WAV file. Or a folder with a folder of WAV
        files per label.
      test_path: a file of the test part; None for NAME_TEST next to NAME_TRAIN, or a share of `path`.
      file, label: the columns of a table of files, by name or index from 0.
      columns: the columns to read from each of its files, by name or index; none for all.
      validation, test: the shares of the distinct sequences for validation and test.
      mels, hop: the number of mel bands, and the seconds between two frames, of WAV files (`jaxrnn.data.sound`).
      split_seed: the seed of the split.

    Raises:
      FileNotFoundError: if a file does not exist.
      ValueError: if a file cannot be read, or holds fewer than 10 distinct sequences or fewer than two labels. The
        message names the line.
    """
    sequences, labels = _labelled_files.read(path, file, label, columns, mels, hop)
    keys = [sequence.tobytes() for sequence in sequences]
    if len(set(keys)) < MIN_SEQUENCES or len(set(labels)) < 2:
        raise ValueError(
            f"{path}: {len(set(keys))} different sequences with {len(set(labels))} labels; at least {MIN_SEQUENCES} "
            "sequences and 2 labels are needed"
        )
    test_path = _published_test(path) if test_path is None else test_path
    parts, notes = split_groups(keys, labels, split_seed, validation, test if test_path is None else 0.0), []
    if test_path is not None:
        more, more_labels = _labelled_files.read(test_path, file, label, columns, mels, hop)
        parts["test"] = np.arange(len(labels), len(labels) + len(more))
        sequences, labels = sequences + more, labels + more_labels
        repeated = len(set(keys) & {sequence.tobytes() for sequence in more})
        notes = [f"the test part is {test_path}"]
        notes += [f"{repeated} of its sequences are in {path} too"] if repeated else []
    return _built(sequences, labels, parts, (*notes, *absent_labels(labels, parts)))


def _published_test(path):
    """Returns the path of NAME_TEST for NAME_TRAIN, or None if there is no such file."""
    path = Path(path)
    other = path.with_name("_TEST".join(path.name.rsplit("_TRAIN", 1)))
    return other if other != path and other.exists() else None


def _built(sequences, labels, parts, notes):
    names = sorted(set(labels))
    numbers = np.array([names.index(label) for label in labels], np.int32)
    steps = np.concatenate([sequences[row] for row in parts["train"]])
    std = steps.std(axis=0)
    scale = Scale(steps.mean(axis=0), np.where(std > 0, std, 1.0))
    xs, lengths = pad([scale.scaled(sequence) for sequence in sequences], np.float32)
    examples = Examples(xs, lengths, numbers[:, None, None])

    def describe_sequence(xs, row):
        return {"input": f"sequence {row + 1}, {len(xs)} steps"}

    counts = np.bincount(numbers[parts["train"]], minlength=len(names))
    data = stored(
        {name: examples.take(rows) for name, rows in parts.items() if len(rows)},
        "last",
        len(names),
        {"most frequent label": constant_logits(counts)},
        symbols=SymbolData(describe=_descriptions.labelled(names, describe_sequence)),
        notes=notes,
    )
    return data._replace(scales=Scales(inputs=scale))
