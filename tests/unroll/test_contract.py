"""Mask and reset contracts, truncated gradients and precision, against results computed in another way."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman, gru, jordan, lstm, min_gru, min_lstm, rg_lru
from jaxrnn.unroll import associative
from jaxrnn.unroll import deferred as deferred_module
from jaxrnn.unroll.chunked import unroll as chunked
from jaxrnn.unroll.deferred import deferred
from jaxrnn.unroll.loop import loop
from jaxrnn.unroll.newton import unroll as newton
from jaxrnn.unroll.scan import scan
from jaxrnn.unroll.truncated import unroll as truncated

T, D, H = 9, 2, 4
MAKERS = {
    "elman": lambda: elman.cell(H),
    "jordan": lambda: jordan.cell(H, 2),
    "lstm": lambda: lstm.cell(H),
    "gru": lambda: gru.cell(H),
}
UNROLLS = {
    "scan": scan,
    "chunked": chunked(4),
    "truncated": truncated(2, 100),
    "loop": loop,
    "deferred": deferred,
    "newton": newton(),
}


pytestmark = pytest.mark.sample(1, 3)  # one member of each family is plain


@pytest.fixture(params=["jordan", "lstm", "elman", "gru"])
def cell(request):
    return MAKERS[request.param]()


@pytest.fixture(params=["jordan", "lstm"])
def some(request):
    """Two representative cells: a carry that is an output, and a carry of two parts."""
    return MAKERS[request.param]()


def initialised(net_or_cell):
    return jax.jit(net_or_cell.init, static_argnums=1)(jax.random.key(0), D)


def scanned(cell):
    """The plain scan of a cell, compiled."""
    return jax.jit(partial(scan, cell), static_argnames="reverse")


def setup(cell, batch=(5,)):
    params = initialised(cell)
    xs = 1 + jax.random.normal(jax.random.key(1), (T, *batch, D))
    return params, cell.initial(params, batch), xs


def lengths_mask(lengths):
    return jnp.arange(T).reshape(T, *[1] * np.ndim(lengths)) < jnp.asarray(lengths)


@pytest.mark.costly
@pytest.mark.parametrize(
    ("name", "reverse"),
    [
        ("scan", True),
        ("deferred", False),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in (("scan", False), ("chunked", True), ("truncated", False), ("newton", True))
        ),
    ],
)
def test_padding_of_nan_is_as_if_it_were_not_there(some, name, reverse):
    """Right-padded sequences of lengths 9, 4, 1 and 0 have the outputs and gradients of separate sequences."""
    cell = some
    lengths = [9, 4, 1, 0]
    params, carry, xs = setup(cell, (4,))
    mask = lengths_mask(lengths)
    padded = jnp.where(mask[..., None], xs, jnp.nan)

    def loss(params, xs, carry):
        carry, ys = UNROLLS[name](cell, params, carry, xs, mask=mask, reverse=reverse)
        return jnp.sum(ys**2) + sum(jnp.sum(a**2) for a in jax.tree.leaves(carry)), (carry, ys)

    run = jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True))
    (total, (last, ys)), (of_params, of_xs, of_carry) = run(params, padded, carry)

    def alone(params, row, length):
        first = jax.tree.map(lambda a: a[row], carry)
        if length == 0:
            return sum(jnp.sum(a**2) for a in jax.tree.leaves(first)), (first, None)
        end, ys = loop(cell, params, first, xs[:length, row], reverse=reverse)
        return jnp.sum(ys**2) + sum(jnp.sum(a**2) for a in jax.tree.leaves(end)), (end, ys)

    alone = jax.jit(jax.value_and_grad(alone, has_aux=True), static_argnums=(1, 2))
    expected_total, expected_params = 0.0, jax.tree.map(jnp.zeros_like, params)
    for row, length in enumerate(lengths):
        (value, (end, row_ys)), grads = alone(params, row, length)
        expected_total += value
        expected_params = jax.tree.map(jnp.add, expected_params, grads)
        jax.tree.map(lambda a, b, row=row: np.testing.assert_allclose(a[row], b, rtol=1e-12), last, end)
        if length:
            np.testing.assert_allclose(ys[:length, row], row_ys, rtol=1e-12)
        assert not ys[length:, row].any()
        assert not of_xs[length:, row].any()
    np.testing.assert_allclose(total, expected_total, rtol=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12), of_params, expected_params)
    jax.tree.map(lambda a: np.testing.assert_array_equal(jnp.isfinite(a), True), (of_params, of_xs, of_carry))


def test_a_mask_in_mid_sequence_takes_steps_out(cell):
    params, carry, xs = setup(cell)
    keep = np.array([0, 1, 4, 5, 8])
    mask = jnp.zeros((T, 5), bool).at[keep].set(True)
    last, ys = scanned(cell)(params, carry, xs, mask=mask)
    short_last, short_ys = scanned(cell)(params, carry, xs[keep])
    np.testing.assert_allclose(ys[keep], short_ys, rtol=1e-13)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-13), last, short_last)
    assert not np.delete(ys, keep, axis=0).any()


def test_two_batch_axes_with_lengths(some):
    cell = some
    params, carry, xs = setup(cell, (2, 3))
    lengths = jnp.array([[9, 0, 3], [1, 7, 2]])
    last, ys = scanned(cell)(params, carry, xs, mask=lengths_mask(lengths))
    params, carry, xs = jax.device_get((params, carry, xs))
    run = scanned(cell)
    for index in np.ndindex(2, 3):
        length = int(lengths[index])
        if length == 0:
            assert not ys[(slice(None), *index)].any()
            continue
        end, row = run(params, jax.tree.map(lambda a, i=index: a[i], carry), xs[(slice(length), *index)])
        np.testing.assert_allclose(ys[(slice(length), *index)], row, rtol=1e-12)
        jax.tree.map(lambda a, b, i=index: np.testing.assert_allclose(a[i], b, rtol=1e-12), last, end)


@pytest.mark.parametrize("reverse", [False, True])
def test_segments_know_nothing_of_each_other(some, reverse):
    """Packed segments [0, 3), [3, 4), [4, 9) with resets have the outputs of separate segments, in both directions."""
    cell = some
    params, _, xs = setup(cell)
    carry = cell.initial(params, (5,))
    starts = [0, 3, 4, T]
    reset = jnp.zeros((T, 5), bool).at[jnp.array(starts[:-1])].set(True)
    run = scanned(cell)
    _, ys = run(params, carry, xs, reset=reset, reverse=reverse)
    for begin, end in itertools.pairwise(starts):
        _, alone = run(params, carry, xs[begin:end], reverse=reverse)
        np.testing.assert_allclose(ys[begin:end], alone, rtol=1e-13)


def test_resets_with_lengths_in_a_bidirectional_net(some):
    """Two segments, the second one padded, through both directions at once."""
    cell = some
    net = nets.bidirectional(nets.recurrent(cell), nets.recurrent(cell, reverse=True))
    params = initialised(net)
    xs = jax.random.normal(jax.random.key(1), (T, 2, D))
    reset = jnp.zeros((T, 2), bool).at[4].set(True)
    mask = lengths_mask([7, 9])
    carry = net.initial(params, (2,))
    apply = jax.jit(net.apply)
    _, ys = apply(params, carry, jnp.where(mask[..., None], xs, jnp.nan), mask=mask, reset=reset)
    first = apply(params, carry, xs[:4])[1]
    second = apply(params, jax.tree.map(lambda a: a[:1], carry), xs[4:7, :1])[1]
    np.testing.assert_allclose(ys[:4], first, rtol=1e-12)
    np.testing.assert_allclose(ys[4:7, :1], second, rtol=1e-12)
    assert not ys[7:, 0].any()


def test_a_reset_returns_to_a_learned_carry_and_trains_it():
    from jaxrnn.cells.transforms import learned

    cell = learned(lstm.cell(H))
    params = jax.tree.map(lambda a: a + 0.5, initialised(cell))
    xs = jax.random.normal(jax.random.key(1), (T, D))
    reset = jnp.zeros(T, bool).at[4].set(True)
    zero = jax.tree.map(jnp.zeros_like, cell.initial(params, ()))

    def loss(params):
        return jnp.sum(scan(cell, params, zero, xs, reset=reset)[1][4:])

    alone = scanned(cell)(params, cell.initial(params, ()), xs[4:])[1]
    value, gradient = jax.jit(jax.value_and_grad(loss))(params)
    np.testing.assert_allclose(value, np.sum(alone), rtol=1e-13)
    assert all(np.all(a != 0) for a in jax.tree.leaves(gradient.initial))


@pytest.mark.parametrize(
    ("k1", "k2", "reverse"),
    [
        (4, 4, True),
        (2, 5, False),
        *(pytest.param(*e, marks=pytest.mark.slow) for e in ((1, 1, False), (3, 4, False), (3, 4, True))),
    ],
)
def test_truncated_gradients_stop_where_they_should(some, k1, k2, reverse):
    """Against the definition: one loop per group of k1 losses, cut k2 steps before the end of the group."""
    cell = some
    params, carry, xs = setup(cell, (2,))
    mask = jax.random.bernoulli(jax.random.key(5), 0.8, (T, 2))

    def loss(params):
        _, ys = truncated(k1, k2)(cell, params, carry, xs, mask=mask, reverse=reverse)
        return jnp.sum(ys**2)

    order = np.arange(T)[::-1] if reverse else np.arange(T)

    def group_loss(params, first, end):
        def run(params, carry, times):
            return loop(cell, params, carry, xs[times], mask=mask[times])

        cut = max(end - k2, 0)
        start = carry if cut == 0 else run(jax.lax.stop_gradient(params), carry, order[:cut])[0]
        _, ys = run(params, start, order[cut:end])
        return jnp.sum(ys[first - cut :] ** 2)

    groups = [(first, min(first + k1, T)) for first in range(0, T, k1)]

    @jax.jit
    def gradients(params):
        return (
            jax.grad(loss)(params),
            jax.grad(lambda p: sum(group_loss(p, *group) for group in groups))(params),
            jax.grad(lambda p: jnp.sum(scan(cell, p, carry, xs, mask=mask, reverse=reverse)[1] ** 2))(params),
        )

    got, expected, full = gradients(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12), got, expected)
    assert not np.allclose(got.w_h, full.w_h, rtol=1e-6)


def test_truncated_refuses_losses_that_reach_no_weight():
    with pytest.raises(ValueError, match="give k1 or more"):
        truncated(4, 2)


@pytest.mark.parametrize("make", [lambda: lstm.cell(16), lambda: jordan.cell(64, 64)], ids=["lstm", "jordan"])
def test_deferred_keeps_little_for_the_way_back(make):
    """Memory of the gradient: no weight is kept at every step, and gradients of gates are kept for one block only."""
    cell, batch = make(), 8
    params = cell.init(jax.random.key(0), 1)
    xs = jnp.ones((1024, batch, 1))

    def memory(unroll):
        def loss(params):
            return jnp.sum(unroll(cell, params, cell.initial(params, (batch,)), xs)[1][-1])

        return jax.jit(jax.grad(loss)).lower(params).compile().memory_analysis().temp_size_in_bytes

    assert memory(deferred) < 1.3 * memory(scan)


@pytest.mark.parametrize("reverse", [False, True])
def test_deferred_may_project_before_the_loop(some, reverse, monkeypatch):
    """As on a GPU; with a mask over NaN."""
    cell = some
    params, carry, xs = setup(cell)
    mask = lengths_mask([9, 4, 1, 0, 7])
    padded = jnp.where(mask[..., None], xs, jnp.nan)

    def loss(unroll, params, carry, xs):
        return jnp.sum(unroll(cell, params, carry, xs, mask=mask, reverse=reverse)[1] ** 2)

    expected = jax.jit(jax.value_and_grad(partial(loss, scan), (0, 1, 2)))(params, carry, padded)
    monkeypatch.setattr(deferred_module, "projects_outside", lambda inputs, fed_back: True)
    got = jax.jit(jax.value_and_grad(partial(loss, deferred), (0, 1, 2)))(params, carry, padded)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12), got, expected)


def test_wide_inputs_are_projected_before_the_loop():
    cell, large, small = lstm.cell(4), deferred_module.WIDE_INPUT, 8

    def outputs(params, xs):
        return deferred(cell, params, cell.initial(params, (2,)), xs)[1]

    for inputs in (large, small):
        program = jax.make_jaxpr(outputs)(cell.init(jax.random.key(0), inputs), jnp.ones((9, 2, inputs)))
        assert ("f64[9,2,16] = dot_general" in str(program)) == (inputs == large)
    assert not deferred_module.projects_outside(large, large // 2 + 1)


def test_deferred_knows_a_step_that_was_replaced(some):
    """A cell whose step was replaced keeps the values and gradients of the new step."""
    cell = some
    params, carry, xs = setup(cell)
    inner = cell.step

    def step(params, carry, u):
        carry, y = inner(params, carry, u)
        return jax.tree.map(lambda a: 0.5 * a, carry), y

    changed = cell._replace(step=step)

    def loss(unroll, params):
        return jnp.sum(unroll(changed, params, carry, xs)[1] ** 2)

    got, expected = (jax.jit(jax.value_and_grad(partial(loss, unroll)))(params) for unroll in (deferred, loop))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12), got, expected)


def test_chunked_keeps_fewer_residuals():
    """Memory of the gradient by XLA's count: chunks of sqrt(T) need a fraction of the memory of the plain scan."""
    cell = lstm.cell(16)
    params = cell.init(jax.random.key(0), 1)
    xs = jnp.ones((1024, 8, 1))

    def memory(unroll):
        def loss(params):
            return jnp.sum(unroll(cell, params, cell.initial(params, (8,)), xs)[1][-1])

        return jax.jit(jax.grad(loss)).lower(params).compile().memory_analysis().temp_size_in_bytes

    assert memory(chunked()) < memory(scan) / 3


