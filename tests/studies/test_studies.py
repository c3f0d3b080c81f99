"""Every study against theory that is exact, and from configuration to files."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import dynamics, nets
from jaxrnn.cells import elman, gru, lstm
from jaxrnn.data import noisy_cosine
from jaxrnn.dataset import MemoryTask, TrainingSet
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import artifacts, fitting
from jaxrnn.experiments.build import build
from jaxrnn.initializers import gaussian
from jaxrnn.losses import weighted_sum
from jaxrnn.studies import _ensembles, _runner, gain, gates, gradient_flow, jacobian, long_lag, lyapunov, truncation
from jaxrnn.studies._gradients import compare_gradients
from jaxrnn.studies._losses_read import by_lag, losses_read
from jaxrnn.training import engine, evaluation
from jaxrnn.types import Batch
from jaxrnn.unroll.scan import scan
from jaxrnn.unroll.truncated import unroll as truncated

KEY = jax.random.key(0)
T, B, H = 12, 3, 5


def noise_batch(width, outputs=H, steps=T):
    xs, targets = jax.random.normal(KEY, (steps, B, width)), jnp.ones((steps, B, outputs))
    weights = jnp.zeros((steps, B)).at[-1].set(1.0)
    return Batch(xs, targets, weights, jnp.ones(B, bool))


@pytest.fixture
def composed(configure):
    return lambda overrides: configure(*overrides, name="study")


# Gradient flow


def flow_of(net, loss="last"):
    """(params, batch) -> the `Flow` of the one layer, compiled."""
    measure = jax.jit(lambda p, b: gradient_flow.measure(net, noisy_cosine.dataset(), p, b, loss)[0][1:])
    return lambda params, batch: gradient_flow.Flow("layer 1", *measure(params, batch))


def test_linear_gradient_is_the_matrix_power():
    cell = elman.cell(H, "linear", recurrent_init=gaussian(1.1))
    params, batch = cell.init(KEY, 2), noise_batch(2)
    flow = flow_of(nets.recurrent(cell))(params, batch)
    _, ys = jax.jit(partial(scan, cell))(params, cell.initial(params, (B,)), batch.xs)
    last = 2 * (np.asarray(ys[-1]) - 1) / H
    for lag in range(T):
        expected = np.linalg.norm(last @ np.linalg.matrix_power(np.asarray(params.w_h).T, lag), axis=-1)
        np.testing.assert_allclose(flow.norms["h"][lag], expected, rtol=1e-12)
    assert float(flow.shares.sum()) == pytest.approx(1.0, abs=1e-12)


def test_orthogonal_weights_keep_every_norm():
    cell = elman.cell(H, "linear")
    flow = flow_of(nets.recurrent(cell))(cell.init(KEY, 2), noise_batch(2))
    np.testing.assert_allclose(flow.norms["h"], jnp.broadcast_to(flow.norms["h"][0], (T, B)), rtol=1e-12)
    assert gradient_flow.growth(np.asarray(flow.norms["h"][:, 0]))[1] == "preserved"


def test_cell_path_of_an_lstm_with_forced_gates():
    """No weights: dL/dc_t shrinks by sigmoid(b_f) each step back, whatever b_f."""
    cell = lstm.cell(H)
    measure = flow_of(nets.recurrent(cell))
    for b_f in (0.0, 1.0, 5.0):
        params = jax.tree.map(jnp.zeros_like, cell.init(KEY, 2))
        params = params._replace(b=params.b.at[H : 2 * H].set(b_f).at[2 * H : 3 * H].set(0.3))
        flow = measure(params, noise_batch(2))
        norms = np.asarray(flow.norms["c"])
        np.testing.assert_allclose(norms[2:] / norms[1:-1], 1 / (1 + np.exp(-b_f)), rtol=1e-12)
        together = np.sqrt(norms**2 + np.asarray(flow.norms["h"]) ** 2)
        np.testing.assert_allclose(flow.carry, together, rtol=1e-12)


@pytest.mark.slow
def test_gradients_are_aligned_by_lag():
    """Sequences that end at different steps: nothing before their first, and the same as each on its own."""
    cell = gru.cell(H)
    params, batch = cell.init(KEY, 2), noise_batch(2)
    ends = np.array([T - 1, 7, 4])
    steps = np.arange(T)[:, None]
    ragged = batch._replace(weights=1.0 * jnp.asarray(steps == ends), mask=jnp.asarray(steps <= ends))
    measure = flow_of(nets.recurrent(cell))
    flow = measure(params, ragged)
    for row, end in enumerate(ends):
        alone = jax.tree.map(lambda a, r=row, e=end: a[: e + 1, r : r + 1], (batch.xs, batch.targets))
        weights = jnp.zeros((end + 1, 1)).at[-1].set(1.0)
        own = Batch(*alone, weights, jnp.ones(1, bool))
        expected = measure(params, own).norms["h"][:, 0]
        np.testing.assert_allclose(flow.norms["h"][: end + 1, row], expected, rtol=1e-12)
        assert np.isnan(flow.norms["h"][end + 1 :, row]).all()
    assert float(jnp.nansum(flow.shares)) == pytest.approx(1.0, abs=1e-12)


def linear_networks(factor, steps=T, dtype=float, loss_at="all"):
    """An ensemble of a linear network whose gradient changes by a factor per step back."""
    cell = elman.cell(H, "linear")
    net, batch = nets.recurrent(cell), noise_batch(2, steps=steps)
    batch = batch._replace(weights=jnp.ones((steps, B))) if loss_at == "all" else batch
    params = cell.init(KEY, 2)
    params = params._replace(w_h=factor * params.w_h)  # orthogonal
    params, batch = jax.tree.map(lambda a: a.astype(dtype) if a.dtype == float else a, (params, batch))
    train = TrainingSet(None, (), plan=lambda *_: jnp.zeros(1), batch=lambda *_: batch)
    dataset = noisy_cosine.dataset()._replace(input_size=2, train=train)
    made = _ensembles.ensemble(net, dataset, networks=1, name="linear")
    return made._replace(params=jax.tree.map(lambda a: np.asarray(a)[None, None], params))


@pytest.mark.parametrize(("loss", "loss_at"), [("last", "all"), ("all", "all"), ("all", "last")])
@pytest.mark.parametrize(("factor", "kind"), [(0.6, "vanishing"), (1.6, "exploding")])
@pytest.mark.sample(1, 2)
def test_the_verdict_is_that_of_theory_whatever_step_has_a_loss(factor, kind, loss, loss_at):
    """A loss at every step adds up in the gradient at early steps: read by step, what vanishes seemed to explode."""
    result = gradient_flow.study(linear_networks(factor, 24, loss_at=loss_at), loss=loss)
    (rate,) = result.scores["nats per step back"]["linear"]
    assert rate == pytest.approx(np.log(factor), abs=1e-9)
    assert f"the gradient is {kind}, {np.log(factor):+.4f} nats per step back" in result.findings[0]
    norms = result["linear"]["norms"]["h"][0, 0]
    assert len(norms) == (
        24 if "last" in (loss, loss_at) else 14
    )  # about half of 24 steps lie before every loss that is read
    np.testing.assert_allclose(norms / norms[0], factor ** np.arange(len(norms)), rtol=1e-9)
    assert result["linear"]["share"].sum() == pytest.approx(1.0, abs=1e-9)
    assert result.table.columns[-4:] == ["lag", "median", "low", "high"]
    (panel,) = result.plot(3.4)["gradient_flow"].axes
    assert panel.get_title() == f"linear: {kind}"
    assert panel.get_xlabel() == "lag k (steps back)"
    assert {"last": "loss at the last step", "all": "loss at one step"}[loss] in result.captions["gradient_flow"]


def test_norms_reach_as_far_down_as_their_format():
    """The square of a norm below 1e-19 is zero in float32; the norm itself is not."""
    networks = linear_networks(0.3, 90, np.float32, "last")
    result = gradient_flow.study(networks)
    norms = result["linear"]["norms"]["h"][0, 0]
    assert norms.dtype == np.float32
    exact = gradient_flow.study(linear_networks(0.3, 90, float, "last"))["linear"]["norms"]["h"][0, 0]
    seen = exact > 1e-31
    assert 50 < seen.sum() < 70
    np.testing.assert_allclose(norms[seen], exact[seen], rtol=1e-4)
    (finding,) = result.findings
    assert "vanishing, -1.2040 nats per step back" in finding
    assert finding.endswith(f"; too small for float32 from lag {seen.sum()} on")
    assert result["linear"]["share"].sum() == pytest.approx(1.0, abs=1e-5)


def test_a_backward_direction_counts_lags_in_its_own_order():
    """Its gradient vanishes towards later steps: counted back from the end it seemed to explode."""
    net = nets.rnn(elman.cell(H, "linear"), H, bidirectional="concat")
    params, batch = net.init(KEY, 2), noise_batch(2, steps=24)._replace(weights=jnp.ones((24, B)))
    params = jax.tree_util.tree_map_with_path(lambda at, a: 0.6 * a if at[-1].name == "w_h" else a, params)
    flows = jax.jit(
        lambda: [flow[1:] for flow in gradient_flow.measure(net, noisy_cosine.dataset(), params, batch, "all")]
    )()
    assert len(flows) == 2
    for norms, *_ in flows:
        known = np.isfinite(norms["h"]).all(axis=1)
        assert known.sum() == 9  # a third of the steps on either side of every loss that is read
        np.testing.assert_allclose(
            norms["h"][known] / norms["h"][0], 0.6 ** np.arange(9)[:, None] * np.ones(8 * B), rtol=1e-9
        )
    assert sum(float(shares.sum()) for *_, shares in flows) == pytest.approx(1.0, abs=1e-9)


def test_a_backward_direction_is_read_at_the_first_valid_step_where_one_loss_is():
    batch = noise_batch(2)._replace(
        mask=(jnp.arange(T)[:, None] >= jnp.array([0, 2, 3])) & (jnp.arange(T) < 9)[:, None]
    )
    read = losses_read(batch, "last", two_ways=True)
    steps = jnp.broadcast_to(1.0 * jnp.arange(T)[None, :, None], (1, T, B))
    found = np.asarray(by_lag(steps, read, reverse=True))
    for row, first in enumerate([0, 2, 3]):
        np.testing.assert_array_equal(found[: 9 - first, row], np.arange(first, 9))
        assert np.isnan(found[9 - first :, row]).all()


@pytest.mark.parametrize(
    ("rate", "kind"), [(0.1, "exploding"), (-0.1, "vanishing"), (0.01, "preserved"), (-0.01, "preserved")]
)
def test_growth(rate, kind):
    found = gradient_flow.growth(np.exp(rate * np.arange(100)))
    assert found[0] == pytest.approx(rate)
    assert found[1] == kind


@pytest.mark.parametrize(
    ("norms", "kind"), [([1, 0, 0], "zero"), ([1, 1e-33, 1e-38], "zero"), ([1, 1e-20, 0], "vanishing")]
)
def test_no_rate_where_fewer_than_two_lags_can_be_told(norms, kind):
    rate, found = gradient_flow.growth(np.array(norms, np.float32))
    assert np.isnan(rate)
    assert found == kind


# Jacobians, gain, gates, truncation, fixed points


def test_bound_of_pascanu_holds_for_a_thousand_networks():
    cell = elman.cell(4)
    xs = jax.random.normal(KEY, (10, 2))

    @jax.jit
    @jax.vmap
    def run(key):
        key_gain, key_params = jax.random.split(key)
        params = cell.init(key_params, 2)
        params = params._replace(w_h=jax.random.uniform(key_gain, maxval=3.0) * params.w_h)
        f, z_0 = dynamics.as_map(nets.recurrent(cell), params)
        return jacobian.measure(f, z_0, xs)[1][:, 0], jacobian.pascanu_bound(params)

    norms, bound = run(jax.random.split(KEY, 1000))
    lags = np.arange(1, 11)
    assert (norms <= lags * np.log(bound)[:, None] + 1e-10).all()
    assert (norms > lags * np.log(bound)[:, None] - 3).any(axis=0).all()  # and is no empty statement


def test_products_of_jacobians():
    cell = lstm.cell(3)
    net, params, xs = nets.recurrent(cell), cell.init(KEY, 2), jax.random.normal(KEY, (4, 2))
    f, z_0 = dynamics.as_map(net, params)
    one, products = jax.jit(partial(jacobian.measure, f))(z_0, xs)
    whole = jax.jit(jax.jacrev(lambda z: dynamics.trajectory(f, z, xs)[-1]))(z_0)
    np.testing.assert_allclose(products[-1], np.log(np.linalg.svd(whole, compute_uv=False)), rtol=1e-7)
    np.testing.assert_allclose(np.log(one[0]), products[0], rtol=1e-9)


def test_gain_of_a_linear_network_is_its_rate():
    cell = elman.cell(H, "linear")
    params = cell.init(KEY, 2)
    for factor, length in ((0.5, 7), (2.0, 20)):
        rate = gain.measure(nets.recurrent(cell), params, factor, length, 20, 2, 0.0, KEY)
        assert float(rate) == pytest.approx(np.log(factor), rel=1e-12)


def test_gain_holds_where_the_gradient_itself_leaves_float32():
    cell = elman.cell(H, "linear")
    params = jax.tree.map(lambda a: a.astype(jnp.float32), cell.init(KEY, 2))
    for factor in (0.3, 3.0):  # over 200 steps 1e-105 and 1e95
        rate = gain.measure(nets.recurrent(cell), params, jnp.float32(factor), 200, 200, 2, 0.0, KEY)
        assert float(rate) == pytest.approx(np.log(factor), rel=1e-4)
    assert float(gain.measure(nets.recurrent(cell), params, jnp.float32(0), 20, 20, 2, 0.0, KEY)) == -np.inf


def test_two_tiny_gradients_are_compared_as_large_ones_are():
    full, cut = {"w": jnp.array([3.0, 4.0])}, {"w": jnp.array([4.0, 3.0])}
    for size in (1.0, 1e-25, 1e25):
        pair = [{"w": np.float32(size * np.asarray(each["w"]))} for each in (full, cut)]
        np.testing.assert_allclose(jax.jit(compare_gradients)(*pair), [0.96, 1.0], rtol=1e-6)
    np.testing.assert_array_equal(jax.jit(compare_gradients)(full, {"w": jnp.zeros(2)}), 0)


def test_spectral_radius_is_set_block_by_block():
    cell = gru.cell(H)
    w_h = gain.scaled(cell.init(KEY, 2), 1.7, "radius").w_h
    for block in np.split(np.asarray(w_h), 3, axis=1):
        assert np.abs(np.linalg.eigvals(block)).max() == pytest.approx(1.7)


def test_gates_of_forced_biases():
    """No weights: an input gate of sigmoid(-3), a forget gate of sigmoid(4), whose time scale is -1 / ln of it."""
    cell = lstm.cell(H)
    params = jax.tree.map(jnp.zeros_like, cell.init(KEY, 2))
    params = params._replace(b=params.b.at[:H].set(-3.0).at[H : 2 * H].set(4.0))
    [found] = gates.measure(nets.recurrent(cell), params, noise_batch(2))
    np.testing.assert_allclose(found.over_time["i"], 1 / (1 + np.exp(3)), rtol=1e-12)
    assert {name: (float(found.shut[name]), float(found.open[name])) for name in found.shut} == {
        "i": (1, 0),
        "f": (0, 1),
        "o": (0, 0),
    }
    np.testing.assert_allclose(found.time_scales, np.full(H, -1 / np.log(1 / (1 + np.exp(-4)))), rtol=1e-12)
    np.testing.assert_allclose(found.of_biases, found.time_scales, rtol=1e-12)  # the biases are all there is


def test_a_cell_without_gates_is_told_so():
    cell = elman.cell(H)
    with pytest.raises(ValueError, match="have no gates: expected gated cells"):
        gates.measure(nets.recurrent(cell), cell.init(KEY, 2), noise_batch(2))


CUTS = {  # a function of the study and the unroll that it should agree with; several layers cut at other places
    "pieces": (truncation.in_pieces, truncated, 2),
    "every step": (truncation.from_every_step, lambda k: truncated(1, k), 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("cut", [pytest.param("pieces", marks=pytest.mark.slow), "every step"])
def test_truncated_gradients_of_all_k_are_those_of_the_unroll(cut):
    """Against BPTT(k; k) and BPTT(k; 1) by the unroll `truncated`, k by k, with a mask and a reset."""
    measure, unroll_of, layers = CUTS[cut]
    net, dataset = nets.rnn(lstm.cell(3), 1, layers=layers), noisy_cosine.dataset(window=T)
    params, batch = net.init(KEY, 2), noise_batch(2, outputs=1)
    ends = jnp.arange(T)[:, None] < jnp.array([T, T - 2, 7])
    resets = jnp.zeros((T, B), bool).at[4, 1].set(True)
    batch = batch._replace(mask=ends, reset=resets, weights=1.0 * ends)
    ks = (1, 3, 4, T)  # where k does not divide T the unroll's last piece reaches back over a cut

    def gradient(unroll, params):
        def loss(params):
            own = net.with_unroll(unroll)
            _, ys = own.apply(params, own.initial(params, (B,)), batch.xs, mask=batch.mask, reset=batch.reset)
            total, weight = weighted_sum(dataset.loss, ys, batch.targets, batch.weights)
            return total / weight

        return jax.grad(loss)(params)

    @jax.jit
    def both(params):
        full = gradient(scan, params)
        expected = jnp.stack([truncation.compare_gradients(full, gradient(unroll_of(k), params)) for k in ks])
        return measure(net, dataset, params, batch, ks), expected

    found, expected = both(params)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(found[-1], (1, 1), rtol=1e-12)
    assert float(found[0, 0]) < 0.999


def test_fixed_points_of_a_known_network():
    """h' = tanh(h W), W = [[1, -1], [-1, 1]]: zero, with an eigenvalue of 2, and a stable pair."""
    w = -jnp.array([[-1.0, 1.0], [1.0, -1.0]])

    def f(z, x):
        return jnp.tanh(z @ w)

    starts = jax.random.normal(KEY, (60, 2))
    found = jax.jit(lambda s: dynamics.find_points(f, s, jnp.zeros(1)))(starts)
    assert (found.speed < 1e-10).all()
    kept = np.asarray(found.z)[dynamics.distinct(np.asarray(found.z), 1e-4)]
    kept = kept[np.argsort(kept[:, 0])]
    np.testing.assert_allclose(kept, [[-0.957504, 0.957504], [0, 0], [0.957504, -0.957504]], atol=1e-6)
    radii = [float(np.abs(np.linalg.eigvals(jax.jacfwd(lambda z: f(z, None))(z))).max()) for z in jnp.asarray(kept)]
    np.testing.assert_allclose(radii, [0.166371, 2.0, 0.166371], atol=1e-5)


