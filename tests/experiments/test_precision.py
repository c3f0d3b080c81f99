"""Building, training and loading compute in the run's precision and leave JAX as the user set it."""

import importlib
import inspect
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxrnn
from jaxrnn import data, nets, precision, studies
from jaxrnn.cells import elman
from jaxrnn.data import sine
from jaxrnn.experiments.api import _task
from jaxrnn.experiments.run import Run
from jaxrnn.optimizers import optimizer
from jaxrnn.studies import lyapunov
from jaxrnn.training import compatibility, engine, evaluation
from jaxrnn.training.update import Task, Trainer
from jaxrnn.types import Pair


def net_for(dataset):
    """A net that reads the inputs of a data set and has its outputs."""
    cell, symbols, size = elman.cell(2), dataset.symbols, dataset.output_size
    count = None if symbols.inputs is None else symbols.inputs.size
    if any(isinstance(batch.xs, Pair) for batch in dataset.splits.values()):
        return nets.seq2seq(cell, size, "values" if symbols.outputs is None else "symbols", vocabulary_size=count)
    return nets.rnn(cell, size) if count is None else nets.symbol_rnn(cell, size, vocabulary_size=count)


SETTINGS = {"steps": 4, "batch_size": 1, "learning_rate": 1e-2, "report_every": 2}
DTYPES = {"f32": "float32", "bf16": "float32", "f64": "float64"}


SHARED = (pytest.mark.slow, pytest.mark.share(2))
ALL = pytest.mark.parametrize(
    ("flag", "precision"),
    [pytest.param(flag, name, marks=() if (flag, name) in ((False, "f64"), (True, "f32")) else SHARED)
     for flag in (False, True) for name in DTYPES],
    indirect=["flag"],
)  # fmt: skip


@pytest.fixture(params=[False, True], ids=["flag_off", "flag_on"])
def flag(request):
    jax.config.update("jax_enable_x64", request.param)
    yield request.param
    assert jax.config.jax_enable_x64 == request.param


def assert_computes_in(run, precision):
    wide = DTYPES[precision]
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(run.params)} == {wide}
    assert str(run.predict("test").dtype) in (wide, "bfloat16")
    assert str(run.generate(3).dtype) in (wide, "bfloat16")
    assert np.isfinite(run.metrics["test"]["loss"])


@ALL
@pytest.mark.sample(1, 1)
def test_fit_and_load_of_objects(flag, precision, tmp_path):
    net, dataset = jaxrnn.rnn(elman.cell(2), 1), sine.dataset(points=6)
    run = jaxrnn.fit(net, dataset, precision=precision, folder=tmp_path / "run", **SETTINGS)
    assert jax.config.jax_enable_x64 == flag
    assert_computes_in(run, precision)
    loaded = jaxrnn.load(tmp_path / "run", net, dataset)
    assert jax.config.jax_enable_x64 == flag
    assert_computes_in(loaded, precision)
    np.testing.assert_array_equal(loaded.predict("test"), run.predict("test"))
    assert loaded.metrics == run.metrics


@ALL
@pytest.mark.sample(1, 1)
def test_experiments_and_studies(flag, precision, tmp_path):
    words = ("model=elman", "model.cell.size=2", "data.points=6", "trainer.steps=4", f"trainer.precision={precision}")
    experiment = jaxrnn.experiment(*words)
    assert jax.config.jax_enable_x64 == flag
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(experiment.task.dataset.splits["test"].xs)} == {
        DTYPES[precision]
    }
    run = jaxrnn.fit(experiment, folder=tmp_path / "run")
    assert jax.config.jax_enable_x64 == flag
    assert_computes_in(run, precision)
    loaded = jaxrnn.load(tmp_path / "run")
    assert_computes_in(loaded, precision)
    assert loaded.metrics == run.metrics
    result = lyapunov.study(loaded, steps=4, warm_up=2)
    assert result.networks["network"]["lam"].dtype == DTYPES[precision]
    assert jax.config.jax_enable_x64 == flag


