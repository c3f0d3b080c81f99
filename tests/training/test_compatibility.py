"""What does not fit is refused before anything compiles: net against data, functions, settings, from both doors."""

import re

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxrnn
from jaxrnn import nets, optimizers, parametrizations
from jaxrnn.cells import elman
from jaxrnn.data import adding, addition, digits, labels, series, sine
from jaxrnn.errors import ConfigError
from jaxrnn.nets.parametrized import parametrized
from jaxrnn.studies import gates
from jaxrnn.training import Task, Trainer, compatibility, early_stopping, flossing
from jaxrnn.types import Net
from jaxrnn.unroll import scan, truncated

SETTINGS = {"steps": 2, "batch_size": 1, "learning_rate": 1e-2, "precision": "f64"}
SINE = sine.dataset(points=6)
NET = jaxrnn.rnn(elman.cell(2), 1)


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A data set of texts of the letters a to g, and one symbol for unknown ones, with three labels."""
    path = tmp_path_factory.mktemp("texts") / "texts.csv"
    path.write_text("text,label\n" + "".join(f"{'abcdefg'[n % 7 :]}{'abcdefg'[n % 5]},{n % 3}\n" for n in range(40)))
    return labels.dataset(str(path))


def three_columns():
    return series.dataset(np.random.default_rng(0).normal(size=(120, 3)), window=8)


def fit(net, dataset, **options):
    return jaxrnn.fit(net, dataset, **{**SETTINGS, **options})


def fits(net, dataset):
    """Raises where a net does not fit a data set, without training."""
    compatibility.check(Task(net, dataset, None, Trainer(1, 1, 1, "f64")))


def test_the_outputs_are_as_wide_as_the_targets(texts):
    with pytest.raises(ConfigError, match="are 1 wide, but the data set needs 3; build the net with output_size=3"):
        fit(NET, three_columns())
    with pytest.raises(ConfigError, match="its outputs are 2 wide, but the data set needs 3"):
        fit(nets.symbol_rnn(elman.cell(2), 2, vocabulary_size=texts.symbols.inputs.size), texts)
    with pytest.raises(ConfigError, match=r"are 16 wide, but the data set needs 1; model\.readout=true adds"):
        jaxrnn.experiment("model=elman", "model.cell.size=16", "model.readout=false")


def test_symbols_and_values(texts):
    count = texts.symbols.inputs.size
    fits(nets.symbol_rnn(elman.cell(2), 3, vocabulary_size=count, embedding=2), texts)
    for net in (
        nets.symbol_rnn(elman.cell(2), 3, vocabulary_size=3),
        nets.symbol_rnn(elman.cell(2), 3, vocabulary_size=3, embedding=2),
    ):
        with pytest.raises(
            ConfigError, match=f"reads 3 symbols, but the data set has {count}: build .* with vocabulary_size="
        ):
            fit(net, texts)
    with pytest.raises(
        ConfigError, match=rf"the net would read them as values: call nets\.symbol_rnn with vocabulary_size={count}"
    ):
        fit(jaxrnn.rnn(elman.cell(2), 3), texts)
    with pytest.raises(ConfigError, match="the net reads 8 symbols, but the inputs of the data set are values"):
        fit(nets.symbol_rnn(elman.cell(2), 1, vocabulary_size=8), SINE)


def test_an_encoder_decoder_is_for_answers_of_their_own_length_only():
    numbers = addition.dataset(examples=64, validation=8)
    fits(nets.seq2seq(elman.cell(2), numbers.output_size, "symbols", numbers.symbols.inputs.size), numbers)
    with pytest.raises(ConfigError, match="the net is an encoder-decoder, but the answers of the data set have no len"):
        fit(nets.seq2seq(elman.cell(2), 1, "values"), SINE)
    with pytest.raises(ConfigError, match=r"whose answers have their own length; build the net with nets\.seq2seq"):
        fits(nets.symbol_rnn(elman.cell(2), numbers.output_size, numbers.symbols.inputs.size), numbers)


@pytest.mark.parametrize(
    "change",
    [
        lambda net: nets.last(net),
        lambda net: nets.first(net),
        lambda net: nets.serial(net, nets.affine(2)),
        lambda net: nets.bidirectional(net, net),
        lambda net: parametrized(net, parametrizations.orthogonal()),
        lambda net: net.with_unroll(scan.unroll()),
        lambda net: net._replace(causal=False),
        lambda net: nets.encoder_decoder(net, NET, 2, 1),
        lambda net: nets.anchored(net, SINE),
    ],
)
def test_every_combinator_hands_on_how_many_symbols_a_net_reads(change):
    import jaxrnn.nets.parametrized
    import jaxrnn.parametrizations
    import jaxrnn.unroll.scan

    net = nets.symbol_rnn(elman.cell(2), 3, vocabulary_size=5)
    assert change(net).vocabulary == 5
    assert change(jaxrnn.rnn(elman.cell(2), 3)).vocabulary is None


def test_a_net_of_ones_own_says_that_it_reads_symbols(texts):
    inner = nets.symbol_rnn(elman.cell(2), 3, vocabulary_size=texts.symbols.inputs.size)
    own = Net(inner.init, inner.width, inner.initial, inner.apply, with_unroll=lambda unroll: own)
    with pytest.raises(ConfigError, match=r"declares that it reads symbols by net._replace\(vocabulary="):
        fit(own, texts)
    fits(own._replace(vocabulary=texts.symbols.inputs.size), texts)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"callbacks": [early_stopping]}, "callbacks: expected what jaxrnn.training.callbacks.early_stopping"),
        ({"callbacks": [lambda: None]}, "must take one argument, a Progress"),
        ({"callbacks": [lambda progress, more: None]}, "(progress, more) must take one argument, a Progress"),
        ({"callbacks": early_stopping(3)}, "callbacks: expected a Sequence, got the function"),
        ({"metrics": {"mae": jaxrnn.metrics.mean_absolute_error}}, "metrics.mae: expected what jaxrnn.metrics.mean"),
        ({"metrics": {"all": lambda ys, batch: ys}}, "metrics.all: expected one number, got an array of shape"),
        ({"metrics": {"one": lambda ys: ys}}, "metrics.one: "),
        ({"probes": {"gates": gates.probe}}, "probes.gates: expected a Probe, got the function jaxrnn.studies.gates"),
        ({"probes": {"gates": gates.probe()}}, "probes: they write into a run folder; give folder="),
        ({"regularizer": flossing}, "regularizer: expected what jaxrnn.training.regularizers.flossing returns"),
        ({"regularizer": lambda net: 0}, "regularizer: "),
        ({"unroll": truncated.unroll}, "unroll: expected what jaxrnn.unroll.truncated.unroll returns"),
        ({"unroll": truncated}, "got the module jaxrnn.unroll.truncated; call jaxrnn.unroll.truncated.unroll"),
        ({"optimizer": optax.adam, "learning_rate": None}, "optimizer: expected a GradientTransformation, got"),
        ({"precision": "float64"}, "precision=float64: should be 'f32', 'bf16' or 'f64'; nearest: f64"),
        ({"steps": -4}, "steps=-4: should be greater than 0"),
        ({"clip_norm": -1}, "clip_norm=-1: should be greater than 0"),
        ({"batch_size": 100}, "batch_size=100 is larger than the data"),
    ],
)  # fmt: skip
def test_what_fit_refuses(options, said, tmp_path):
    with pytest.raises(ConfigError, match=re.escape(said)) as error:
        fit(NET, SINE, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("net", "dataset", "said"),
    [
        (elman.cell(2), SINE, "net: expected a Net or an Experiment, got a Cell; jaxrnn.rnn(cell, output_size)"),
        ([NET, NET], SINE, "net: expected a Net or an Experiment, got a list; jaxrnn.nets.serial(*nets)"),
        (NET, sine, "dataset: expected a Dataset, got the module jaxrnn.data.sine; call jaxrnn.data.sine.dataset(...)"),
        (NET, sine.dataset, "dataset: expected a Dataset, got the function jaxrnn.data.sine.dataset; call"),
        (NET, np.zeros(9), "dataset: expected a Dataset, got an array; jaxrnn.data.series.dataset(values) makes one"),
        (NET, jnp.zeros(9), "dataset: expected a Dataset, got an array"),
    ],
)  # fmt: skip
def test_things_of_the_wrong_kind(net, dataset, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        fit(net, dataset)


@pytest.mark.parametrize("result", [True, 3, lambda progress: None])
def test_a_callback_that_returns_no_text_is_refused_by_name(result):
    def stop(progress):
        return result

    with pytest.raises(ConfigError, match=r"callbacks: .*stop returned .*, expected None to continue or a string"):
        fit(NET, SINE, callbacks=[stop])


def test_an_experiment_has_its_settings():
    experiment = jaxrnn.experiment("model=elman", "model.cell.size=2", "data.points=6", "trainer.steps=2")
    with pytest.raises(ConfigError, match="learning_rate: the experiment already sets it"):
        jaxrnn.fit(experiment, learning_rate=1e-3)


def test_load_holds_the_net_to_the_data_too(tmp_path):
    fit(NET, SINE, folder=tmp_path / "run")
    with pytest.raises(ConfigError, match="its outputs are 2 wide"):
        jaxrnn.load(tmp_path / "run", jaxrnn.rnn(elman.cell(2), 2), SINE)
    fit(NET._replace(causal=True), SINE, folder=tmp_path / "changed")  # no factory of the package makes this net
    with pytest.raises(ConfigError, match="contains a run that was trained from Python objects; call"):
        jaxrnn.load(tmp_path / "changed")


def test_clipping_comes_before_the_optimizer_that_is_given():
    one = fit(NET, SINE, optimizer=optax.sgd(0.1), learning_rate=None, clip_norm=1e-3)
    two = fit(NET, SINE, optimizer=optimizers.optimizer(optax.identity(), 0.1, 1e-3), learning_rate=None)
    without = fit(NET, SINE, optimizer=optax.sgd(0.1), learning_rate=None)
    np.testing.assert_array_equal(one.history["loss"], two.history["loss"])
    assert one.history.where(split="train")["clipped"].min() == 1
    assert not np.array_equal(one.history["loss"], without.history["loss"])
    with pytest.raises(ConfigError, match="clip_norm: this optimizer has its own setting"):
        fit(NET, SINE, optimizer=optimizers.optimizer(optax.identity(), 0.1), learning_rate=None, clip_norm=1.0)


def test_the_data_sets_of_the_package_fit_the_usual_net():
    for dataset in (adding.dataset(22), digits.dataset()):
        fits(jaxrnn.rnn(elman.cell(2), dataset.output_size), dataset)


@pytest.mark.parametrize("name", ["loss", "baseline", "grad_norm", "solved"])
def test_a_metric_takes_no_name_of_a_number_that_is_reported_anyway(name):
    with pytest.raises(ConfigError, match=rf"^metrics\.{name}: jaxrnn reports a number of this name itself"):
        fit(jaxrnn.rnn(elman.cell(2), 1), SINE, metrics={name: lambda ys, batch: ys.sum()})
