"""Checkpoints: every byte is checked, they know their run, and a loss of power leaves the old one or the new."""

import json
import os
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from omegaconf import OmegaConf

import jaxrnn
from jaxrnn import atomic
from jaxrnn.cells import elman, lstm
from jaxrnn.data import sine
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import run_folder
from jaxrnn.storage import array_file, metrics_csv
from jaxrnn.storage.checkpoints import Checkpoints

ARRAYS = {
    "['params'].w": np.arange(6.0, dtype=np.float32).reshape(2, 3),
    "step": np.int32(7),
    "key": np.array([1, 2], np.uint32),
    "half": np.array([0.5, -1.5], ml_dtypes.bfloat16),
    "none": np.zeros((0, 3)),
}
NOTES = {"progress": {"best_loss": 0.1, "best_step": 30}, "step": 7}


def windows(**options):
    return sine.dataset(**{"points": 60, "window": 8, "stateful": False} | options)


def fit(folder, dataset=None, cell=None, **options):
    net = jaxrnn.rnn(lstm.cell(4) if cell is None else cell, output_size=1)
    dataset = windows() if dataset is None else dataset
    options = {
        "steps": 40,
        "batch_size": 4,
        "report_every": 10,
        "learning_rate": 1e-2,
        "precision": "f64",
    } | options
    return jaxrnn.fit(net, dataset, folder=folder, **options)


