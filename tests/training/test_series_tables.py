"""Tables of forecasts: dates, true values and predictions in the file's units, for each series and variable."""

import numpy as np
import pandas as pd
import pytest

import jaxrnn
from jaxrnn.cells import gru
from jaxrnn.data import csv
from jaxrnn.distributions import gaussian, negative_binomial
from jaxrnn.experiments import artifacts, run_report
from jaxrnn.training import series_tables

RNG = np.random.default_rng(0)
COUNT = 120
TEST = round(0.85 * COUNT)


def frame_of(columns, count=COUNT):
    times = pd.date_range("2024-02-01", periods=count, freq="h", tz="Etc/GMT-1")
    return pd.DataFrame({"time": times, **columns})


def trained(tmp_path, frame, columns, **options):
    frame.to_csv(tmp_path / "mine.csv", index=False)
    dataset = csv.dataset(str(tmp_path / "mine.csv"), columns, time="time", window=6, **options)
    net = jaxrnn.rnn(gru.cell(3), dataset.output_size)
    return jaxrnn.fit(net, dataset, steps=2, batch_size=8, learning_rate=1e-3, folder=tmp_path / "run")


@pytest.mark.costly
@pytest.mark.parametrize("horizon", [1, 3])
def test_predictions_have_dates_truth_and_quantiles(tmp_path, horizon):
    frame = frame_of({"level (cm)": np.round(300 + RNG.normal(size=COUNT).cumsum(), 2)})
    run = trained(tmp_path, frame, "level (cm)", horizon=horizon, distribution=gaussian.distribution())
    path = artifacts.write_predictions(run, None)
    table = pd.read_csv(path)
    count = COUNT - TEST - horizon + 1
    assert len(table) == count * horizon
    assert ("steps ahead" in table) == (horizon > 1)
    rows = np.arange(TEST, TEST + count)[:, None] + np.arange(horizon)
    assert pd.to_datetime(table.time).tolist() == frame.time[rows.ravel()].tolist()
    np.testing.assert_array_equal(table.truth, frame["level (cm)"][rows.ravel()])
    np.testing.assert_allclose(table.prediction, table["quantile 0.5"])
    assert (table["quantile 0.05"] < table.prediction).all()
    error = table.prediction - table.truth
    metrics = run.metrics["test"]
    np.testing.assert_allclose(metrics["rmse"], np.sqrt((error**2).mean()), rtol=1e-4)
    np.testing.assert_allclose(metrics["mae"], error.abs().mean(), rtol=1e-4)
    (row,) = (row for row in series_tables.errors(run) if (row["split"], row["predictor"]) == ("test", "network"))
    for name in ("rmse", "mae", "mase"):
        np.testing.assert_allclose(row[name], metrics[name], rtol=1e-4)


@pytest.mark.costly
def test_counts_are_whole_numbers(tmp_path):
    frame = frame_of({"sold": RNG.poisson(4, 40)}, 40)  # quantiles of counts are searched for, value by value
    run = trained(tmp_path, frame, "sold", distribution=negative_binomial.distribution())
    text = artifacts.write_predictions(run, "validation").read_text()
    assert all(field.isdigit() for line in text.splitlines()[1:] for field in line.split(",")[2:])
    assert pd.read_csv(tmp_path / "run/predictions.csv").truth.tolist() == frame.sold[28:34].tolist()


@pytest.mark.costly
def test_errors_of_each_variable_and_series_are_in_the_units_of_the_file(tmp_path):
    sizes = {"x": 1.0, "y": 1000.0}
    columns = {shop: size * RNG.normal(size=(COUNT, 2)).cumsum(axis=0) for shop, size in sizes.items()}
    shops = [frame_of({"shop": shop, "a": a, "b": b}) for shop, (a, b) in ((s, c.T) for s, c in columns.items())]
    run = trained(tmp_path, pd.concat(shops), ("a", "b"), series_by="shop")
    assert not {"rmse", "mae"} & set(run.metrics["test"])  # two columns may have two units
    artifacts.write_evaluation(run)
    table = pd.read_csv(tmp_path / "run/errors.csv")
    assert len(table) == 2 * 3 * 2 * 2  # splits, series and all, variables, predictors
    rows = table[(table.split == "test") & (table.predictor == "persistence")].set_index(["series", "variable"])
    for variable in "ab":
        errors = [shop[variable].diff()[TEST:] for shop in shops]
        for name, error in (("x", errors[0]), ("y", errors[1]), ("all", pd.concat(errors))):
            np.testing.assert_allclose(rows.rmse[name, variable], np.sqrt((error**2).mean()), rtol=1e-5)
            np.testing.assert_allclose(rows.mae[name, variable], error.abs().mean(), rtol=1e-5)
    predictions = pd.read_csv(artifacts.write_predictions(run, "test"))
    assert predictions.groupby(["series", "variable"]).size().to_dict() == {
        (shop, variable): COUNT - TEST for shop in "xy" for variable in "ab"
    }
    assert "prediction" in run.plot()


