"""An answer that holds a symbol of no training answer stays in its part and is wrong."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import losses
from jaxrnn.data import pairs
from jaxrnn.metrics import accuracy, exact_match
from jaxrnn.types import Batch


@pytest.fixture
def dataset(tmp_path):
    """60 sources; every third answer has a word of its own."""
    path = tmp_path / "mine.txt"
    path.write_text("".join(f"say {n}\tyes {f'w{n}' if n % 3 == 0 else 'again'} sir\n" for n in range(60)))
    return pairs.dataset(str(path), target="words")


def perfect(batch, size):
    """Logits whose largest one is the true symbol."""
    return 50.0 * jnp.asarray(np.eye(size)[np.maximum(np.asarray(batch.targets[..., 0]), 0)])


@pytest.mark.costly
def test_they_stay_and_count_as_wrong(dataset):
    for name, batch in dataset.splits.items():
        targets = np.asarray(batch.targets[..., 0])
        unknown = (targets < 0).any(axis=0)
        assert targets.shape[1] == 6  # 10 % of 60, none left out
        ys = perfect(batch, dataset.output_size)
        assert float(dataset.metrics["exact_match"](ys, batch)) == pytest.approx(1 - unknown.mean())
        answered = int((~unknown).sum()) * 4 + int(unknown.sum()) * 3
        assert float(dataset.metrics["accuracy"](ys, batch)) == pytest.approx(answered / (4 * 6))
        total, weight = losses.weighted_sum(dataset.loss, ys, batch.targets, batch.weights)
        assert float(total / weight) < 1e-6  # what cannot be said does not count in the loss
        assert int(weight) == answered
        assert (np.asarray(batch.xs.targets) >= 0).all()  # what the decoder reads
        assert np.asarray(batch.xs.mask).sum() == 4 * 6
        shown = dataset.symbols.describe(batch, np.zeros_like(targets))
        assert sum("\ufffd" in row["target"] for row in shown) == unknown.sum() > 0
        assert any(f"{unknown.sum()} of 6 answers of {name} " in note for note in dataset.notes)
    assert (np.asarray(dataset.train.arrays.targets) >= 0).all()


def test_answers_that_are_all_different_are_read(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("".join(f"say {n}\tw{n}\n" for n in range(60)))
    dataset = pairs.dataset(str(path), target="words")
    for batch in dataset.splits.values():
        assert float(dataset.metrics["exact_match"](perfect(batch, dataset.output_size), batch)) == 0
        for predict in dataset.baselines.values():
            assert np.isfinite(float(dataset.loss(predict(batch), jnp.maximum(batch.targets, 0)).sum()))


def test_a_file_without_unknown_answers_says_nothing(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("".join(f"say {n}\tyes\n" for n in range(60)))
    assert pairs.dataset(str(path), target="words").notes == ()


def test_metrics_of_a_symbol_that_cannot_be_said():
    targets = jnp.asarray([[1, 0], [-1, 1]])[..., None]
    batch = Batch(None, targets, jnp.asarray([[1.0, 1.0], [0.0, 1.0]]), None)
    ys = 9.0 * jnp.asarray(np.eye(2)[[[1, 0], [0, 1]]])
    assert float(accuracy()(ys, batch)) == 0.75
    assert float(exact_match()(ys, batch)) == 0.5
