"""Every study of every cell: it measures, or says in one line what it needs."""

import importlib
import inspect

import jax
import numpy as np
import pytest

import jaxrnn.cells
from jaxrnn.errors import ConfigError
from jaxrnn.lazy import entries
from jaxrnn.recurrent_weights import recurrent_weights
from jaxrnn.studies import _runner

CELLS = [name for name in entries(jaxrnn.cells.__path__[0], "cell") if name != "perceptron"]
STUDIES = {
    "gradient_flow": ["study.batch=2"],
    "jacobian": ["study.sequences=1"],
    "lyapunov": ["study.steps=20", "study.warm_up=5"],
    "gain": ["study.gains=2", "study.lengths=2", "study.shortest=3", "study.longest=6", "study.sizes=[]"],
    "gates": ["study.batch=2"],
    "clipping": ["study.thresholds=[1.0]"],
    "long_lag": ["study.lengths=[22]", "study.right=8", "study.max_sequences=16", "trainer.batch_size=8"],
    "truncation": ["study.lengths=[2]", "study.batch=2"],
    "fixed_points": ["study.starts=4", "study.iterations=5"],
    "landscape": ["study.points=3", "study.eigenvalues=1", "study.batch=2"],
    "dimension": ["study.steps=40", "study.lags=3", "study.batch=2"],
    "credit": ["study.batch=2"],
    "similarity": ["study.batch=4", "study.rank=2", "seeds=2"],
    "online_gradients": ["study.lengths=[2]", "study.batch=1"],
    "online_training": ["study.updates=2", "study.points=1", "study.batch=2"],
    "newton_steps": ["study.gains=2", "study.lengths=2", "study.shortest=5", "study.longest=20", "study.iterations=15"],
}
NEEDS = {"gates": "expected gated cells"} | dict.fromkeys(
    ("gain", "gradient_flow", "newton_steps"), "the network has no recurrent weights"
)


def refusal(study, cell):
    """What the study says of a cell that it cannot measure, or None."""
    factory = importlib.import_module(f"jaxrnn.cells.{cell}").cell
    made = factory(**{name: 3 for name in ("size", "output_size") if name in inspect.signature(factory).parameters})
    params = jax.eval_shape(lambda: made.init(jax.random.key(0), 2))
    lacks = {"gates": made.gates is None}.get(study, not recurrent_weights(params))
    return NEEDS[study] if study in NEEDS and lacks else None


def configuration(study, cell, configure):
    small = ["model.cell.size=3", "seeds=1", "data.length=22", "trainer.steps=2", "trainer.report_every=2"]
    return configure(f"study={study}", f"model={cell}", *small, *STUDIES[study], name="study")


@pytest.mark.slow
@pytest.mark.share(16)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("study", STUDIES)
def test_every_study_of_every_cell(study, cell, tmp_path, configure):
    cfg = configuration(study, cell, configure)
    if expected := refusal(study, cell):
        with pytest.raises(ConfigError, match=expected):
            _runner.study_models({"small": cfg}, tmp_path, "the command")
        return
    lines = _runner.study_models({"small": cfg}, tmp_path, "the command")
    assert any("small" in line for line in lines)
    with np.load(tmp_path / f"{study}.npz") as arrays:
        assert any(name.startswith("small") for name in arrays.files)
    assert list((tmp_path / "figures").glob("*.png"))


@pytest.mark.slow
@pytest.mark.share(4)
@pytest.mark.parametrize(("study", "cell"), [(s, c) for s in NEEDS for c in CELLS if refusal(s, c)])
def test_a_study_refuses_every_cell_that_lacks_what_it_needs(study, cell, tmp_path, configure):
    """Before anything compiles."""
    with pytest.raises(ConfigError, match=NEEDS[study]):
        _runner.study_models({"small": configuration(study, cell, configure)}, tmp_path, "the command")


def test_the_cells_without_gates_or_recurrent_weights_are_known():
    without = {study: {cell for cell in CELLS if refusal(study, cell)} for study in ("gates", "gain")}
    assert without["gates"] >= {"ctrnn", "elman", "indrnn", "jordan", "lru", "plrnn"}
    assert without["gain"] >= {"diagonal_gru", "diagonal_lstm", "indrnn", "lru", "min_gru", "min_lstm", "rg_lru"}
    assert not (without["gates"] | without["gain"]) & {"lstm", "gru", "mgu", "slstm", "peephole_lstm"}


def test_no_study_is_left_out(root):
    assert {path.stem for path in (root / "conf" / "study").glob("*.yaml")} - {"custom"} == set(STUDIES)
