"""Tables as people have them: each is read by the words that a new user would try, and equals what pandas says."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from jaxrnn.data import csv, labels
from jaxrnn.experiments import build
from jaxrnn.hints import override

RNG = np.random.default_rng(0)
COUNT = 200
KINDS = ("sun", "rain", "snow")


def walk(scale=1.0, offset=0.0, digits=2):
    return np.round(offset + scale * RNG.normal(size=COUNT).cumsum(), digits)


def german(value):
    """1234.5 as 1.234,5"""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def jena():
    frame = pd.DataFrame({"p (mbar)": walk(offset=990), "T (degC)": walk(), "wv (m/s)": np.abs(walk(0.1, 2))})
    frame.loc[30, "wv (m/s)"] = -9999.0
    frame.insert(0, "Date Time", pd.date_range("2009-01-01 00:10", periods=COUNT, freq="10min"))
    text = frame.to_csv(index=False, date_format="%d.%m.%Y %H:%M:%S")
    words = {"column": "T (degC)", "time": "Date Time", "past_covariates": ["p (mbar)", "wv (m/s)"]}
    return text.encode(), words, frame["Date Time"], frame["T (degC)"], 3


def air_passengers():
    months = pd.date_range("1949-01-01", periods=COUNT, freq="MS")
    values = pd.Series(RNG.integers(100, 600, COUNT))
    frame = pd.DataFrame({"Month": months.strftime("%Y-%m"), "#Passengers": values})
    return frame.to_csv(index=False).encode(), {"column": "#Passengers", "time": "Month"}, months, values, 1


def ett():
    frame = pd.DataFrame({name: walk(digits=6) for name in ("HUFL", "HULL", "OT")})
    frame.insert(0, "date", pd.date_range("2016-07-01", periods=COUNT, freq="h"))
    words = {"column": "OT", "past_covariates": ["HUFL", "HULL"], "time": "date", "horizon": 4}
    return frame.to_csv(index=False, date_format="%Y-%m-%d %H:%M:%S").encode(), words, frame["date"], frame["OT"], 3


def german_commas():
    days, values = pd.date_range("2020-03-01", periods=COUNT), walk(300, 20_000)
    rows = [f"{day:%d.%m.%Y};{german(value)};Mo" for day, value in zip(days, values, strict=True)]
    text = "\n".join(["Datum;Umsatz (€);Tag", *rows])
    return text.encode(), {"column": "Umsatz (€)", "time": "Datum"}, days, values, 1


def excel():
    """A mark of UTF-8, semicolons, Windows line ends, two lines of title, and empty lines at the end."""
    days, values = pd.date_range("2021-01-01", periods=COUNT), walk(0.3, 20, 1)
    rows = [f"{day:%m/%d/%Y};{value}" for day, value in zip(days, values, strict=True)]
    text = "\r\n".join(["Export of 2021", "", "Date;Level", *rows, ";", ""])
    return b"\xef\xbb\xbf" + text.encode(), {"column": "Level", "time": "Date"}, days, values, 1


def windows_text():
    """Unicode text as spreadsheets save it: UTF-16 with a mark, and tabs."""
    days, values = pd.date_range("2021-01-01", periods=COUNT), walk()
    rows = [f"{day:%Y-%m-%d}\t{value}" for day, value in zip(days, values, strict=True)]
    return "\r\n".join(["day\tlevel", *rows]).encode("utf-16"), {"column": "level", "time": "day"}, days, values, 1


def headerless():
    days, values = pd.date_range("2021-01-01", periods=COUNT), walk()
    rows = [f"{day:%Y-%m-%d},{value},{n}" for n, (day, value) in enumerate(zip(days, values, strict=True))]
    return "\n".join(rows).encode(), {"column": 1, "time": 0}, days, values, 1


def categories():
    days, values = pd.date_range("2021-01-01", periods=COUNT), walk()
    rows = [f"{day:%Y-%m-%d},{value},{KINDS[n % 3]},{day:%A}"
            for n, (day, value) in enumerate(zip(days, values, strict=True))]  # fmt: skip
    words = {"column": "level", "time": "day", "past_covariates": "weather", "future_covariates": "weekday"}
    return "\n".join(["day,level,weather,weekday", *rows]).encode(), words, days, values, 1 + 3 + 7


SHAPES = [jena, air_passengers, ett, german_commas, excel, windows_text, headerless, categories]


@pytest.mark.costly
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_table_is_read_by_one_command(tmp_path, monkeypatch, shape):
    content, words, times, values, inputs = shape()
    (tmp_path / "mine.csv").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    overrides = [f"data.{key}={value}" if isinstance(value, int) else override(f"data.{key}", value)
                 for key, value in words.items()]  # fmt: skip
    dataset = build.experiment("data=csv", "data.path=mine.csv", "data.window=16", *overrides).task.dataset
    series, horizon = dataset.series, words.get("horizon", 1)
    values = pd.Series(np.asarray(values, float))
    np.testing.assert_allclose(series.in_source_units(series.values)[:, 0], values, rtol=1e-12, atol=1e-9)
    assert dataset.input_size == inputs
    start, test_start = round(0.7 * COUNT), round(0.85 * COUNT)
    assert pd.Timestamp(series.times_of(series.handover, 1)[0]) == pd.Series(times)[test_start]
    assert {name: len(batch.fresh) for name, batch in dataset.splits.items()} == {
        "validation": test_start - start - horizon + 1, "test": COUNT - test_start - horizon + 1
    }  # fmt: skip
    ahead = pd.concat([values.shift(-lead) for lead in range(1, horizon + 1)], axis=1)
    error = ahead.sub(values, axis=0).iloc[test_start - 1 : COUNT - horizon]
    batch = dataset.splits["test"]
    mse = float(dataset.metrics["mse"](dataset.trivial(batch), batch)) * float(series.std[0]) ** 2
    np.testing.assert_allclose(mse, (error**2).to_numpy().mean(), rtol=1e-5)


NOTES = {  # without quotation marks
    jena: ["read as dates (%d.%m.%Y %H:%M:%S), 2009-01-01 first", "-9999 is far from all other values"],
    german_commas: ["data.delimiter=;", "data.thousands=.", "data.decimal=,", "read as dates (%d.%m.%Y)"],
    excel: ["data.delimiter=;", "data.skip_rows=2", "read as dates (%m/%d/%Y)"],
    windows_text: ["data.encoding=utf-16 data.delimiter=tab"],
    headerless: ["data.header=false"],
    categories: ["weather: read as 3 categories (rain, snow, sun)"],
    air_passengers: [],
    ett: [],
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_what_was_found_out_is_said_in_one_line(tmp_path, shape):
    content, words, *_ = shape()
    (tmp_path / "mine.csv").write_bytes(content)
    notes = csv.dataset(str(tmp_path / "mine.csv"), **words, window=16).notes
    assert all("\n" not in note for note in notes)
    for text in NOTES[shape]:
        assert any(text in re.sub("['\"]", "", note) for note in notes), notes
    assert bool(notes) == bool(NOTES[shape])


@pytest.fixture
def write(tmp_path):
    def written(*lines, encoding="utf-8"):
        (tmp_path / "mine.csv").write_bytes("\n".join(lines).encode(encoding))
        return str(tmp_path / "mine.csv")

    return written


def values_of(path, column, **options):
    series = csv.dataset(path, column, window=4, **options).series
    return series.in_source_units(series.values)[:, 0]


def test_the_options_say_how_a_table_is_written(write):
    path = write(
        "made by hand, in May", "t_level_x", *(f"{n}_{n}'{n % 10}00·{n % 7}_é" for n in range(1, 60)), encoding="cp1252"
    )
    with pytest.raises(ValueError, match=r"byte \d+ is not UTF-8; .*, or give data\.encoding=cp1252$"):
        csv.dataset(path, "level")
    options = {"delimiter": "_", "decimal": "·", "thousands": "'", "skip_rows": 1, "encoding": "cp1252"}
    expected = [float(f"{n}{n % 10}00.{n % 7}") for n in range(1, 60)]
    np.testing.assert_allclose(values_of(path, "level", **options), expected)
    with pytest.raises(ValueError, match=r"data\.encoding=klingon: Python has no such encoding"):
        csv.dataset(path, "level", encoding="klingon")


@pytest.mark.parametrize(
    ("delimiter", "texts", "expected"),
    [
        (";", ["1,234", "5,678"], [1.234, 5.678]),
        (",", ['"1,234"', '"12,345,678"'], [1234, 12345678]),
        (";", ["1.234,5", "12,5"], [1234.5, 12.5]),
        ("\t", ["1 234,5", "12,5"], [1234.5, 12.5]),
        ("\t", ["1\u00a0234,5", "12,5"], [1234.5, 12.5]),
        (";", ["12.345.678", "12"], [12345678, 12]),
        (",", ["1'234.5", "12"], [1234.5, 12]),
        (",", ["1.234", "5.678"], [1.234, 5.678]),
        ("|", ["1.5e3", "-2"], [1500, -2]),
    ],
)
def test_numbers_of_one_plain_meaning(write, delimiter, texts, expected):
    path = write(f"t{delimiter}x", *(f"{n}{delimiter}{texts[n % 2]}" for n in range(60)))
    np.testing.assert_allclose(values_of(path, "x"), [expected[n % 2] for n in range(60)])


def test_numbers_of_two_meanings_are_refused(write):
    path = write("t\tx", *(f"{n}\t{n + 1},{n + 100}" for n in range(60)))
    message = r"""'1,100' may be 1.1 or 1100; give 'data.decimal=","' or 'data.decimal="."'$"""
    with pytest.raises(ValueError, match=message):
        csv.dataset(path, "x", window=4)
    np.testing.assert_allclose(values_of(path, "x", thousands=","), [1000 * (n + 1) + n + 100 for n in range(60)])


def test_dates_of_two_meanings_are_refused(write):
    days = [f"{day:02}/{month:02}/2020" for month in (1, 2, 3) for day in (1, 5, 9, 12)]
    rising = sorted(days, key=lambda text: (text[:2], text[3:5]))
    for texts, first in ((days, "2020-01-01"), (rising, "2020-01-01")):
        dataset = csv.dataset(write("day,x", *(f"{t},{n % 5}" for n, t in enumerate(texts))), "x", time="day", window=2)
        assert str(dataset.series.times[0])[:10] == first
    path = write("day,x", *(f"{n:02}/{n:02}/2020,{n % 5}" for n in range(1, 12)), "11/12/2020,3")
    message = r"line 13, .*: '11/12/2020' may be %d/%m/%Y or %m/%d/%Y; give 'data\.time_format="
    with pytest.raises(ValueError, match=message):
        csv.dataset(path, "x", time="day", window=2)


def test_further_missing_values(write):
    path = write(
        "t,x,y", *(f"{n},{-9999 if n == 7 else '-9999.00' if n == 9 else n},{'?' if n == 8 else n}" for n in range(60))
    )
    for column, row in (("x", 9), ("y", 10)):
        with pytest.raises(ValueError, match=f"line {row}, column '{column}': the value is missing"):
            csv.dataset(path, column, window=4, missing_values=(-9999, "?"))
        found = values_of(path, column, missing="interpolate", missing_values=(-9999, "?"))
        np.testing.assert_allclose(found, np.arange(60), atol=1e-9)
    assert csv.dataset(path, "x", window=4, missing_values=-9999, missing="forward_fill").series.missing.sum() == 2


def test_a_category_is_an_input_of_0_and_1(write):
    kinds = ["wet", "dry", "dry", "hot"]
    path = write("x,kind", *(f"{n % 5},{kinds[n % 4]}" for n in range(60)))
    found = csv.dataset(path, "x", past_covariates="kind", window=4).series.past_covariates
    expected = pd.get_dummies(pd.Series(kinds * 15)).to_numpy(float)
    np.testing.assert_allclose(found > 0, expected)
    path = write("x,kind", *(f"{n % 5},{'' if n == 9 else kinds[n % 4]}" for n in range(60)))
    with pytest.raises(ValueError, match="line 11, column 'kind': the value is missing"):
        csv.dataset(path, "x", past_covariates="kind", window=4)
    path = write("x,kind", *(f"{n % 5},kind {n}" for n in range(60)))
    with pytest.raises(ValueError, match="column 'kind': 'kind 0' is not a finite number"):
        csv.dataset(path, "x", past_covariates="kind", window=4)


def test_lines_are_counted_over_breaks_in_fields(write):
    path = write("note", "x,text", '1,"two\nlines"', "2,b", "oops,c")
    with pytest.raises(ValueError, match="line 6, column 'x': 'oops' is not a finite number"):
        csv.dataset(path, "x")
    with pytest.raises(ValueError, match="line 2: a quotation mark has no end"):
        csv.dataset(write("x,text", '1,"two', "2,b"), "x")


def test_labels_from_a_table_with_tabs(write):
    rows = [f"{'ham' if n % 2 else 'spam'}\tcall me, number {n}" for n in range(60)]
    named = labels.dataset(write("kind\ttext", *rows), label="kind")
    numbered = labels.dataset(write("kind\ttext", *rows), text=1, label=0)
    for dataset in (named, numbered):
        assert dataset.symbols.outputs.names == ("ham", "spam")
        assert dataset.train.rows == 48


def test_a_quotation_mark_in_a_line_of_text_with_tabs_is_a_letter(write):
    texts = ['"What?', "it's 5\" wide", '"all of ""it"""']
    path = write(*(f"{'ham' if n % 2 else 'spam'}\t{texts[n % 3]} {n}" for n in range(60)))
    dataset = labels.dataset(path, text=1, label=0, by="words")
    assert dataset.train.rows == 48
    assert {'"What?', '5"'} <= set(dataset.symbols.inputs.names)
    path = write("kind\ttext", *(f'{"ham" if n % 2 else "spam"}\t"all ""{n}"" of it"' for n in range(60)))
    names = labels.dataset(path, label="kind", by="words").symbols.inputs.names
    assert {"all", "it"} <= set(names)
    assert '"all' not in names


