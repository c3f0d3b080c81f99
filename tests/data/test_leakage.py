"""Nothing of what validates or tests is in the training part, whatever the file repeats."""

import numpy as np
import pytest

from jaxrnn.data import _splits, csv, labels, pairs, series, tagging

TEXTS = [f"{first} {second} x{first}{number}" for number, (first, second) in enumerate(
    (first, second) for first in ("red", "green", "blue", "grey", "pink") for second in "abcdefgh")]  # fmt: skip


def repeats(texts):
    """Each text one to four times, in a drawn order."""
    rng = np.random.default_rng(0)
    return rng.permutation([text for number, text in enumerate(texts) for _ in range(1 + number % 4)]).tolist()


def labelled(texts, rng):
    return "text,label\n" + "".join(f"{text},{rng.choice(['ham', 'spam'])}\n" for text in texts)


def blank(text):
    """Words read without their blanks."""
    return text.replace(" ", "  ")


FILES = {
    "labels by letters": (lambda rng: labelled(repeats(TEXTS), rng), labels.dataset, {}),
    "labels by words": (
        lambda rng: labelled([*repeats(TEXTS), *map(blank, TEXTS)], rng),
        labels.dataset,
        {"by": "words"},
    ),
    "labels of texts that are cut": (
        lambda rng: labelled([f"{text} {n} tail" for n, text in enumerate(repeats(TEXTS))], rng),
        labels.dataset,
        {"by": "words", "longest": 3},
    ),
    "pairs by letters": (
        lambda rng: "".join(f"{text}\t{rng.choice(list('abc'))}\n" for text in repeats(TEXTS)),
        pairs.dataset,
        {},
    ),
    "pairs by words": (
        lambda rng: "".join(f"{text}\t{rng.choice(list('abc'))}\n" for text in [*repeats(TEXTS), *map(blank, TEXTS)]),
        pairs.dataset,
        {"source": "words"},
    ),
    "tagging": (
        lambda rng: "\n".join(
            "".join(f"{word}\t{rng.choice(list('abc'))}\n" for word in text.split())
            for text in [*repeats(TEXTS), *(text.upper() for text in TEXTS)]
        ),
        tagging.dataset,
        {"fewest": 1},
    ),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.sample(1, 2)
def test_what_is_read_twice_is_in_one_part(tmp_path, name):
    content, make, options = FILES[name]
    path = tmp_path / "mine.txt"
    path.write_text(content(np.random.default_rng(1)))
    dataset = make(str(path), **options)

    def read(xs, lengths):
        found = [tuple(x[:length, 0].tolist()) for x, length in zip(np.asarray(xs), lengths, strict=True)]
        unknown = {n for n, symbol in enumerate(dataset.symbols.inputs.names) if symbol == "\ufffd"}
        return {each for each in found if not unknown & set(each)}

    train = read(dataset.train.arrays.xs, np.asarray(dataset.train.arrays.lengths))
    assert len(train) > 20
    for batch in dataset.splits.values():
        xs = getattr(batch.xs, "source", batch.xs)
        held = read(np.moveaxis(np.asarray(xs), 0, 1), np.asarray(batch.mask).sum(axis=0))
        assert not held & train
        assert len(batch.fresh) >= 4


def test_random_labels_of_repeated_texts_are_guessed_at_chance(tmp_path):
    rng, path = np.random.default_rng(3), tmp_path / "mine.csv"
    texts = ["".join(rng.choice(list("abcdefgh"), 12)) for _ in range(400)]
    sides = rng.choice(["left", "right"], len(texts))
    rows = [f"{text},{side}" for text, side in zip(texts, sides, strict=True)] * 4
    path.write_text("text,label\n" + "\n".join(rng.permutation(rows)))
    dataset = labels.dataset(str(path))
    batch = dataset.splits["test"]
    for predict in dataset.baselines.values():  # 40 different texts: five standard deviations are 0.4
        assert abs(float(dataset.metrics["accuracy"](predict(batch), batch)) - 0.5) < 0.4


def test_each_label_has_its_share_of_each_part(tmp_path):
    sizes = {"often": 150, "sometimes": 40, "rarely": 10, "twice": 2, "once": 1}
    keys = [f"{label} {n}" for label, size in sizes.items() for n in range(size)] * 2
    of = [key.split()[0] for key in keys]
    for seed in range(5):
        parts = _splits.split_groups(keys, of, seed)
        assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(keys)))
        held = {name: {keys[row] for row in rows} for name, rows in parts.items()}
        assert len(held["validation"]) == len(held["test"]) == 20
        for part in ("validation", "test"):
            counts = {label: sum(key.startswith(label) for key in held[part]) for label in sizes}
            assert (counts["often"], counts["sometimes"], counts["rarely"]) == (15, 4, 1)
    path = tmp_path / "mine.csv"
    path.write_text("text,label\n" + "".join(f"{key},{label}\n" for key, label in zip(keys, of, strict=True)))
    notes = labels.dataset(str(path)).notes
    assert any("lacks 'once'" in note and "test" in note for note in notes)
    assert not any("often" in note for note in notes)
    assert len(notes) == 1


