"""Training steps against the same steps taken one by one, on one device and on two, and what a report says of them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxrnn import nets, runtime
from jaxrnn.cells import elman, gru, lstm
from jaxrnn.data import noisy_cosine, sine
from jaxrnn.optimizers import clip_by_global_norm, global_norm, optimizer
from jaxrnn.training import Task, Trainer
from jaxrnn.training.compiled import single_program
from jaxrnn.training.evaluation import evaluator
from jaxrnn.training.priming import generation_error
from jaxrnn.training.regularizers import flossing
from jaxrnn.types import Batch
from jaxrnn.unroll import deferred

KEY = jax.random.key(0)


def pieces(steps=6, batch_size=4, report_every=6, dataset=None, net=None, **options):
    dataset = dataset or noisy_cosine.dataset(window=8)
    net = net or nets.rnn(lstm.cell(5), 1, layers=2, dropout=0.3, recurrent_dropout=0.2, learned_carry=True)
    tx = optimizer(optax.scale_by_adam(), 0.01, **options)
    return Task(net.with_unroll(deferred.unroll()), dataset, tx, Trainer(steps, batch_size, report_every, "f64"))


def run(task, chunks):
    made = single_program(task)
    state, reports = made.init(KEY), []
    for n in chunks:
        state, report = made.advance(state, task.dataset.train.arrays, np.int32(n))
        reports.append(jax.tree.map(lambda a, n=n: np.asarray(a[:n]), report))
    return state, jax.tree.map(lambda *a: np.concatenate(a), *reports)


def assert_close(a, b, rtol=1e-10):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-12), a, b)


def shapes_of(cell):
    return jax.eval_shape(lambda: cell.init(KEY, 1))


@pytest.mark.costly
def test_two_devices_are_one(monkeypatch):
    """Dropout included: each row draws from a key of its own, wherever it is computed."""
    assert len(jax.local_devices()) == 2
    assert runtime.mesh(4).size == 2
    assert runtime.mesh(5).size == 1
    smaller, larger = (shapes_of(lstm.cell(size)) for size in (361, 363))
    assert runtime.mesh(4, params=smaller).size == 2
    assert runtime.mesh(4, params=larger).size == 1  # 4 MiB in float64
    assert runtime.mesh(64, params=larger).size == 2
    assert runtime.mesh(4, params={"embedding": jax.ShapeDtypeStruct((2**22,), float)}).size == 2
    parts = pieces()
    state, report = run(parts, [6])
    one = jax.local_devices()[:1]
    monkeypatch.setattr(jax, "local_devices", lambda: one)
    single_state, single_report = run(parts, [6])
    assert len(state.carry[0].c.sharding.device_set) == 2
    assert len(single_state.carry[0].c.sharding.device_set) == 1
    assert_close(report, single_report)
    assert_close(
        (state.params, state.opt_state, state.carry), (single_state.params, single_state.opt_state, single_state.carry)
    )


@pytest.mark.costly
def test_a_large_net_on_one_device_is_the_same_run(monkeypatch):
    task = pieces()
    expected = run(task, [6])
    ys = evaluator(task).predict(expected[0].params, task.dataset.splits["validation"])
    monkeypatch.setattr(runtime, "TOO_LARGE", 5 * 4 * 5 * 8)
    monkeypatch.setattr(runtime, "A_ROW", 5 * 5 * 8)
    got = run(task, [6])
    assert len(got[0].step.sharding.device_set) == 1
    assert_close(got[0]._replace(key=0), expected[0]._replace(key=0))
    assert_close(got[1], expected[1])
    assert_close(evaluator(task).predict(got[0].params, task.dataset.splits["validation"]), ys)


def test_chunks_are_bit_for_bit_one_call():
    parts = pieces()
    whole, report = run(parts, [6])
    pieced, pieced_report = run(parts, [2, 3, 1])
    jax.tree.map(np.testing.assert_array_equal, whole._replace(key=0), pieced._replace(key=0))
    np.testing.assert_array_equal(report.param_norm[-1], pieced_report.param_norm[-1])
    report, pieced_report = (r._replace(param_norm=None) for r in (report, pieced_report))
    jax.tree.map(np.testing.assert_array_equal, report, pieced_report)


@pytest.mark.costly
def test_updates_and_reports_against_optax_by_hand():
    """Three stateful updates with clipping, written out in eager JAX; the carry goes on, the gradient does not."""
    dataset = sine.dataset(window=4)
    net = nets.rnn(elman.cell(6), 1)
    parts = pieces(batch_size=2, dataset=dataset, net=net, clip_norm=0.4)
    state, report = run(parts, [3])
    fresh_state = single_program(parts).init(KEY)
    params, carry = fresh_state.params, fresh_state.carry
    tx = optax.chain(optax.clip_by_global_norm(0.4), optax.adam(0.01))
    opt_state = tx.init(params)
    curve, clipped = np.sin(np.arange(40)), []

    def loss(params, carry, xs, targets):
        carry, ys = net.apply(params, carry, xs[..., None])
        return jnp.mean((ys[..., 0] - targets) ** 2), carry

    gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))
    for step in range(3):
        at = np.arange(4)[:, None] + 4 * (step % 4) + np.array([0, 18])
        (value, carry), grads = gradient(params, carry, curve[at], curve[at + 1])
        updates, opt_state = tx.update(grads, opt_state)
        params = optax.apply_updates(params, updates)
        norms = [float(optax.tree.norm(tree)) for tree in (grads, updates, params)]
        clipped.append(norms[0] > 0.4)
        got = [report.grad_norm[step], report.update_norm[step]]
        np.testing.assert_allclose(got, norms[:2], rtol=1e-9)
        np.testing.assert_allclose(report.loss[step], value, rtol=1e-9)
    np.testing.assert_allclose(report.param_norm, [0.0, 0.0, norms[2]], rtol=1e-9)
    np.testing.assert_array_equal(report.clipped, clipped)
    assert any(clipped)
    assert_close((state.params, state.carry), (params, carry), rtol=1e-8)


def test_clipping_by_value():
    tx = optimizer(optax.identity(), 1.0, clip_value=0.1)
    clipped, _ = tx.clip.update({"w": jnp.array([-3.0, 0.05])}, tx.clip.init(None))
    np.testing.assert_allclose(clipped["w"], [-0.1, 0.05])


def test_schedule_scales_the_learning_rate():
    tx = optimizer(optax.identity(), 0.5, schedule=optax.linear_schedule(1.0, 0.0, 2))
    state, steps = tx.rule.init(jnp.ones(())), []
    for _ in range(3):
        update, state = tx.rule.update(jnp.ones(()), state, jnp.ones(()))
        steps.append(float(update))
    np.testing.assert_allclose(steps, [-0.5, -0.25, 0.0])


def test_weight_decay_is_decoupled():
    tx = optimizer(optax.identity(), 0.5, weight_decay=0.1)
    update, _ = tx.rule.update(jnp.zeros(()), tx.rule.init(jnp.ones(())), jnp.array(2.0))
    np.testing.assert_allclose(update, -0.5 * 0.1 * 2)


@pytest.mark.slow
def test_bfloat16_products_train_float32_params(x32):
    parts = pieces(batch_size=2, net=nets.rnn(lstm.cell(5), 1))
    low = parts._replace(trainer=parts.trainer._replace(precision="bf16"))
    state, report = run(low, [6])
    _, exact = run(parts, [6])
    assert {a.dtype for a in jax.tree.leaves((state.params, state.carry))} == {jnp.dtype("float32")}
    np.testing.assert_allclose(report.loss, exact.loss, rtol=0.05)
    assert np.any(report.loss != exact.loss)


@pytest.mark.costly
def test_the_gradient_norm_reported_in_bfloat16_is_that_in_float32(x32):
    """Over 1000 equal steps, whose gradients of a bias are the same: a sum in bfloat16 would lose most of them."""

    def equal_steps(arrays, rows):
        count = len(jax.tree.leaves(rows)[0])
        ones = jnp.ones((1000, count, 1))
        return Batch(ones, ones, ones[..., 0], jnp.ones(count, bool))

    dataset = sine.dataset()
    dataset = dataset._replace(train=dataset.train._replace(batch=equal_steps))
    parts = pieces(batch_size=2, report_every=1, dataset=dataset, net=nets.rnn(gru.cell(4), 1, learned_carry=True))
    low = parts._replace(trainer=parts.trainer._replace(precision="bf16"))
    np.testing.assert_allclose(run(low, [1])[1].grad_norm, run(parts, [1])[1].grad_norm, rtol=0.01)


@pytest.mark.costly
def test_a_regularizer_reads_the_params_that_are_trained(x32):
    parts = pieces(net=nets.rnn(elman.cell(4), 1))._replace(regularizer=flossing(2, before=10))
    low = parts._replace(trainer=parts.trainer._replace(precision="bf16"))
    np.testing.assert_allclose(run(low, [1])[1].grad_norm, run(parts, [1])[1].grad_norm, rtol=1e-5)


@pytest.mark.slow
def test_runs_with_other_rates_and_seeds_are_one_program():
    """vmap over the key and the learning rate; no run's path branches on either."""
    task = pieces(net=nets.rnn(elman.cell(4), 1))

    def losses(seed, rate):
        made = single_program(task._replace(optimizer=optimizer(optax.scale_by_adam(), rate, clip_norm=rate * 100)))
        state = made.init(jax.random.key(seed))
        return made.advance(state, task.dataset.train.arrays, 6)[1].loss

    seeds, rates = jnp.array([0, 1, 2]), jnp.array([0.01, 0.1, 0.001])
    np.testing.assert_allclose(jax.jit(jax.vmap(losses))(seeds, rates)[1], losses(1, 0.1), rtol=1e-9)


