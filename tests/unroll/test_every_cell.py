"""Tests for every cell: protocols, gradients, and every unroll against `loop`."""

import importlib
import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import jaxrnn.cells
import jaxrnn.unroll
from jaxrnn.cells import elman, gru, indrnn, jordan, lru, lstm, slstm
from jaxrnn.cells.structure import Linear
from jaxrnn.cells.transforms import learned
from jaxrnn.lazy import entries
from jaxrnn.types import Cell
from jaxrnn.unroll import _deferred_backward
from jaxrnn.unroll.associative import associative
from jaxrnn.unroll.chunked import unroll as chunked
from jaxrnn.unroll.deferred import deferred
from jaxrnn.unroll.loop import loop
from jaxrnn.unroll.newton import unroll as newton
from jaxrnn.unroll.scan import scan
from jaxrnn.unroll.truncated import unroll as truncated

T, B, D, H = 5, 3, 2, 4
MODULES = {name: importlib.import_module(f"jaxrnn.cells.{name}") for name in entries(jaxrnn.cells.__path__[0], "cell")}


def default_cell(factory):
    """A cell of size H, with 2 for each further required argument."""
    parameters = list(inspect.signature(factory).parameters.values())[1:]
    return factory(H, **{p.name: 2 for p in parameters if p.default is inspect.Parameter.empty})


CELLS = {
    **{name: partial(default_cell, module.cell) for name, module in MODULES.items()},
    "elman-relu": lambda: elman.cell(H, "relu"),
    "jordan-teacher": lambda: jordan.teacher_forced(jordan.cell(H, output_size=1)),
    "gru-before": lambda: gru.cell(H, reset="before"),
    "lstm-learned": lambda: learned(lstm.cell(H)),
    "ctrnn-current": lambda: MODULES["ctrnn"].cell(H, form="current"),
}
LINEAR = [name for name in MODULES if isinstance(CELLS[name]().step, Linear)]  # cells that are linear in their state
UNROLLS = {
    "scan": scan,
    "chunked": chunked(2),
    "chunked-sqrt": chunked(),
    "chunked-long": chunked(100),
    "truncated-whole": truncated(2, T),
    "deferred": deferred,
    "newton": newton(),
}


@pytest.fixture(params=CELLS)
def cell(request):
    return CELLS[request.param]()


def sequences(seed=0, batch=(B,)):
    """Inputs have the mean one, so that products matter without large params, which would saturate."""
    key_x, key_m, key_r = jax.random.split(jax.random.key(seed), 3)
    xs = 1 + jax.random.normal(key_x, (T, *batch, D))
    return xs, jax.random.bernoulli(key_m, 0.7, (T, *batch)), jax.random.bernoulli(key_r, 0.3, (T, *batch))


def randomised(params, seed=1):
    """Params with nonzero biases and initial carries, so that a misplaced one shows."""
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    return jax.tree.unflatten(
        tree, [a + 0.3 * jax.random.normal(k, a.shape) for a, k in zip(leaves, keys, strict=True)]
    )


def make(cell, batch=(B,)):
    params = randomised(cell.init(jax.random.key(0), D))
    carry = randomised(cell.initial(params, batch), 2)
    return params, carry._replace(n=abs(carry.n)) if isinstance(carry, slstm.SLSTMCarry) else carry


@pytest.mark.parametrize("name", MODULES)
def test_every_cell_file_has_the_factory(name):
    assert next(iter(inspect.signature(MODULES[name].cell).parameters)) == "size"


@pytest.mark.parametrize("name", CELLS)
def test_shapes_and_dtypes(name):
    """A step of every cell, traced with no batch axis, with one and with two."""
    cell = CELLS[name]()
    assert isinstance(cell, Cell)

    def step(key, x):
        params = cell.init(key, D)
        carry = cell.initial(params, x.shape[:-1])
        return carry, *cell.step(params, carry, cell.project(params, x))

    for batch in ((), (5,), (2, 3)):
        carry, new_carry, h = jax.eval_shape(step, jax.random.key(0), jax.ShapeDtypeStruct((*batch, D), float))
        assert h.shape == (*batch, cell.size)
        shapes = [jax.tree.map(lambda a: (a.shape, a.dtype), each) for each in (carry, new_carry)]
        assert shapes[0] == shapes[1]


@pytest.mark.sample(1, 4)
def test_gradients_in_both_modes(cell):
    params, carry = make(cell)
    xs, mask, reset = sequences()

    def outputs(params, carry, xs):
        return scan(cell, params, carry, xs, mask=mask, reset=reset)

    check_grads(jax.jit(outputs), (params, carry, xs), order=1, modes=("fwd", "rev"), atol=1e-6, rtol=1e-6)


