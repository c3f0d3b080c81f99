"""Numbers that are none, or that no float32 holds: each is refused by one line that names file, line and column."""

import os

import numpy as np
import pytest

from jaxrnn.data import csv, labels, text

ROWS = [f"{n},{10 + np.sin(n / 5):.6f}" for n in range(80)]


def content(row=None, value="", header="t,level"):
    rows = [f"{n},{value}" if n == row else line for n, line in enumerate(ROWS)]
    return "\n".join([header, *rows]) + "\n"


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "mine.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return written


@pytest.mark.parametrize("value", ["1_0", "nan", "inf", "-inf", "1e309", "0x10", "--1", "1 0"])
def test_what_is_no_finite_number_is_named(write, value):
    with pytest.raises(ValueError, match=r"mine\.csv, line 9, column 'level': .* is not a finite number"):
        csv.dataset(write(content(7, value)), "level", window=5)


@pytest.mark.parametrize("value", ["1e308", "-1e308", "1e31"])
def test_what_cannot_be_scaled_is_refused(write, value):
    with pytest.raises(ValueError, match="level, value 8: larger than 1e\\+30"):
        csv.dataset(write(content(7, value)), "level", window=5)


def test_a_training_part_that_does_not_change_is_refused(write):
    rows = "\n".join(["t,level", *(f"{n},{5.0 if n < 70 else 6.0}" for n in range(80))])
    with pytest.raises(ValueError, match="level: the training part is constant"):
        csv.dataset(write(rows), "level", window=5)


def test_denormals_are_numbers_of_one_size(write):
    """Values of 1e-310 are scaled to ones of size 1 or refused, never taken for zeros in silence."""
    rows = "\n".join(["t,level", *(f"{n},{(1 + n % 7) * 1e-310!r}" for n in range(80))])
    with pytest.raises(ValueError, match="is constant"):
        csv.dataset(write(rows), "level", window=5)


def test_columns_of_one_name_need_a_place(write):
    path = write(content(header="level,level"))
    with pytest.raises(ValueError, match="has 2 columns with this name; rename all but one"):
        csv.dataset(path, "level", window=5)
    assert csv.dataset(path, 1, window=5).series.value_labels == ("level",)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (b"t,level\n1,2\n\x00,3\n", "line 3: contains a zero byte"),
        ("t,level\n1,é\n".encode("latin1"), "byte 10 is not UTF-8"),
        ("t,level\n1,2\n".encode("utf-16-le"), "is UTF-16LE, not UTF-8.* or give data.encoding=UTF-16LE"),
        (b"text,label,level\nx,y," + b"9" * 200_000 + b"\n", r"'9{40}...' is not a finite number|1 different texts"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_text_is_refused(write, made, message):
    for dataset in (lambda path: csv.dataset(path, "level"), lambda path: labels.dataset(path)):
        with pytest.raises(ValueError, match=message):
            dataset(write(made))


def test_folders_and_pipes_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match="is not a regular file"):
            csv.dataset(str(path), "level")
        with pytest.raises(ValueError, match="is not a regular file"):
            text.dataset(str(path))