def test_numbers_above_numbers_may_be_names(write):
    rows = [f"{n},{n % 5}" for n in range(60)]
    np.testing.assert_array_equal(values_of(write("0,1", *rows), 1), np.arange(60) % 5)  # as pandas writes an array
    np.testing.assert_array_equal(values_of(write("2019,2020", *rows), 2020), np.arange(60) % 5)
    np.testing.assert_array_equal(values_of(write("7,8", *rows), 1, header=True), np.arange(60) % 5)
    np.testing.assert_array_equal(values_of(write("7,8", *rows), 1), [8, *(np.arange(60) % 5)])


def test_a_long_field_with_breaks_does_not_hide_how_a_table_is_written(write):
    rows = [f'{n};"a\nb";{n % 5}' for n in range(80)]
    np.testing.assert_array_equal(values_of(write("t;text;x", *rows), "x"), np.arange(80) % 5)


@pytest.mark.parametrize(
    ("lines", "option"),
    [
        (["x", *(f"{n},5" for n in range(60))], "data.delimiter=;"),  # one column of decimal commas
        (["t    x", *(f"{n}   {n}.5" for n in range(60))], "data.delimiter=space"),
        (["Station: Berlin", "Unit: m", "", "t,x", *(f"{n},{n}.5" for n in range(60))], "data.skip_rows=3"),
    ],
)
def test_other_plain_tables(write, lines, option):
    notes = csv.dataset(write(*lines), "x", window=4).notes
    assert any(option in re.sub("['\"]", "", note) for note in notes), notes
    np.testing.assert_allclose(values_of(write(*lines), "x"), np.arange(60) + 0.5)


