"""Times of a series: the frequency behind them, what comes after the last one, and what digits mean."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from jaxrnn.data import csv, series
from jaxrnn.training.priming import generation_inputs


@pytest.fixture
def write(tmp_path):
    def written(times, values=None):
        path = tmp_path / "mine.csv"
        values = np.arange(len(times)) % 7 if values is None else values
        path.write_text("time,x\n" + "".join(f"{t},{v}\n" for t, v in zip(times, values, strict=True)))
        return str(path)

    return written


def days(frequency, last, count=60):
    return pd.date_range(end=last, periods=count, freq=frequency)


FREQUENCIES = [
    ("B", "2024-03-04", ["2024-03-05", "2024-03-06", "2024-03-07"]),
    ("B", "2024-03-01", ["2024-03-04", "2024-03-05", "2024-03-06"]),
    ("ME", "2024-04-30", ["2024-05-31", "2024-06-30", "2024-07-31"]),
    ("MS", "2024-01-01", ["2024-02-01", "2024-03-01", "2024-04-01"]),
    ("QS", "2024-01-01", ["2024-04-01", "2024-07-01", "2024-10-01"]),
    ("BME", "2024-02-29", ["2024-03-29", "2024-04-30", "2024-05-31"]),
    ("YE-JUN", "2023-06-30", ["2024-06-30", "2025-06-30", "2026-06-30"]),
    ("2W-SUN", "2024-03-03", ["2024-03-17", "2024-03-31", "2024-04-14"]),
    (pd.DateOffset(months=1), "2024-01-15", ["2024-02-15", "2024-03-15", "2024-04-15"]),
    ("h", "2024-03-01 22:00", ["2024-03-01T23", "2024-03-02T00", "2024-03-02T01"]),
    ("15min", "2024-03-01 23:30", ["2024-03-01T23:45", "2024-03-02T00:00", "2024-03-02T00:15"]),
]


@pytest.mark.parametrize("absent", [(), (-2,), (7, 8, 20)], ids=["all", "one before the last", "some"])
@pytest.mark.parametrize(("frequency", "last", "following"), FREQUENCIES, ids=lambda value: str(value)[:12])
@pytest.mark.sample(4, 2)
def test_times_go_on_by_the_frequency(write, frequency, last, following, absent):
    times = days(frequency, last).delete(list(absent))
    dataset = csv.dataset(write(times), "x", time="time", window=4)
    expected = np.array(following, "datetime64[s]")
    np.testing.assert_array_equal(dataset.series.times_of(len(times), 3), expected)
    np.testing.assert_array_equal(dataset.series.times_of(len(times) - 1, 4)[1:], expected)
    assert any(f"{len(absent)} of 60 steps" in note for note in dataset.notes) == bool(absent)
    as_arrays = series.dataset(np.arange(len(times)) % 7, times=times.to_numpy(), window=4)
    np.testing.assert_array_equal(as_arrays.series.times_of(len(times), 3), expected)


def test_the_calendar_of_business_days_to_come_is_theirs(write):
    """Value = 10 times the day of the week, Monday 1: a function of the day that is known in advance is right."""
    times = days("B", "2024-03-04", 100)
    dataset = csv.dataset(write(times, 10 * (times.day_of_week + 1)), "x", time="time", window=4, calendar=("week",))
    monday = pd.Timestamp("1970-01-05")
    of_day = [2 * np.pi * (monday + pd.Timedelta(n, "D")).timestamp() / (7 * 86400) for n in range(5)]
    table = np.array([[np.sin(angle), np.cos(angle)] for angle in of_day])

    def said(calendar):
        return 10 * (1 + np.argmin(np.abs(np.asarray(calendar)[:, None] - table).sum(axis=-1), axis=1))

    found = dataset.series
    np.testing.assert_array_equal(said(found.ahead(np.arange(99, 104))), [20, 30, 40, 50, 10])
    np.testing.assert_array_equal(said(found.ahead(np.arange(98))), found.in_source_units(found.values)[1:99, 0])


def test_a_network_that_reads_the_day_continues_the_week(write):
    """The same by generation: the inputs that a network is given after the end hold the next day's calendar."""
    import jax

    from jaxrnn.optimizers import Optimizer
    from jaxrnn.training.evaluation import continued
    from jaxrnn.training.update import Task, Trainer
    from jaxrnn.types import Net

    times = days("B", "2024-03-04", 100)
    dataset = csv.dataset(write(times, 10 * (times.day_of_week + 1)), "x", time="time", window=4, calendar=("week",))
    xs, targets = dataset.series.inputs()[:-1, 1:], dataset.series.targets()[:-1]
    fitted = np.linalg.lstsq(
        np.concatenate([xs, xs[:, :1] * xs[:, 1:], xs**2, np.ones((99, 1))], 1), targets, rcond=None
    )[0]

    def apply(params, carry, xs, **given):
        x = xs[..., 1:]
        features = jnp.concatenate([x, x[..., :1] * x[..., 1:], x**2, jnp.ones_like(x[..., :1])], -1)
        return carry, features @ fitted

    net = Net(lambda key, n: {}, lambda n: 1, lambda params, shape: jnp.zeros(shape), apply, lambda unroll: net)
    task = Task(net, dataset, Optimizer(None, None), Trainer(1, 1))
    given = generation_inputs(task, length=5, start=100)
    said = jax.jit(lambda xs, ahead: continued(task, {}, xs, ahead, 5))(given.xs, given.ahead)
    np.testing.assert_allclose(dataset.series.in_source_units(said)[:, 0], [20, 30, 40, 50, 10], atol=1e-3)


