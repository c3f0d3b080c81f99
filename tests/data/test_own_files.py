"""Texts, labelled texts, tagged words and pairs of a user's own: what is read, what is refused, and the symbols."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from jaxrnn import runtime
from jaxrnn.data import _letters, _trigrams, csv, labels, pairs, tagging, text
from jaxrnn.errors import ConfigError
from jaxrnn.symbols import UNKNOWN, Symbols, vocabulary
from jaxrnn.types import Batch


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
    assert dataset.train.rows == 80
    assert dataset.symbols.outputs.names == ("even", "odd")
    batch = dataset.splits["test"]
    rows = dataset.symbols.describe(batch, np.asarray(batch.targets[..., 0]))
    assert all(row["target"] == row["prediction"] for row in rows)
    assert all((int(row["input"][5:].replace(UNKNOWN, "0") or 0) >= 0) for row in rows)
    np.testing.assert_array_equal(np.asarray(batch.weights).sum(0), 1)


def test_a_long_text_is_cut_and_unseen_letters_have_a_symbol(write):
    dataset = labels.dataset(write("text,label\n" + csv_of(50) + "x" * 500 + ",odd\n"), longest=30)
    assert max(len(dataset.splits[name].xs) for name in dataset.splits) <= 30
    assert dataset.train.arrays.xs.shape[1] <= 30
    batch = dataset.symbols.question.batch("wordé")
    assert dataset.symbols.inputs.names[int(batch.xs[-1, 0, 0])] == UNKNOWN


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text,label\nch\xe2teau,fr\n", "byte 13 is not UTF-8"),
        ("text,label\n" + csv_of(30) + "a,b,c\n", "line 32: 3 fields, but the header has 2"),
        ("text,label\n" + csv_of(30) + "a,\n", "line 32: the label is missing"),
        ("words,label\n" + csv_of(30), "no such column; it has words, label"),
        ("text,label\n" + csv_of(5), "5 different texts with 2 labels"),
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
    assert dataset.symbols.outputs.names == ("", "x")
    assert dataset.output_size == 2
    batch = dataset.splits["validation"]
    rows = dataset.symbols.describe(batch, np.asarray(batch.targets[..., 0]))
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
    dataset = tagging.dataset(write("".join(sentence[:-1] * n + "\n" for n in range(1, 21))))
    batch = dataset.symbols.question.batch("the dog")
    assert dataset.symbols.inputs.decode(batch.xs[:, 0, 0].astype(int)) == "the dog"
    assert dataset.symbols.outputs.names == ("at", "nn", "vb")
    ys = dataset.trivial(dataset.splits["test"])
    assert dataset.metrics["accuracy"](ys, dataset.splits["test"]) == 1
    with pytest.raises(ValueError, match="line 3: expected a word, a tab and a tag"):
        tagging.dataset(write("The\tat\ndog\tnn\nruns vb\n"))


@pytest.mark.parametrize("content", ["to be or not to be,\n" * 90, "être ou ne pas être,\r\n" * 90])
def test_a_large_text_is_the_same_text(write, content, monkeypatch):
    """One of ASCII letters is mapped, another is read."""
    path = write(content)
    small = text.dataset(path, window=16)
    monkeypatch.setattr(_letters, "LARGE", 100)
    monkeypatch.setattr(_letters, "CHUNK", 7)
    large = text.dataset(path, window=16)
    assert isinstance(_letters.of_file(path).codes, np.memmap) == content.isascii()
    assert large.symbols.inputs == small.symbols.inputs
    assert large.symbols.question.default == small.symbols.question.default == content.splitlines()[0]
    items = tuple(a[0] for a in small.train.plan(None, np.arange(1), 4))
    for a, b in zip(
        small.train.batch(small.train.arrays, items), large.train.batch(large.train.arrays, items), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    for name, batch in small.splits.items():
        np.testing.assert_array_equal(batch.xs, large.splits[name].xs)
        for baseline in small.baselines:
            np.testing.assert_array_equal(small.baselines[baseline](batch), large.baselines[baseline](batch))


def test_a_mapped_text_takes_no_memory(write):
    """Nor do its copies for the devices that share out a batch: they are the pages of the file."""
    path = write(b"to be or not to be, that is the question\n" * 2_000_000)
    jax.block_until_ready(runtime.on_all(jnp.ones(3), runtime.mesh(jax.device_count())))
    before = _own_bytes()
    dataset = text.dataset(path)
    arrays = runtime.on_all(dataset.train.arrays, runtime.mesh(jax.device_count()))
    assert arrays.nbytes > 80e6
    assert len(arrays.sharding.device_set) == jax.device_count() > 1
    assert _own_bytes() - before < 60e6
    assert bytes(np.asarray(arrays[:5]).tolist()) == b"to be"


def _own_bytes():
    """Memory of this process that is no part of a file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


