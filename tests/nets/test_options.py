"""An option of a net acts, or it is refused: none is accepted and then dropped.

The factories and their options come from `jaxrnn.nets`: every public function that returns a `Net`. An option that is
not a number, a choice or a switch needs a value in VALUES, one that acts only together with others a base in BASES.
"""

import inspect
import typing
from functools import cache

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
from jaxrnn.types import Cell, Net, NonNegative, Pair, Rate, Size
from jaxrnn.unroll import truncated

T, B, D, H, K = 5, 3, 4, 4, 4
KEY = jax.random.split(jax.random.key(0), B)
CELL = gru.cell(H)
DECODER = nets.serial(nets.recurrent(CELL), nets.affine(K))
VALUES = {  # option -> values that are not its default, where the annotation does not say them
    "layers": [2],
    "vocabulary_size": [K],
    "embedding": [H],
    "parametrization": [orthogonal()],
    "init": [lambda key, shape: jnp.ones(shape)],
    "feedback": [lambda y: 0 * y],
    "unroll": [truncated.unroll(1)],
    **{name: [3] for name in ("features", "kernel", "frontend_features", "frontend_kernel")},
}
REQUIRED = {"decoder": DECODER, "rate": 0.5, "backward": nets.recurrent(CELL, reverse=True), "answers": "values"}
BASES = {  # factory -> networks that the options are added to, besides the one without options
    "rnn": {"two layers": {"layers": 2}, "conv": {"frontend": "conv"}, "dropout": {"layers": 2, "dropout": 0.5}},
    "symbol_rnn": {
        "embedding": {"embedding": H},
        "conv": {"frontend": "conv"},
        "dropout": {"layers": 2, "dropout": 0.5},
    },
    "seq2seq": {
        "symbols": {"answers": "symbols", "vocabulary_size": K, "embedding": H, "layers": 2, "dropout": 0.5},
        "luong": {"attention": "luong"},
        "bahdanau": {"attention": "bahdanau", "layers": 2},
    },
}


def factories(module):
    """{name: factory} of the public functions of a module that return a net."""
    functions = {name: getattr(module, name) for name in dir(module)}
    return {n: f for n, f in functions.items() if inspect.isfunction(f) and hints(f).get("return") is Net}


FACTORIES = factories(nets) | factories(attention)


def options(factory):
    """{option: values that are not its default} of a factory, by its annotations."""
    return {
        name: VALUES[name] if name in VALUES else alternatives(hints(factory)[name], parameter.default)
        for name, parameter in signature(factory).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }


def alternatives(hint, default):
    arguments = typing.get_args(hint)
    kind = arguments[0] if type(None) in arguments else hint
    if kind is bool:
        return [not default]
    if typing.get_origin(kind) is typing.Literal:
        return [choice for choice in typing.get_args(kind) if choice != default]
    return {Rate: [0.5], NonNegative: [0.5]}[kind]


def required(factory):
    """Returns a value for each required argument of a factory."""
    by_hint = {Cell: CELL, Net: nets.recurrent(CELL), Size: K}
    return {
        name: REQUIRED[name] if name in REQUIRED else by_hint[hints(factory)[name]]
        for name, parameter in signature(factory).parameters.items()
        if parameter.default is inspect.Parameter.empty
    }


def build(name, **settings):
    return FACTORIES[name](**required(FACTORIES[name]) | settings)


def inputs(net):
    """Inputs of the kind that a net reads; several for an encoder-decoder, with and without true answers."""
    symbols = jnp.arange(T * B).reshape(T, B, 1) % K
    xs = jax.random.normal(KEY[0], (T, B, D)) if net.vocabulary is None else symbols
    if net.decoding is None:
        return [xs]
    of_symbols = net.decoding.start((B,)).shape[-1] == 1
    return [Pair(xs, symbols if of_symbols else jax.random.normal(KEY[1], (T, B, K))), Pair(xs, None)]