# Long lags


@pytest.mark.slow
def test_sequences_are_counted_until_the_stop_rule(composed):
    """Networks that are right from the start stop after as many sequences as have to be right, in whole batches."""
    cfg = composed(["model=elman", "data=adding", "data.length=22", "trainer.batch_size=8", "trainer.report_every=5"])
    task = build(cfg).task

    def always(ys, batch):
        return jnp.ones(batch.xs.shape[1], bool)

    easy = task._replace(dataset=task.dataset._replace(memory=MemoryTask(always)))
    np.testing.assert_array_equal(long_lag.sequences_seen(easy, [0, 1], 20, 1000), [24, 24])
    hard = task._replace(dataset=task.dataset._replace(memory=MemoryTask(lambda ys, batch: ~always(ys, batch))))
    assert np.isnan(long_lag.sequences_seen(hard, [0, 1], 20, 100)).all()


# From configuration to files

SMALL = ["model.cell.size=4", "seeds=2", "data.length=22", "trainer.steps=4", "trainer.report_every=2", "train=true"]
STUDIES = {
    "gradient_flow": ["study.batch=4"],
    "jacobian": ["study.sequences=2"],
    "lyapunov": ["study.steps=40", "study.warm_up=5"],
    "gain": ["study.gains=3", "study.lengths=3", "study.longest=12", "study.timed=true"],
    "gates": ["study.batch=4"],
    "clipping": ["study.thresholds=[0.1,1.0]"],
    "long_lag": ["study.lengths=[22,24]", "study.right=8", "study.max_sequences=64"],
    "truncation": ["study.lengths=[2,5]", "study.batch=4"],
    "fixed_points": ["study.starts=8", "study.iterations=20"],
    "landscape": ["study.points=5", "study.eigenvalues=2", "study.batch=4"],
    "dimension": ["study.steps=60", "study.lags=5", "study.batch=4"],
    "credit": ["study.batch=4"],
    "similarity": ["study.batch=4", "study.rank=3"],
    "online_gradients": ["study.lengths=[2,5]", "study.batch=2"],
    "online_training": ["study.updates=4", "study.points=2", "study.rules=[bptt,snap_1]"],
    "newton_steps": ["study.gains=3", "study.lengths=2", "study.longest=40", "study.iterations=20"],
}


