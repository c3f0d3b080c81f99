"""Data of every shape through the scripts: train, evaluate, generate, resume, sweep, in bfloat16, with one mistake."""

import csv
import json

import numpy as np
import pytest

SMALL = ["model.cell.size=8", "trainer.steps=20", "trainer.report_every=10", "figures=false", "hydra.run.dir=run"]


@pytest.fixture
def trained(call):
    def run(cwd, *arguments):
        result = call(cwd, "train", *SMALL, *arguments)
        assert result.returncode == 0, result.stderr
        return json.loads((cwd / "run" / "summary.json").read_text())

    return run


def pairs_file(folder):
    lines = [f"{n:03}\t{'ab'[n % 2]}{'xyz'[n % 3]}" for n in range(200)]
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n")
    return ["data=pairs", "data.path=pairs.txt"]


@pytest.mark.slow
def test_pairs_of_ones_own_train_evaluate_and_answer(tmp_path, trained, call):
    summary = trained(tmp_path, *pairs_file(tmp_path))
    assert summary["better"] == {"accuracy": "up", "exact_match": "up"}
    assert set(summary["metrics"]["test"]) == {"loss", "baseline", "accuracy", "exact_match"}
    result = call(tmp_path, "evaluate", "run=run")
    assert result.returncode == 0, result.stderr
    assert "most frequent symbol of each place" in result.stdout
    with open(tmp_path / "run" / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert all(len(row["target"]) == 2 for row in rows)
    result = call(tmp_path, "generate", "run=run", "source=007", "beam=3")
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 5
    assert (tmp_path / "run" / "figures" / "generation.png").is_file()
    result = call(tmp_path, "generate", "run=run", "word=007")
    assert result.returncode == 2
    assert result.stderr == "error: word=007: this data set has no such input; give source=...\n"


@pytest.mark.slow
def test_a_text_goes_on_where_it_was_stopped_and_continues_a_prompt(tmp_path, trained, call):
    (tmp_path / "mine.txt").write_text("to be or not to be, that is the question.\n" * 60)
    text = ["data=text", "data.path=mine.txt", "data.window=16", "trainer.batch_size=4", "optimizer/schedule=null"]
    trained(tmp_path, *text)
    assert call(tmp_path, "train", "resume=run", "trainer.steps=40").returncode == 0
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "mine.txt").write_text((tmp_path / "mine.txt").read_text())
    trained(whole, *text, "trainer.steps=40")
    assert (tmp_path / "run/metrics.csv").read_text() == (whole / "run/metrics.csv").read_text()
    result = call(tmp_path, "generate", "run=run", "prompt=to be", "length=30", "temperature=0.5", "seed=1")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("to be")
    assert len(result.stdout.partition("\nin ")[0]) == 35
    result = call(tmp_path, "generate", "run=run", "prompt=é")
    assert result.stderr == "error: prompt=é: 'é' does not occur in the training data\n"


@pytest.mark.slow
def test_a_compiled_sweep_over_data_in_buckets_is_its_single_runs(tmp_path, trained, call):
    words = ["data=vowels", "model.bidirectional=null", "trainer.precision=f64"]
    sweep = [word for word in SMALL if not word.startswith("hydra")]
    result = call(
        tmp_path, "train", "-m", *words, *sweep, "seed=0,1", "hydra/launcher=compiled", "hydra.sweep.dir=sweep"
    )
    assert result.returncode == 0, result.stderr
    alone = trained(tmp_path, *words, "seed=1")
    together = json.loads((tmp_path / "sweep/1/summary.json").read_text())
    assert together["together"] == 2
    assert together["padding"] == alone["padding"] < 0.25
    for split in ("validation", "test"):
        assert together["metrics"][split]["loss"] == pytest.approx(alone["metrics"][split]["loss"], rel=1e-9)
    result = call(tmp_path, "report", "sweep", "metric=test.accuracy")
    assert result.returncode == 0, result.stderr
    best = max(
        json.loads((tmp_path / f"sweep/{n}/summary.json").read_text())["metrics"]["test"]["accuracy"] for n in (0, 1)
    )
    assert (
        f"seed={0 if together['metrics']['test']['accuracy'] < best else 1}"
        in result.stdout.partition("repeat the best run:")[2]
    )
    result = call(tmp_path, "report", "sweep", "metric=test.acuracy")
    assert "no run has this metric; choose one of" in result.stderr
    assert "test.accuracy" in result.stderr


