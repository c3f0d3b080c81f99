"""Training and loading from Python, without Hydra, and with an experiment."""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import optax
import pytest

import jaxrnn
from jaxrnn import nets
from jaxrnn.cells import elman, gru
from jaxrnn.data import addition, sine
from jaxrnn.errors import ConfigError
from jaxrnn.progress_bar import progress_bar
from jaxrnn.storage import metrics_csv, summaries

NET, DATA = jaxrnn.rnn(gru.cell(3), output_size=1), sine.dataset(points=12)
SETTINGS = {"batch_size": 1, "learning_rate": 1e-2, "report_every": 12, "precision": "f64"}


@pytest.mark.costly
def test_what_fit_returns():
    run = jaxrnn.fit(NET, DATA, steps=36, **SETTINGS, metrics={"mae": jaxrnn.metrics.mean_absolute_error()})
    assert (run.status, run.step, len(run.history)) == ("finished", 36, 6)
    assert jax.tree.structure(run.params) == jax.tree.structure(NET.init(jax.random.key(0), 1))
    losses = run.history.where(split="validation")["loss"]
    assert run.metrics["validation"]["loss"] == pytest.approx(losses.min(), rel=1e-9)
    ys = np.asarray(run.predict("test"))
    split = DATA.splits["test"]
    errors = np.abs(ys - split.targets)[np.asarray(split.weights) > 0]
    assert run.metrics["test"]["mae"] == pytest.approx(errors.mean(), rel=1e-9)
    assert run.generate(5).shape == (5, 1)
    np.testing.assert_array_equal(run.generate(5)[:3], run.generate(3))
    assert set(run.plot()) == {"learning_curves", "gradient_norm", "prediction", "generation"}
    assert run.plot()._repr_html_().count("<img") == 4
    with pytest.raises(ConfigError, match="split=tset: the data set has no such split; it has validation, test"):
        run.predict("tset")


def test_any_optax_transformation_is_an_optimizer():
    adam = {key: value for key, value in SETTINGS.items() if key != "learning_rate"}
    one = jaxrnn.fit(NET, DATA, steps=24, optimizer=optax.adam(1e-2), **adam)
    two = jaxrnn.fit(NET, DATA, steps=24, **SETTINGS)
    np.testing.assert_allclose(one.history["loss"], two.history["loss"], rtol=1e-12)
    with pytest.raises(TypeError, match="give exactly one of learning_rate"):
        jaxrnn.fit(NET, DATA, steps=24, optimizer=optax.adam(1e-2), **SETTINGS)
    with pytest.raises(TypeError, match="an argument is missing"):
        jaxrnn.fit(NET, DATA, **SETTINGS)


@pytest.mark.slow
def test_the_same_call_goes_on_bit_for_bit(tmp_path):
    def stop(progress):
        return "enough" if progress.step == 24 else None

    whole = jaxrnn.fit(NET, DATA, steps=48, **SETTINGS, folder=tmp_path / "whole")
    cut = jaxrnn.fit(NET, DATA, steps=24, **SETTINGS, folder=tmp_path / "cut")
    assert cut.step == 24
    again = jaxrnn.fit(NET, DATA, steps=48, **SETTINGS, folder=tmp_path / "cut")
    jax.tree.map(np.testing.assert_array_equal, whole.params, again.params)
    assert (tmp_path / "whole/metrics.csv").read_bytes() == (tmp_path / "cut/metrics.csv").read_bytes()
    assert summaries.read(tmp_path / "cut")["status"] == "finished"
    loaded = jaxrnn.load(tmp_path / "cut", NET, DATA)
    jax.tree.map(np.testing.assert_array_equal, whole.params, loaded.params)
    assert loaded.history.rows == metrics_csv.read(tmp_path / "whole")
    with pytest.raises(ConfigError, match="is of a run with another seed"):
        jaxrnn.fit(NET, DATA, steps=48, **SETTINGS, seed=1, folder=tmp_path / "cut")
    with pytest.raises(ConfigError, match="expected float64"):
        jaxrnn.load(tmp_path / "cut", jaxrnn.rnn(elman.cell(3), 1), DATA)
    with pytest.raises(ConfigError, match="no checkpoint"):
        jaxrnn.load(tmp_path, NET, DATA)
    stopped = jaxrnn.fit(NET, DATA, steps=48, **SETTINGS, callbacks=[stop], folder=tmp_path / "stopped")
    assert (stopped.status, stopped.reason, stopped.step) == ("finished", "enough", 24)
    once_more = jaxrnn.fit(NET, DATA, steps=48, **SETTINGS, folder=tmp_path / "stopped")
    assert (once_more.reason, once_more.step) == ("enough", 24)  # what a callback ended stays ended