@pytest.mark.sample(1, 1)
def test_networks_from_python_have_the_precision_that_the_user_set(flag):
    ensemble = studies.ensemble(jaxrnn.rnn(elman.cell(2), 1), sine.dataset(points=6), networks=2)
    result = lyapunov.study(ensemble, steps=4, warm_up=2)
    assert result.networks["network"]["lam"].dtype == ("float64" if flag else "float32")


def test_a_run_that_is_refused_leaves_the_flag_too(flag):
    with pytest.raises(jaxrnn.ConfigError):
        jaxrnn.fit(jaxrnn.rnn(elman.cell(2), 2), sine.dataset(points=6), precision="f64", **SETTINGS)
    with pytest.raises(jaxrnn.ConfigError):
        jaxrnn.experiment("trainer.precision=f64", "trainer.batch_size=1000")


def test_threads_compute_in_the_precision_they_were_given(flag):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as threads:
        for wanted, dtype in (("f64", "float64"), ("f32", "float32")):
            assert threads.submit(precision.within(wanted, lambda: jnp.zeros(1).dtype)).result() == dtype


def test_a_group_is_compiled_in_threads_in_the_precision_of_its_runs():
    jax.config.update("jax_enable_x64", False)
    with precision.computing("f64"):
        net, dataset = jaxrnn.rnn(elman.cell(2), 1), sine.dataset(points=6)
        trainer = Trainer(2, 1, 2, "f64")
        make = lambda rate: Task(net, dataset, optimizer(optax.identity(), rate), trainer)  # noqa: E731
        group = engine.group(make, [0, 1], jnp.array([0.1, 0.2]))
        states, report = group.advance(group.init(), 2)
        assert {str(leaf.dtype) for leaf in jax.tree.leaves((states.params, report))} == {"float64"}
        assert np.isfinite(group.evaluate("validation", states.params)[0]["loss"])


def test_the_steps_of_an_iterator_compute_in_its_precision_and_its_reader_in_the_users(flag):
    found = []
    for dtype in precision.steps_within("f64", (str(jnp.zeros(1).dtype) for _ in range(2))):
        found.append((dtype, jax.config.jax_enable_x64))
    assert found == [("float64", flag)] * 2


SMALL = {
    "addition": {"digits": 2, "examples": 200, "validation": 60},
    "dates": {"examples": 60, "validation": 20, "test": 20},
    "g2p": {"words": 200, "validation": 60, "test": 60},
}
SLOW = ("language", "tagging", "text")  # to read


def data_sets():
    for module in pkgutil.iter_modules(data.__path__):
        factory = getattr(importlib.import_module(f"jaxrnn.data.{module.name}"), "dataset", None)
        parameters = [] if factory is None else inspect.signature(factory).parameters.values()
        if factory is not None and all(p.default is not inspect.Parameter.empty for p in parameters):
            yield pytest.param(factory, id=module.name, marks=[pytest.mark.slow] * (module.name in SLOW))


@pytest.mark.parametrize("factory", list(data_sets()))
@pytest.mark.sample(1, 4)
def test_data_made_in_float64_train_in_float32(factory):
    with precision.computing("f64"):
        dataset = factory(**SMALL.get(factory.__module__.rpartition(".")[2], {}))
        net = net_for(dataset)
    with precision.computing("f32"):
        task = _task(net, dataset, None, Trainer(1, 1, 1, "f32"))
        compatibility.check(task)
        for batch in task.dataset.splits.values():
            loss = jax.eval_shape(lambda b: evaluation.mean_loss(dataset.loss, dataset.trivial(b), b), batch)
            assert loss.dtype == "float32"


def test_every_method_of_a_run_that_computes_has_its_precision():
    computing = {name for name, value in vars(Run).items() if getattr(value, "__wrapped__", None)}
    assert {"predict", "generate", "paths", "plot", "plot_generation", "summary", "keep"} <= computing