@pytest.mark.costly
def test_the_tables_name_units_and_what_is_scaled(tmp_path):
    run = trained(tmp_path, frame_of({"T (degC)": RNG.normal(size=COUNT).cumsum()}), "T (degC)")
    summary = run.summary()
    assert summary["units"] == {"mse": "scaled", "mase": "scaled", "crps": "scaled", "rmse": "degC", "mae": "degC"}
    text = run_report.table({"test": run.metrics["test"]}, "persistence", summary["units"])
    assert "rmse (degC)" in text
    assert "mse (scaled)" in text
    assert "scaled" in run.dataset.loss.name


def test_times_keep_their_offset_from_utc(tmp_path):
    days = pd.date_range("2024-03-30", periods=COUNT, freq="h", tz="Europe/Berlin")  # summer begins on the second day
    frame = pd.DataFrame({"time": days.map(pd.Timestamp.isoformat), "x": RNG.normal(size=COUNT).cumsum()})
    run = trained(tmp_path, frame, "x")
    table = pd.read_csv(artifacts.write_predictions(run, "test"))
    assert table.time.str.endswith("+01:00").all()  # the offset of the first
    assert pd.to_datetime(table.time).tolist() == days[TEST:].tolist()
    path, *_ = artifacts.write_generation(run)
    assert pd.to_datetime(pd.read_csv(path).time)[0] == days[TEST]


def test_counts_of_a_panel_are_whole_numbers_and_a_constant_shop_is_left_out(tmp_path):
    """A shop sells ten times as much as the other; both share the scale of the distribution."""
    sizes = {"small": 4, "large": 40, "closed": 0}
    shops = [frame_of({"shop": shop, "sold": RNG.poisson(size, COUNT)}) for shop, size in sizes.items()]
    options = {"series_by": "shop", "distribution": negative_binomial.distribution()}
    run = trained(tmp_path, pd.concat(shops), "sold", **options)
    assert "left out, because the training part is constant: closed" in run.dataset.notes
    panel = run.dataset.series.panel
    for series, shop in zip(panel, shops[:2], strict=True):
        np.testing.assert_allclose(series.in_source_units(series.values)[:, 0], shop["sold"], atol=1e-9)
    table = series_tables.predictions(run, "test")
    assert set(table.series) == {"small", "large"}
    numbers = table.drop(columns=["split", "series", "time"]).to_numpy()
    np.testing.assert_array_equal(numbers, np.round(numbers))
    predicted = run.predict(shops[1]["sold"].to_numpy(), series="large")
    np.testing.assert_array_equal(predicted, np.round(predicted))


def test_figures_and_summary_show_every_series(tmp_path):
    shops = [frame_of({"shop": shop, "sold": size * RNG.normal(size=COUNT)}) for shop, size in (("a", 1), ("b", 100))]
    run = trained(tmp_path, pd.concat(shops), "sold", series_by="shop")
    for title in ("prediction", "generation"):
        assert [axes.get_title() for axes in run.plot()[title].axes] == ["a", "b"]
    _, drawn = run.plot()["prediction"].axes
    np.testing.assert_allclose(drawn.get_lines()[0].get_ydata(), shops[1].sold[TEST:])
    summary = run.summary()
    rows = [row for row in summary["series"] if row["split"] == "test" and row["predictor"] == "network"]
    assert [row["series"] for row in rows] == ["a", "b", "all"]
    assert rows[2]["rmse"] == pytest.approx(run.metrics["test"]["rmse"], rel=1e-4)
    text = run_report.report(summary, tmp_path, "")
    assert "errors by series, test:" in text
    assert f"{rows[1]['rmse']:.4g}" in text
    error = run.dataset.series.differences(run.generate(), run.dataset.series.values[TEST : TEST + 12])
    assert (
        f"12 values of a generated after 12: RMSE {np.sqrt(np.mean(error**2)):.3g} (in the units of the data)" in text
    )