def test_every_unroll_file_has_the_factory_and_is_tested():
    names = entries(jaxrnn.unroll.__path__[0], "unroll")
    assert "scan" in names
    for name in names:
        assert callable(importlib.import_module(f"jaxrnn.unroll.{name}").unroll)
        tested = {key.partition("-")[0] for key in UNROLLS} | {
            "loop",
            "cudnn",
            "associative",
            *("rtrl", "snap", "eprop", "diagonal_rtrl", "uoro", "kf_rtrl"),
        }  # these have files of their own
        assert name in tested, f"no test covers {name}"


WAYS = {
    "masked-backwards": (True, True),
    "masked-forwards": (True, False),
    "forwards": (False, False),
    "backwards": (False, True),
}
CASES = [
    (name, way)
    for name in CELLS
    for way in (WAYS if name.partition("-")[0] in ("elman", "jordan", "lstm", "gru") else ["masked-backwards"])
]


@pytest.mark.parametrize(("name", "way"), CASES)
@pytest.mark.sample(2, 4)
def test_every_unroll_equals_the_loop(name, way, monkeypatch):
    equals_the_loop(CELLS[name](), *WAYS[way], monkeypatch)


def equals_the_loop(cell, masked, reverse, monkeypatch):
    """Compares values, and gradients of params, carry and inputs."""
    monkeypatch.setattr(_deferred_backward, "ROWS_PER_PRODUCT", 2 * B)  # T = 5 is two blocks and a step
    params, carry = make(cell)
    xs, mask, reset = sequences()
    arguments = {"mask": mask, "reset": reset, "reverse": reverse} if masked else {"reverse": reverse}

    def loss(unroll, params, carry, xs):
        carry, ys = unroll(cell, params, carry, xs, **arguments)
        weights = jnp.cos(jnp.arange(ys.size)).reshape(ys.shape)
        return jnp.sum(weights * ys**2) + sum(jnp.sum(jnp.sin(a)) for a in jax.tree.leaves(carry)), (carry, ys)

    @jax.jit
    def all_unrolls(params, carry, xs):
        run = jax.value_and_grad(loss, argnums=(1, 2, 3), has_aux=True)
        more = [associative] if isinstance(cell.step, Linear) else []
        return [run(unroll, params, carry, xs) for unroll in (loop, *UNROLLS.values(), *more)]

    expected, *results = all_unrolls(params, carry, xs)
    for got in results:
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12), got, expected)


@pytest.mark.sample(1, 4)
def test_two_batch_axes_are_one(cell):
    """[T, 2, 3, D] with masks and resets has the results of [T, 6, D]."""
    params, _ = make(cell)
    xs, mask, reset = sequences(batch=(2, 3))

    @jax.jit
    def run(xs, mask, reset):
        return scan(cell, params, cell.initial(params, mask.shape[1:]), xs, mask=mask, reset=reset)

    carry, ys = run(xs, mask, reset)
    flat_carry, flat_ys = run(*[a.reshape(T, 6, *a.shape[3:]) for a in (xs, mask, reset)])
    np.testing.assert_allclose(ys.reshape(flat_ys.shape), flat_ys, rtol=1e-13, atol=1e-13)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a.reshape(b.shape), b, rtol=1e-13), carry, flat_carry)


@pytest.mark.sample(1, 4)
def test_runs_are_a_batch_dimension(cell):
    """vmap over keys: eight networks together equal eight single networks."""
    keys = jax.random.split(jax.random.key(3), 8)
    xs, mask, reset = sequences()

    def run(key):
        params = cell.init(key, D)
        return scan(cell, params, cell.initial(params, (B,)), xs, mask=mask, reset=reset)[1]

    np.testing.assert_allclose(jax.jit(jax.vmap(run))(keys)[5], jax.jit(run)(keys[5]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.sample(1, 2)
def test_a_state_that_is_linear_in_the_one_before_is_found_at_once(name, x32):
    """A thousand steps in float32, with masks and resets, backwards too."""
    cell = CELLS[name]()
    params = cell.init(jax.random.key(0), D)
    key_x, key_m, key_r = jax.random.split(jax.random.key(1), 3)
    xs = jax.random.normal(key_x, (1000, B, D))
    arguments = {
        "mask": jax.random.bernoulli(key_m, 0.9, (1000, B)),
        "reset": jax.random.bernoulli(key_r, 0.01, (1000, B)),
    }

    @partial(jax.jit, static_argnames=("unroll", "reverse"))
    def run(unroll, xs, reverse=False, **masks):
        return unroll(cell, params, cell.initial(params, (B,)), xs, reverse=reverse, **masks)

    for options in ({}, arguments, arguments | {"reverse": True}):
        actual, expected = run(associative, xs, **options), run(scan, xs, **options)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), actual, expected)
    assert run(associative, xs[:0])[1].shape == (0, B, H)


@pytest.mark.parametrize("cell", [elman.cell(H), indrnn.cell(H), learned(lru.cell(H))])
def test_other_cells_are_refused_by_the_associative_scan(cell):
    params = cell.init(jax.random.key(0), D)
    with pytest.raises(ValueError, match="unroll=associative needs a cell whose state is a linear function"):
        associative(cell, params, cell.initial(params, (B,)), jnp.ones((T, B, D)))
