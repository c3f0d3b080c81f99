"""The long-lag tasks against their published definitions and the closed forms of their trivial losses."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn.data import adding, copy_memory, flip_flop, multiplication, reber, temporal_order
from jaxrnn.losses import weighted_sum


def drawn(dataset, sequences=20000, seed=0):
    items = dataset.train.plan(jax.random.key(seed), jnp.arange(1), sequences)
    return jax.jit(dataset.train.batch)(dataset.train.arrays, items[0])


def trivial_loss(dataset, batch):
    total, weight = weighted_sum(dataset.loss, dataset.trivial(batch), batch.targets, batch.weights)
    return float(total / weight)


FIRST = 1 / 10 + 9 / 10 / 48  # chance that the first pair is marked, T = 100
TASKS = {
    "adding": (adding.dataset, 1 / 24 - FIRST / 48, 0.03),
    "adding-2015": (partial(adding.dataset, form="le2015"), 1 / 6, 0.03),
    "multiplication": (multiplication.dataset, 7 / 144 * (1 - FIRST) + FIRST * 7 / 48, 0.03),
    "order-2": (temporal_order.dataset, np.log(4), 1e-6),
    "order-3": (partial(temporal_order.dataset, symbols=3), np.log(8), 1e-6),
    "copy": (copy_memory.dataset, 10 * np.log(8) / 120, 1e-6),
    "copy-1000": (partial(copy_memory.dataset, 1000), 0.02039, 1e-3),
    "reber": (reber.dataset, np.log(7), 1e-6),
    "flip_flop": (flip_flop.dataset, 1.0, 1e-6),
}


FIRST = ("adding",)
SLOW = (pytest.mark.slow, pytest.mark.share(3))


@pytest.mark.costly
@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in FIRST else SLOW) for n in TASKS])
def test_trivial_loss_is_the_closed_form(name):
    make, expected, tolerance = TASKS[name]
    dataset = make()
    assert trivial_loss(dataset, drawn(dataset, 200 if "1000" in name else 20000)) == pytest.approx(
        expected, rel=tolerance
    )


def test_adding_as_published():
    batch = jax.device_get(drawn(adding.dataset(100), 3000))
    values, markers = np.moveaxis(np.asarray(batch.xs), -1, 0)
    ends = np.asarray(batch.mask).sum(0) - 1
    assert set(ends + 1) == set(range(100, 111))
    fewest, most = adding.dataset(100).memory.lags
    for row in range(100):
        marks = np.flatnonzero(markers[:, row] == 1)
        assert len(marks) == 2
        assert marks.min() < 10
        assert marks.max() < 49
        assert batch.targets[ends[row], row, 0] == pytest.approx(0.5 + values[marks, row].sum() / 4)
        assert markers[ends[row], row] == -1
        assert fewest <= ends[row] - marks.max()
        assert ends[row] - marks.min() <= most
        assert markers[0, row] == (1 if 0 in marks else -1)
        np.testing.assert_array_equal(np.flatnonzero(batch.weights[:, row]), [ends[row]])
    firsts = values[0, markers[0] == 1]
    assert len(firsts) > 0
    np.testing.assert_array_equal(firsts, 0)
    assert values.min() < -0.99
    assert values.max() > 0.99


def test_right_and_wrong_in_adding():
    dataset = adding.dataset()
    batch = drawn(dataset, 50)
    assert dataset.memory.solved(batch.targets + 0.039, batch).all()
    assert not dataset.memory.solved(batch.targets + 0.041, batch).any()
    elsewhere = jnp.where(batch.weights[..., None] > 0, batch.targets, 9.0)
    assert dataset.memory.solved(elsewhere, batch).all()


def test_temporal_order_as_published():
    batch = jax.device_get(drawn(temporal_order.dataset(100, symbols=3), 300))
    symbols = np.asarray(batch.xs.argmax(-1))
    for row in range(300):
        end = int(np.asarray(batch.mask[:, row]).sum()) - 1
        assert symbols[0, row] == temporal_order.E
        assert symbols[end, row] == temporal_order.B
        (at,) = np.nonzero((symbols[:end, row] == temporal_order.X) | (symbols[:end, row] == temporal_order.X + 1))
        assert [low <= place <= high for place, (low, high) in zip(at, temporal_order.RANGES[3], strict=True)] == [
            True
        ] * 3
        assert int(batch.targets[end, row, 0]) == sum(
            int(symbols[place, row] - temporal_order.X) << number for number, place in enumerate(at)
        )


def test_copy_memory_returns_the_symbols():
    batch = drawn(copy_memory.dataset(20, copied=5), 50)
    inputs, targets = np.asarray(batch.xs.argmax(-1)), np.asarray(batch.targets[..., 0])
    assert inputs.shape == (30, 50)
    np.testing.assert_array_equal(inputs[:5], targets[-5:])
    assert (inputs[:5] >= 2).all()
    assert (inputs[24] == copy_memory.DELIMITER).all()
    assert (targets[:-5] == copy_memory.BLANK).all()
    perfect = jax.nn.one_hot(targets, 10)
    dataset = copy_memory.dataset(20, copied=5)
    assert dataset.memory.solved(perfect, batch).all()
    assert not dataset.memory.solved(jnp.roll(perfect, 1, axis=0), batch).any()


def walks(string):
    """An automaton written down a second time, from the picture in Reber's paper: does it accept the inner string?"""
    state, ways = (
        0,
        [{"T": 1, "P": 2}, {"S": 1, "X": 3}, {"T": 2, "V": 4}, {"X": 2, "S": 5}, {"P": 3, "V": 5}, {"E": 6}],
    )
    for symbol in string:
        if state == 6 or symbol not in ways[state]:
            return False
        state = ways[state][symbol]
    return state == 6