@pytest.mark.parametrize("content", [b" \n" * 90, b"a\0b\n" * 90, b"caf\xe9\n" * 90])
def test_what_is_no_text_is_refused_whatever_its_size(write, content, monkeypatch):
    messages = []
    for large in (100, 10**9):
        monkeypatch.setattr(_letters, "LARGE", large)
        with pytest.raises(ValueError) as refused:  # noqa: PT011 - the messages are compared
            text.dataset(write(content))
        messages.append(str(refused.value))
    assert messages[0] == messages[1]


def test_the_parts_that_validate_are_no_larger_than_needed(write, monkeypatch):
    monkeypatch.setattr(text, "MAX_SPLIT_LETTERS", 640)
    whole = "to be or not to be, " * 1000
    dataset = text.dataset(write(whole), window=16)
    assert {name: batch.xs.size for name, batch in dataset.splits.items()} == {"validation": 608, "test": 608}
    assert dataset.train.rows == (len(whole) - 2 * 640 - 1) // 16
    assert text.dataset(write(whole), window=16, test=0.01).splits["test"].xs.size == 192  # 200 are fewer


def test_trigrams_are_those_of_dense_counts(monkeypatch):
    monkeypatch.setattr(_trigrams, "CHUNK", 7)
    size, numbers = 4, np.random.default_rng(0).integers(0, 3, 200)  # one symbol is never seen
    counts = [np.zeros((size,) * order) for order in (1, 2, 3)]
    for place in range(len(numbers)):
        for order in (1, 2, 3):
            if place >= order - 1:
                counts[order - 1][tuple(numbers[place - order + 1 : place + 1])] += 1
    counts[0] += 1e-3
    one, two, three = (found / np.maximum(found.sum(-1, keepdims=True), 1e-9) for found in counts)
    xs = np.array([[0, 3], [2, 1], [1, 1]])[..., None]
    before = np.concatenate([xs[:1], xs[:-1]])
    expected = np.log(0.05 * one + 0.15 * two[xs[..., 0]] + 0.8 * three[before[..., 0], xs[..., 0]] + 1e-6)
    found = _trigrams.trigrams(lambda begin, end: numbers[begin:end], size)(Batch(xs, xs, None, None))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_text_of_ones_own(write):
    dataset = text.dataset(write("to be or not to be, that is the question. " * 40), window=16)
    assert dataset.train.stateful
    items = dataset.train.plan(None, np.arange(1), 4)
    start, fresh = (a[0] for a in items)
    batch = dataset.train.batch(dataset.train.arrays, (start, fresh))
    np.testing.assert_array_equal(batch.xs[1:], batch.targets[:-1])
    assert dataset.symbols.outputs.decode(batch.xs[:, 0, 0]) == "to be or not to "
    with pytest.raises(ValueError, match="too few for windows"):
        text.dataset(write("to be or not"))
    message = r"10 of its 12 letters are for training, .* data.window=6; give data.window=4 or less"
    with pytest.raises(ValueError, match=message):
        text.dataset(write("to be or not"), window=6, validation=0.1, test=0.1)
    with pytest.raises(ValueError, match="'é' does not occur"):
        dataset.symbols.question.batch("é")
    with pytest.raises(FileNotFoundError, match="no such file"):
        text.dataset("nowhere.txt")


def test_a_text_whose_shares_are_too_small_is_told_so(write):
    path = write("to be or not to be " * 26 + "to be then")  # 504 letters
    message = "data.validation=0.05 of its 504 letters are 25, but at least 64 are needed; give data.validation=0.129"
    with pytest.raises(ValueError, match=message):
        text.dataset(path, window=2)
    with pytest.raises(ValueError, match=r"data.test=0.05 of its 504 letters are 25"):
        text.dataset(path, window=2, validation=0.129)
    dataset = text.dataset(path, window=2, validation=0.129, test=0.129)
    assert set(dataset.splits) == {"validation", "test"}
    assert set(text.dataset(path, window=2, validation=0, test=0.129).splits) == {"test"}
    message = r"are 9, but at least 64 are needed; give a longer text, or data.validation=0 for"
    with pytest.raises(ValueError, match=message):
        text.dataset(write("to be or not to be " * 5), window=2, validation=0.1)