@pytest.mark.parametrize(
    "name", ["scan", "deferred", *(pytest.param(n, marks=pytest.mark.slow) for n in ("chunked", "truncated", "newton"))]
)
def test_bfloat16_weights_keep_float32_carries(some, name, x32):
    cell = some
    params = initialised(cell)
    low = jax.tree.map(lambda a: a.astype(jnp.bfloat16), params)
    xs = 1 + jax.random.normal(jax.random.key(1), (T, 5, D))
    carry = cell.initial(low, (5,))

    def loss(params):
        carry_out, ys = UNROLLS[name](cell, params, carry, xs, mask=jnp.ones((T, 5), bool))
        return jnp.sum(ys**2), (carry_out, ys)

    grads, (last, ys) = jax.jit(jax.grad(loss, has_aux=True))(low)
    assert {a.dtype for a in jax.tree.leaves((carry, last, ys))} == {jnp.dtype("float32")}
    assert {a.dtype for a in jax.tree.leaves(grads)} == {jnp.dtype("bfloat16")}
    exact = scanned(cell)(params, cell.initial(params, (5,)), xs)[1]
    np.testing.assert_allclose(ys, exact, atol=0.03)
    full = jax.jit(jax.grad(lambda p: jnp.sum(scan(cell, p, cell.initial(p, (5,)), xs)[1] ** 2)))(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=0.05 * float(jnp.abs(b).max())), grads, full)