STORES = ("north", "south", "east")


def stores(tmp_path, names=STORES, gap=None):
    """A panel of stores that differ in scale and length, in the order of the days; {name: frame} and the path."""
    frames = {}
    for number, name in enumerate(names):
        days = pd.date_range("2024-01-03", periods=120 + 20 * number)
        sales = np.round(100.0**number * RNG.gamma(5, 1, len(days)), 3)
        promo = RNG.integers(0, 2, len(days))
        frames[name] = pd.DataFrame({"store": name, "day": days, "sales": sales, "promo": promo})
    table = pd.concat(frames.values()).sort_values("day", kind="stable")
    if gap is not None:
        table.iloc[gap, 2] = np.nan
    table.to_csv(tmp_path / "panel.csv", index=False, date_format="%d/%m/%Y")
    return str(tmp_path / "panel.csv"), frames


WORDS = {"time": "day", "series_by": "store", "past_covariates": "promo", "window": 8}


@pytest.mark.costly
@pytest.mark.parametrize("anchor", [None, "last", "linear"])
def test_stores_share_a_network_and_keep_their_scales(tmp_path, anchor):
    path, frames = stores(tmp_path)
    dataset = csv.dataset(path, "sales", **WORDS, anchor=anchor)
    assert [series.name for series in dataset.series.panel] == list(STORES)
    assert dataset.train.rows == sum(round(0.7 * len(frame)) - 8 for frame in frames.values())
    xs, ys = [], []
    errors, ends = {name: [] for name in STORES}, {}
    for name, frame, series in zip(STORES, frames.values(), dataset.series.panel, strict=True):
        train, test = round(0.7 * len(frame)), round(0.85 * len(frame))
        scaled = (frame.sales - frame.sales[:train].mean()) / frame.sales[:train].std(ddof=0)
        np.testing.assert_allclose(series.values[:, 0], scaled, rtol=1e-9, atol=1e-12)
        assert series.times_of(series.handover, 1)[0] == np.datetime64(frame.day[test])
        xs += [scaled[start : start + 8].to_numpy() for start in range(train - 8)]
        ys += [scaled[start + 1 : start + 9].to_numpy() for start in range(train - 8)]
        errors[name], ends[name] = frame.sales.diff()[test:].to_numpy(), frame.sales.diff()[1:train].abs().mean()
    rows = np.arange(dataset.train.rows)
    batch = dataset.train.batch(dataset.train.arrays, (rows, np.ones(len(rows), bool)))
    np.testing.assert_allclose(batch.xs[..., 0].T, xs, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(batch.targets[..., 0].T, ys, rtol=1e-6, atol=1e-6)
    test = dataset.splits["test"]
    every = np.concatenate(list(errors.values()))
    assert test.fresh.shape == every.shape
    scores = {name: float(metric(dataset.trivial(test), test)) for name, metric in dataset.metrics.items()}
    np.testing.assert_allclose(scores["mae"], np.abs(every).mean(), rtol=1e-6)
    np.testing.assert_allclose(scores["rmse"], np.sqrt((every**2).mean()), rtol=1e-6)
    shares = np.concatenate([np.abs(errors[name]) / ends[name] for name in STORES])
    np.testing.assert_allclose(scores["mase"], shares.mean(), rtol=1e-6)
    np.testing.assert_allclose(test.xs.cut().targets[-1], test.targets[0])


def test_a_store_alone_is_scaled_and_split_as_in_its_panel(tmp_path):
    path, frames = stores(tmp_path)
    frames["south"].to_csv(tmp_path / "south.csv", index=False, date_format="%Y-%m-%d")
    alone = csv.dataset(str(tmp_path / "south.csv"), "sales", **(WORDS | {"series_by": ()}))
    panel = csv.dataset(path, "sales", **WORDS)
    count = len(alone.splits["test"].fresh)
    first = panel.splits["test"].fresh.shape[0] - count - 24
    windows = panel.splits["test"].xs.cut(slice(first, first + count))
    np.testing.assert_array_equal(windows.xs, alone.splits["test"].xs.cut().xs)


def test_a_fault_of_a_store_is_named(tmp_path):
    path, _ = stores(tmp_path, gap=7)
    with pytest.raises(ValueError, match=r"panel\.csv, line 9, column 'sales': the value is missing"):
        csv.dataset(path, "sales", **WORDS)
    dataset = csv.dataset(path, "sales", **WORDS, missing="forward_fill")
    assert [note for note in dataset.notes if "1 of" in note and note.startswith("series south: sales")]
    with pytest.raises(ValueError, match=r"series east: data\.window=110 is longer than"):
        csv.dataset(stores(tmp_path, ("south", "north", "east")[::-1])[0], "sales", **(WORDS | {"window": 110}))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"series_by": "shop"}, r"data\.series_by=shop: .* no such column; it has store, day, sales, promo"),
        ({"series_by": "promo"}, r"data\.series_by=promo: data\.past_covariates names this column too; leave one out"),
    ],
)
def test_series_that_cannot_be_told_apart(tmp_path, words, message):
    path, _ = stores(tmp_path)
    with pytest.raises(ValueError, match=message):
        csv.dataset(path, "sales", **(WORDS | words))


