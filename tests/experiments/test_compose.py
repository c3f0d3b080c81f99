"""Overrides as a user types them."""

import re

import jax
import pytest

import jaxrnn
from jaxrnn import optimizers
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import build, schema
from jaxrnn.experiments.compose import compose, force


def test_a_group_is_left_out():
    cfg = compose("train", ["data=forecast", "data/distribution=null", "optimizer/schedule=null"])
    assert cfg.data.get("distribution") is None
    assert cfg.optimizer.get("schedule") is None
    assert compose("train", ["experiment=null", "regularizer=null"]).data._target_ == "jaxrnn.data.sine.dataset"
    assert force("optimizer.clip_norm=null") == "++optimizer.clip_norm=null"
    with pytest.raises(ConfigError, match="data=null: every run requires data"):
        compose("train", ["data=null"])


def test_data_bring_a_distribution_that_another_replaces():
    assert "student_t" in compose("train", ["data=forecast"]).data.distribution._target_
    assert "quantiles" in compose("train", ["data/distribution=quantiles", "data=forecast"]).data.distribution._target_


@pytest.mark.parametrize(("steps", "top"), [(20, 2), (4000, 100)])
def test_a_short_run_warms_up_for_a_tenth_of_it(steps, top):
    factor = optimizers.warmup_cosine(steps)
    assert [float(factor(step)) for step in (0, top, steps)] == pytest.approx([0, 1, 0], abs=1e-6)
    assert float(factor(top // 2)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "metrics=../..",
            "metrics=../..: expected a node, not a value; set its keys: metrics.NAME=...",
        ),
        ("checkpoints=3", "checkpoints=3: expected a node"),
        ("figure=3", "figure=3: expected a node"),
        ("figures=nan", "figures=nan: should be finite"),
        ("figures=abc", "figures=abc: should be a valid boolean"),
        ("figures=1e308", "figures=1e+308: should be a valid boolean"),
        ("together=inf", "together=inf: should be finite"),
        ("model._target_=-inf", "model._target_=-inf: no such function"),
        ("model.cell.size={}", "model.cell.size: it has no _target_"),
        ("model.cell=3", "model.cell: expected a Cell, got an int"),
        ("model.parametrization._target_=jaxrnn.metrics.accuracy", "expected a Parametrization, but it makes a Metric"),
        ("checkpoints.keep_every=${seed}", "checkpoints.keep_every=0: should be greater than 0"),
        ("trainer.batch_size=${seed}", "trainer.batch_size=0: should be greater than 0"),
        ("trainer.report_every=99999999999999999999", "should be less than 2147483648"),
        ("metrics=${optimizer.rule._target_}", "metrics=optax"),
        ("figures=${optimizer.rule._target_}", "figures=optax"),
        ("trainer.precision=${optimizer.rule._target_}", "trainer.precision=optax"),
        ("optimizer=[1,2]", r"optimizer=[1,2]: no such optimizer"),
        ("model=[lstm,gru]", r"model=[lstm,gru]: no such model"),
        ("callbacks=[1]", r"callbacks=[1]: no such callbacks"),
        ("cell._target_=mine.cell", "cell: no such part of the configuration; nearest: model.cell"),
        ("metrics.a._target_=jaxrnn.unroll.loop.loop", "metrics.a._target_ is called to make the function"),
        ("foo._target_=mine.cell", "foo: no such part of the configuration"),
        (
            "model._target_=jaxrnn.cells.elman.cell",
            "model._target_=jaxrnn.cells.elman.cell: expected a Net, but it makes",
        ),
        ("unroll.k=3", "unroll.k: jaxrnn.unroll.deferred.unroll has no such option; it has none"),
        ("metrics._target_=mine.f", "metrics._target_=mine.f: give it a name: metrics.NAME._target_=mine.f"),
        ("metrics.a=mine.f", "metrics.a has no _target_; give it: metrics.a._target_=mine.f"),
        ("~optimizer._target_", "optimizer has no _target_; give it: optimizer._target_=MODULE.FUNCTION"),
    ],
)
def test_odd_values_are_refused_by_name(word, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        schema.prepare(compose("train", [word]))


@pytest.mark.parametrize("word", ["callbacks=[]", "callbacks=[early_stopping]", "figures=null", "figures=false"])
def test_lists_of_callbacks_and_figures_are_taken(word):
    schema.prepare(compose("train", [word]))


@pytest.mark.parametrize("value", [3, 1e308, True, {"a": 1}, [1]])
def test_what_is_trusted_are_texts(value):
    with pytest.raises(ConfigError, match=r"^trust="):
        schema.listed(value, "trust")
    assert schema.listed("mine", "trust") == ["mine"]
    assert schema.listed(None, "trust") == []


@pytest.mark.parametrize(
    ("script", "word", "said"),
    [
        ("generate", "prime=true", "prime=True: should be a valid integer"),
        ("generate", "seed=abc", "seed=abc: should be a valid integer"),
        ("generate", "top_p=0", "top_p=0: should be greater than 0"),
        ("generate", "temperature=-1", "temperature=-1: should be greater than or equal to 0"),
        ("evaluate", "horizon=true", "horizon=True: should be a valid integer"),
        ("evaluate", "split=[1]", "split=[1]: should be a valid string"),
    ],
)
def test_keys_that_no_factory_reads_are_held_to_their_types(script, word, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        schema.check(compose(script, ["run=run", word]))


def test_a_check_leaves_the_configuration_as_it_is():
    words = ["trainer.steps=1e3", "seed=2.0", "optimizer.clip_norm=1"]
    cfg, untouched = compose("train", words), compose("train", words)
    schema.check(cfg)
    assert cfg == untouched
    assert isinstance(cfg.trainer.steps, float)
    assert schema.prepare(cfg) is cfg
    values = [cfg.trainer.steps, cfg.seed, cfg.optimizer.clip_norm]
    assert list(map(type, values)) == [int, int, float]
    assert values == [1000, 2, 1.0]


def test_building_leaves_the_settings_of_jax_as_they_are():
    settings = dict(jax.config.values)
    build.build(compose("train", ["trainer.precision=f64", "trainer.steps=4"]))
    build.build(compose("train", ["trainer.precision=f32", "trainer.steps=4"]))
    assert dict(jax.config.values) == settings


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The module `mine_of_test` of a user's own."""
    (tmp_path / "mine_of_test.py").write_text(
        "from jaxrnn.cells import elman\n"
        "def cell(size, extra): return elman.cell(size)\n"
        "def misspelt(size):\n"
        "    return elman.cel(size)\n"
        "NUMBER = 3\n"
    )
    (tmp_path / "broken_of_test.py").write_text("def cell(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model.cell._target_=mien.cell"], "no such function: mien cannot be imported; install it, or add its folder"),
        (["model.cell._target_=mine_of_test.cel"], "mine_of_test has no cel; nearest: cell"),
        (["model.cell._target_=jaxrnn.cells.lsmt.cell"], "jaxrnn.cells has no lsmt; nearest: lstm"),
        (["model.cell._target_=mine_of_test.NUMBER"], "expected a function, got an int"),
        (["model.cell._target_=broken_of_test.cell"], "SyntaxError"),
        (["model.cell._target_=mine_of_test.cell"], "model.cell.extra is missing: mine_of_test.cell requires it"),
        (["model=elman", "model.cell._target_=mine_of_test.misspelt"], "mine_of_test.misspelt, line 4 of "),
        (["data=custom"], "data._target_ is missing; give it: data._target_=MODULE.FUNCTION"),
        (["model.cell._target_=null"], "model.cell._target_=None: no such function"),
    ],
)
def test_a_function_that_cannot_be_called_is_named_once(words, said, mine):
    with pytest.raises(ConfigError, match=re.escape(said)) as error:
        build.build(compose("train", words))
    assert "\n" not in str(error.value)
    assert str(error.value).count(said) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=lsmt"], "model=lsmt: no such model; nearest: lstm"),
        (["modle=lstm"], "modle: no such key; nearest: model"),
        (["unroll=mine.unroll"], "unroll=mine.unroll: no such unroll; there are: associative"),
        (["data=adding", "lenght=3"], "lenght: no such key; nearest: data.length"),
        (["model.cell.size"], "model.cell.size: expected KEY=VALUE"),
        (["model.cell.size=[1"], "model.cell.size=[1: the value has characters that Hydra's grammar reserves"),
        (["=3"], "=3: expected KEY=VALUE"),
        (["model=lstm,gru"], "model=lstm,gru: several values; with -m"),
        (["trainer.steps=1,2"], "trainer.steps=1,2: several values; with -m"),
        (["model=glob(*)"], "model=glob(*): several values; with -m"),
        (["~nothing"], "~nothing: there is no nothing"),
        ([3], "overrides=[3]: should be a valid string"),
    ],
)
def test_experiment_refuses_overrides_in_one_line(words, said):
    with pytest.raises(ConfigError, match="^" + re.escape(said)) as error:
        jaxrnn.experiment(*words)
    assert "\n" not in str(error.value)