@pytest.mark.slow
@pytest.mark.share(3)
@pytest.mark.parametrize(
    "words",
    [
        ["data=digits", "data.by=rows"],
        ["data=glyphs"],
        ["data=glyphs", "data.task=draw"],
        [
            "data=addition",
            "data.examples=1200",
            "data.validation=100",
            "model.attention=bahdanau",
            "model.scheduled_sampling=0.2",
        ],
        ["data=next_value", "model=perceptron"],
        ["data=selective_copy"],
    ],
    ids=" ".join,
)
def test_each_trains_in_bfloat16_evaluates_and_answers(tmp_path, trained, call, words):
    summary = trained(tmp_path, *words, "trainer.precision=bf16")
    assert np.isfinite(summary["metrics"]["test"]["loss"])
    result = call(tmp_path, "evaluate", "run=run")
    assert result.returncode == 0, result.stderr
    if "data=glyphs" in words or "data=addition" in words:
        result = call(tmp_path, "generate", "run=run")
        assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_forecasts_at_once_and_fed_back_beyond_the_end(tmp_path, trained, call):
    """A sweep of two horizons is two programs; each run forecasts beyond the end, and is measured by lead."""
    words = ["data=forecast", "data.series=airline", "model=gru", "model.cell.size=4", "trainer.steps=20"]
    sweep = [*words, "trainer.report_every=10", "data.horizon=1,6", "seed=0,1", "hydra/launcher=compiled"]
    result = call(tmp_path, "train", "-m", *sweep, "hydra.sweep.dir=sweep")
    assert result.returncode == 0, result.stderr
    alone = trained(tmp_path, *words, "data.horizon=6", "seed=1")
    together = json.loads((tmp_path / "sweep/3/summary.json").read_text())
    assert together["together"] == 2
    assert together["metrics"]["test"]["mase"] == pytest.approx(alone["metrics"]["test"]["mase"], rel=1e-2)
    ways = {"mse": "down", "mase": "down", "crps": "down", "coverage": 0.9, "rmse": "down", "mae": "down"}
    assert alone["better"] == ways
    for place in ("run", "sweep/0"):
        result = call(tmp_path, "evaluate", f"run={place}", "horizon=6")
        assert result.returncode == 0, result.stderr
        assert "test, echo state network: " in result.stdout
        with open(tmp_path / place / "by_lead.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["steps ahead"] for row in rows] == list("123456")
        result = call(tmp_path, "generate", f"run={place}", "start=end", "length=6")
        assert result.returncode == 0, result.stderr
        with open(tmp_path / place / "generation.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["index"] for row in rows] == [str(144 + n) for n in range(6)]
        assert rows[0]["time"].startswith("1961-01-01")
        assert all(float(row["quantile 0.05"]) < float(row["quantile 0.95"]) for row in rows)
    result = call(tmp_path, "generate", "run=run", "start=ende")
    assert result.stderr == "error: start=ende: expected the index of the first value, or end\n"
    result = call(tmp_path, "generate", "run=run", "temperature=0.5")
    assert "temperature=0.5: not used with this data set; this data set is a time series" in result.stderr
    result = call(tmp_path, "report", "sweep", "metric=test.coverage")
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_columns_of_ones_own_with_a_mistake(tmp_path, trained, call):
    lines = [f"2020-{n // 28 + 1:02}-{n % 28 + 1:02},{20 + n % 7},{n % 7 == 0:d}" for n in range(200)]
    lines += ["2021-01-01,,1", "2021-01-02,,0"]
    (tmp_path / "shop.csv").write_text("\n".join(["day,sales,holiday", *lines]) + "\n")
    words = ["data=csv", "data.path=shop.csv", "data.column=sales", "data.future_covariates=[holiday]", "data.time=day"]
    summary = trained(tmp_path, *words, "data/distribution=negative_binomial", "data.window=8")
    assert 0 < summary["metrics"]["test"]["coverage"] <= 1
    result = call(tmp_path, "generate", "run=run", "start=end")
    assert result.returncode == 0, result.stderr
    assert len((tmp_path / "run/generation.csv").read_text().splitlines()) == 3
    result = call(tmp_path, "train", *words, "data.time=days")
    assert result.returncode == 2
    assert result.stderr == "error: data.time=days: shop.csv has no such column; it has day, sales, holiday\n"


@pytest.mark.slow
@pytest.mark.share(2)
@pytest.mark.parametrize(
    "words",
    [["data=tagging", "model.bidirectional=null"], ["data=addition", "data.examples=400", "data.validation=40"]],
    ids=["tagged words", "answers"],
)
def test_a_study_of_symbols(tmp_path, call, words):
    small = ["model.cell.size=4", "seeds=2", "study.batch=4"]
    result = call(tmp_path, "study", "study=gradient_flow", *words, *small)
    assert result.returncode == 0, result.stderr
    assert "nats per step back" in result.stdout


@pytest.mark.slow
def test_stores_of_ones_own(tmp_path, trained, call):
    days = np.arange("2024-01-01", "2024-05-01", dtype="datetime64[D]")
    rows = [f"{store};{day.item():%d.%m.%Y};{size * (20 + n % 7)},5"
            for n, day in enumerate(days) for store, size in (("north", 1), ("south", 100))]  # fmt: skip
    (tmp_path / "stores.csv").write_text("\n".join(["store;day;sales", *rows]) + "\n")
    words = ["data=csv", "data.path=stores.csv", "data.column=sales", "data.time=day", "data.series_by=store"]
    summary = trained(tmp_path, *words, "data.window=8", "data.season=7", "data/distribution=gaussian")
    assert any("data.delimiter" in note for note in summary["notes"])
    result = call(tmp_path, "evaluate", "run=run")
    assert result.returncode == 0, result.stderr
    assert "rmse (file's units)" in result.stdout
    with open(tmp_path / "run/errors.csv", newline="") as file:
        assert {row["series"] for row in csv.DictReader(file)} == {"north", "south", "all"}
    for store, size in (("north", 1), ("south", 100)):
        result = call(tmp_path, "generate", "run=run", "start=end", "length=7", f"series={store}")
        assert result.returncode == 0, result.stderr
        with open(tmp_path / "run/generation.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows[0]["time"].startswith("2024-05-01")
        assert all(10 * size < float(row["generated"]) < 40 * size for row in rows)
    result = call(tmp_path, "generate", "run=run", "series=west")
    assert result.stderr == "error: series=west: no such series; there are north, south\n"
