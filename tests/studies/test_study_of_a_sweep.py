"""Studies of several runs: grouped by setting, named by what differs, each network measured as if it were alone."""

import shutil

import jax
import numpy as np
import pytest
from omegaconf import OmegaConf

import jaxrnn
from jaxrnn import studies
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import run_folder
from jaxrnn.plotting.style import BEST
from jaxrnn.studies import _networks, _run_notes, _runner

SMALL = ["data=adding", "data.length=22", "trainer.batch_size=2", "trainer.steps=2", "trainer.report_every=1"]
SETTINGS = [
    ("elman", ["model=elman", "seed=7"]),
    ("elman", ["model=elman", "seed=3"]),
    ("gru, learning_rate=0.5", ["model=gru", "seed=3", "optimizer.learning_rate=0.5"]),
]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory, configure):
    """The folder of a sweep: two settings, one of them with two seeds that do not follow each other."""
    jax.config.update("jax_enable_x64", False)
    folder = tmp_path_factory.mktemp("sweep")
    for number, (_, words) in enumerate(SETTINGS):
        (folder / str(number) / ".hydra").mkdir(parents=True)
        cfg = configure(*SMALL, *words)
        OmegaConf.save(cfg, folder / str(number) / ".hydra" / "config.yaml")
        run_folder.train(cfg, folder / str(number))
    return folder


@pytest.fixture
def study(configure):
    """(folders, *words) -> the lines of gradient_flow of run folders."""

    def run(folders, *words):
        words = ["study=gradient_flow", "run=x", "study.batch=2", *words]
        return _runner.study_run(configure(*words, name="study_run"), folders)

    return run


@pytest.mark.slow
def test_a_sweep_is_studied_in_one_figure_in_its_folder(sweep, study):
    lines = study(sweep)
    arrays = np.load(sweep / "studies/gradient_flow/gradient_flow.npz")
    assert {key.split("/")[0] for key in arrays} - {"loss"} == {"elman, learning_rate=0.003", "gru, learning_rate=0.5"}
    assert f"{sweep}/studies/gradient_flow/figures/gradient_flow.png" in lines[-1]
    caption = (sweep / "studies/gradient_flow/figures/gradient_flow.txt").read_text()
    assert "elman, learning_rate=0.003 (2 networks" in caption
    assert "Seeds 3, 7; 3 to 3." in caption


def test_each_network_is_measured_as_if_it_were_alone(sweep):
    measure = studies.gradient_flow.study
    together = measure(studies.networks_of([sweep / "0", sweep / "1"]), batch=2)["elman"]["carry"]
    for position, run in enumerate([1, 0]):  # seed 3 before seed 7
        alone = measure(studies.networks_of(sweep / str(run)), batch=2)["elman"]["carry"]
        np.testing.assert_allclose(together[:, [position]], alone, rtol=1e-6)


def test_python_groups_the_same_runs_the_same_way(sweep):
    runs = [jaxrnn.load(sweep / str(number)) for number in range(3)]
    listed = studies.ensembles(runs)
    assert [each.name for each in listed] == ["elman, learning_rate=0.003", "gru, learning_rate=0.5"]
    assert listed[0].seeds.tolist() == [3, 7]
    (named,) = studies.ensembles({"plain": runs[:2]})
    assert (named.name, named.networks) == ("plain", 2)
    assert [each.name for each in studies.ensembles({"a": runs[0], "b": runs[2]})] == ["a", "b"]
    for one, other in zip(listed, studies.networks_of(sweep), strict=True):
        jax.tree.map(np.testing.assert_array_equal, one.params, other.params)
        assert (one.keys() == other.keys()).all()


def test_runs_are_named_by_what_differs(sweep):
    (only,) = studies.networks_of([sweep / "0", sweep / "1"])
    assert (only.name, only.networks) == ("elman", 2)
    kinds = studies.networks_of([sweep / "0", sweep / "2"])
    assert [each.name for each in kinds] == ["elman, learning_rate=0.003", "gru, learning_rate=0.5"]
    assert _networks.setting_names([{"a.size": 3, "seed": 0}, {"a.size": 4, "seed": 1}]) == ["size=3", "size=4"]


