"""Texts, labelled texts, tagged words and pairs of a user's own: what is read, what is refused, and the symbols."""

import numpy as np
import pytest

from jaxrnn.data import labels, pairs, tagging, text
from jaxrnn.symbols import UNKNOWN, Symbols, vocabulary


@pytest.fixture
def write(tmp_path):
    def written(content):
        path = tmp_path / "mine.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return written


def csv_of(count):
    return "".join(f"word{chr(97 + n % 26)}{n},{'even' if n % 2 == 0 else 'odd'}\n" for n in range(count))


def test_symbols_there_and_back():
    symbols = vocabulary(["abc", "cab"])
    assert symbols.names == ("a", "b", "c")
    assert symbols.decode(symbols.encode("cab")) == "cab"
    with pytest.raises(ValueError, match="'z'"):
        symbols.encode("az")
    known = vocabulary(["ab"], unknown=True)
    assert known.names[known.encode("z")[0]] == UNKNOWN
    ended = Symbols(("", "AH", "B"), " ", end=True)
    assert ended.decode([2, 1, 0, 1]) == "B AH"


def test_labelled_texts(write):
    dataset = labels.dataset(write("text,label\n" + csv_of(100) + "\n,\n"))
    assert dataset.rows == 80
    assert dataset.outputs.names == ("even", "odd")
    batch = dataset.splits["test"]
    rows = dataset.shown(batch, np.asarray(batch.targets[..., 0]))
    assert all(row["target"] == row["prediction"] for row in rows)
    assert all((int(row["input"][5:].replace(UNKNOWN, "0") or 0) >= 0) for row in rows)
    np.testing.assert_array_equal(np.asarray(batch.weights).sum(0), 1)


def test_a_long_text_is_cut_and_unseen_letters_have_a_symbol(write):
    dataset = labels.dataset(write("text,label\n" + csv_of(50) + "x" * 500 + ",odd\n"), longest=30)
    assert max(len(dataset.splits[name].xs) for name in dataset.splits) <= 30
    assert dataset.arrays.xs.shape[1] <= 30
    batch = dataset.question.batch("wordé")
    assert dataset.inputs.names[int(batch.xs[-1, 0, 0])] == UNKNOWN


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text,label\nch\xe2teau,fr\n", "byte 13 is not UTF-8"),
        ("text,label\n" + csv_of(30) + "a,b,c\n", "line 32: 3 fields, the header names 2"),
        ("text,label\n" + csv_of(30) + "a,\n", "line 32: the label is missing"),
        ("words,label\n" + csv_of(30), "no such column; it has words, label"),
        ("text,label\n" + csv_of(5), "5 texts with 2 labels"),
        ("", "empty"),
    ],
    ids=["encoding", "ragged", "no label", "column", "few", "empty"],
)
def test_labelled_texts_that_cannot_be_read(write, content, message):
    with pytest.raises(ValueError, match=message):
        labels.dataset(write(content))


def test_pairs(write):
    lines = [f"{n}\t{'x' * (n % 4 + 1)}" for n in range(60)] + ["", "7\txxxxxxxx" + "y" * 200]
    dataset = pairs.dataset(write("\r\n".join(lines)))
    assert dataset.outputs.names == ("", "x")
    assert dataset.output_size == 2
    batch = dataset.splits["validation"]
    rows = dataset.shown(batch, np.asarray(batch.targets[..., 0]))
    assert {row["target"] for row in rows} <= {"x", "xx", "xxx", "xxxx"}
    assert all(
        len(row["target"]) == int(row["input"].replace(UNKNOWN, "0")) % 4 + 1 or UNKNOWN in row["input"] for row in rows
    )
    valid = np.asarray(batch.weights)
    np.testing.assert_array_equal(valid.sum(0), [len(row["target"]) + 1 for row in rows])


@pytest.mark.parametrize(
    ("content", "message"),
    [("a b\n" * 30, "line 1: expected a source, a tab"), ("a\tb\n" * 30, "1 sources"), ("a\t\n", "line 1")],
    ids=["no tab", "few", "no answer"],
)
def test_pairs_that_cannot_be_read(write, content, message):
    with pytest.raises(ValueError, match=message):
        pairs.dataset(write(content))


def test_tagged_words(write):
    sentence = "The\tat\ndog\tnn\nruns\tvb\n\n"
    dataset = tagging.dataset(write(sentence * 30))
    batch = dataset.question.batch("the dog")
    assert dataset.inputs.decode(batch.xs[:, 0, 0].astype(int)) == "the dog"
    assert dataset.outputs.names == ("at", "nn", "vb")
    ys = dataset.trivial(dataset.splits["test"])
    assert dataset.metrics["accuracy"](ys, dataset.splits["test"]) == 1
    with pytest.raises(ValueError, match="line 3: expected a word, a tab and a tag"):
        tagging.dataset(write("The\tat\ndog\tnn\nruns vb\n"))


def test_a_text_of_ones_own(write):
    dataset = text.dataset(write("to be or not to be, that is the question. " * 40), window=16)
    assert dataset.continues
    items = dataset.plan(None, np.arange(1), 4)
    start, fresh = (a[0] for a in items)
    batch = dataset.batch(dataset.arrays, (start, fresh))
    np.testing.assert_array_equal(batch.xs[1:], batch.targets[:-1])
    assert dataset.outputs.decode(batch.xs[:, 0, 0]) == "to be or not to "
    with pytest.raises(ValueError, match="too few for windows"):
        text.dataset(write("to be or not"))
    with pytest.raises(ValueError, match="'é' is no symbol"):
        dataset.question.batch("é")
    with pytest.raises(FileNotFoundError, match="no such file"):
        text.dataset("nowhere.txt")