@pytest.mark.costly
def test_an_experiment_is_what_the_command_line_builds(tmp_path):
    experiment = jaxrnn.experiment("model=gru", "model.cell.size=3", "data.points=12", "trainer.steps=36")
    run = jaxrnn.fit(experiment, folder=tmp_path / "run")
    loaded = jaxrnn.load(tmp_path / "run")
    jax.tree.map(np.testing.assert_array_equal, run.params, loaded.params)
    assert loaded.cfg.model.cell.size == 3
    other = jaxrnn.experiment("model=gru", "model.cell.size=4", "data.points=12", "trainer.steps=36")
    with pytest.raises(ConfigError, match=r"another configuration \(they differ in model.cell.size\)"):
        jaxrnn.fit(other, folder=tmp_path / "run")


def test_history_as_columns():
    table = jaxrnn.fit(NET, DATA, steps=24, **SETTINGS).history
    assert table.columns[:3] == ["step", "split", "loss"]
    assert list(table.where(split="train")["step"]) == [12, 24]
    frame = table.to_pandas()
    assert list(frame.columns) == table.columns
    assert frame.loss.tolist() == table["loss"].tolist()
    with pytest.raises(KeyError, match="no column 'los'; the columns are step, split, loss"):
        table["los"]


def test_help_lists_the_keys_of_the_parts_that_were_chosen():
    from jaxrnn.experiments import help as explained

    shown = explained.text("study", ["study=gates", "model=gru"])
    for key in ("study.batch=32", "model.cell.reset=", "figure.width=7.0", "data.length=100"):
        assert f"    {key}" in shown, key
    for key in ("study.networks", "model.output_size", "model.cell.forget_bias"):
        assert key not in shown


@pytest.mark.parametrize(("name", "group"), [("benchmark", "benchmark"), ("reproduce", "paper")])
def test_help_tells_the_choices_where_none_is_made(name, group, tmp_path, call):
    from jaxrnn.experiments import help as explained

    assert f"  {group}=" in explained.text(name, [])
    refused = call(tmp_path, name)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {group} is missing; give it: {group}=...; there are: ")


def test_trackers_need_a_folder():
    with pytest.raises(ConfigError, match=r"^logger: trackers record a run folder; give folder="):
        jaxrnn.fit(jaxrnn.experiment("model.cell.size=2", "logger=tensorboard", "trainer.steps=2"))


def test_probes_of_an_experiment_need_a_folder_too():
    experiment = jaxrnn.experiment("model=gru", "model.cell.size=2", "data=sine", "probes=[gates]", "trainer.steps=36")
    with pytest.raises(ConfigError, match=r"^probes: they write into a run folder; give folder="):
        jaxrnn.fit(experiment)


@pytest.mark.slow
def test_the_params_of_a_run_begin_another_also_those_of_a_folder(tmp_path):
    data = addition.dataset(digits=1, examples=20, validation=4)
    net = nets.seq2seq(gru.cell(3), data.output_size, "symbols", data.symbols.inputs.size, embedding=2)
    settings = {"steps": 2, "batch_size": 4, "learning_rate": 1e-9, "report_every": 1}
    run = jaxrnn.fit(net, data, **settings, folder=tmp_path)
    for params in (run.params, jaxrnn.load(tmp_path, net, data).params):
        again = jaxrnn.fit(net._replace(init=lambda key, input_size, params=params: params), data, **settings)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), again.params, run.params)


def test_a_notebook_shows_a_progress_bar(monkeypatch):
    assert progress_bar(3).disable  # the tests have no terminal
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", sys)
    with progress_bar(3) as bar:
        assert not bar.disable
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert progress_bar(3).disable


def test_a_thread_trains_without_handling_signals(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(1) as thread:
        run = thread.submit(jaxrnn.fit, NET, DATA, steps=12, **SETTINGS, folder=tmp_path / "run").result()
    assert run.status == "finished"
    assert signal.getsignal(signal.SIGINT) is before