def test_absent_rows_become_steps_where_a_rule_fills_them(write):
    whole = pd.date_range("2012-01-01", "2016-12-31", freq="D")
    times = whole.delete(range(731, 1097))
    path = write(times)
    (note,) = csv.dataset(path, "x", time="time").notes
    assert note.startswith("time: 366 of 1827 steps (D) are missing, the first after 2013-12-31")
    dataset = csv.dataset(path, "x", time="time", missing="forward_fill")
    assert len(dataset.series.values) == 1827
    np.testing.assert_array_equal(dataset.series.times, whole.to_numpy().astype("datetime64[D]"))
    assert dataset.series.missing[731:1097].all()
    assert dataset.series.missing.sum() == 366
    assert any("366 of 1827 values are filled" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("frequency", "message"),
    [
        ("often", "expected a pandas offset alias"),
        ("-1D", "expected a pandas offset alias"),
        ("ME", "does not fit it"),
    ],
)
def test_a_frequency_that_does_not_fit_is_refused(write, frequency, message):
    path = write(pd.date_range("2024-01-01", periods=60))
    with pytest.raises(ValueError, match=message) as error:
        csv.dataset(path, "x", time="time", frequency=frequency)
    assert str(error.value).startswith(f"data.frequency={frequency}")
    assert "\n" not in str(error.value)


def test_a_frequency_that_is_given_decides(write):
    times = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"] * 1)
    path = write(times.append(pd.date_range("2024-01-08", periods=40, freq="B")))
    dataset = csv.dataset(path, "x", time="time", window=4, frequency="D")
    assert any("steps (D) are missing" in note for note in dataset.notes)
    with pytest.raises(ValueError, match=r"data\.frequency=D needs dates"):
        csv.dataset(path, "x", window=4, frequency="D")


def test_times_without_a_frequency_say_so(write):
    seconds = np.sort(np.random.default_rng(0).choice(10**7, 60, replace=False))
    dataset = csv.dataset(write(np.datetime64("2024-01-01", "s") + seconds), "x", time="time", window=4)
    assert "follow no frequency" in dataset.notes[0]
    expected = dataset.series.times[-1] + np.sort(np.diff(dataset.series.times))[29]
    assert dataset.series.times_of(60, 1)[0] == expected


DAYS = pd.date_range("2024-02-04", periods=60)
DIGITS = {
    "dates": (DAYS.strftime("%Y%m%d"), None),
    "years": (range(1900, 1960), pd.date_range("1900-01-01", periods=60, freq="YS")),
    "months": (pd.date_range("2019-01-01", periods=60, freq="MS").strftime("%Y%m"),
               pd.date_range("2019-01-01", periods=60, freq="MS")),
    "unix seconds": (DAYS.astype("datetime64[s]").astype(int), None),
    "unix milliseconds": (DAYS.astype("datetime64[ms]").astype(int), None),
}  # fmt: skip


@pytest.mark.parametrize("kind", DIGITS)
def test_digits_of_one_plain_meaning_are_dates(write, kind):
    texts, expected = DIGITS[kind]
    dataset = csv.dataset(write(texts), "x", time="time", window=4, calendar=("week",))
    expected = DAYS if expected is None else expected
    np.testing.assert_array_equal(dataset.series.times, expected.to_numpy().astype(dataset.series.times.dtype))
    assert any("read as dates" in note for note in dataset.notes)


@pytest.mark.parametrize(
    "texts", [range(1, 61), range(45326, 45386), np.arange(60) / 4, range(10**7, 10**7 + 60), range(2190, 2250)],
    ids=["rows", "excel", "floats", "eight digits that are no dates", "beyond years"],
)  # fmt: skip
def test_other_numbers_are_numbers_and_have_no_calendar(write, texts):
    path = write(texts)
    dataset = csv.dataset(path, "x", time="time", window=4)
    np.testing.assert_array_equal(dataset.series.times, np.array(texts))
    assert dataset.series.times_of(60, 1)[0] == 2 * texts[-1] - texts[-2]
    assert any("read as numbers" in note for note in dataset.notes)
    with pytest.raises(ValueError, match=r"data\.calendar requires dates.*data\.time_format"):
        csv.dataset(path, "x", time="time", window=4, calendar=("week",))