def test_reber_strings_are_accepted_and_their_continuations_legal():
    dataset = reber.dataset()
    batch = jax.device_get(drawn(dataset, 400))
    lengths = set()
    for row in range(400):
        steps = int(np.asarray(batch.mask[:, row]).sum())
        string = "".join(reber.SYMBOLS[k] for k in np.asarray(batch.xs[:steps, row].argmax(-1)))
        string += reber.SYMBOLS[int(batch.targets[steps - 1, row, 0])]
        lengths.add(len(string))
        assert string[0] == "B"
        assert string[2] == "B"
        assert string[1] == string[-2]
        assert string[-1] == "E"
        assert walks(string[3:-2])
        legal = np.asarray(batch.targets[:steps, row, 1:])
        assert legal[np.arange(steps), [reber.SYMBOLS.index(s) for s in string[1:]]].all()
        np.testing.assert_array_equal(legal[0], [0, 1, 1, 0, 0, 0, 0])
        np.testing.assert_array_equal(legal[-2:].sum(1), 1)
    assert min(lengths) == 9
    assert max(lengths) > 20
    assert dataset.memory.solved(batch.targets[..., 1:], batch).all()
    assert not dataset.memory.solved(-batch.targets[..., 1:], batch).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: adding.dataset(10), "22 steps"),
        (lambda: reber.dataset(5), "8 steps"),
        (lambda: temporal_order.dataset(9), "20"),
    ],
)
def test_too_short_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_flip_flop_holds_the_last_pulse_of_each_channel():
    dataset = flip_flop.dataset(length=40, channels=2, pulses=0.2)
    batch = jax.device_get(drawn(dataset, 200))
    xs, targets = np.asarray(batch.xs), np.asarray(batch.targets)
    assert set(np.unique(xs)) == {-1, 0, 1}
    assert abs((xs[1:] != 0).mean() - 0.2) < 0.01
    for row in range(20):
        for channel in range(2):
            held = 0
            for t in range(40):
                held = xs[t, row, channel] or held
                assert targets[t, row, channel] == held
    assert dataset.memory.solved(batch.targets + 0.49, batch).all()
    assert not dataset.memory.solved(jnp.asarray(targets) + 0.51, batch).any()