def first_carry(net, params):
    carry = net.initial(params, (B,))
    if not isinstance(carry, attention.Attended):
        return carry
    return carry._replace(memory=jax.random.normal(KEY[2], (B, T, H)), valid=jnp.ones((B, T), bool))


def width(net):
    return D if net.vocabulary is None else 1


def computed(net):
    """Outputs of a net with its first params, in training and when evaluated."""

    def outputs():
        params = net.init(jax.random.key(1), width(net))
        carry = first_carry(net, params)
        return params, [net.apply(params, carry, xs, key=key)[1] for xs in inputs(net) for key in (KEY, None)]

    return jax.jit(outputs)()


def gradient(net, params):
    def loss(params):
        return sum(jnp.sum(jnp.sin(net.apply(params, first_carry(net, params), xs)[1])) for xs in inputs(net))

    return jax.jit(jax.grad(loss))(params)


def same(a, b):
    return jax.tree.map(jnp.shape, a) == jax.tree.map(jnp.shape, b) and all(
        np.allclose(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


@cache
def without_option(name, base):
    """Returns the net that an option is added to, with its params and outputs."""
    net = build(name, **settings_of(name, base))
    return net, *computed(net)


def settings_of(name, base):
    return BASES[name][base] if base else {}


def acts(net, name, base):
    """Whether a net's params, its outputs or, only if these are equal, its gradient differ from those of a base."""
    plain, plain_params, plain_ys = without_option(name, base)
    params, ys = computed(net)
    if jax.tree.map(jnp.shape, params) != jax.tree.map(jnp.shape, plain_params) or not same(ys, plain_ys):
        return True
    return not same(gradient(net, params), gradient(plain, params))


CASES = [
    (name, base, option)
    for name, factory in FACTORIES.items()
    for base in ("", *BASES.get(name, ()))
    for option in options(factory)
]


@pytest.mark.parametrize(("name", "base", "option"), CASES)
@pytest.mark.sample(8, 4)
def test_an_option_changes_the_net_or_is_refused(name, base, option):
    """Its params, its outputs or the gradient of its outputs."""
    settings = settings_of(name, base)
    for value in options(FACTORIES[name])[option]:
        if settings.get(option) == value:
            continue
        changed = settings | {option: value}
        if message := refusal(name, changed):
            assert option in message, f"{option}={value!r} is refused without its name"
        else:
            assert acts(build(name, **changed), name, base), f"{option}={value!r} changes nothing"


@pytest.mark.parametrize("name", [name for name, factory in FACTORIES.items() if options(factory)])
def test_every_option_is_accepted_in_some_net(name):
    for option, values in options(FACTORIES[name]).items():
        for value in values:
            bases = ({}, *BASES.get(name, {}).values())
            assert any(refusal(name, settings | {option: value}) is None for settings in bases), f"{option}={value!r}"


def refusal(name, settings):
    """Returns the message with which a factory or the net's `init` refuses the settings, or None."""
    try:
        net = build(name, **settings)
        jax.eval_shape(lambda: net.init(jax.random.key(1), width(net)))
    except (ConfigError, ValueError, TypeError) as error:
        return str(error)


def test_the_options_of_layers_are_the_same_everywhere():
    """`LayerOptions` lists them, every factory of a stack takes them, and one that is left out is off."""
    group = typing.get_type_hints(nets.LayerOptions, include_extras=True)
    for factory in (nets.rnn, nets.symbol_rnn, nets.seq2seq):
        assert group == {name: hints(factory)[name] for name in group}
        defaults = {name: signature(factory).parameters[name].default for name in group}
        assert defaults == {name: False if hint is bool else None for name, hint in group.items()}
    assert set(signature(nets.rnn).parameters) - set(group) == {
        "cell",
        "output_size",
        "layers",
        "readout",
        "parametrization",
        "frontend",
        "frontend_features",
        "frontend_kernel",
    }