def test_evaluation_starts_fresh_and_counts_weights():
    """One forward pass gives the loss and a metric of one's own."""
    dataset, net = sine.dataset(), nets.rnn(elman.cell(4), 1)
    largest = {"largest": lambda ys, batch: jnp.max(jnp.where(batch.weights[..., None] > 0, ys, -jnp.inf))}
    task = Task(net, dataset, None, Trainer(1, 1, precision="f64"), metrics=largest)
    params = net.init(KEY, 1)
    split = dataset.splits["validation"]
    ys = net.apply(params, net.initial(params, (1,)), split.xs)[1]
    by_hand = np.mean((ys[-36:] - split.targets[-36:]) ** 2)
    found = evaluator(task).measure(params, split)
    np.testing.assert_allclose([found["loss"], found["largest"]], [by_hand, ys[-36:].max()], rtol=1e-12)
    assert evaluator(task).baseline(split) == pytest.approx(float(np.mean((split.xs - split.targets)[-36:] ** 2)))


@pytest.mark.costly
def test_every_update_drops_other_units():
    """The same sequences at every update, and a learning rate of nothing: losses differ by their masks alone."""
    net, dataset = nets.serial(nets.dropout(0.5), nets.rnn(elman.cell(4), 1)), sine.dataset(8, window=2, stateful=False)
    for dropped, distinct in ((net, 6), (nets.rnn(elman.cell(4), 1), 1)):
        task = pieces(batch_size=dataset.train.rows, dataset=dataset, net=dropped)
        _, report = run(task._replace(optimizer=optimizer(optax.identity(), 1e-300)), [6])
        assert len(np.unique(report.loss.round(12))) == distinct