FIRST, SLOW = {"gates"}, (pytest.mark.slow, pytest.mark.share(3))


@pytest.mark.costly
@pytest.mark.parametrize("name", [n if n in FIRST else pytest.param(n, marks=SLOW) for n in STUDIES])
def test_from_configuration_to_files(tmp_path, name, composed):
    cfg = composed([f"study={name}", "model=gru", *SMALL, *STUDIES[name]])
    lines = _runner.study_models({"small": cfg}, tmp_path, "the command")
    assert any("small" in line for line in lines)
    files = {path.name for path in tmp_path.iterdir()}
    assert {f"{name}.npz", f"{name}.csv", "figures"} <= files <= {
        f"{name}.npz", f"{name}.csv", "figures", "scores.csv", f"{name}_comparisons.csv"
    }  # fmt: skip
    header, *rows = (tmp_path / f"{name}.csv").read_text().splitlines()
    assert header.startswith("network,")
    assert rows
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    for title in drawn:  # each with its PDF, and a caption that says what it shows and how it was made
        assert (tmp_path / "figures" / f"{title}.pdf").read_bytes().startswith(b"%PDF")
        caption = (tmp_path / "figures" / f"{title}.txt").read_text()
        assert len(caption.splitlines()[0]) > 60
        assert "Networks: small (2 networks, before training" in caption
        assert "Command: the command" in caption
        assert "jaxrnn" in caption
    assert len(np.load(tmp_path / f"{name}.npz").files) >= 2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["study=lyapunov", "study.drive=output", "model=gru", "model.bidirectional=sum"], "reads the future"),
        (["study=newton_steps", "model=gru", "study.shortest=2000"], "below study.longest"),
        (["study=gain", "model=gru", "study.lowest=3.0"], "must be below"),
        (
            ["study=lyapunov", "model=jordan", "study.exponents=9"],
            "study.exponents=9: expected at most 1, the number of states of",
        ),
        (
            ["study=gain", "model=jordan", "study.scale=radius", "model.cell.size=7"],
            "study.scale=radius: expected square recurrent weights",
        ),
        (["study=gates", "model=elman"], "study gates: the network's cells have no gates: expected gated cells"),
        (["study=newton_steps", "model=gru", "model.bidirectional=sum"], "reads the future"),
        (["study=long_lag", "model=gru", "data=copy_memory", "study.lengths=[0]"], "greater than 0"),
        (["study=gradient_flow", "model=gru", "study.lag=3"], "no such option"),
        (["study=jacobian", "model=gru", "seeds=0"], "seeds=0: should be greater than 0"),
    ],
)
@pytest.mark.sample(1, 4)
def test_refusals(tmp_path, overrides, message, composed):
    small = SMALL[:1] + SMALL[3:] if "data=copy_memory" in overrides else SMALL
    overrides = [*small, *overrides]
    with pytest.raises(ConfigError, match=message):
        _runner.study_models({"gru": composed(overrides)}, tmp_path)