def test_a_format_says_what_numbers_mean(write):
    excel = csv.dataset(write(range(45326, 45386)), "x", time="time", window=4, time_format="excel").series
    np.testing.assert_array_equal(excel.times, DAYS.to_numpy().astype("datetime64[D]"))
    plain = csv.dataset(write(range(1900, 1960)), "x", time="time", window=4, time_format="number").series
    np.testing.assert_array_equal(plain.times, np.arange(1900, 1960))


def test_fractions_of_seconds_are_kept(write):
    times = pd.date_range("2024-01-01", periods=60, freq="250ms")
    found = csv.dataset(write(times.strftime("%Y-%m-%dT%H:%M:%S.%f")), "x", time="time", window=4).series
    np.testing.assert_array_equal(found.times, times.to_numpy().astype(found.times.dtype))
    assert found.times_of(60, 1)[0] == np.datetime64("2024-01-01T00:00:15.000")
    unix = np.arange(60) * 0.25 + 1.7e9
    found = csv.dataset(write(unix), "x", time="time", window=4).series
    np.testing.assert_array_equal(np.diff(found.times), np.timedelta64(250, "ms"))


def test_offsets_from_utc(write):
    summer = pd.date_range("2024-10-26", periods=60, freq="h", tz="Europe/Berlin")
    found = csv.dataset(write([time.isoformat() for time in summer]), "x", time="time", window=4)
    np.testing.assert_array_equal(np.diff(found.series.times), np.timedelta64(1, "h"))
    assert any("offsets from UTC differ" in note for note in found.notes)
    days = pd.date_range("2024-10-01", periods=60, tz="Europe/Berlin")
    found = csv.dataset(write([time.isoformat() for time in days]), "x", time="time", window=4)
    assert found.series.times.dtype == "datetime64[D]"
    assert found.notes == ()
    utc = csv.dataset(write(DAYS.strftime("%Y-%m-%dT%H:%M:%SZ")), "x", time="time", window=4)
    np.testing.assert_array_equal(utc.series.times, DAYS.to_numpy().astype("datetime64[D]"))


@pytest.mark.parametrize(
    ("row", "text", "message"),
    [
        (3, "", "the time is missing"),
        (3, "NaT", "the time is missing"),
        (3, "today", "is not a time in ISO 8601"),
        (3, "2024-02-30", "is not a time in ISO 8601"),
        (3, "2024-02-06", "occurs again, first in .*line 4"),
        (3, "2024-01-01", "is not later than the time before it; sort the rows by time"),
        (3, "2024-02-07T00:00:00+02:00", "all times, or none, must have an offset from UTC"),
    ],
)
def test_a_wrong_time_is_refused_in_one_line(write, row, text, message):
    texts = [*DAYS.strftime("%Y-%m-%d")]
    texts[row] = text
    with pytest.raises(ValueError, match=message) as error:
        csv.dataset(write(texts), "x", time="time")
    assert f"line {row + 2}, column 'time'" in str(error.value)
    assert "\n" not in str(error.value)


def test_several_series_in_one_table_are_named(write):
    texts = [*DAYS.strftime("%Y-%m-%d")] * 2
    with pytest.raises(ValueError, match=r"line 62, column 'time'.*first in .*line 2, column.*rows of one series"):
        csv.dataset(write(texts), "x", time="time")


def test_the_column_that_tells_several_series_apart_is_named(tmp_path):
    lines = [f"{shop},{day:%Y-%m-%d},{n}" for shop in "ab" for n, day in enumerate(DAYS)]
    (tmp_path / "shops.csv").write_text("shop,time,x\n" + "\n".join(lines) + "\n")
    with pytest.raises(
        ValueError,
        match=r"line 62, column 'time'.* or the rows with one value of the column 'shop', or give data.series_by=shop$",
    ):
        csv.dataset(str(tmp_path / "shops.csv"), "x", time="time")


@pytest.mark.parametrize(
    ("row", "time", "message"),
    [(3, "NaT", "contains NaT or NaN"), (3, "2024-02-06", "row 4, .* is not later than"), (3, "2024-01-01", "row 4")],
)
def test_wrong_times_of_arrays_are_refused(row, time, message):
    times = DAYS.to_numpy().astype("datetime64[D]")
    times[row] = np.datetime64(time)
    with pytest.raises(ValueError, match=message):
        series.dataset(np.arange(60) % 7, times=times)
