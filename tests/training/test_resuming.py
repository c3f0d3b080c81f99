"""A run that was made in Python is resumed by the same call and by no other."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxrnn
from jaxrnn import nets, optimizers, studies
from jaxrnn.cells import elman
from jaxrnn.data import sine
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import api
from jaxrnn.precision import computing
from jaxrnn.storage import fingerprint
from jaxrnn.training import Trainer
from jaxrnn.unroll import truncated

DATA = sine.dataset(points=6, window=2)
SETTINGS = {"steps": 2, "batch_size": 1, "report_every": 1, "precision": "f64"}


def net(**options):
    return jaxrnn.rnn(elman.cell(2), 1, layers=2, **options)


def cosine(steps):
    return optax.adam(optax.cosine_decay_schedule(1e-2, steps))


def weighted(decay):
    return optimizers.optimizer(optax.scale_by_adam(), 0.1, weight_decay=decay)


def noted(net, unroll=None, learning_rate=None, optimizer=None, clip_norm=None):
    """What the checkpoints of such a call note."""
    with computing("f64"):
        optimizer = api._optimizer(optimizer, learning_rate, clip_norm)
        task = api._task(net, DATA, optimizer, Trainer(2, 1, 1, "f64"), unroll)
        return fingerprint.settings_of(task, 0, None, fingerprint.of_program(task))


RATE = {"learning_rate": 0.1}


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        (RATE, {"learning_rate": 0.2}, "learning_rate"),
        ({**RATE, "clip_norm": 1.0}, {**RATE, "clip_norm": 2.0}, "clip_norm"),
        (RATE, {**RATE, "clip_norm": 1.0}, "clip_norm"),
        ({"optimizer": optax.sgd(0.1)}, {"optimizer": optax.sgd(0.1), "clip_norm": 1.0}, "clip_norm"),
        ({"optimizer": cosine(4)}, {"optimizer": cosine(8)}, "optimizer"),
        ({"optimizer": optax.adam(1e-2)}, {"optimizer": optax.adam(1e-3)}, "optimizer"),
        ({"optimizer": weighted(1e-2)}, {"optimizer": weighted(1e-3)}, "optimizer"),
        ({**RATE, "net": net(dropout=0.1)}, {**RATE, "net": net(dropout=0.2)}, "net"),
        (RATE, {**RATE, "unroll": truncated.unroll(1)}, "net"),
    ],
)
def test_another_call_is_refused_and_names_what_differs(before, after, differs):
    one, same, other = (noted(**{"net": net(), **options}) for options in (before, before, after))
    fingerprint.check(one, same, "run")
    with pytest.raises(ConfigError, match=rf"^run: its checkpoint is of a run with another {differs}; choose another"):
        fingerprint.check(one, other, "run")
    newer = one | {"program": {**one["program"], "versions": ["of", "other", "versions"]}}
    if differs in ("optimizer", "net"):  # what others traced means nothing here
        fingerprint.check(newer, other, "run")
    fingerprint.check({**one, "program": None}, other, "run")  # loading, and checkpoints of before


@pytest.mark.costly
def test_the_same_call_trains_further_and_another_is_refused(tmp_path):
    jaxrnn.fit(net(), DATA, learning_rate=1e-2, **SETTINGS, folder=tmp_path / "run")
    with pytest.raises(ConfigError, match="of a run with another learning_rate"):
        jaxrnn.fit(net(), DATA, learning_rate=1e-3, **{**SETTINGS, "steps": 4}, folder=tmp_path / "run")
    assert jaxrnn.fit(net(), DATA, learning_rate=1e-2, **{**SETTINGS, "steps": 4}, folder=tmp_path / "run").step == 4


@pytest.mark.costly
def test_params_that_are_given_are_where_training_begins():
    """`_replace(init=...)` is how a network is trained further on other data."""
    base = net()
    given = jax.tree.map(lambda a: a + 1.0, base.init(jax.random.key(1), 1))
    start = base._replace(init=lambda key, input_size: given)
    run = jaxrnn.fit(start, DATA, learning_rate=1e-9, **SETTINGS)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), run.params, given)
    again = jaxrnn.fit(base._replace(init=lambda key, input_size: run.params), DATA, learning_rate=1e-9, **SETTINGS)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), again.params, given)
    single = jaxrnn.fit(start, DATA, learning_rate=1e-9, **{**SETTINGS, "precision": "f32"})
    assert {leaf.dtype for leaf in jax.tree.leaves(single.params)} == {jnp.dtype("float32")}


def changed_nets():
    tied = nets.tied(nets.recurrent(elman.cell(2)), 3, 2)
    yield from {
        "recurrent": nets.recurrent(elman.cell(1)),
        "serial": net(),
        "bidirectional": net(bidirectional="sum"),
        "residual": nets.residual(nets.recurrent(elman.cell(1))),
        "last": nets.last(net()),
        "tied": tied,
        "affine": nets.affine(2),
        "embed": nets.embed(3, 2),
        "dropout": nets.dropout(0.5),
        "answers": jaxrnn.nets.seq2seq(elman.cell(2), 1, answers="values"),
        "luong": jaxrnn.nets.seq2seq(elman.cell(2), 1, answers="values", attention="luong"),
    }.items()


@pytest.mark.parametrize("field", ["init", "initial", "apply", "width", "causal", "vocabulary"])
@pytest.mark.parametrize(("name", "net"), list(changed_nets()), ids=[name for name, _ in changed_nets()])
def test_a_field_that_was_replaced_stays_when_another_unroll_is_set(name, net, field):
    value = {"causal": False, "vocabulary": 7}.get(field, lambda *args, **kwargs: None)
    changed = net._replace(**{field: value})
    unrolled = changed.with_unroll(truncated.unroll(1)).with_unroll(truncated.unroll(2))
    assert getattr(unrolled, field) is value
    assert nets.serial(changed).with_unroll(truncated.unroll(1)).vocabulary == changed.vocabulary
    assert net.with_unroll(truncated.unroll(1)).vocabulary == net.vocabulary


def test_optimizers_say_what_is_known_of_them():
    assert optimizers.optimizer(optax.identity(), 0.1, 2.0).learning_rate == 0.1
    assert optimizers.as_optimizer(optax.sgd(0.1)).learning_rate is None
    assert studies.ensemble(net(), DATA, networks=1).task.optimizer.learning_rate is None