def test_constant_series_are_left_out(write):
    rows = [f"{name},{value}" for n in range(60) for name, value in (("a", n % 7), ("b", 3), ("c", n % 5))]
    dataset = csv.dataset(write("s,x", *rows), "x", series_by="s", window=4)
    assert [series.name for series in dataset.series.panel] == ["a", "c"]
    assert dataset.notes == ("left out, because the training part is constant: b",)
    with pytest.raises(ValueError, match="series c: x: the training part is constant, so there is nothing to learn"):
        csv.dataset(write("s,x", *(f"{'bc'[n % 2]},3" for n in range(60))), "x", series_by="s", window=4)


def test_a_row_without_a_store_is_named(write):
    with pytest.raises(ValueError, match="line 3, column 's': the name of the series is missing"):
        csv.dataset(write("s,x", "a,1", ",2", "a,3"), "x", series_by="s")


@pytest.mark.slow
def test_a_large_table_needs_little_memory(tmp_path):
    """The size of Jena: 420,551 rows of 15 columns. Memory stays below 2 GB."""
    numbers = np.round(RNG.normal(size=(420_551, 14)), 2)
    times = pd.date_range("2009-01-01", periods=len(numbers), freq="10min").strftime("%d.%m.%Y %H:%M:%S")
    frame = pd.DataFrame(numbers, columns=[f"c{n}" for n in range(14)])
    frame.insert(0, "time", times)
    frame.to_csv(tmp_path / "large.csv", index=False)
    program = (
        "from jaxrnn.data import csv\n"
        "csv.dataset('large.csv', 'c1', past_covariates=('c0', 'c2'), time='time', season=144, horizon=24,"
        " calendar=('day', 'year'))\n"
        "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )  # not `ru_maxrss`, which counts the memory of the process that started this one
    result = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert 1024 * int(result.stdout) < 2 * 10**9
