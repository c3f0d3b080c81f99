"""From Python and from a configuration the same arguments are refused, with the same sentence."""

import collections.abc
import contextlib
import importlib
import inspect
import pickle
import pkgutil
import re
import typing
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from omegaconf import OmegaConf

import jaxrnn
from jaxrnn import nets, optimizers, parametrizations, training
from jaxrnn.arguments import checked, is_checkable
from jaxrnn.cells import elman, lstm
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import schema
from jaxrnn.signatures import hints, signature
from jaxrnn.types import Cell, Rate

FACTORIES = {
    "cells": "cell",
    "data": "dataset",
    "distributions": "distribution",
    "unroll": "unroll",
    "studies": "study",
}
NET = nets.affine(2)
OTHERS = [
    jaxrnn.rnn, nets.symbol_rnn, nets.seq2seq,
    nets.affine, nets.convolution, nets.dropout, nets.embed, nets.encoder_decoder, nets.one_hot, nets.recurrent,
    nets.tied, nets.bidirectional, nets.serial, nets.residual, nets.first, nets.last, nets.attention.luong,
    nets.attention.bahdanau, optimizers.optimizer, optimizers.warmup_cosine, parametrizations.soft_orthogonal,
    training.early_stopping, training.flossing, jaxrnn.fit, jaxrnn.load,
]  # fmt: skip


def catalogue():
    for room, name in FACTORIES.items():
        package = importlib.import_module(f"jaxrnn.{room}")
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                found = importlib.import_module(f"jaxrnn.{room}.{module.name}")
                if hasattr(found, name):
                    yield getattr(found, name)


ALL = [*catalogue(), *OTHERS]


def refused(hint, name):
    """[(value, sentence)] of the values that a configuration refuses."""
    found = []
    for value in (-1, 0.5, "Nonsense", 3, True, NET, [NET], np.zeros):
        try:
            schema.validated(value, hint, name)
        except ConfigError as error:
            found.append((value, str(error)))
    return found


def accepted(hint, name):
    """A value for a parameter without a default."""
    for value in (4, 0.5, "none", "values", NET, elman.cell(2), optax.identity()):
        with contextlib.suppress(ConfigError):
            return schema.validated(value, hint, name)
    return None


def name_of(function):
    return f"{function.__module__}.{function.__name__}".removeprefix("jaxrnn.")