@pytest.fixture
def trained(tmp_path):
    """(folder, dataset, **options) -> a small run there."""
    return lambda folder, *args, **options: fit(tmp_path / folder, *args, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run of 40 updates with the usual options, to be copied."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    fit(folder)
    return folder


def test_arrays_and_notes_come_back(tmp_path):
    array_file.write(tmp_path / "a.safetensors", ARRAYS, NOTES)
    found, notes = array_file.read(tmp_path / "a.safetensors")
    assert notes == NOTES
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_every_flipped_bit_is_found(tmp_path):
    file = tmp_path / "a.safetensors"
    array_file.write(file, ARRAYS, NOTES)
    data = file.read_bytes()
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        file.write_bytes(flipped)
        with pytest.raises(array_file.DamagedError, match=r"a\.safetensors is damaged"):
            array_file.read(file)


@pytest.mark.parametrize("length", [0, 7, 8, 100, -1])
def test_a_file_that_is_cut_is_refused(tmp_path, length):
    file = tmp_path / "a.safetensors"
    array_file.write(file, ARRAYS, NOTES)
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(array_file.DamagedError, match="is damaged"):
        array_file.read(file)


class Machine:
    """A disk that keeps what it was told to, for sure, of the writes through `atomic` that are replayed on it.

    Fields:
      log: (what, path, ...) in the order of the calls.
    """

    def __init__(self, monkeypatch):
        self.log, replace, sync = [], os.replace, atomic.sync
        monkeypatch.setattr(os, "replace", lambda a, b: (replace(a, b), self.log.append(("rename", Path(a), Path(b)))))
        monkeypatch.setattr(atomic, "sync", lambda path: (sync(path), self.log.append(self._synced(Path(path)))))
        unlink = Path.unlink
        monkeypatch.setattr(Path, "unlink", lambda p, **more: (unlink(p, **more), self.log.append(("unlink", p))))

    @staticmethod
    def _synced(path):
        return ("names", path) if path.is_dir() else ("content", path, path.read_bytes())

    def after_loss_of_power(self, cut, unsure):
        """{path: content} when the power fails after `cut` calls, for sure what was synced, the rest as `unsure` says:
        whether renames and removals without a sync of their folder are kept."""
        content, names, waiting = {}, {}, []
        for what, path, *more in self.log[:cut]:
            if what == "content":
                content[path] = more[0]
            elif what == "names":
                for change in [each for each in waiting if each[-1].parent == path]:
                    self._apply(names, content, change)
                waiting = [each for each in waiting if each[-1].parent != path]
            else:
                waiting.append((what, path, *more))
        for change in waiting if unsure else []:
            self._apply(names, content, change)
        return names

    @staticmethod
    def _apply(names, content, change):
        if change[0] == "rename":
            names[change[2]] = content.get(change[1], b"")
        else:
            names.pop(change[1], None)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(the machine that a run was trained on, the run)"""
    with pytest.MonkeyPatch.context() as monkeypatch:
        machine = Machine(monkeypatch)
        folder = tmp_path_factory.mktemp("recorded") / "run"
        return machine, fit(folder, checkpointing=jaxrnn.training.Checkpointing(seconds=0))


@pytest.mark.parametrize("unsure", [False, True])
def test_a_loss_of_power_leaves_a_checkpoint_that_is_whole(tmp_path, recorded, unsure):
    machine, run = recorded
    before = 0
    renamed = [(n, entry[2]) for n, entry in enumerate(machine.log) if entry[0] == "rename"]
    saved = [n for n, path in renamed if path.parent.name == "checkpoints" and path.suffix == ".safetensors"]
    assert len(saved) == 4
    for cut in range(len(machine.log) + 1):
        folder = tmp_path / f"cut{cut}"
        for path, content in machine.after_loss_of_power(cut, unsure).items():
            copy = folder / path.relative_to(run.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
        steps = Checkpoints(folder).steps()
        last = max(steps, default=0)
        assert last >= before, f"after {machine.log[cut - 1][:2]} the newest checkpoint is of step {last}"
        before = last
        for step in steps:
            Checkpoints(folder).restore(*_like(run), step)
        shutil.rmtree(folder, ignore_errors=True)
    assert before == 40


def _like(run):
    from jaxrnn.training.compiled import single_program

    state = jax.eval_shape(single_program(run.task).init, jax.random.key(0))
    return state, state.params


@pytest.mark.parametrize("left", [False, True], ids=["all", "all but the folder itself"])
def test_a_folder_that_is_deleted_under_a_run_is_not_made_anew(trained, tmp_path, left):
    def delete(progress):
        if progress.step == 20:
            shutil.rmtree(tmp_path / "run")
            if left:
                (tmp_path / "run").mkdir()

    with pytest.raises(FileNotFoundError, match=r"metrics\.csv"):
        trained("run", callbacks=[delete], checkpointing=jaxrnn.training.Checkpointing(seconds=0))
    assert (tmp_path / "run").exists() == left
    assert not left or not list((tmp_path / "run").glob("[!.]*"))


def test_rows_that_were_lost_or_changed_are_restored(trained, finished, tmp_path, caplog):
    trained("run", steps=20)
    file = tmp_path / "run" / "metrics.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[0], *lines[3:]]))
    trained("run")
    assert "does not hold the rows up to step 20" in caplog.text
    assert file.read_bytes() == (finished / "metrics.csv").read_bytes()
    caplog.clear()
    file.write_text(file.read_text() + "50,train,0.1,")
    trained("run", steps=50)
    assert caplog.text == ""
    assert metrics_csv.read(tmp_path / "run")[-1]["step"] == 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": {"step": 0.9}}, "with another data"),
        ({"dataset": {"phase": 0.01}}, "with another data"),
        ({"dataset": {"window": 9}}, "with another data"),
        ({"seed": 1}, "with another seed"),
        ({"batch_size": 8}, r"of another model: .*: expected .*, found "),
        ({"cell": elman.cell(4)}, r"of another model: .*: expected .*, found "),
    ],
)
@pytest.mark.sample(3, 2)
def test_a_checkpoint_knows_its_run(trained, finished, tmp_path, options, message):
    shutil.copytree(finished, tmp_path / "run")
    options |= {"dataset": windows(**options["dataset"])} if "dataset" in options else {}
    with pytest.raises(ConfigError, match=message):
        trained("run", **options)


def test_a_configuration_that_was_changed_is_refused(tmp_path, configure):
    """Also where the arrays fit: another activation, another data set of the same shapes."""
    cfg = configure("model=elman", "data=sine", "data.phase=0.0", "trainer.steps=30")
    (tmp_path / ".hydra").mkdir()
    file = tmp_path / ".hydra" / "config.yaml"
    OmegaConf.save(cfg, file)
    run_folder.train(cfg, tmp_path)
    text = file.read_text()
    for change, name in [
        (("learning_rate: 0.0", "learning_rate: 0.1"), r"optimizer\.learning_rate"),
        (("seed: 0", "seed: 2"), "seed"),
        (("phase: 0.0", "phase: 1.0"), r"data\.phase"),
    ]:
        assert change[0] in text
        file.write_text(text.replace(*change))
        with pytest.raises(ConfigError, match=f"another .*{name}"):
            run_folder.load(tmp_path)
    file.write_text(text)
    assert run_folder.load(tmp_path).step == 30


def test_the_configuration_is_on_the_disk_before_the_first_checkpoint(tmp_path, configure, monkeypatch):
    """Hydra does not see to it; without it no checkpoint could be gone on from after a loss of power."""
    machine = Machine(monkeypatch)
    cfg = configure("model=elman", "data=sine", "trainer.steps=15")
    file = tmp_path / "run" / ".hydra" / "config.yaml"
    file.parent.mkdir(parents=True)
    OmegaConf.save(cfg, file)
    run_folder.train(cfg, tmp_path / "run")
    done = [entry[:2] for entry in machine.log]
    first = next(n for n, entry in enumerate(machine.log) if entry[0] == "rename" and "safetensors" in entry[2].name)
    assert ("content", file) in done[:first]
    assert {("names", path) for path in (file.parent, tmp_path / "run", tmp_path)} <= set(done[:first])


def test_checkpoints_of_an_earlier_version_are_refused_in_one_line(tmp_path):
    (tmp_path / "checkpoints" / "60" / "arrays").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"by jaxrnn 0\.4 or earlier.*train it again"):
        Checkpoints(tmp_path)


def test_params_are_loaded_bit_for_bit(trained, tmp_path):
    run = trained("run", dataset=sine.dataset(), batch_size=1)
    loaded = jaxrnn.load(tmp_path / "run", run.net, sine.dataset())
    jax.tree.map(np.testing.assert_array_equal, run.params, loaded.params)
    rows = [{name: value for name, value in row.items() if value is not None} for row in loaded.history]
    assert rows == run.history.rows
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["best_step"] == loaded.best_step
    assert jnp.isfinite(loaded.metrics["test"]["loss"])
