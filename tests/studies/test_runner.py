"""Studies of the network of a run folder: what is said of the run, where the files go, what a network is called."""

import json

import jax
import numpy as np
import pytest
from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import run_folder
from jaxrnn.storage import array_file, summaries
from jaxrnn.studies import _aggregate, _networks, _runner
from jaxrnn.studies._result import Result
from jaxrnn.table import Table

SMALL = [
    "model=gru",
    "data=adding",
    "data.length=22",
    "trainer.batch_size=4",
    "trainer.steps=6",
    "trainer.report_every=3",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory, configure):
    """The folder of a small run in float32 that kept two checkpoints."""
    jax.config.update("jax_enable_x64", False)
    folder = tmp_path_factory.mktemp("run") / "run"
    cfg = configure(*SMALL, "checkpoints.keep_every=3")
    folder.mkdir()
    (folder / ".hydra").mkdir()
    OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")
    run_folder.train(cfg, folder)
    return folder


@pytest.fixture
def study(configure):
    """(folder, *words) -> the lines of a study of a run folder."""
    return lambda folder, *words: _runner.study_run(configure(f"run={folder}", *words, name="study_run"), folder)


@pytest.mark.slow
def test_every_study_of_a_run_has_a_folder_of_its_own_with_its_options(run, study):
    for number in (1, 2):
        lines = study(run, "study=gates", f"study.batch={number}")
        place = run / "studies" / ("gates" if number == 1 else "gates_2")
        assert OmegaConf.load(place / "config.yaml").study.batch == number
        assert (place / "figures" / "gates.png").is_file()
        assert str(place) in lines[-1]
    assert not list(run.glob("*.npz"))


@pytest.mark.costly
def test_checkpoints_splits_and_precisions(run, study):
    lines = study(run, "study=gates", "checkpoints=all", "split=test", "precision=f64", "study.batch=3")
    assert any(line.startswith("gru, step 3: time scale") for line in lines)
    place = max(run.glob("studies/*"), key=lambda path: path.stat().st_mtime)
    assert np.load(place / "gates.npz")["gru/time_scales"].dtype == np.float64
    assert "Sequences: test." in (place / "figures" / "gates.txt").read_text()
    with pytest.raises(ConfigError, match="split=tset: the data set has no such split; it has train, validation, test"):
        study(run, "study=lyapunov", "split=tset")
    with pytest.raises(ConfigError, match="precision=f16"):
        study(run, "study=gates", "precision=f16")


@pytest.mark.slow
def test_a_run_that_diverged_is_called_so(run, study, tmp_path):
    summary = json.loads((run / "summary.json").read_text())
    summaries.write(run, summary | {"status": "diverged", "reason": "at step 4"})
    try:
        lines = study(run, "study=gates", "study.batch=2")
    finally:
        summaries.write(run, summary)
    assert lines[0] == "this run ended as diverged: at step 4; the study measures its last good state"
    assert "diverged" not in study(run, "study=gates", "study.batch=2")[0]


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.share(2)
def test_a_run_whose_gradient_was_zero_is_called_so(run, study):
    file = max((run / "checkpoints").glob("*.safetensors"))
    kept = file.read_bytes()
    arrays, content = array_file.read(file)
    header, *rows = bytes(arrays["table/metrics.csv"]).decode().splitlines()
    at = header.split(",").index("grad_norm")
    changed = [
        ",".join("0.0" if place == at and cell else cell for place, cell in enumerate(row.split(","))) for row in rows
    ]
    arrays["table/metrics.csv"] = np.frombuffer(("\n".join([header, *changed]) + "\n").encode(), np.uint8)
    array_file.write(file, arrays, content)
    try:
        lines = study(run, "study=gates", "study.batch=2")
    finally:
        file.write_bytes(kept)
    assert lines[0] == "the gradient was exactly zero in the report of step 6: the network stopped learning"


@pytest.mark.slow
def test_checkpoints_all_of_a_run_that_kept_one_says_so(tmp_path, study, configure):
    cfg = configure(*SMALL)
    (tmp_path / ".hydra").mkdir()
    OmegaConf.save(cfg, tmp_path / ".hydra" / "config.yaml")
    run_folder.train(cfg, tmp_path)
    lines = study(tmp_path, "study=gates", "checkpoints=all", "study.batch=2")
    assert lines[0] == "this run kept only the checkpoint of step 6; checkpoints.keep_every=N keeps more"


@pytest.mark.slow
def test_what_trains_anew_says_so_and_what_takes_no_input_too(run, study):
    lines = study(run, "study=long_lag", "study.lengths=[22]", "study.right=8", "study.max_sequences=16")
    assert lines[0] == "gru: trained again from its seed; the trained params are not used"
    lines = study(run, "study=fixed_points", "study.starts=4", "study.iterations=5")
    assert any("the data's inputs have mean" in line and "study.input=mean" in line for line in lines)
    lines = study(run, "study=fixed_points", "study.starts=4", "study.iterations=5", "study.input=[0.1,1]")
    assert any("under input 0.1, 1," in line for line in lines)
    with pytest.raises(ConfigError, match=r"study\.input: expected 2 numbers, one per input, found 1"):
        study(run, "study=fixed_points", "study.input=[0.1]")


def test_a_network_is_called_what_it_is(configure):
    assert _networks.network_name(configure("model=jordan")) == "jordan"
    assert _networks.network_name(configure("model=elman", "model.cell._target_=mine.cell")) == "mine.cell"
    assert _networks.network_name(configure("model=elman", "model.cell._target_=jaxrnn.cells.gru.cell")) == "gru"


@pytest.mark.slow
def test_the_run_of_the_first_tutorial_can_be_studied(tmp_path, study, configure):
    """Its updates see single steps; an epoch of them is the sequence."""
    cfg = configure("model=lstm", "data=sine", "trainer.steps=36", "trainer.report_every=36")
    (tmp_path / ".hydra").mkdir()
    OmegaConf.save(cfg, tmp_path / ".hydra" / "config.yaml")
    run_folder.train(cfg, tmp_path)
    study(tmp_path, "study=gates")
    assert np.load(tmp_path / "studies/gates/gates.npz")["lstm/means/f"].shape == (1, 1, 36)


def test_a_sweep_of_studies_is_summed_up(tmp_path):
    for job, gain in enumerate((0.5, 1.0, 2.0)):
        folder = tmp_path / str(job)
        (folder / ".hydra").mkdir(parents=True)
        OmegaConf.save(["study=lyapunov", f"model.cell.gain={gain}"], folder / ".hydra" / "overrides.yaml")
        scores = {"largest exponent": {"gru": np.array([gain, gain + 0.1]), "lstm": np.array([-gain] * 2)}}
        result = Result({}, Table([{"network": "gru"}]), [], lambda _: {}, scores=scores)
        result.write(folder, "lyapunov")
        assert bool(_aggregate.write(tmp_path)) == (job > 0)  # one job is no comparison
    rows = (tmp_path / "scores.csv").read_text().splitlines()
    assert rows[0] == "model.cell.gain,quantity,network,number,value"
    assert len(rows) == 1 + 3 * 4
    assert rows[1] == "0.5,largest exponent,gru,0,0.5"
    assert (tmp_path / "figures" / "scores_1.pdf").is_file()