@pytest.mark.parametrize("function", ALL, ids=name_of)
def test_a_wrong_argument_is_refused_with_the_sentence_of_the_configuration(function):
    parameters, annotations = signature(function).parameters, hints(function)
    needed = {
        name: accepted(annotations.get(name), name)
        for name, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_POSITIONAL
    }
    for name, parameter in parameters.items():
        hint = annotations.get(name)
        if not is_checkable(hint) or hint is typing.Any:
            continue
        sentences = refused(hint, name)
        assert sentences, f"{name}: nothing is refused"
        for value, sentence in sentences:
            several = parameter.kind is inspect.Parameter.VAR_POSITIONAL
            call = partial(function, value) if several else partial(function, **{**needed, name: value})
            with pytest.raises(ConfigError) as from_python:
                call()
            assert str(from_python.value) == sentence
            assert sentence.startswith((f"{name}=", f"{name}: "))
            assert "\n" not in sentence


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: nets.seq2seq(elman.cell(2), 1, "values", attention="Luong"), "attention=Luong: should be 'luong' or"),
        (lambda: jaxrnn.rnn(elman.cell(2), 1, layers=0), "layers=0: should be greater than 0"),
        (lambda: jaxrnn.rnn(elman.cell(2), 1, bidirectional=True), "bidirectional=True: should be 'concat', 'sum'"),
        (lambda: nets.dropout(1.0), "rate=1.0: should be less than 1"),
        (lambda: elman.cell(True), "size=True: should be a valid integer"),
        (lambda: elman.cell(float("inf")), "size=inf: should be finite"),
        (lambda: jaxrnn.rnn(NET, 1), "cell: expected a Cell, got a Net"),
        (lambda: jaxrnn.rnn(lstm, 1), "got the module jaxrnn.cells.lstm; call jaxrnn.cells.lstm.cell(...)"),
        (lambda: jaxrnn.rnn(lstm.cell, 1), "cell: expected a Cell, got the function jaxrnn.cells.lstm.cell; call"),
        (lambda: nets.serial([NET, NET]), "nets: expected a Net, got a list; jaxrnn.nets.serial(*nets) makes one"),
        (lambda: nets.recurrent(elman.cell(2), jaxrnn.unroll.scan), "got the module jaxrnn.unroll.scan; call"),
        (lambda: optimizers.optimizer(optax.adam, 1e-3), "rule: expected a GradientTransformation, got the function"),
    ],
)  # fmt: skip
def test_what_is_said(call, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        call()


def test_a_checked_function_is_the_function_to_all_who_look_at_it():
    assert inspect.signature(elman.cell) == inspect.signature(inspect.unwrap(elman.cell))
    assert typing.get_type_hints(elman.cell)["return"] is Cell
    assert elman.cell.__doc__.startswith("Elman cell")
    assert elman.cell.__module__ == "jaxrnn.cells.elman"
    assert pickle.loads(pickle.dumps(elman.cell)) is elman.cell
    with pytest.raises(TypeError, match=r"cell\(\) missing 1 required positional argument: 'size'"):
        elman.cell()
    with pytest.raises(TypeError, match=r"cell\(\) got an unexpected keyword argument 'sise'"):
        elman.cell(sise=3)


def test_numbers_that_mean_the_same_are_made_the_type_that_is_asked_for():
    assert elman.cell(1e1).size == 10
    assert elman.cell(np.int64(3)).size == 3
    assert type(elman.cell(np.int64(3)).size) is int
    with pytest.raises(ConfigError, match=r"size=2\.5: should be a valid integer"):
        elman.cell(2.5)


def test_traced_numbers_and_arrays_are_left_alone():
    @checked
    def scaled(rate: Rate | None, rates: list[Rate] = (), where: collections.abc.Callable = abs):
        return rate if rate is None else rate + sum(rates)

    assert float(jax.jit(scaled)(2.0)) == 2.0
    assert float(jax.jit(lambda rate: scaled(0.5, [rate, 0.25]))(1.0)) == 1.75
    assert float(scaled(jnp.asarray(0.5))) == 0.5
    with pytest.raises(ConfigError, match="where: should be callable, got an array"):
        scaled(0.5, where=jnp.zeros(3))
    with pytest.raises(ConfigError, match="rates="):
        scaled(0.5, [1.5])


def test_an_object_of_the_configuration_is_held_to_its_type_too():
    node = OmegaConf.create(
        {"_target_": "jaxrnn.nets.rnn", "output_size": 1, "cell": {"_target_": "jaxrnn.nets.affine"}}
    )
    node.cell.output_size = 3
    with pytest.raises(ConfigError, match="cell: expected a Cell, got a Net"):
        schema.instantiate(node)


@pytest.mark.parametrize(("old", "value", "new"), [
    ("attend", "luong", "attention"), ("own_outputs", 0.5, "scheduled_sampling"), ("symbols", 5, "vocabulary_size")
])  # fmt: skip
def test_an_old_name_is_answered_with_the_new_one(old, value, new, configure):
    factory = nets.symbol_rnn if new == "vocabulary_size" else nets.seq2seq
    with pytest.raises(
        ConfigError, match=rf"^{old}: .*{factory.__name__} has no such argument; it is called {new} now$"
    ):
        factory(lstm.cell(2), 1, **{old: value})
    with pytest.raises(ConfigError, match=rf"^model\.{old}: .*has no such option; it is called {new} now$"):
        schema.check(configure(f"model.{old}={value}"))


@pytest.mark.parametrize(("options", "use"), [
    ({"vocabulary_size": 5, "embedding": 3}, r"vocabulary_size: .*symbol_rnn\(vocabulary_size=\.\.\.\)"),
    ({"tied_embedding": True}, r"tied_embedding: .*symbol_rnn\(tied_embedding=\.\.\.\)"),
    ({"vocabulary_size": 5, "answers": "symbols"}, r"answers: .*seq2seq\(answers=\.\.\.\)"),
    ({"attention": "luong"}, r"attention: .*seq2seq\(attention=\.\.\.\)"),
    ({"own_outputs": 0.5}, r"own_outputs: .*seq2seq\(scheduled_sampling=\.\.\.\)"),
])  # fmt: skip
def test_an_argument_that_moved_is_answered_with_its_factory(options, use):
    with pytest.raises(ConfigError, match=f"^{use}$"):
        jaxrnn.rnn(lstm.cell(2), 1, **options)


def test_an_unknown_option_of_layers_is_a_type_error():
    with pytest.raises(TypeError, match=r"^symbol_rnn\(\) got an unexpected keyword argument 'layrs'$"):
        nets.symbol_rnn(lstm.cell(2), 1, 5, layrs=2)


@pytest.mark.parametrize(("key", "old", "new"), [
    ("missing", "refuse", "error"), ("missing", "line", "interpolate"), ("missing", "previous", "forward_fill"),
    ("target", "every", "all"),
])  # fmt: skip
def test_an_old_value_is_answered_with_the_new_one(key, old, new, configure):
    cfg = configure("data=csv", "data.path=a.csv", "data.column=b", f"data.{key}={old}")
    with pytest.raises(ConfigError, match=rf"^data\.{key}={old}: .*; it is called {new} now$"):
        schema.check(cfg)
