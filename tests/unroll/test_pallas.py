"""The kernel for all steps by Pallas' interpreter, held to `scan`, and lowered for CUDA; to run it needs a GPU."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from jaxrnn.cells import elman, gru, jordan, lstm
from jaxrnn.cells._dropout import drop_recurrent
from jaxrnn.unroll import pallas
from jaxrnn.unroll.scan import scan

T, D, H = 7, 2, 5  # no power of two, so that the kernel fills up
CELLS = {
    "elman": lambda: elman.cell(H),
    "elman-relu": lambda: elman.cell(H, "relu"),
    "lstm": lambda: lstm.cell(H),
    "gru": lambda: gru.cell(H),
}
QUICK = {("lstm", "masked-backwards"), ("gru", "two-axes")}


def given(way):
    """(batch axes, options) of a way to unroll."""
    batch = {"one": (), "two-axes": (2, 3), "many": (21,)}.get(way, (3,))
    keys = jax.random.split(jax.random.key(7), 2)
    mask = jax.random.bernoulli(keys[0], 0.7, (T, *batch))
    reset = jax.random.bernoulli(keys[1], 0.3, (T, *batch))
    return batch, {
        "masked": {"mask": mask},
        "masked-backwards": {"mask": mask, "reset": reset, "reverse": True},
        "reset": {"reset": reset},
        "backwards": {"reverse": True},
    }.get(way, {})


WAYS = ["forwards", "backwards", "masked", "reset", "masked-backwards", "one", "two-axes", "many"]


@pytest.mark.parametrize(
    ("name", "way"),
    [pytest.param(name, way, marks=() if (name, way) in QUICK else pytest.mark.slow) for name in CELLS for way in WAYS],
)
def test_it_equals_scan(name, way):
    """Outputs, last carry and all gradients, also where NaN is under the mask."""
    cell, (batch, options) = CELLS[name](), given(way)
    params = cell.init(jax.random.key(0), D)
    keys = jax.random.split(jax.random.key(5), len(params))
    params = type(params)(*(a + 0.1 * jax.random.normal(k, a.shape) for k, a in zip(keys, params, strict=True)))
    xs = jax.random.normal(jax.random.key(1), (T, *batch, D))
    if "mask" in options:
        xs = jnp.where(options["mask"][..., None], xs, jnp.nan)
    carry = jax.tree.map(lambda a: a + 0.3, cell.initial(params, batch))

    def outcome(unroll):
        def loss(params, carry, xs):
            last, ys = unroll(cell, params, carry, xs, **options)
            weights = jnp.cos(jnp.arange(ys.size)).reshape(ys.shape)
            return jnp.sum(weights * ys**2) + sum(jnp.sum(a**3) for a in jax.tree.leaves(last)), (last, ys)

        return jax.jit(jax.value_and_grad(loss, (0, 1, 2), has_aux=True))(params, carry, xs)

    got, expected = outcome(pallas.unroll(interpret=True)), outcome(scan)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12), got, expected)


@pytest.mark.parametrize("name", ["lstm", *(pytest.param(n, marks=pytest.mark.slow) for n in ("elman", "gru"))])
def test_it_lowers_for_cuda(name, x32, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    unroll, cell = pallas.unroll(), CELLS[name]()
    monkeypatch.undo()
    params, xs = cell.init(jax.random.key(0), D), jnp.ones((T, 3, D))

    def loss(params, xs):
        return jnp.sum(unroll(cell, params, cell.initial(params, (3,)), xs)[1] ** 2)

    kernel = export.DisabledSafetyCheck.custom_call("__gpu$xla.gpu.triton")  # whose form may change with XLA
    lowered = export.export(jax.jit(jax.grad(loss)), platforms=["cuda"], disabled_checks=[kernel])(params, xs)
    assert lowered.mlir_module().count("@__gpu$xla.gpu.triton(") == 2  # forwards and backwards


def test_what_the_kernel_does_not_know_is_refused():
    with pytest.raises(ValueError, match="needs an NVIDIA GPU; JAX computes on cpu here"):
        pallas.unroll()
    with pytest.raises(ValueError, match=r"unroll\.rows=24"):
        pallas.unroll(rows=24, interpret=True)
    unroll = pallas.unroll(interpret=True)
    dropped = lstm.cell(H)
    own = drop_recurrent(dropped.init(jax.random.key(0), D), jax.random.split(jax.random.key(1), 3), 0.5)
    others = [(cell, cell.init(jax.random.key(0), D)) for cell in (jordan.cell(H, 2), gru.cell(H, reset="before"))]
    for cell, params in [*others, (dropped, own)]:
        with pytest.raises(ValueError, match=r"unroll=deferred takes every cell"):
            unroll(cell, params, cell.initial(params, (3,)), jnp.ones((T, 3, D)))
    cell = lstm.cell(H)
    params = jax.tree.map(lambda a: a.astype(jnp.bfloat16), cell.init(jax.random.key(0), D))
    with pytest.raises(ValueError, match=r"trainer\.precision=f32"):
        unroll(cell, params, cell.initial(params, (3,)), jnp.ones((T, 3, D)))


def test_a_reset_ends_what_is_not_finite_and_begins_at_the_cells_own_carry():
    """A carry of float16 too, which keeps its precision."""

    def initial(params, batch):
        return lstm.LSTMCarry(*(jnp.full((*batch, H), value) for value in (2.0, 0.5)))

    cell = lstm.cell(H)._replace(initial=initial)
    params, xs = cell.init(jax.random.key(0), D), jax.random.normal(jax.random.key(1), (T, 3, D))
    carry = lstm.LSTMCarry(jnp.full((3, H), jnp.inf), jnp.full((3, H), jnp.nan))
    reset = jnp.zeros((T, 3), bool).at[2].set(True)

    def outcome(unroll):
        def loss(params):
            ys = unroll(cell, params, carry, xs, reset=reset)[1]
            return jnp.sum(ys[2:] ** 2), ys

        return jax.jit(jax.value_and_grad(loss, has_aux=True))(params)

    (_, got), (_, expected) = (outcome(unroll)[0] for unroll in (pallas.unroll(interpret=True), scan))
    np.testing.assert_allclose(got, expected, rtol=1e-11)
    half = jax.tree.map(lambda a: jnp.zeros((3, H), jnp.float16), carry)
    last, _ = pallas.unroll(interpret=True)(cell, params, half, xs)
    assert {leaf.dtype for leaf in last} == {jnp.dtype("float16")}


def test_weights_that_do_not_fit_on_chip_are_refused(x32):
    cell = lstm.cell(200)
    params = cell.init(jax.random.key(0), D)
    with pytest.raises(ValueError, match="1024 KiB of at most 256"):
        pallas.unroll(interpret=True)(cell, params, cell.initial(params, (3,)), jnp.ones((T, 3, D)))