# Probes and flossing


@pytest.fixture
def probing(configure):
    small = ["data=adding", "data.length=22", "trainer.steps=6", "trainer.report_every=2"]
    return lambda overrides: build(configure(*small, *overrides))


@pytest.mark.slow
def test_probes_measure_at_every_report_and_change_nothing(tmp_path, probing):
    plain, watched = tmp_path / "plain", tmp_path / "watched"
    for folder, extra in ((plain, []), (watched, ["probes=[gradient_flow,gates]"])):
        run = fitting.fit(probing(extra), folder)
    assert (plain / "metrics.csv").read_bytes() == (watched / "metrics.csv").read_bytes()
    assert run.timing["probe_seconds"] > 0
    for name in ("gradient_flow", "gates"):
        assert sorted(path.name for path in (watched / "probes" / name).iterdir()) == ["2.npz", "4.npz", "6.npz"]
    found = artifacts.probe_figures({"gradient_flow": gradient_flow.probe(), "gates": gates.probe()}, run.task, watched)
    assert {"probe_gradient_flow_training", "probe_gates_saturation"} <= set(found)


@pytest.mark.costly
def test_a_probe_that_cannot_measure_is_refused_before_training(tmp_path, probing, configure):
    with pytest.raises(ConfigError, match=r"probes.gates: the network's cells have no gates: expected gated cells"):
        fitting.fit(probing(["model=elman", "probes=[gates]"]), tmp_path)
    with pytest.raises(ConfigError, match="single steps"):
        fitting.fit(build(configure("data=sine", "data.stateful=false", "probes=[gradient_flow]")), tmp_path)


