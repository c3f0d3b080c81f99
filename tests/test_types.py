"""The source passes pyright's basic mode. No public name is of unknown type, and a program passes the strict mode."""

import json
import subprocess
import sys

import pytest

USER = """
import jax
import numpy as np

import jaxrnn
from jaxrnn import interop, nets
from jaxrnn.cells import gru, lstm
from jaxrnn.data import sine
from jaxrnn.nets import decode
from jaxrnn.studies import lyapunov
from jaxrnn.types import Carry, Params
from jaxrnn.unroll import scan

net: jaxrnn.Net = jaxrnn.rnn(lstm.cell(16), output_size=1, layers=2, bidirectional="sum")
run = jaxrnn.fit(jaxrnn.rnn(gru.cell(16), 1), sine.dataset(), steps=100, batch_size=1, learning_rate=1e-3)
losses: np.ndarray = run.history.where(split="train")["loss"]
values: np.ndarray = run.generate(36)
loss: float = run.metrics["test"]["loss"]
result = lyapunov.study(run)
table: str = repr(result.table)
result.plot().save("figures")
params = net.init(jax.random.key(0), 1)
carry, ys = decode.generate(nets.last(net), params, net.initial(params, (3,)), np.zeros((3, 1)), length=5)
other, weights = interop.from_linen(object(), {})
again = jaxrnn.load("runs/a")
experiment: jaxrnn.Experiment = jaxrnn.experiment("model=lstm")
cell: jaxrnn.Cell = gru.cell(4)
cell_params = cell.init(jax.random.key(0), 1)
state, h = cell.step(cell_params, cell.initial(cell_params, (3,)), cell.project(cell_params, ys[0]))
size: int = h.shape[-1]
version: str = jaxrnn.__version__
unrolled: jaxrnn.Net = net.with_unroll(scan.unroll())
outputs: jax.Array = unrolled.apply(params, carry, np.zeros((5, 3, 1)), key=jax.random.split(jax.random.key(1), 3))[1]


def halved(
    cell: jaxrnn.Cell,
    params: Params,
    carry: Carry,
    xs: jax.Array,
    *,
    mask: jax.Array | None = None,
    reset: jax.Array | None = None,
    reverse: bool = False,
) -> tuple[Carry, jax.Array]:
    carry, ys = scan.unroll()(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)
    return carry, 0.5 * ys


half: jaxrnn.Net = net.with_unroll(halved)
"""
WRONG = """
import jaxrnn
from jaxrnn.cells import lstm

jaxrnn.rnn(lstm.cell(16), output_size=1, bidirectional="both")
jaxrnn.fit(jaxrnn.rnn(lstm.cell(16), 1), steps="many")
jaxrnn.rnn(lstm.cell(16), 1).apply({}, {})
jaxrnn.rnn(lstm.cell(16), 1).with_unroll(lstm.cell)
jaxrnn.nothing
"""
FACTORIES = ("cell", "dataset", "distribution", "unroll", "study", "plot", "reproduce")
# Modules whose functions have shapes in their annotations.
SHAPED = "series keys distribution training.update training.evaluation training.priming training.results nets.recording"
WRONG_SHAPE = """
import jax.numpy as jnp
from jaxtyping import TypeCheckError, install_import_hook

with install_import_hook("jaxrnn.series", "beartype.beartype"):
    from jaxrnn.data import sine
series = sine.dataset().series
x = jnp.zeros((3, 1))
assert series.following(x, x).shape == x.shape
try:
    series.following(x, jnp.zeros((2, 1)))
except TypeCheckError as error:
    assert "drawn" in str(error)
else:
    raise AssertionError("2 drawn values for 3 sequences are accepted")
"""
CATALOGUES = ("cells", "data", "distributions", "unroll", "studies", "papers")


def pyright(*words, cwd):
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", *words]
    return json.loads(subprocess.run(command, cwd=cwd, capture_output=True, text=True).stdout)


def exported(root):
    """The names that the rooms give away, under the room's name and under that of their file."""
    for stub in (root / "src" / "jaxrnn").rglob("__init__.pyi"):
        room = ".".join(("jaxrnn", *stub.parent.relative_to(root / "src" / "jaxrnn").parts))
        for line in filter(lambda line: line.startswith("from "), stub.read_text().splitlines()):
            _, module, _, name, *_ = line.split()
            if module != ".":
                yield from (f"{room}.{name}", f"{room}{module}.{name}")


@pytest.mark.slow
def test_the_source_passes_the_basic_mode(root):
    report = pyright(cwd=root)
    assert report["summary"]["filesAnalyzed"] >= len(list((root / "src").rglob("*.py")))
    assert not [each for each in report["generalDiagnostics"] if each["severity"] == "error"]


@pytest.mark.slow
def test_no_public_name_is_of_unknown_type(root, tmp_path):
    found = pyright("--verifytypes", "jaxrnn", "--ignoreexternal", cwd=tmp_path)["typeCompleteness"]
    unknown = {symbol["name"] for symbol in found["symbols"] if not symbol["isTypeKnown"]}
    assert len(found["symbols"]) > 1000
    names = set(exported(root))
    public = {
        name for name in unknown
        if any(name == other or name.startswith(f"{other}.") for other in names)
        or (name.count(".") == 3 and name.split(".")[1] in CATALOGUES and name.split(".")[3] in FACTORIES)
    }  # fmt: skip
    assert not public


@pytest.mark.slow
def test_a_program_passes_the_strict_mode_and_a_wrong_one_does_not(tmp_path):
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    for name, program in (("right.py", USER), ("wrong.py", WRONG)):
        (tmp_path / name).write_text(program)
    found = pyright(cwd=tmp_path)["generalDiagnostics"]
    told = [(each["file"].rpartition("/")[2], each.get("rule"), each["message"]) for each in found]
    assert not [each for each in told if each[0] == "right.py"]
    assert {rule for file, rule, _ in told if file == "wrong.py"} >= {
        "reportArgumentType",
        "reportAttributeAccessIssue",
        "reportCallIssue",
    }


@pytest.mark.slow
def test_arrays_have_the_shapes_in_their_annotations(root):
    pytest.importorskip("beartype")
    packages = ",".join([*(f"jaxrnn.{module}" for module in SHAPED.split()), "beartype.beartype"])
    tests = "tests/data/test_series.py", "tests/training/test_forecasts.py"
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", f"--jaxtyping-packages={packages}", *tests]
    checked = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout[-3000:]


@pytest.mark.slow
def test_a_wrong_shape_is_refused_where_shapes_are_checked(tmp_path):
    pytest.importorskip("beartype")
    checked = subprocess.run([sys.executable, "-c", WRONG_SHAPE], cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_a_stub_names_what_is_there(root):
    import importlib

    for name in exported(root):
        module, _, last = name.rpartition(".")
        assert hasattr(importlib.import_module(module), last), name
