"""Products in bfloat16, sums in float32: the gradient of a net with each of its options over many equal steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets, parametrizations
from jaxrnn.cells import gru, lstm
from jaxrnn.recurrent_weights import map_recurrent, recurrent_weights
from jaxrnn.training.update import cast
from jaxrnn.types import Pair
from jaxrnn.unroll import deferred, scan

T, B, D, H, K = 600, 2, 2, 8, 3
VALUES, SYMBOLS = jnp.full((T, B, D), 0.5, "float32"), jnp.ones((T, B, 1), "float32")
PAIRS = Pair(VALUES[:5], jnp.full((T, B, K), 0.5, "float32"))
ANSWERS = Pair(SYMBOLS[:5], jnp.ones((T, B, 1), "float32"))
OPTIONS = {
    "none": {},
    "learned_carry": {"learned_carry": True},
    "recurrent_dropout": {"recurrent_dropout": 0.3},
    "zoneout": {"zoneout": 0.3},
    "noise": {"noise": 0.1},
    "dropout": {"layers": 2, "dropout": 0.3, "variational": True},
    "residual": {"layers": 3, "residual": True},
    "bidirectional": {"bidirectional": "concat"},
    "one_hot": {"vocabulary_size": K},
    "embedding": {"vocabulary_size": K, "embedding": 4},
    "tied": {"vocabulary_size": K, "embedding": H, "tied_embedding": True},
    "orthogonal": {"parametrization": parametrizations.orthogonal()},
    "non_normal": {"parametrization": parametrizations.non_normal()},
    "answers": {"answers": "values"},
    "luong": {"answers": "values", "attention": "luong"},
    "bahdanau": {"answers": "values", "attention": "bahdanau"},
    "scheduled_sampling": {"answers": "values", "scheduled_sampling": 0.1},
    "scheduled_sampling-bahdanau": {"answers": "values", "attention": "bahdanau", "scheduled_sampling": 0.1},
    "scheduled_sampling-embedding": {
        "answers": "symbols",
        "vocabulary_size": K,
        "embedding": 4,
        "scheduled_sampling": 0.1,
    },
    "alone": {"answers": "values"},
}


def factory(options):
    return nets.seq2seq if "answers" in options else nets.symbol_rnn if "vocabulary_size" in options else nets.rnn


def inputs(options):
    if "answers" not in options:
        return SYMBOLS if "vocabulary_size" in options else VALUES
    return ANSWERS if options["answers"] == "symbols" else PAIRS


CASES = [(name, cell, unroll) for name in OPTIONS for cell in ("gru", "lstm") for unroll in ("scan", "deferred")]


@pytest.mark.parametrize(("name", "cell", "unroll"), CASES)
@pytest.mark.sample(2, 6)
def test_every_option_keeps_the_gradient_in_bfloat16(name, cell, unroll, x32):
    """Each leaf of the gradient within 1 % of the float32 gradient of the same weights, drawn with the same keys."""
    cells, ways = {"gru": gru.cell, "lstm": lstm.cell}, {"scan": scan.unroll(), "deferred": deferred.unroll()}
    net = factory(OPTIONS[name])(cells[cell](H), K, **OPTIONS[name]).with_unroll(ways[unroll])
    xs = inputs(OPTIONS[name])
    if name == "alone":
        net, xs = nets.encoder_decoder(*parts(cells[cell]), T, K).with_unroll(ways[unroll]), xs._replace(targets=None)
    width = 1 if "vocabulary_size" in OPTIONS[name] else D
    params = weak(jax.jit(net.init, static_argnums=1)(jax.random.key(0), width))
    keys = jax.random.split(jax.random.key(1), B)

    @jax.jit
    def gradient(params):
        def total(params):
            ys = net.apply(params, net.initial(params, (B,)), xs, key=keys)[1]
            return jnp.sum(ys * jnp.linspace(0.5, 1, K))

        return jax.grad(total)(params)

    low = cast(params, "bf16")
    exact = gradient(jax.tree.map(lambda a: a.astype(jnp.float32), low))
    for (path, expected), found in zip(jax.tree.leaves_with_path(exact), jax.tree.leaves(gradient(low)), strict=True):
        error = np.linalg.norm(expected - found.astype(jnp.float32)) / max(np.linalg.norm(expected), 1e-6)
        assert error < 0.01, f"{jax.tree_util.keystr(path)}: {error:.2%}"


def parts(cell):
    return nets.recurrent(cell(H)), nets.serial(nets.recurrent(cell(H)), nets.affine(K))


def weak(params):
    return map_recurrent(lambda w: 0.1 * w, params) if recurrent_weights(params) else params
