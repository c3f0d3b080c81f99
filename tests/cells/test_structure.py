"""What unrolls ask about a cell: the structure of its step, its recurrent weights and their dropout."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn.cells import elman, gru, lru, lstm
from jaxrnn.cells.dropout import drop_recurrent
from jaxrnn.cells.step import dot, has_dropout, split_dropout
from jaxrnn.cells.structure import linear_step, step_with_product
from jaxrnn.cells.transforms import clipped, learned
from jaxrnn.recurrent_weights import map_recurrent, recurrent_weights
from jaxrnn.unroll.cell_derivatives import with_written_derivative


def test_a_cell_has_one_structure_and_a_wrapped_cell_does_not_inherit_it():
    for cell in (lstm.cell(3), gru.cell(3), elman.cell(3)):
        assert step_with_product(cell) is cell.step
        assert linear_step(cell) is None
        assert step_with_product(learned(cell)) is None
        assert step_with_product(clipped(cell, 1.0)) is None
    assert step_with_product(gru.cell(3, reset="before")) is None  # two products
    assert step_with_product(lru.cell(3)) is None
    assert linear_step(lru.cell(3)) is not None
    assert linear_step(learned(lru.cell(3))) is None


def test_a_hand_written_derivative_keeps_the_name_of_the_equations():
    assert step_with_product(with_written_derivative(lstm.cell(3))).equations == "lstm"
    assert step_with_product(with_written_derivative(with_written_derivative(gru.cell(3)))).equations == "gru"


def test_dropped_weights_are_found_and_split():
    params = lstm.cell(3).init(jax.random.key(0), 2)
    dropped = drop_recurrent(params, jax.random.split(jax.random.key(1), 4), 0.5)
    assert not has_dropout(params)
    assert has_dropout(dropped)
    w, keep = split_dropout(dropped.w_h)
    np.testing.assert_array_equal(w, params.w_h)
    assert set(np.unique(keep)) == {0.0, 2.0}
    h = jax.random.normal(jax.random.key(2), (4, 3))
    np.testing.assert_allclose(dot(h, dropped.w_h), (h * keep) @ w, rtol=1e-14)
    assert split_dropout(params.w_h)[1] is None


def test_recurrent_weights_are_the_leaves_named_w_h():
    params = (lstm.cell(3).init(jax.random.key(0), 2), {"w_h": jnp.ones(1)}, gru.cell(2).init(jax.random.key(1), 3))
    assert [w.shape for w in recurrent_weights(params)] == [(3, 12), (2, 6)]  # a dict key is no name of a field
    silent = map_recurrent(jnp.zeros_like, params)
    assert not any(map(jnp.any, recurrent_weights(silent)))
    np.testing.assert_array_equal(silent[0].w_x, params[0].w_x)
    only = map_recurrent(lambda w: w, params, other=jnp.zeros_like)
    np.testing.assert_array_equal(only[2].w_h, params[2].w_h)
    assert not jnp.any(only[2].w_x)
    with pytest.raises(ValueError, match="no recurrent weights"):
        map_recurrent(jnp.zeros_like, {"w": jnp.ones(2)})
