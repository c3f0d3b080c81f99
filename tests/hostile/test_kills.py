"""Kills at drawn moments: the same command, or resume=, goes on, and in the end everything is as if it had not been."""

import subprocess
import time

import numpy as np
import pytest

from jaxrnn.storage import summaries

SMALL = ["model.cell.size=4", "checkpoints.seconds=0", "trainer.steps=7200", "trainer.report_every=72"]
MANY = ["-m", "seed=0,1,2", *SMALL]
SEARCH = ["optimizer.learning_rate=interval(1e-3,1e-2)", "tune.trials=4", "tune.batch=2", *SMALL]
COMMANDS = {
    "train": (["train", *SMALL, "hydra.run.dir=run"], ["train", "resume=run"]),
    "compiled": (["train", *MANY, "hydra/launcher=compiled", "hydra.sweep.dir=sweep"], None),
    "basic": (["train", *MANY, "hydra/launcher=basic", "hydra.sweep.dir=sweep"], None),
    "tune": (["tune", *SEARCH, "hydra.run.dir=tune"], None),
    "evaluate": (["evaluate", "run=trained"], None),
    "report": (["report", "many"], None),
}
SHARE = {"train": 60, "compiled": 40, "basic": 30, "tune": 30, "evaluate": 20, "report": 20}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, call):
    """The folder of commands that were not killed, and the seconds that each took."""
    folder, seconds = tmp_path_factory.mktemp("whole"), {}
    assert call(folder, "train", *SMALL, "hydra.run.dir=trained").returncode == 0
    assert call(folder, "train", *MANY, "hydra/launcher=compiled", "hydra.sweep.dir=many").returncode == 0
    for name, (command, _) in COMMANDS.items():
        for _ in range(1 + (name in ("train", "tune", "compiled", "basic"))):  # the second time programs are compiled
            subprocess.run(["rm", "-rf", "run", "sweep", "tune"], cwd=folder, check=True)
            began = time.time()
            result = call(folder, *command)
            assert result.returncode == 0, result.stderr
            seconds[name] = time.time() - began
        for place in ("run", "sweep", "tune"):
            if (folder / place).exists():
                (folder / "kept" / name).mkdir(parents=True)
                (folder / place).rename(folder / "kept" / name / place)
    return folder, seconds


def results(folder):
    """{run folder: (rows, what came of it)} below a folder."""
    return {
        path.parent.relative_to(folder): (path.read_bytes(), summaries.read(path.parent)["metrics"])
        for path in sorted(folder.rglob("metrics.csv"))
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_is_as_never_killed(name, whole, tmp_path, rng, share, command, call, clean):
    folder, seconds = whole
    first, resumed = COMMANDS[name]
    for place in ("trained", "many"):
        subprocess.run(["cp", "-r", folder / place, tmp_path], check=True)
    kills = share(SHARE[name], 2)
    moments = rng.uniform(0.02, 1, kills) * seconds[name]
    for number, moment in enumerate(moments):
        again = resumed if resumed and (tmp_path / "run" / ".hydra" / "config.yaml").exists() else first
        process = subprocess.Popen(command(*again), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(moment)
        process.kill()
        process.communicate()
        if number % 4 == 3 or number == kills - 1:
            again = resumed if resumed and (tmp_path / "run" / ".hydra" / "config.yaml").exists() else first
            result = call(tmp_path, *again)
            if result.returncode == 2 and "is empty" in result.stderr:  # killed while Hydra wrote: nothing was trained
                subprocess.run(["rm", "-rf", tmp_path / "run"], check=True)
                result = call(tmp_path, *first)
            assert result.returncode == 0, (moments, result.stderr)
            clean(result)
            if name in ("train", "compiled", "basic", "tune"):
                found = {place: results(tmp_path / place) for place in ("run", "sweep") if (tmp_path / place).exists()}
                for place, own in found.items():
                    assert own == results(folder / "kept" / name / place), moments
                if name == "tune":
                    losses = [loss["validation"]["loss"] for _, loss in results(tmp_path / "tune").values()]
                    assert len(losses) == 4
                    assert np.isfinite(losses).all()
            for place in ("run", "sweep", "tune"):
                subprocess.run(["rm", "-rf", tmp_path / place], check=True)
    assert results(tmp_path / "trained") == results(folder / "trained")
