"""An option of a net acts, or it is refused: none is accepted and then dropped."""

import typing

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import gru
from jaxrnn.errors import ConfigError
from jaxrnn.nets import attention
from jaxrnn.parametrizations import orthogonal
from jaxrnn.signatures import hints, signature
from jaxrnn.types import Pair

T, B, D, H, K = 5, 3, 4, 4, 4
KEY = jax.random.split(jax.random.key(0), B)
VALUES = {  # option of a factory -> a value that is not its default
    "layers": 2,
    "bidirectional": "concat",
    "residual": True,
    "dropout": 0.5,
    "variational": True,
    "recurrent_dropout": 0.5,
    "zoneout": 0.5,
    "learned_carry": True,
    "readout": False,
    "vocabulary_size": 6,
    "embedding": 5,
    "tied_embedding": True,
    "answers": "values",
    "attention": "luong",
    "scheduled_sampling": 0.5,
    "noise": 0.5,
    "parametrization": orthogonal(),
}
BASES = {  # networks that the options are added to
    "one layer": {},
    "two layers": {"layers": 2},
    "dropout": {"layers": 2, "dropout": 0.5},
    "symbols": {"vocabulary_size": K, "embedding": H},
    "values to values": {"answers": "values"},
    "symbols to symbols": {"answers": "symbols", "vocabulary_size": K, "embedding": H, "layers": 2, "dropout": 0.5},
    "luong": {"answers": "values", "attention": "luong"},
    "bahdanau": {"answers": "values", "attention": "bahdanau", "layers": 2},
}

PLAIN = ("one layer",)


FACTORIES = (nets.rnn, nets.symbol_rnn, nets.seq2seq)


def build(options):
    """The net that the options describe, from the factory for its kind of inputs."""
    factory = FACTORIES[2 if "answers" in options else 1 if "vocabulary_size" in options else 0]
    return factory(gru.cell(H), K, **options)


def inputs(options):
    symbols = options.get("vocabulary_size")
    xs = jax.random.normal(KEY[0], (T, B, D)) if symbols is None else jnp.arange(T * B).reshape(T, B, 1) % symbols
    if options.get("answers") == "symbols":
        return Pair(xs, jnp.arange(T * B).reshape(T, B, 1) % K)
    return Pair(xs, jax.random.normal(KEY[1], (T, B, K))) if "answers" in options else xs


def computed(options):
    """What a net computes in training and when evaluated, and what it has to learn."""
    net, xs = build(options), inputs(options)
    width = (xs.source if isinstance(xs, Pair) else xs).shape[-1]
    params = jax.jit(net.init, static_argnums=1)(jax.random.key(1), width)
    run = jax.jit(lambda p, k: net.apply(p, net.initial(p, (B,)), xs, key=k)[1])
    return [np.asarray(run(params, KEY)), np.asarray(run(params, None)), jax.tree.map(jnp.shape, params)]


def same(a, b):
    return str(a[2]) == str(b[2]) and all(
        x.shape == y.shape and np.allclose(x, y) for x, y in zip(a[:2], b[:2], strict=True)
    )


def test_every_option_is_tried():
    options = {name for factory in FACTORIES for name in signature(factory).parameters}
    assert options - {"cell", "output_size"} == set(VALUES)


def test_the_options_of_layers_are_the_same_everywhere():
    """`LayerOptions` lists them, every factory of a stack takes them, and one that is left out is off."""
    group = typing.get_type_hints(nets.LayerOptions, include_extras=True)
    for factory in FACTORIES:
        assert group == {name: hints(factory)[name] for name in group}
        defaults = {name: signature(factory).parameters[name].default for name in group}
        assert defaults == {name: False if hint is bool else None for name, hint in group.items()}
    assert set(signature(nets.rnn).parameters) - set(group) == {
        "cell",
        "output_size",
        "layers",
        "readout",
        "parametrization",
    }


@pytest.mark.parametrize(
    "base",
    [each if each in PLAIN else pytest.param(each, marks=(pytest.mark.slow, pytest.mark.share(3))) for each in BASES],
)
def test_an_option_changes_the_net_or_is_refused(base):
    plain, refused = computed(BASES[base]), []
    for name, value in VALUES.items():
        if BASES[base].get(name) == value:
            continue
        try:
            changed = computed(BASES[base] | {name: value})
        except (ConfigError, ValueError, TypeError) as error:
            refused.append((name, str(error)))
            continue
        assert not same(plain, changed), f"{name} changes nothing"
    assert [message for name, message in refused if name not in message] == []
    if base == "one layer":
        idle = {"residual", "dropout", "variational", "embedding", "tied_embedding", "attention", "scheduled_sampling"}
        assert {name for name, _ in refused} == idle


@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"zoneout": 0.5}, {"noise": 0.5}])
def test_the_attentive_layer_has_what_is_random(options):
    net, plain = (attention.bahdanau(gru.cell(H), H, H, **each) for each in (options, {}))
    params = net.init(jax.random.key(1), D)
    memory = jax.random.normal(KEY[2], (B, T, H))
    state = net.initial(params, (B,))._replace(memory=memory, valid=jnp.ones((B, T), bool))
    xs = jax.random.normal(KEY[0], (T, B, D))
    drawn, without = (each.apply(params, state, xs, key=KEY)[1] for each in (net, plain))
    assert not np.allclose(drawn, without, atol=1e-3)
    assert net.apply(params, state, xs, key=KEY)[1].shape == without.shape