def test_a_learned_carry_of_bfloat16_weights_is_float32(x32):
    from jaxrnn.cells.transforms import learned

    cell = learned(lstm.cell(H))
    low = jax.tree.map(lambda a: a.astype(jnp.bfloat16), cell.init(jax.random.key(0), D))
    assert {a.dtype for a in jax.tree.leaves(cell.initial(low, (5,)))} == {jnp.dtype("float32")}


@pytest.mark.parametrize("name", UNROLLS)
@pytest.mark.sample(6, 3)
def test_no_step_at_all(cell, name):
    params, carry, xs = setup(cell)
    last, ys = UNROLLS[name](cell, params, carry, xs[:0])
    jax.tree.map(np.testing.assert_array_equal, last, carry)
    assert ys.shape == (0, 5, cell.size)


def test_low_precision_carries_stay_what_they_are():
    """A bfloat16 carry stays bfloat16, also if the step computes in another precision."""
    cell = lstm.cell(H)
    params, carry, xs = setup(cell)
    low = jax.tree.map(lambda a: a.astype(jnp.bfloat16), carry)
    for unroll in UNROLLS.values():
        last, _ = jax.eval_shape(lambda p, c, x, unroll=unroll: unroll(cell, p, c, x), params, low, xs)
        assert {a.dtype for a in jax.tree.leaves(last)} == {jnp.dtype("bfloat16")}


@pytest.mark.parametrize("make", [min_gru.cell, min_lstm.cell, rg_lru.cell])
def test_the_associative_scan_keeps_the_dtype_of_a_low_precision_carry(make):
    cell = make(H)
    params, carry, xs = setup(cell)
    low = jax.tree.map(lambda a: a.astype(jnp.bfloat16), carry)
    last, _ = jax.eval_shape(lambda p, c, x: associative.unroll()(cell, p, c, x), params, low, xs)
    assert {a.dtype for a in jax.tree.leaves(last)} == {jnp.dtype("bfloat16")}