def test_the_error_of_generated_values_is_in_the_units_of_the_source():
    dataset = sine.dataset()
    scaled = dataset._replace(series=dataset.series._replace(mean=7.0, std=3.0))
    truth = scaled.series.values[scaled.series.handover :]
    own = scaled.series.in_source_units(truth + 0.5) - scaled.series.in_source_units(truth)
    assert generation_error(scaled, truth + 0.5) == pytest.approx(np.mean(own**2)) == pytest.approx(1.5**2)
    longer = np.concatenate([truth + 0.5, np.full((9, 1), 99.0)])  # what is not known does not count
    assert generation_error(scaled, longer) == pytest.approx(1.5**2)


@pytest.mark.usefixtures("x32")
@pytest.mark.parametrize("scale", [1e-34, 1e-20, 1.0, 1e20, 1e37])
def test_a_norm_that_float32_holds_is_right_though_its_squares_are_not_held(scale):
    """Of one run and of many side by side, whatever the sizes of the others; clipping by it too."""
    values = np.float32(scale) * np.random.default_rng(0).normal(size=40).astype(np.float32)
    expected = np.linalg.norm(values.astype(float))
    tree = {"a": jnp.asarray(values[:10]), "b": jnp.asarray(values[10:])}
    np.testing.assert_allclose(jax.jit(global_norm)(tree), expected, rtol=1e-6)
    side_by_side = jax.tree.map(lambda a: jnp.stack([a, a / scale, 0 * a]), tree)
    norms = jax.jit(jax.vmap(global_norm))(side_by_side)
    np.testing.assert_allclose(norms, [expected, expected / scale, 0], rtol=1e-6)
    clip = clip_by_global_norm(0.1 * expected)
    np.testing.assert_allclose(jax.jit(clip.update)(tree, ())[0]["b"], 0.1 * values[10:], rtol=1e-6)