def test_columns_that_give_the_answer_away_are_refused(tmp_path):
    path = tmp_path / "mine.csv"
    rng = np.random.default_rng(0)
    path.write_text("value,other,same\n" + "".join(f"{v},{rng.normal()},{v}\n" for v in rng.normal(size=200)))
    message = (
        r"data\.future_covariates=value: this is the column to forecast \(data\.column\), so it is not known in advance"
    )
    with pytest.raises(ValueError, match=message):
        csv.dataset(str(path), "value", future_covariates=("other", "value"))
    with pytest.raises(ValueError, match=r"data\.future_covariates=0: this is the column to forecast"):
        csv.dataset(str(path), "value", future_covariates=(0,))
    with pytest.raises(ValueError, match=r"data\.past_covariates=value: this is the column to forecast"):
        csv.dataset(str(path), ("other", "value"), past_covariates="value")
    with pytest.raises(
        ValueError, match=r"data\.future_covariates=other: data\.past_covariates names this column too; leave one out"
    ):
        csv.dataset(str(path), "value", past_covariates="other", future_covariates="other")
    with pytest.raises(ValueError, match=r"data\.column=value: this column is named twice; leave one out"):
        csv.dataset(str(path), ("value", "value"))
    with pytest.raises(ValueError, match=r"future_covariates: column 1 equals the values to forecast"):
        csv.dataset(str(path), "value", future_covariates="same")
    values = rng.normal(size=(100, 2))
    with pytest.raises(ValueError, match=r"future_covariates: column 2 equals the values to forecast \(value 1\)"):
        series.dataset(values, future_covariates=np.stack([rng.normal(size=100), values[:, 0]], axis=1))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("altered", ["values", "past_covariates", "future_covariates"])
def test_training_sees_nothing_of_what_comes_later(altered, log):
    """Whatever validates and tests, training reads and is asked for the same, scaled by the training part."""
    rng = np.random.default_rng(0)
    arrays = {name: np.exp(rng.normal(size=(100, 2))) for name in ("values", "past_covariates", "future_covariates")}
    later = arrays | {altered: np.concatenate([arrays[altered][:70], 100 * arrays[altered][70:] ** 2])}
    one, other = (series.dataset(**each, window=8, lags=2, log=log, anchor="linear") for each in (arrays, later))
    last = 70 - 1 - 1  # the step before last is the last one whose target and what is known of it train
    for before, after in zip(one.train.arrays, other.train.arrays, strict=True):
        np.testing.assert_array_equal(before[:last], after[:last])
    assert not np.array_equal(one.train.arrays[0][last + 2 :], other.train.arrays[0][last + 2 :])
    assert one.series.naive_error.tolist() == other.series.naive_error.tolist()
    xs = one.train.arrays[0][:last, None]
    np.testing.assert_array_equal(one.series.anchor(xs), other.series.anchor(xs))
    for name in ("values", "past_covariates", "future_covariates"):
        seen = getattr(one.series, name)[:70]
        np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(seen.std(axis=0), 1, rtol=1e-9)
