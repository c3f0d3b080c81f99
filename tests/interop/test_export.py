"""What `export` writes loads, by the very lines that it gives, in a process that cannot import jaxrnn."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn
from jaxrnn import interop, nets
from jaxrnn.cells import elman, gru, lru, lstm
from jaxrnn.data import adding
from jaxrnn.errors import ConfigError
from jaxrnn.unroll.scan import scan

ALONE = """
import sys
import numpy as np
sys.modules["jaxrnn"] = None
given = np.load("xs.npy")
{before}
{lines}
np.save("ys.npy", {after})
"""
SYMBOLS = "given = given[..., 0]"
MODELS = {
    "torch": ("import torch; xs = torch.tensor(given)", "ys.detach().numpy()"),
    "keras": ("xs = given.swapaxes(0, 1)", "np.asarray(ys).swapaxes(0, 1)"),
    "flax": ("xs = given.swapaxes(0, 1)", "np.asarray(ys).swapaxes(0, 1)"),
    "stablehlo": ("xs = given.astype(np.float32)", "np.asarray(ys)"),
}
NETS = {
    "layers": (jaxrnn.rnn(lstm.cell(4), 2, layers=2, bidirectional="concat"), 3),
    "relu": (jaxrnn.rnn(elman.cell(4, "relu"), 2), 3),
    "symbols": (nets.symbol_rnn(gru.cell(4), 5, vocabulary_size=5, embedding=3), 1),
    "one-hot": (nets.symbol_rnn(gru.cell(4), 5, vocabulary_size=5), 1),
}
ADAPTED = nets.adapted(jaxrnn.rnn(gru.cell(4), 2, layers=2, bidirectional="concat"), adding.dataset(22))
PLAIN = ("flax", "stablehlo")


def drawn(net, input_size):
    """(params, xs) in float32."""
    params = net.init(jax.random.key(0), input_size)
    rng = np.random.default_rng(0)
    xs = rng.integers(0, 5, (6, 2, 1)) if input_size == 1 else rng.normal(size=(6, 2, input_size)).astype(np.float32)
    return params, xs


def loaded(folder, to, xs, symbols):
    """The outputs that the lines of LOAD.txt give on xs, in a process without jaxrnn."""
    before, after = MODELS[to]
    np.save(folder / "xs.npy", xs)
    given = f"{SYMBOLS if symbols and to != 'stablehlo' else ''}\n{before}"
    code = ALONE.format(before=given, lines=(folder / "LOAD.txt").read_text(), after=after)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "ys.npy")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("to", [pytest.param(to, marks=[] if to in PLAIN else pytest.mark.oracle) for to in MODELS])
@pytest.mark.sample(1, 3)
def test_the_lines_load_the_network_without_this_package(tmp_path, to, name, x32):
    net, input_size = NETS[name]
    params, xs = drawn(net, input_size)
    lines = interop.export(net, params, input_size, to, tmp_path / "there")
    assert lines == (tmp_path / "there" / "LOAD.txt").read_text().strip()
    ys = loaded(tmp_path / "there", to, xs, name in ("symbols", "one-hot"))
    expected = net.apply(params, net.initial(params, xs.shape[1:2]), jnp.asarray(xs))[1]
    np.testing.assert_allclose(ys, expected, rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("to", [pytest.param(to, marks=pytest.mark.oracle) for to in ("torch", "keras")])
def test_a_network_with_one_target_per_sequence_gives_one_output_there(tmp_path, to, x32):
    """Both directions' ends, as `return_sequences=False` gives them: what the loss saw at the last step."""
    params, xs = drawn(ADAPTED, 3)
    interop.export(ADAPTED, params, 3, to, tmp_path / "there")
    ys = loaded(tmp_path / "there", to, xs, symbols=False)
    expected = ADAPTED.apply(params, ADAPTED.initial(params, (2,)), jnp.asarray(xs))[1][-1:]
    np.testing.assert_allclose(ys.T[None] if to == "keras" else ys, expected, rtol=0, atol=1e-6)


def test_any_network_as_a_program_and_as_arrays(tmp_path, x32):
    net = jaxrnn.rnn(lru.cell(4), 2, layers=2, residual=True)
    params, xs = drawn(net, 3)
    interop.export(net, params, 3, "stablehlo", tmp_path)
    model = jax.export.deserialize(bytearray((tmp_path / "model.stablehlo").read_bytes()))
    for steps, rows in ((6, 2), (3, 1)):
        given = jnp.asarray(xs[:steps, :rows])
        expected = net.apply(params, net.initial(params, (rows,)), given)[1]
        np.testing.assert_allclose(model.call(given), expected, rtol=0, atol=1e-6)
    interop.export(net, params, 3, "safetensors", tmp_path)
    from safetensors.numpy import load_file

    arrays = load_file(tmp_path / "model.safetensors")
    assert len(arrays) == len(jax.tree.leaves(params))
    np.testing.assert_array_equal(arrays["2.w"], params[2].w)


def doubled(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    """An unroll of a user's own, which computes something else."""
    carry, ys = scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)
    return carry, 2 * ys


def by_length(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    """An unroll that must know the number of steps."""
    return scan(cell, params, carry, xs[: len(xs)] * np.ones(len(xs))[:, None, None])


def test_an_unroll_of_ones_own_is_kept_in_a_program(tmp_path, x32):
    net = jaxrnn.rnn(gru.cell(4), 2, readout=False).with_unroll(doubled)
    params, xs = drawn(net, 3)
    programs = {}
    for keep_unroll in (True, False):
        interop.export(net, params, 3, "stablehlo", tmp_path, keep_unroll=keep_unroll)
        programs[keep_unroll] = jax.export.deserialize(bytearray((tmp_path / "model.stablehlo").read_bytes()))
    expected = net.apply(params, net.initial(params, (2,)), jnp.asarray(xs))[1]
    np.testing.assert_allclose(programs[True].call(xs), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(2 * programs[False].call(xs), expected, rtol=0, atol=1e-6)
    with pytest.raises(ConfigError, match="to=flax: linen has no layers for this network"):
        interop.export(net, params, 3, "flax", tmp_path)
    with pytest.raises(ConfigError, match="to=stablehlo: the network must accept any number of steps") as error:
        interop.export(net.with_unroll(by_length), params, 3, "stablehlo", tmp_path, keep_unroll=True)
    assert "\n" not in str(error.value)


def test_what_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    net = jaxrnn.rnn(lru.cell(4), 1)
    params = net.init(jax.random.key(0), 3)
    with pytest.raises(ConfigError, match="to=pickle: unknown format; there are torch, keras"):
        interop.export(net, params, 3, "pickle", tmp_path)
    with pytest.raises(ConfigError, match=r"no counterpart of LRU; .*to=stablehlo accepts any network"):
        interop.export(net, params, 3, "flax", tmp_path)
    pair = nets.seq2seq(gru.cell(4), 5, "symbols", vocabulary_size=5)
    with pytest.raises(ConfigError, match="pairs of sequences"):
        interop.export(pair, pair.init(jax.random.key(0), 1), 1, "stablehlo", tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    plain = nets.rnn(gru.cell(4), 1)
    with pytest.raises(ConfigError, match="to=torch: torch is not installed; run pip install torch"):
        interop.export(plain, plain.init(jax.random.key(0), 3), 3, "torch", tmp_path)
    assert not list(tmp_path.iterdir())
