"""Formats of libraries that do not exist: every order of gates, sign, offset and split of the arrays is read back."""

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn.interop._stack import KINDS
from jaxrnn.interop._weights import Format, arrays_of, params_of

D, H = 3, 4
RNG = np.random.default_rng(0)
NAMES = ("kernel", "recurrent", "bias", "second")
OPTIONS = {
    "plain": {},
    "negated": {"negated": "first"},
    "candidate": {"candidate_only": True},
    "split": {"w_x": "x{gate}", "w_h": "h{gate}", "b_x": "b{gate}"},
    "joined": {"w_h": "kernel"},
}


def drawn(kind):
    cell = KINDS[kind].cell(H)
    return jax.tree.map(lambda a: jnp.asarray(RNG.normal(size=a.shape)), cell.init(jax.random.key(0), D))


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_a_cell_are_read_back(kind, option):
    params, gates = drawn(kind), KINDS[kind].gates
    for order in permutations(gates):
        fields = OPTIONS[option] | ({"negated": order[0]} if option == "negated" else {})
        layout = Format(kind, ("Cell",), *NAMES, gates="".join(order))._replace(**fields)
        layout = layout._replace(forget_bias=1.0 if "f" in gates else 0.0)
        arrays = arrays_of(layout, params)
        read = params_of(layout, arrays)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-14), read, params)
        assert jax.tree.structure(read) == jax.tree.structure(params)


@pytest.mark.parametrize("kind", KINDS)
def test_the_columns_of_a_gate_are_where_the_format_says(kind):
    params, gates = drawn(kind), KINDS[kind].gates
    order = gates[::-1]
    layout = Format(kind, ("Cell",), *NAMES, gates=order, negated=gates[0])
    arrays = arrays_of(layout, params)
    for gate in gates:
        sign = -1 if gate == gates[0] else 1
        theirs, ours = (slice(n * H, (n + 1) * H) for n in (order.index(gate), gates.index(gate)))
        np.testing.assert_array_equal(arrays["kernel"][:, theirs], sign * params.w_x[:, ours])
        np.testing.assert_array_equal(arrays["recurrent"][:, theirs], sign * params.w_h[:, ours])
        np.testing.assert_array_equal(arrays["bias"][theirs], sign * params.b[ours])