@pytest.mark.slow
def test_flossing_before_training_pushes_exponents_to_zero(probing):
    """The updates before training follow the exponents alone; their squares fall, and the loss is still reported."""
    flossing = ["model=elman", "regularizer=flossing", "trainer.precision=f64", "trainer.report_every=60"]
    task = probing([*flossing, "regularizer.exponents=3", "regularizer.before=60", "trainer.steps=60"]).task
    run = engine.single(task, 0)
    state = run.init()

    def squared(params):
        f, z_0 = dynamics.as_map(task.net, params)
        xs = task.dataset.splits["test"].xs[:, :8]
        lam = jax.vmap(lambda x: dynamics.lyapunov(f, z_0, x, 3).lam, in_axes=1)(xs)
        return float(jnp.mean(lam**2))

    before = squared(jax.device_get(state.params))
    state, report = run.advance(state, 60)
    assert squared(jax.device_get(state.params)) < before / 2
    assert np.isfinite(report.loss).all()


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_flossing_is_traced_before_training_and_refused_where_it_cannot_be(probing, weight):
    flossing = ["regularizer=flossing", f"regularizer.weight={weight}"]
    assert probing(["model=elman", *flossing, "regularizer.exponents=2"]).task.regularizer is not None
    with pytest.raises(ConfigError, match="has 4 Lyapunov exponents"):
        probing(["model=elman", *flossing, "regularizer.exponents=5"])
    with pytest.raises(ConfigError, match="does not read the future"):
        probing(["model.bidirectional=sum", *flossing])