@pytest.mark.costly
@pytest.mark.usefixtures("x32")
def test_norms_of_what_is_no_number_say_so():
    cases = (
        ([1.0, np.inf], np.inf),
        ([np.nan, 1.0], np.nan),
        ([3e38, 3e38], np.inf),
        ([2e38, 2e38], 8e76**0.5),
        ([], 0.0),
    )
    for values, expected in cases:
        vector = jnp.asarray(values, jnp.float32)
        norms = [global_norm([vector]), *jax.vmap(lambda a: global_norm([a]))(jnp.stack([vector, vector]))]
        np.testing.assert_allclose(norms, [expected] * 3, rtol=1e-6)
        if not np.isfinite(expected):
            assert np.isnan(clip_by_global_norm(1.0).update([vector], ())[0][0]).all()


@pytest.mark.parametrize("size", [1, 3, 16, 100])
@pytest.mark.sample(1, 2)
def test_the_norm_of_many_runs_is_that_of_each(size):
    """Of trees whose size is no multiple of the folds; and clipping by it is Optax's."""
    key_a, key_b = jax.random.split(jax.random.key(size))
    trees = {"a": jax.random.normal(key_a, (5, size)), "b": jax.random.normal(key_b, (5, 2, size))}
    first = jax.tree.map(lambda a: a[0], trees)
    expected = np.sqrt(np.sum(trees["a"] ** 2, axis=1) + np.sum(trees["b"] ** 2, axis=(1, 2)))
    np.testing.assert_allclose(jax.jit(jax.vmap(global_norm))(trees), expected, rtol=1e-14)
    np.testing.assert_allclose(global_norm(first), expected[0], rtol=1e-14)
    assert jax.vmap(lambda _: global_norm({"a": jnp.ones(4)}))(jnp.arange(3)).tolist() == [2.0] * 3
    for largest in (0.1, 1e3):
        clips = clip_by_global_norm(largest), optax.clip_by_global_norm(largest)
        found, wanted = (jax.vmap(lambda g, t=t: t.update(g, t.init(g))[0])(trees) for t in clips)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-13), found, wanted)
