"""The configurations of many jobs, composed and checked together, against what Hydra makes of each alone."""

import subprocess
import sys

import pytest
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from jaxrnn.experiments.hydra_internals import grid

SMALL = ["data=sine", "model.cell.size=2", "trainer.steps=2", "trainer.report_every=1", "hydra.sweep.dir=many"]


def sweep(root, folder, *arguments):
    command = [sys.executable, root / "scripts" / "train.py", "-m", *SMALL, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
def test_the_files_are_those_of_hydras_own_launcher(root, tmp_path):
    """Values that are coerced, interpolations and choices of a group among them."""
    words = ["seed=0,1", "optimizer=adam,sgd", "trainer.batch_size=1e0,2", "figure.width=1${seed},7"]
    found = []
    for launcher in ("basic", "compiled"):
        place = tmp_path / launcher
        place.mkdir()
        done = sweep(root, place, *words, f"hydra/launcher={launcher}", "figures=false")
        assert done.returncode == 0, done.stderr
        found.append({})
        for file in sorted(place.glob("many/*/.hydra/*.yaml")):
            content = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
            if "hydra" in content:
                hydra = content["hydra"]
                assert hydra["runtime"].pop("output_dir") == str(file.parent.parent)
                hydra["launcher"] = hydra["runtime"]["cwd"] = hydra["runtime"]["choices"]["hydra/launcher"] = None
                hydra["overrides"]["hydra"] = [w for w in hydra["overrides"]["hydra"] if "launcher" not in w]
            found[-1][file.relative_to(place)] = content
    assert len(found[0]) == 16 * 3
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=0,1", "optimizer.learning_rate=1e-3,fast"], "optimizer.learning_rate=fast"),
        (["seed=0,-1"], "seed=-1"),
        (["trainer.report_every=1,2.5"], "trainer.report_every=2.5"),
        (["++optimizer.learning_rate=${seed}", "seed=1,0"], "optimizer.learning_rate=0"),  # by way of another key
    ],
)
@pytest.mark.sample(1, 3)
def test_what_a_later_job_alone_gets_wrong_is_refused_before_any_trains(root, tmp_path, words, message):
    done = sweep(root, tmp_path, *words, "hydra/launcher=compiled")
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("many/*/metrics.csv"))


@pytest.mark.parametrize(
    ("words", "folders"),
    [
        (["hydra.sweep.subdir=${hydra.job.override_dirname}", "seed=0,1"], ["seed=0", "seed=1"]),
        (["hydra.sweep.subdir=size_${model.cell.size}_${seed}", "seed=0,1"], ["size_2_0", "size_2_1"]),
    ],
)
@pytest.mark.sample(1, 1)
def test_folders_are_named_by_what_the_runs_differ_in(root, tmp_path, words, folders):
    done = sweep(root, tmp_path, *words, "hydra/launcher=compiled")
    assert done.returncode == 0, done.stderr
    found = sorted(path.parent.name for path in tmp_path.glob("many/*/summary.json"))
    assert [name.rpartition(",")[2] for name in found] == folders


def test_configurations_have_one_place(root, tmp_path):
    done = sweep(root, tmp_path, "seed=0,1", "hydra.output_subdir=null", "hydra/launcher=compiled")
    assert done.returncode == 2
    assert done.stderr.startswith("error: hydra.output_subdir must be .hydra")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_names_by_a_pattern_inside_a_job(tmp_path, call, root):
    """glob() needs the loader of Hydra's configurations: "ConfigLoader is not set" it said."""
    with initialize_config_dir(str(root / "conf"), version_base=None):
        assert grid(["model=glob(coupled*)", "seed=1,2"]) == [
            ["model=coupled_lstm", "seed=1"],
            ["model=coupled_lstm", "seed=2"],
        ]
    short = ["data=adding", "trainer.steps=2", "hydra.run.dir=run", "model.cell.size=2"]
    assert "2 of 2 runs done" in call(tmp_path, "train", 'together=["model=glob(e*)","seed=1,2"]', *short).stdout
    nothing = call(tmp_path, "train", 'together=["model=glob(zz*)"]', *short[:-2], "hydra.run.dir=none")
    assert nothing.returncode == 2
    assert nothing.stderr == "error: together has no runs: one of its keys has no value, such as range(0)\n"