@pytest.mark.slow
def test_after_flossing_of_weight_zero_training_is_plain(probing):
    """Of a single run and of a group, whose first updates are told from the others once for all its runs."""
    common = [
        "model=elman",
        "trainer.precision=f64",
        "trainer.batch_size=4",
        "trainer.report_every=2",
        "trainer.steps=4",
    ]
    floss = ["regularizer=flossing", "regularizer.exponents=2", "regularizer.weight=0.0", "regularizer.before=2"]
    flossed, plain = probing([*common, *floss]).task, probing(common).task
    seeds = np.arange(2, dtype=np.uint32)
    for made in (lambda task: engine.single(task, 1), lambda task: engine.group(lambda _: task, seeds)):
        engines = made(flossed), made(plain)
        kept = engines[0].to_host(engines[0].advance(engines[0].init(), 2)[0])
        ends = [each.advance(each.to_device(kept, kept.params)[0], 2)[0].params for each in engines]
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-12), *ends)
        moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), kept.params, ends[0])
        assert max(jax.tree.leaves(moved)) > 1e-4


@pytest.mark.slow
def test_flossing_beside_the_loss_is_their_weighted_sum(probing):
    flossing = ["regularizer=flossing", "regularizer.exponents=2", "regularizer.weight=0.7", "trainer.precision=f64"]
    task = probing(["model=gru", "trainer.batch_size=4", *flossing]).task
    made = engine.single(task, 0)
    state = made.init()
    params, carry = jax.device_get((state.params, state.carry))
    items = task.dataset.train.plan(jax.random.fold_in(state.key, 0), jnp.arange(2), 4)
    batch = task.dataset.train.batch((), items[0])
    xs, mask = np.asarray(batch.xs), np.asarray(batch.mask)
    driving = [np.resize(xs[mask[:, row], row], xs[:, row].shape) for row in (0, 2)]  # the first one on each device

    def objective(params):
        _, ys = task.net.apply(params, carry, batch.xs, mask=batch.mask)
        f, z_0 = dynamics.as_map(task.net, params)
        lam = jnp.stack([dynamics.lyapunov(f, z_0, inputs, 2).lam for inputs in driving])
        return evaluation.mean_loss(task.dataset.loss, ys, batch) + 0.7 * jnp.mean(lam**2)

    expected = jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(jax.jit(jax.grad(objective))(params))))
    _, report = made.advance(state, 1)
    assert float(report.grad_norm[0, 0]) == pytest.approx(float(expected), rel=1e-9)


