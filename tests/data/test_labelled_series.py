"""Sequences with a label, in the files that archives and experiments have."""

import numpy as np
import pandas as pd
import pytest

from jaxrnn.data import labelled_series

RNG = np.random.default_rng(0)
SEQUENCES = [np.round(RNG.normal(size=(RNG.integers(5, 9), 2)) + n % 3, 4) for n in range(60)]
LABELS = [("low", "middle", "high")[n % 3] for n in range(60)]
HEADER = "# made\n@problemName Made\n@timeStamps false\n@univariate false\n@classLabel true low middle high\n@data\n"


def ts(sequences, labels):
    rows = [":".join([*(",".join(map(str, dimension)) for dimension in s.T), y])
            for s, y in zip(sequences, labels, strict=True)]  # fmt: skip
    return HEADER + "\n".join(rows) + "\n"


def ucr(sequences, labels):
    longest = max(map(len, sequences))
    numbers = {"low": "1", "middle": "2", "high": "3"}
    return "\n".join("\t".join([numbers[y], *map(str, s[:, 0]), *["NaN"] * (longest - len(s))])
                     for s, y in zip(sequences, labels, strict=True))  # fmt: skip


def folder(path, sequences, labels):
    for number, sequence in enumerate(sequences):
        frame = pd.DataFrame(sequence, columns=["x", "y"])
        frame.to_csv(path.parent / f"run {number}.csv", index=False, sep=";", decimal=",")
    names = [f"run {number}.csv" for number in range(len(sequences))]
    pd.DataFrame({"file": names, "label": labels}).to_csv(path, index=False)


def unscaled(dataset, part):
    """{the values of a sequence, in the order of the file: its label} of a part, up to the scale."""
    if part == "train":
        xs, mask, targets = dataset.train.arrays.xs, None, dataset.train.arrays.targets[:, 0, 0]
        lengths = dataset.train.arrays.lengths
    else:
        batch = dataset.splits[part]
        xs, mask, targets = np.moveaxis(np.asarray(batch.xs), 0, 1), batch.mask, batch.targets[-1, :, 0]
        lengths = np.asarray(mask).sum(axis=0)
    return [(np.asarray(x)[:length], int(y)) for x, length, y in zip(xs, lengths, targets, strict=True)]


def check(dataset, sequences, labels, sizes):
    names = sorted(set(labels))
    parts = {part: unscaled(dataset, part) for part in ("train", "validation", "test")}
    assert {part: len(rows) for part, rows in parts.items()} == dict(zip(parts, sizes, strict=True))
    everything = [row for rows in parts.values() for row in rows]
    lengths = sorted(len(x) for x, _ in everything)
    assert lengths == sorted(map(len, sequences))
    assert sorted(y for _, y in everything) == sorted(names.index(label) for label in labels)
    train = np.concatenate([x for x, _ in parts["train"]])
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(axis=0), 1, rtol=1e-5)


@pytest.mark.parametrize("kind", ["ts", "ucr", "folder"])
def test_each_kind_of_file(tmp_path, kind):
    path = tmp_path / {"ts": "Made.ts", "ucr": "Made.tsv", "folder": "labels.csv"}[kind]
    if kind == "folder":
        folder(path, SEQUENCES, LABELS)
    else:
        path.write_text({"ts": ts, "ucr": ucr}[kind](SEQUENCES, LABELS))
    dataset = labelled_series.dataset(str(path))
    assert dataset.input_size == (1 if kind == "ucr" else 2)
    check(dataset, SEQUENCES, LABELS, (48, 6, 6))
    assert set(dataset.metrics) == {"accuracy", "macro_f1"}
    counts = [sum(y == label for _, y in unscaled(dataset, "test")) for label in range(3)]
    assert counts == [2, 2, 2]  # each label has its share
    batch = dataset.splits["test"]
    assert dataset.metrics["accuracy"](dataset.trivial(batch), batch) == 1 / 3
    if kind == "folder":
        assert labelled_series.dataset(str(path), columns=("y",)).input_size == 1


def test_the_published_test_part_is_used(tmp_path):
    (tmp_path / "Made_TRAIN.ts").write_text(ts(SEQUENCES[:40], LABELS[:40]))
    (tmp_path / "Made_TEST.ts").write_text(ts([*SEQUENCES[40:], SEQUENCES[0]], [*LABELS[40:], LABELS[0]]))
    dataset = labelled_series.dataset(str(tmp_path / "Made_TRAIN.ts"))
    assert (dataset.train.rows, len(dataset.splits["test"].fresh)) == (36, 21)
    assert any("1 of its sequences are in" in note for note in dataset.notes)
    assert any("the test part is" in note for note in dataset.notes)


@pytest.mark.costly
def test_equal_sequences_are_in_one_part(tmp_path):
    (tmp_path / "Made.ts").write_text(ts(SEQUENCES * 3, LABELS * 3))
    dataset = labelled_series.dataset(str(tmp_path / "Made.ts"))
    parts = [{x.tobytes() for x, _ in unscaled(dataset, part)} for part in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 60


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.ts", HEADER + "1,2:3,?:low\n", r"line 7: '\?' is not a finite number"),
        ("a.ts", HEADER + "1,2:3:low\n", "line 7: expected dimensions of one length and a label"),
        ("a.ts", HEADER, "no sequences"),
        ("a.ts", "@timeStamps true\n", "line 1: series with time stamps are not supported"),
        ("a.ts", "@targetLabel true\n", "line 1: the series have no class labels"),
        ("a.tsv", "1\t2\t3\n2\tx\t3\n", "line 2: 'x' is not a finite number"),
        ("a.tsv", "1\t2\t3\n2\n", "line 2: expected a label and its values"),
        ("a.tsv", "1\t2\t3\n2\t3\t3\n", "2 different sequences with 2 labels; at least 10 sequences"),
        ("a.csv", "file,label\nhere.csv,\n", "line 2: the label is missing"),
        ("a.csv", "file,kind\nhere.csv,a\n", r"data\.label=label: .* no such column; it has file, kind"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        labelled_series.dataset(str(tmp_path / name))


def test_a_file_that_is_not_there_is_named(tmp_path):
    (tmp_path / "labels.csv").write_text("file,label\nhere.csv,a\n")
    with pytest.raises(FileNotFoundError, match=r"line 2: .*here\.csv: no such file"):
        labelled_series.dataset(str(tmp_path / "labels.csv"))
