"""`run.predict` for new inputs: arrays in the source's units, DataFrames and texts, beside the outputs of the net."""

import csv

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import jaxrnn
from jaxrnn.cells import elman
from jaxrnn.data import _assets, adding, labelled_series, labels, pairs, series, vowels
from jaxrnn.data import csv as tables
from jaxrnn.errors import ConfigError

VALUES = 50 + 8 * np.sin(np.arange(200) / 5)


def quick(net, dataset):
    return jaxrnn.fit(net, dataset, steps=1, batch_size=2, learning_rate=1e-2)


@pytest.fixture(scope="module")
def level():
    return quick(jaxrnn.rnn(elman.cell(3), 1), series.dataset(VALUES, labels=("level",), window=8))


def by_hand(run, values):
    """The value after each step of a series [T], in the source's units, from the net itself."""
    scale = run.dataset.series
    xs = jnp.asarray((values - scale.mean) / scale.std)[:, None, None]
    ys = run.net.apply(run.params, run.net.initial(run.params, (1,)), xs)[1]
    return np.asarray(ys)[:, 0] * scale.std + scale.mean


@pytest.mark.costly
def test_a_series_in_the_units_of_its_source(level):
    expected = by_hand(level, VALUES[:20])
    np.testing.assert_allclose(level.predict(VALUES[:20]), expected, rtol=1e-6)
    np.testing.assert_allclose(level.predict(VALUES[:20, None]), expected, rtol=1e-6)
    both = level.predict(np.stack([VALUES[:20], VALUES[20:40]])[..., None])
    np.testing.assert_allclose(both, [expected, by_hand(level, VALUES[20:40])], rtol=1e-6)
    ragged = level.predict([VALUES[:20, None], VALUES[:9, None]])
    assert [len(prediction) for prediction in ragged] == [20, 9]
    np.testing.assert_allclose(ragged[1], expected[:9], rtol=1e-6)
    frame = pd.DataFrame({"other": 0.0, "level": VALUES[:20]})
    np.testing.assert_allclose(level.predict(frame), expected, rtol=1e-6)
    assert level.predict("test").shape[0] == 1  # the outputs of a split, as before


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((5, 2)), r"expected finite numbers \[T, 1\] or \[B, T, 1\], got shape \(5, 2\)"),
        ([[1.0], [np.nan]], "expected finite numbers"),
        (pd.DataFrame({"levle": VALUES}), "no column 'level'; the columns are levle"),
        ("tset", "the data set has no such split; it has validation, test"),
        (["a text"], r"has no texts; expected an array \[T, D\]"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(level, x, message):
    with pytest.raises(ConfigError, match=message):
        level.predict(x)


@pytest.mark.costly
def test_a_horizon_and_logarithms():
    run = quick(jaxrnn.rnn(elman.cell(3), 3), series.dataset(VALUES, window=8, horizon=3, log=True, target="last"))
    first = len(VALUES) - 30  # the test part begins here
    expected = run.dataset.series.in_source_units(np.asarray(run.predict("test"))[0, 0].reshape(3, 1))
    np.testing.assert_allclose(run.predict(VALUES[first - 8 : first]), expected, rtol=1e-5)
    with pytest.raises(ConfigError, match="every value must be above 0"):
        run.predict(-VALUES)


@pytest.mark.costly
def test_one_target_per_sequence_is_read_at_its_last_step():
    run = quick(jaxrnn.rnn(elman.cell(3), 1), adding.dataset(length=22))
    batch, ys = run.dataset.splits["test"], np.asarray(run.predict("test"))
    lengths = np.asarray(batch.mask).sum(axis=0)[:3]
    xs = [np.asarray(batch.xs)[:length, row] for row, length in enumerate(lengths)]
    expected = np.stack([ys[length - 1, row] for row, length in enumerate(lengths)])
    np.testing.assert_allclose(run.predict(xs), expected, rtol=1e-5)
    np.testing.assert_allclose(run.predict(xs[1]), expected[1], rtol=1e-5)


def written(path, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.mark.costly
def test_texts_get_labels(tmp_path):
    rows = [(f"{'good' if n % 2 else 'bad'} {n:03d}", ("no", "yes")[n % 2]) for n in range(40)]
    dataset = labels.dataset(written(tmp_path / "a.csv", [("text", "label"), *rows]))
    run = quick(jaxrnn.nets.symbol_rnn(elman.cell(3), 2, dataset.symbols.inputs.size), dataset)
    texts = ["good 1", "bad", "g"]
    assert run.predict(texts) == [run.predict(text) for text in texts]
    logits = np.asarray(run.predict("test"))
    weights = np.asarray(dataset.splits["test"].weights)
    shown = dataset.symbols.describe(dataset.splits["test"], logits.argmax(axis=-1))
    assert run.predict([row["input"] for row in shown]) == [row["prediction"] for row in shown]
    assert (weights.sum(axis=0) == 1).all()


def test_texts_get_answers(tmp_path):
    rows = [(f"a{n}", f"{n}b") for n in range(30)]
    (tmp_path / "pairs.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in rows))
    dataset = pairs.dataset(tmp_path / "pairs.tsv")
    net = jaxrnn.nets.seq2seq(
        elman.cell(3), dataset.output_size, vocabulary_size=dataset.symbols.inputs.size, answers="symbols"
    )
    run = quick(net, dataset)
    answers = run.predict(["a1", "a22"])
    assert answers == [run.predict("a1"), run.predict("a22")]
    from jaxrnn.training.symbol_inference import examples

    shown = examples(run, "test")
    assert run.predict([row["input"] for row in shown]) == [row["prediction"] for row in shown]


def test_a_series_of_several_is_predicted_in_its_own_scale(tmp_path):
    """The scales differ by a factor of 100; with the other one, or with none named, the values would be far off."""
    wave = np.sin(np.arange(120) / 3)
    lines = [f"{day},{store},{scale * (3 + value):.4f}" for store, scale in (("north", 1), ("south", 100))
             for day, value in enumerate(wave)]  # fmt: skip
    (tmp_path / "sales.csv").write_text("\n".join(["day,store,sales", *lines]) + "\n")
    data = tables.dataset(tmp_path / "sales.csv", "sales", time="day", series_by="store", window=8)
    run = jaxrnn.fit(jaxrnn.rnn(elman.cell(8), 1), data, steps=1, batch_size=4, learning_rate=1e-3)
    north, south = (run.predict(scale * (3 + wave), series=name) for name, scale in (("north", 1), ("south", 100)))
    np.testing.assert_allclose(south, 100 * north, rtol=1e-4)
    for ask in (run.predict, run.evaluate):
        with pytest.raises(ConfigError, match=r"several series, .*\(north, south\)"):
            ask(3 + wave)
    with pytest.raises(ConfigError, match="series=west: no such series; there are north, south"):
        run.predict(3 + wave, series="west")


def test_sequences_with_a_label_are_predicted_from_the_values_of_their_source(tmp_path):
    """What a data set scales itself, `predict` scales too: the labels are those of the scaled inputs."""
    rows = [[label, *(50 + 9 * label + number + np.arange(6))] for number, label in enumerate((0, 1) * 12)]
    (tmp_path / "Waves_TRAIN.tsv").write_text("\n".join("\t".join(map(str, row)) for row in rows) + "\n")
    with np.load(_assets.FOLDER / "vowels.npz") as file:
        first_utterance = file["test_values"][: file["test_lengths"][0]]
    for data, raw in (
        (vowels.dataset(), first_utterance),
        (labelled_series.dataset(tmp_path / "Waves_TRAIN.tsv", validation=0.25, test=0.25), None),
    ):
        split = data.splits["test"]
        length = len(split.xs) if split.mask is None else int(np.sum(split.mask[:, 0]))
        scaled = np.asarray(split.xs[:length, 0], float)
        raw = data.scales.inputs.unscaled(scaled) if raw is None else raw
        np.testing.assert_allclose(data.scales.inputs.scaled(raw), scaled, atol=1e-4)
        run = quick(jaxrnn.rnn(elman.cell(6), data.output_size), data)
        _, ys = run.net.apply(run.params, run.net.initial(run.params, (1,)), jnp.asarray(scaled)[:, None])
        assert run.predict(raw) == int(np.argmax(ys[-1, 0]))


HOURS = pd.date_range("2024-01-01", periods=150, freq="h", name="when")
SHOP = pd.DataFrame({"level": VALUES[:150], "rain": np.cos(np.arange(150.0)), "offer": np.arange(150) % 7 == 0})
SHOP["sky"] = np.where(np.arange(150) % 3, "sun", "fog")
SHOP.index = HOURS
SHOP.loc[HOURS[-2:], "level"] = np.nan  # two hours with future covariates only
PAST, FUTURE = ["rain"], ["offer", "sky"]


@pytest.fixture(scope="module")
def shop():
    settings = {"past_covariates": PAST, "future_covariates": FUTURE, "time": "when", "calendar": ("day",)}
    dataset = tables.dataset(SHOP, "level", **settings, horizon=2, window=8)
    return quick(jaxrnn.rnn(elman.cell(3), 2), dataset)


def test_covariates_and_the_calendar_are_those_of_training(shop):
    """The same table as in training: the net's own outputs over the inputs of the data set are the oracle."""
    series = shop.dataset.series
    xs = jnp.asarray(series.inputs())[:, None]
    ys = shop.net.apply(shop.params, shop.net.initial(shop.params, (1,)), xs)[1]
    expected = np.asarray(ys)[:, 0] * series.std + series.mean
    for x in (SHOP, SHOP.reset_index()):
        np.testing.assert_allclose(shop.predict(x)[..., 0], expected, rtol=1e-5)
    values = SHOP["level"].to_numpy()[:148]
    by_hand = shop.predict(values, past_covariates=SHOP[:148], future_covariates=SHOP, times=HOURS[:148])
    np.testing.assert_allclose(by_hand[..., 0], expected, rtol=1e-5)
    halves = [slice(0, 74), slice(74, 148)]
    both = shop.predict(
        np.stack([values[half] for half in halves])[..., None],
        past_covariates=[SHOP[half] for half in halves],
        future_covariates=[SHOP[0:76], SHOP[74:150]],
        times=[HOURS[half] for half in halves],
    )
    np.testing.assert_allclose(both[0, ..., 0], expected[:74], rtol=1e-5)
    assert shop.evaluate(SHOP)["mae"] > 0


@pytest.mark.parametrize(
    ("x", "covariates", "message"),
    [
        (SHOP.drop(columns="sky"), {}, "future_covariates: no column 'sky'; the columns are level, rain, offer"),
        (SHOP.assign(sky="snow"), {}, "column 'sky': no category 'snow'; there are fog, sun"),
        (SHOP[:50], {}, r"expected finite numbers \[52, 4\] \(one per step, and the horizon after the last\)"),
        (VALUES[:50], {}, "past_covariates: the network reads rain; pass 50 rows, or a DataFrame with these columns"),
        (VALUES[:50], {"past_covariates": SHOP[:50], "future_covariates": SHOP}, "times: the network reads the calend"),
    ],
    ids=["column", "category", "rows", "none", "times"],
)
def test_covariates_that_do_not_fit_are_refused(shop, x, covariates, message):
    with pytest.raises(ConfigError, match=message):
        shop.predict(x, **covariates)


def test_covariates_of_a_network_without_any_are_refused(level):
    with pytest.raises(ConfigError, match="past_covariates: this network reads none; leave it out"):
        level.predict(VALUES[:20], past_covariates=VALUES[:20])