# From Python


@pytest.mark.slow
def test_studies_from_python_take_runs_ensembles_and_lists():
    net, dataset = nets.rnn(gru.cell(3), 1), noisy_cosine.dataset(window=8)
    some = _ensembles.ensemble(net, dataset, networks=2)
    result = lyapunov.study([some, some._replace(name="again")], steps=20, warm_up=2)
    assert list(result.networks) == ["network", "again"]
    np.testing.assert_array_equal(result["network"]["lam"], result["again"]["lam"])
    assert set(result.plot(3.4)) == {"lyapunov"}
    rows = result.table.where(network="again", number=1)
    np.testing.assert_allclose(rows["lam"], result["again"]["lam"][0, 1])
    flow = gradient_flow.study(some, batch=2)
    assert flow["network"]["norms"]["h"].shape == (1, 2, 8)  # every network is kept
    assert "network/norms/h" in flow.arrays()


@pytest.mark.slow
@pytest.mark.share(3)
@pytest.mark.parametrize(
    ("task", "published"),
    [
        (["data=adding", "data.length=100"], 74_000),
        (["data=adding", "data.length=500"], 209_000),
        (["data=temporal_order", "data.symbols=3"], 571_100),
    ],
    ids=["adding-100", "adding-500", "order-3"],
)
def test_fewer_sequences_than_in_1997(task, published, composed):
    networks = 4 if "data.length=500" in task else 10
    task = [*task, "study=long_lag", "model=lstm", "model.cell.chrono=${data.length}"]
    seen = long_lag.sequences_seen(build(composed(task)).task, range(networks), 2000, published)
    assert (~np.isnan(seen)).sum() >= networks - 1, seen
    assert np.nanmean(seen) < published