def test_best_checkpoints_of_different_steps_are_called_so(sweep):
    runs = [jaxrnn.load(sweep / str(number)) for number in range(2)]
    runs[0].best_step, runs[1].best_step = 1, 2
    (kind,) = studies.ensembles(runs)
    assert kind.steps.tolist() == [BEST]
    result = studies.gradient_flow.study(kind, batch=2)
    assert set(result.table["step"]) == {"best"}
    assert result.findings[0].startswith("network, best checkpoint: ")


def test_a_run_that_cannot_be_used_is_left_out_by_name(sweep, tmp_path, monkeypatch):
    shutil.copytree(sweep, tmp_path / "sweep")
    stranger = tmp_path / "sweep/0/.hydra/config.yaml"
    cfg = OmegaConf.load(stranger)
    cfg.data._target_ = "stranger.payload"
    OmegaConf.save(cfg, stranger)
    shutil.rmtree(tmp_path / "sweep/1/checkpoints")
    (tmp_path / "stranger.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    kinds, notes = _networks.load_networks([tmp_path / "sweep"], "best", "train", None, ())
    assert [each.name for each in kinds] == ["gru"]
    assert [note.split(":")[0] for note in notes] == ["left out"] * 2
    assert "trust=stranger" in notes[0]
    assert "contains no checkpoint" in notes[1]
    with pytest.raises(ConfigError, match="trust=stranger"):
        studies.networks_of(tmp_path / "sweep/0")
    with pytest.raises(ConfigError, match="is not a run folder"):
        studies.networks_of(tmp_path / "none")


def test_a_damaged_checkpoint_leaves_out_its_run(sweep, tmp_path):
    shutil.copytree(sweep, tmp_path / "sweep")
    for number in (1, 2):
        for file in (tmp_path / f"sweep/{number}/checkpoints").glob("*.safetensors"):
            content = bytearray(file.read_bytes())
            content[-1] ^= 1
            file.write_bytes(content)
    (kind,), notes = _networks.load_networks([tmp_path / "sweep"], "best", "train", None, ())
    assert (kind.name, kind.seeds.tolist()) == ("elman", [7])
    assert [note.startswith(f"left out: {tmp_path / 'sweep'}") and "is damaged" in note for note in notes] == [True] * 2
    with pytest.raises(ConfigError, match="is damaged"):
        studies.networks_of([tmp_path / "sweep/1", tmp_path / "sweep/2"])


def test_another_precision_changes_no_experiment(sweep):
    (kind,) = studies.networks_of(sweep / "0")
    converted = _networks._converted(kind, "f64")
    assert converted.experiment.cfg.trainer.precision == "f64"
    assert kind.experiment.cfg.trainer.get("precision") != "f64"


@pytest.mark.slow
def test_the_layout_is_a_key_of_every_study(sweep, study):
    study(sweep / "0", "study.layout=curves")
    newest = max((sweep / "0/studies").iterdir(), key=lambda path: path.stat().st_mtime)
    assert OmegaConf.load(newest / "config.yaml").study.layout == "curves"


def test_an_unknown_layout_is_refused_before_anything_is_loaded(study):
    with pytest.raises(ConfigError, match=r"study\.layout=rows: should be 'panels' or 'curves'"):
        study("nowhere", "study.layout=rows")


def test_an_equal_note_about_many_runs_is_written_once():
    assert _run_notes.of_runs({"late": ["a"]}, 1) == ["late"]
    assert _run_notes.of_runs({"late": ["a", "b"], "odd": ["b"]}, 3) == ["2 of 3 runs, such as a: late", "b: odd"]
    many = _run_notes.of_runs({str(number): [str(number)] for number in range(20)}, 20)
    assert len(many) == _run_notes.MAX_NOTES + 1
    assert many[-1] == "and 12 more notes about single runs"


def test_an_error_of_one_of_several_kinds_names_it(sweep):
    with pytest.raises(ValueError, match=r"elman, learning_rate=0\.003: the network's cells have no gates"):
        studies.gates.study(studies.networks_of(sweep), batch=2)
