"""A cell or an unroll of one's own that breaks its contract is refused in one line, before anything compiles."""

import re

import jax.numpy as jnp
import pytest

import jaxrnn
from jaxrnn import nets
from jaxrnn.cells import elman, lstm
from jaxrnn.data import adding, sine
from jaxrnn.errors import ConfigError
from jaxrnn.training import Task, Trainer, compatibility

SINE = sine.dataset(points=6)


def new_h(params, carry, u):
    return jnp.tanh(u + carry.h @ params.w_h)


def with_step(step):
    return elman.cell(3)._replace(step=step)


def bare_carry():
    return with_step(lambda params, carry, u: (new_h(params, carry, u),) * 2)


def wide_carry():
    return with_step(lambda params, carry, u: (elman.ElmanCarry(jnp.zeros((*u.shape[:-1], 6))), carry.h))


def another_carry():
    return with_step(lambda params, carry, u: (lstm.LSTMCarry(carry.h, carry.h), carry.h))


def only_carry():
    return with_step(lambda params, carry, u: elman.ElmanCarry(new_h(params, carry, u)))


def wide_output():
    return with_step(lambda params, carry, u: (carry, jnp.zeros((*u.shape[:-1], 6))))


def misspelt():
    return with_step(lambda params, carry, u: (carry, u + carry.h @ params.w_hh))


def counting():
    """The carry starts as integers, and the step returns floats, which an unroll would truncate."""
    start = elman.ElmanCarry(jnp.zeros((1, 3), int))
    return elman.cell(3)._replace(step=with_step(lambda params, carry, u: (elman.ElmanCarry(u), u)).step,
                                  initial=lambda params, batch_shape: start)  # fmt: skip


REFUSALS = {
    bare_carry: "step must return a carry like that of initial: expected ElmanCarry of h, found an array",
    wide_carry: "step must return a carry like that of initial: h: expected float64[1, 3], found float64[1, 6]",
    another_carry: "expected ElmanCarry of h, found LSTMCarry of c, h",
    only_carry: "step must return (carry, h), found ElmanCarry of h",
    wide_output: "step must return h of shape (1, 3), [batch, cell.size], found (1, 6)",
    misspelt: "AttributeError: 'ElmanParams' object has no attribute 'w_hh'",
    counting: "h: expected int64[1, 3], found float64[1, 3]",
}


def check(net, dataset=SINE, precision="f64"):
    compatibility.check(Task(net, dataset, None, Trainer(1, 1, 1, precision)))


@pytest.mark.parametrize("cell", REFUSALS, ids=lambda cell: cell.__name__)
@pytest.mark.parametrize("stacked", [False, True])
def test_a_cell_that_breaks_its_contract(cell, stacked):
    net = jaxrnn.rnn(cell(), 1)
    net = nets.serial(jaxrnn.rnn(lstm.cell(2), 2), net) if stacked else net
    with pytest.raises(ConfigError, match=re.escape(REFUSALS[cell])) as error:
        check(net)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"cell {__name__}.")


def test_the_line_of_a_failing_step_is_named():
    with pytest.raises(ConfigError, match=rf"line \d+ of {re.escape(__file__)}: AttributeError"):
        check(jaxrnn.rnn(misspelt(), 1))


@pytest.mark.parametrize("precision", ["f32", "bf16", "f64"])
def test_floats_of_another_width_are_converted(precision):
    narrow = with_step(lambda p, carry, u: (elman.ElmanCarry(new_h(p, carry, u).astype(jnp.float16)), carry.h))
    check(jaxrnn.rnn(narrow, 1), precision=precision)


def without_reset():
    return lambda cell, params, carry, xs, mask=None, reverse=False: (carry, xs)


def misspelt_unroll(cell, params, carry, xs, **options):
    return carry, jnp.nothing(xs)


def one_step_less(cell, params, carry, xs, **options):
    return carry, jnp.zeros((len(xs) - 1, *xs.shape[1:-1], cell.size))


@pytest.mark.parametrize(
    ("unroll", "said"),
    [
        (without_reset(), "unexpected keyword argument 'reset'; an unroll takes (cell, params, carry, xs, *, mask,"),
        (lambda *args, **options: args[3], "unroll: "),
        (misspelt_unroll, "unroll: AttributeError: module 'jax.numpy' has no attribute 'nothing'"),
        (one_step_less, "unroll: its outputs have the shape (1, 1, 1), expected (2, 1, 1); an unroll takes"),
    ],
)
def test_an_unroll_that_breaks_its_contract_is_named(unroll, said):
    with pytest.raises(ConfigError, match=re.escape(said)) as error:
        check(jaxrnn.rnn(elman.cell(2), 1).with_unroll(unroll))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (lambda ys, batch: None, "metrics.mine: expected one number, got a NoneType"),
        (lambda ys, batch: ys, "metrics.mine: expected one number, got an array of shape"),
        (lambda ys, batch: batch.target, "metrics.mine: AttributeError: 'Batch' object has no attribute 'target'"),
    ],
)
def test_a_metric_that_gives_no_number_is_named(metric, said):
    with pytest.raises(ConfigError, match="^" + re.escape(said)):
        jaxrnn.fit(jaxrnn.rnn(elman.cell(2), 1), SINE, steps=2, batch_size=1, learning_rate=1e-2,
                   metrics={"mine": metric})  # fmt: skip


def test_a_net_that_fails_is_named():
    net = jaxrnn.rnn(elman.cell(2), 1)
    with pytest.raises(ConfigError, match=r"^net: "):
        check(net._replace(apply=lambda *args, **options: None), adding.dataset(length=22))
