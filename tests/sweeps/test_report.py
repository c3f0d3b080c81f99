"""Reports of sweeps that are written by hand, so that every number in them is known."""

import copy
import csv
import functools
import importlib.util
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import schema
from jaxrnn.experiments.compose import compose
from jaxrnn.storage import metrics_csv, summaries
from jaxrnn.sweeps import figures, report


@functools.cache
def composed(cell):
    cfg = compose("train", [f"model={cell}", "optimizer.learning_rate=0.001"])
    schema.prepare(cfg)
    return cfg


def write_run(folder, cell, rate, seed, loss, status="finished", steps=20):
    """A run folder; without a status one that is running."""
    (folder / ".hydra").mkdir(parents=True)
    cfg = copy.deepcopy(composed(cell))
    cfg.seed, cfg.optimizer.learning_rate = seed, rate
    OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")
    overrides = [f"model={cell}", f"++optimizer.learning_rate={rate}", f"seed={seed}"]
    OmegaConf.save(OmegaConf.create(overrides), folder / ".hydra" / "overrides.yaml")
    metrics = metrics_csv.Metrics(folder)
    for step in range(10, steps + 1, 10):
        metrics.write(step, "train", {"loss": 2 * loss, "grad_norm": 1.0})
        metrics.write(step, "validation", {"loss": loss * (3 - step / 10)})
    metrics.flush()
    if status is not None:
        validation = {} if status == "failed" else {"validation": {"loss": loss, "baseline": 1.0}}
        content = {"status": status, "reason": status + " <because>", "steps": steps, "metrics": validation}
        summaries.write(folder, content)


@pytest.fixture
def sweep(tmp_path):
    number = 0
    for cell in ("lstm", "gru"):
        for rate in (0.001, 0.01, 0.1):
            for seed in range(3):
                loss = rate * (1 + seed) * (1 if cell == "lstm" else 5)
                write_run(tmp_path / str(number), cell, rate, seed, loss)
                number += 1
    write_run(tmp_path / "18", "lstm", 1.0, 0, 1e-9, "diverged")
    write_run(tmp_path / "19", "gru", 1.0, 0, 1.0, "failed", steps=0)
    write_run(tmp_path / "20", "gru", 1.0, 1, 0.5, None, steps=10)
    return tmp_path


def test_settings_are_ranked_over_seeds(sweep):
    found = report.read(sweep)
    assert list(found.factors.values()) == ["cell", "learning_rate"]
    rows = report.settings_table(found)
    assert [(row["cell"], row["learning_rate"]) for row in rows[:3]] == [
        ("lstm", 0.001),
        ("gru", 0.001),
        ("lstm", 0.01),
    ]
    values = 0.005 * np.array([1, 2, 3])
    assert rows[1]["mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert rows[1]["std"] == pytest.approx(values.std(ddof=1), rel=1e-12)
    assert rows[1]["best"] == 0.005
    by_name = {(row["cell"], row["learning_rate"]): row for row in rows}
    assert rows[-1] == by_name["lstm", 1.0]  # it diverged: no value, whatever it had before
    assert (rows[-1]["mean"], rows[-1]["status"]) == ("", "1 diverged")
    assert by_name["gru", 1.0]["status"] == "1 failed, 1 running"
    assert by_name["gru", 1.0]["mean"] == pytest.approx(0.5 * 2)  # the best so far of the one that runs
    assert report.command(found) == "jaxrnn train model=lstm optimizer.learning_rate=0.001 seed=0"
    assert report.settings_table(report.read(sweep, "train.loss"))[0]["mean"] == pytest.approx(1.0)  # running ones only


def test_a_setting_whose_seeds_diverge_ranks_behind_one_that_trains(tmp_path):
    """One seed at 0.1 with three diverged or failed is worse than four at 0.2, and is not the run to repeat."""
    for seed, status in enumerate(["finished", "diverged", "failed", "diverged"]):
        write_run(tmp_path / f"0{seed}", "lstm", 0.1, seed, 0.1, status)
        write_run(tmp_path / f"1{seed}", "lstm", 0.01, seed, 0.2, "pruned" if seed == 3 else "finished")
    write_run(tmp_path / "20", "lstm", 0.001, 0, 0.05, None)
    write_run(tmp_path / "21", "lstm", 0.001, 1, float("nan"), None)
    rows = report.settings_table(report.read(tmp_path))
    assert [row["learning_rate"] for row in rows] == [0.001, 0.01, 0.1]  # a run that is not over is not lost
    assert rows[0]["mean"] == pytest.approx(0.05)  # the best so far; the other one's is no number
    summaries.write(tmp_path / "21", {"status": "failed", "reason": "none", "steps": 0, "metrics": {}})
    sweep = report.read(tmp_path)
    assert [row["learning_rate"] for row in report.settings_table(sweep)] == [0.01, 0.001, 0.1]  # 0, 1 and 3 of 4 lost
    assert report.command(sweep) == "jaxrnn train model=lstm optimizer.learning_rate=0.01 seed=0"
    text = report.write(sweep)
    assert "the best settings first (by the share of runs that diverged or failed, then by the mean" in text
    assert "ranked by the share of runs that diverged or failed" in (tmp_path / "report/report.html").read_text()


def test_a_finished_run_whose_metric_is_not_finite_is_lost(tmp_path):
    for seed, value in enumerate([0.1, float("nan"), 0.3]):
        write_run(tmp_path / str(seed), "lstm", 0.1 if seed < 2 else 0.01, seed % 2, value)
    first, second = report.settings_table(report.read(tmp_path))
    assert (first["learning_rate"], first["mean"]) == (0.01, 0.3)
    assert (second["learning_rate"], second["mean"]) == (0.1, 0.1)


WAYS = {"loss": "down", "accuracy": "up", "coverage": 0.9}


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        ("loss", [0.3, 0.1, 0.2], 1),
        ("accuracy", [0.3, 0.1, 0.4], 2),
        ("coverage", [0.99, 0.2, 0.88], 2),
    ],
)
def test_the_best_run_of_a_setting_is_the_best_by_its_metric(tmp_path, name, values, best):
    """And no diverged one, whatever it had; its mean is that of all."""
    for seed, value in enumerate(values):
        write_run(tmp_path / str(seed), "lstm", 0.01, seed, 1.0)
        metrics = {"validation": {"loss": 1.0, name: value}}
        summaries.write(
            tmp_path / str(seed), summaries.read(tmp_path / str(seed)) | {"metrics": metrics, "better": WAYS}
        )
    write_run(tmp_path / "3", "lstm", 0.01, 3, 1e-9, "diverged")
    found = report.read(tmp_path, f"validation.{name}")
    row = report.settings_table(found)[0]
    assert (row["best"], row["mean"]) == (values[best], pytest.approx(np.mean(values)))
    assert report.command(found).endswith(f" seed={best}")