REVIEWS = [(f"{'good' if n % 2 else 'bad'} film {n}", ("no", "yes")[n % 2]) for n in range(40)]


@pytest.mark.parametrize(
    "table",
    [
        REVIEWS,
        pd.DataFrame(REVIEWS, columns=["text", "label"], index=range(100, 140)),
        {"text": [text for text, _ in REVIEWS], "label": [label for _, label in REVIEWS]},
        np.array(REVIEWS),
    ],
    ids=["rows", "frame", "columns", "array"],
)
def test_labelled_texts_in_memory_are_those_of_a_file(write, table):
    from_file = labels.dataset(write("text,label\n" + "".join(f"{text},{label}\n" for text, label in REVIEWS)))
    in_memory = labels.dataset(table)
    jax.tree.map(np.testing.assert_array_equal, in_memory.splits, from_file.splits)
    assert in_memory.symbols.outputs == from_file.symbols.outputs


def test_columns_of_a_frame_are_named():
    frame = pd.DataFrame(REVIEWS, columns=["review", "stars"])
    dataset = labels.dataset(frame, text="review", label="stars", by="words")
    assert dataset.symbols.outputs.names == ("no", "yes")
    with pytest.raises(ValueError, match=r"data.text=text: the table has no such column; it has review, stars"):
        labels.dataset(frame)
    frame.loc[3, "stars"] = None
    with pytest.raises(ValueError, match="the table, row 4: the label is missing"):
        labels.dataset(frame, text="review", label="stars")


def test_pairs_in_memory_are_those_of_a_file(write):
    sums = [(f"{a}+{b}", str(a + b)) for a in range(6) for b in range(6)]
    from_file = pairs.dataset(write("".join(f"{question}\t{answer}\n" for question, answer in sums)))
    frame = pd.DataFrame(sums, columns=["q", "a"])
    for table, columns in ((sums, None), (frame, None), (frame.assign(n=1), ("q", "a"))):
        jax.tree.map(np.testing.assert_array_equal, pairs.dataset(table, columns=columns).splits, from_file.splits)
    with pytest.raises(ValueError, match=r"data.columns: name the source's column .*; the table has q, a, n"):
        pairs.dataset(frame.assign(n=1))


def test_a_text_in_memory_is_that_of_a_file(write):
    lines = [f"a line of text, number {n}" for n in range(60)]
    from_file = text.dataset(write("\n".join(lines)), window=8)
    for source in (lines, [f"{line}\n" for line in lines], pd.Series(lines)):
        in_memory = text.dataset(source, window=8)
        jax.tree.map(np.testing.assert_array_equal, in_memory.splits, from_file.splits)
    with pytest.raises(ValueError, match="expected the path of a file, got a text; pass it as a list of its lines"):
        text.dataset("\n".join(lines))
    with pytest.raises(ValueError, match="expected a file or a list of strings, one per line"):
        text.dataset([1, 2])


def test_what_is_no_table_is_refused():
    with pytest.raises(ConfigError, match="path: expected a path or a DataFrame, got an int"):
        labels.dataset(5)
    with pytest.raises(ValueError, match=r"data.delimiter: it describes a file, but the table is in memory"):
        csv.dataset(pd.DataFrame({"level": np.arange(99.0)}), "level", delimiter=";")
    with pytest.raises(ValueError, match="the table has no rows"):
        labels.dataset([])


def test_a_frame_is_read_as_the_file_that_it_would_be(tmp_path):
    """Dates with a zone, categories, numbers of every kind, and the index by its name."""
    times = pd.date_range("2024-03-01", periods=200, freq="h", tz="Europe/Berlin", name="when")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"level": rng.normal(size=200), "rain": rng.integers(0, 9, 200)}, index=times)
    frame["sky"] = np.where(frame.rain > 4, "cloud", "sun")
    frame.to_csv(tmp_path / "a.csv")
    settings = {"column": "level", "past_covariates": ("rain", "sky"), "time": "when", "window": 8}
    expected, dataset = (csv.dataset(source, **settings) for source in (tmp_path / "a.csv", frame))
    jax.tree.map(np.testing.assert_array_equal, dataset.splits, expected.splits)
    np.testing.assert_array_equal(dataset.series.times, expected.series.times)
    assert dataset.series.zone == expected.series.zone != ""
