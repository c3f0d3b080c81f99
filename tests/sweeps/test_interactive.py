"""The interactive figures of a report: what they draw, and what a selection in the browser shows."""

import base64
import importlib.util
import itertools
import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from jaxrnn.plotting import style
from jaxrnn.plotting import sweeps as plotting
from jaxrnn.sweeps import figures, interactive, page, report
from jaxrnn.sweeps.reading import SweepRun

CELLS, RATES, SIZES = ("lstm", "gru", "elman"), (1e-4, 1e-3, 1e-2), (8, 16)
FLAGS = ["--headless", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
needs_plotly = pytest.mark.skipif(importlib.util.find_spec("plotly") is None, reason="needs the extra [report]")


def made(seeds=2, points=5, cells=CELLS, rates=RATES):
    """A sweep in which cell and rate matter and the size does not."""
    random, settings, numbers = np.random.default_rng(0), [], itertools.count()
    for cell, rate, size in itertools.product(cells, rates, SIZES):
        runs = []
        for seed in range(seeds):
            end = 10 ** (-1 - 0.5 * (rate == 1e-3) - 0.5 * (cell == "lstm") + 0.1 * random.random())
            losses = [end * (points - step) for step in range(points)]
            curve = (list(range(10, 10 * points + 1, 10)), losses)
            runs.append(
                SweepRun(Path(f"/s/{next(numbers)}"), {"seed": seed}, "finished", None, losses[-1], curve[0][-1], curve)
            )
        settings.append(report.Setting({"cell": cell, "learning_rate": rate, "size": size}, runs))
    settings.sort(key=lambda setting: setting.ranked("down"))
    factors = {"model.cell._target_": "cell", "optimizer.learning_rate": "learning_rate", "model.cell.size": "size"}
    return report.Sweep(Path("/s"), "validation.loss", "down", factors, settings, [])


def written(sweep, folder):
    """The page of a sweep without its static figures."""
    tables = {"settings": report.settings_table(sweep), "runs": report.runs_table(sweep)}
    text = page.page("title", [], None, tables, {}, interactive.section(sweep))
    (folder / "report.html").write_text(text)
    return text


def content_of(text):
    return json.loads(re.search(r'<script type="application/json" id="interactive">(.*?)</script>', text)[1])


def decoded(array):
    return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"])


def test_without_plotly_the_page_has_no_interactive_part(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert interactive.section(made()) == ""


def test_the_static_curves_are_readable():
    """At most five settings have a band, and the medians lie above all bands."""
    curves = figures.curves(made())
    assert len(curves) == 5
    with style.page():
        axes = plotting.learning_curves(curves, "loss").axes[0]
    assert len(axes.collections) == 5
    assert min(line.get_zorder() for line in axes.lines) > max(band.get_zorder() for band in axes.collections)


@needs_plotly
def test_every_run_has_its_curve_and_its_line(tmp_path):
    sweep = made()
    content = content_of(written(sweep, tmp_path))
    runs = [run for setting in sweep.settings for run in setting.runs]
    assert content["names"] == [run.folder.name for run in runs]
    xs, ys = (decoded(content["plots"]["curves"]["data"][0][axis]) for axis in "xy")
    for run, start, end in zip(runs, content["offsets"], content["offsets"][1:], strict=False):
        np.testing.assert_array_equal(xs[start : end - 1], run.curve[0])
        np.testing.assert_allclose(ys[start : end - 1], run.curve[1], rtol=1e-6)
        assert np.isnan([xs[end - 1], ys[end - 1]]).all()
    best = content["plots"]["curves"]["data"][1]
    assert best["name"] == figures.label(sweep.settings[0])
    np.testing.assert_allclose(decoded(best["y"]), np.median([r.curve[1] for r in runs[:2]], axis=0), rtol=1e-6)
    axes = {axis["label"]: axis for axis in content["plots"]["coordinates"]["data"][0]["dimensions"]}
    assert axes["cell"]["ticktext"] == ["elman", "gru", "lstm"]
    np.testing.assert_allclose(axes["learning_rate"]["tickvals"], [-4, -3, -2])  # logarithms
    assert axes["size"]["tickvals"] == [8, 16]
    drawn = np.sort(axes["validation.loss"]["values"])
    np.testing.assert_allclose(drawn, np.sort(np.log10([run.value for run in runs])))


@needs_plotly
def test_long_curves_and_many_lines_are_thinned_out(tmp_path, monkeypatch):
    monkeypatch.setattr(interactive, "MAX_POINTS", 200)
    monkeypatch.setattr(interactive, "MAX_LINES", 10)
    sweep = made(points=50)
    content = content_of(written(sweep, tmp_path))
    steps = decoded(content["plots"]["curves"]["data"][0]["x"])
    assert np.isfinite(steps).sum() == 36 * (200 // 36)
    assert np.nanmin(steps) == 10
    assert np.nanmax(steps) == 500
    values = content["plots"]["coordinates"]["data"][0]["dimensions"][-1]["values"]
    every = sorted(np.log10(run.value) for setting in sweep.settings for run in setting.runs)
    assert len(values) <= 10
    np.testing.assert_allclose(values[:5], every[:5])
    assert len(content["axes"][0]) == 36  # a selection finds the others too


@needs_plotly
def test_values_that_are_not_finite_leave_a_page_that_a_browser_reads(tmp_path):
    sweep = made()
    first, second = (setting.runs[0] for setting in sweep.settings[:2])
    sweep.settings[0].runs[0] = first._replace(value=float("nan"), curve=((), ()))
    sweep.settings[1].runs[0] = second._replace(value=None, status="waiting", curve=((), ()))
    sweep.settings[3].factors["size"] = float("inf")
    text = written(sweep, tmp_path)
    body = re.search(r'<script type="application/json" id="interactive">(.*?)</script>', text)[1]
    content = json.loads(body, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
    assert len(content["valid"]) == 34
    assert content["plots"]["coordinates"]["data"][0]["dimensions"][2]["ticktext"] == ["16", "8", "inf"]


@needs_plotly
def test_runs_without_a_report_have_a_page(tmp_path):
    runs = [SweepRun(Path("/s/0"), {"seed": 0}, "waiting", None, None, 0)]
    sweep = report.Sweep(Path("/s"), "validation.loss", "down", {}, [report.Setting({}, runs)], [])
    assert list(content_of(written(sweep, tmp_path))["plots"]) == ["curves"]


def test_importance_finds_the_factors_that_matter():
    pytest.importorskip("optuna")
    shares = interactive.importance(made(seeds=10))
    assert list(shares)[-1] == "size"
    assert shares["size"] < 0.05
    assert min(shares["cell"], shares["learning_rate"]) > 0.3
    assert sum(shares.values()) == pytest.approx(1)
    assert interactive.importance(made(seeds=2)) == {}  # too few runs
    assert (
        interactive.importance(made(seeds=50, cells=["lstm"], rates=[1e-3])) == {}
    )  # one factor has nothing to compare with


@pytest.mark.parametrize("status", ["running", "finished", "diverged"])
def test_a_value_that_is_not_finite_does_not_stop_the_importance(status):
    pytest.importorskip("optuna")
    sweep = made(seeds=10)
    for setting in sweep.settings:
        runs = [run._replace(status="running") for run in setting.runs] if status == "running" else setting.runs
        setting.runs[:] = [runs[0]._replace(value=float("nan"), status=status), *runs[1:]]
    assert sum(interactive.importance(sweep).values()) == pytest.approx(1)


def test_runs_that_diverged_count_for_the_importance():
    """Of the values of a factor that trains and of one at which all runs diverge, the first are among the best."""
    pytest.importorskip("optuna")
    sweep = made(seeds=10, rates=[1e-3, 1e-2])
    for setting in sweep.settings:
        if setting.factors["size"] == 16:
            setting.runs[:] = [run._replace(status="diverged", value=1e-9) for run in setting.runs]
    assert interactive.importance(sweep)["size"] > 0.1


@needs_plotly
def test_the_page_needs_no_network(tmp_path):
    from plotly.offline import get_plotlyjs

    text = written(made(), tmp_path)
    assert text.count(get_plotlyjs()) == 1
    assert not re.search(r"""(src|href)=["']?(http|//)|@import|url\(""", text.replace(get_plotlyjs(), ""))


def chromium():
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert browser, "no Chromium: apt-get install chromium"
    return browser


ACTIONS = {  # what a user does -> the script that does it
    "nothing": "",
    "box": 'curves.emit("plotly_selected", {range: {x: [45, 55], y: [0.025, 0]}});',
    "cleared": 'curves.emit("plotly_doubleclick");',
    "click": 'curves.emit("plotly_click", {points: [{curveNumber: 0, pointNumber: 7}]});',
    "brush": 'await Plotly.restyle(coordinates, {"dimensions[2].constraintrange": [[15, 17]]});',
    "brush and text": 'filter(runs, "lstm");',
}


@needs_plotly
@pytest.mark.browser
def test_a_selection_filters_the_table_of_runs(tmp_path):
    """Chromium runs the page from disk; what it then shows is what it hands back."""
    sweep = made()
    steps = "".join(f"{{ {action} results[{json.dumps(name)}] = shown(); }}" for name, action in ACTIONS.items())
    script = f"""<pre id="results"></pre><script>(async () => {{
      const [curves, coordinates, runs] = ["curves", "coordinates", "runs"].map(id => document.getElementById(id));
      while (!coordinates.dataset.ready) await new Promise(done => setTimeout(done, 50));
      const rows = [...runs.tBodies[0].rows], results = {{}};
      const shown = () => rows.filter(row => !row.hidden).map(row => row.cells[0].textContent);
      {steps}
      document.getElementById("results").textContent = JSON.stringify(results);
    }})();</script>"""
    (tmp_path / "report.html").write_text(written(sweep, tmp_path) + script)
    arguments = [chromium(), *FLAGS, "--window-size=1200,3000", "--virtual-time-budget=20000", "--dump-dom"]
    address = f"file://{tmp_path}/report.html"
    dom = subprocess.run([*arguments, address], capture_output=True, text=True, timeout=250, check=True).stdout
    results = json.loads(re.search(r'<pre id="results">(.*?)</pre>', dom)[1])
    runs = [(setting.factors, run) for setting in sweep.settings for run in setting.runs]
    large = [(factors, run) for factors, run in runs if factors["size"] == 16]
    low = {run.folder.name for _, run in runs if run.value <= 0.025}
    assert 0 < len(low) < len(runs)
    assert {name: set(names) for name, names in results.items()} == {
        "nothing": {run.folder.name for _, run in runs},
        "box": low,
        "cleared": {run.folder.name for _, run in runs},
        "click": {runs[1][1].folder.name},  # a run has six points: five and a gap
        "brush": {run.folder.name for _, run in large},
        "brush and text": {run.folder.name for factors, run in large if factors["cell"] == "lstm"},
    }


@needs_plotly
@pytest.mark.browser
def test_ten_thousand_runs_open_in_under_three_seconds(tmp_path):
    """Seconds of a processor that the page and its WebGL take: seconds of the clock depend on the other tests."""
    sweep = made(seeds=556, points=100)
    written(sweep, tmp_path)
    assert sum(len(setting.runs) for setting in sweep.settings) > 10_000
    arguments = [chromium(), *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={tmp_path}/browser"]
    browser = subprocess.Popen([*arguments, f"file://{tmp_path}/report.html"], stderr=subprocess.DEVNULL)
    try:
        seconds, end = 0.0, time.monotonic() + 120
        while time.monotonic() < end:
            time.sleep(5)
            before, seconds = seconds, processor_seconds(browser.pid)
            if before > 0.5 and seconds - before < 0.05:  # it has come to rest
                break
    finally:
        browser.terminate()
        browser.wait()
    assert 0.5 < seconds < 3


def processor_seconds(browser):
    """Seconds that the main threads of the processes below a process have used."""
    parents, seconds = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            seconds[int(folder.name)] = int((folder / "schedstat").read_text().split()[0]) / 1e9
        except OSError:  # it has ended
            continue

    def is_below(process):
        return process == browser or (process in parents and is_below(parents[process]))

    return sum(value for process, value in seconds.items() if process != browser and is_below(process))