@pytest.mark.slow
def test_two_cells_of_one_module_are_two_settings(tmp_path):
    for number, cell in enumerate(["mine.cell", "mine.other"] * 2):
        write_run(tmp_path / str(number), "lstm", 0.01, number // 2, 0.1 + number % 2)
        file = tmp_path / str(number) / ".hydra" / "config.yaml"
        cfg = OmegaConf.load(file)
        cfg.model.cell._target_ = cell
        OmegaConf.save(cfg, file)
    found = report.read(tmp_path)
    assert [(setting.factors, len(setting.runs)) for setting in found.settings] == [
        ({"cell": "mine.cell"}, 2),
        ({"cell": "mine.other"}, 2),
    ]


@pytest.mark.costly
def test_a_report_is_tables_figures_and_a_page(sweep):
    text = report.write(report.read(sweep))
    assert "21 runs of 8 settings: 18 finished" in text
    assert "failed (1): failed <because>" in text
    with open(sweep / "report/runs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows[:3]] == ["0", "1", "2"]
    assert {row["status"] for row in rows} == {"finished", "diverged", "failed", "running"}
    names = {path.stem for path in (sweep / "report/figures").glob("*.png")}
    assert names == {"learning_curves", "factor_cell", "factor_learning_rate", "factors_cell_learning_rate"}
    page = (sweep / "report/report.html").read_text()
    if importlib.util.find_spec("plotly"):  # test_interactive.py tests its part of the page
        page = page.replace(importlib.import_module("plotly.offline").get_plotlyjs(), "")
    assert page.count("data:image/png;base64,") == 4
    assert "failed &lt;because&gt;" in page
    assert not re.search(r"""(src|href)=["']?(http|//)|@import|url\(""", page)  # nothing from a network
    report.write(report.read(sweep))  # the report's own folder is no run


def test_pairs_show_the_best_of_the_other_factors(sweep):
    figure = figures.two_factors(report.read(sweep), "cell", "learning_rate")
    shown = {(text.get_position()[0], text.get_position()[1]): text.get_text() for text in figure.axes[0].texts}
    assert shown[1, 0] == "0.002"  # lstm at 0.001: the mean of 0.001, 0.002, 0.003
    assert (1, 3) not in shown  # lstm at 1.0 diverged


def test_nothing_to_report_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="expected run folders below it, found none"):
        report.read(tmp_path)
    write_run(tmp_path / "0", "lstm", 0.1, 0, 1.0)
    with pytest.raises(ConfigError, match=r"metric=test.loss: no run has this metric"):
        report.read(tmp_path, "test.loss")
    assert len(figures.draw(report.read(tmp_path))) == 1  # one run, no factor


@pytest.mark.browser
def test_the_page_sorts_and_filters_in_a_browser(sweep):
    """Chromium runs the page's script from disk; what it then shows is what it hands back."""
    report.write(report.read(sweep))
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert browser, "no Chromium: apt-get install chromium"

    def shown(link, table):
        arguments = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
        address = f"file://{sweep}/report/report.html{link}"
        dom = subprocess.run([*arguments, address], capture_output=True, text=True, timeout=120, check=True).stdout
        body = dom.split(f'<table id="{table}">')[1].split("<tbody>")[1].split("</tbody>")[0]
        rows = re.findall(r"<tr([^>]*)>(.*?)</tr>", body)
        return [re.findall(r"<td[^>]*>(.*?)</td>", cells) for hidden, cells in rows if "hidden" not in hidden]

    rows = report.settings_table(report.read(sweep))
    assert [row[1] for row in shown("", "settings")] == [f"{row['learning_rate']:.4g}" for row in rows]
    assert [row[0] for row in shown("#sort=cell", "settings")] == ["gru"] * 4 + ["lstm"] * 4
    spreads = [float(row[4]) for row in shown("#sort=std", "settings") if row[4]]
    assert spreads == sorted(spreads)
    few = shown("#settings=gru,mean<0.02", "settings")
    assert [(row[0], row[1]) for row in few] == [("gru", "0.001")]
    runs = shown("#runs=learning_rate=0.1", "runs")
    assert len(runs) == 6
    assert json.dumps(shown("#runs=diverged", "runs")).count("diverged") == 2
