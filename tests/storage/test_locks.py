"""One writer a folder: in one process, in two, and on a disk that two hosts share."""

import json
import os
import signal
import time

import numpy as np
import pytest

import jaxrnn
from jaxrnn.cells import elman
from jaxrnn.data import sine
from jaxrnn.errors import ConfigError
from jaxrnn.storage import locks
from jaxrnn.storage.checkpoints import Checkpoints

LONG = ["trainer.steps=36000000", "trainer.report_every=720", "model.cell.size=4", "checkpoints.seconds=0"]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def training(command, tmp_path):
    """(until, *arguments) -> a training that goes on in a process of its own, once the path `until` is there."""
    import subprocess

    started = []

    def start(until, *arguments):
        process = subprocess.Popen(command("train", *LONG, *arguments), cwd=tmp_path, stdout=subprocess.DEVNULL)
        started.append(process)
        end = time.time() + 120
        while not (tmp_path / until).exists():
            assert process.poll() is None, "it has ended"
            assert time.time() < end, f"no {until}"
            time.sleep(0.1)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_second_lock_is_refused_and_names_the_first(tmp_path):
    with locks.Lock(tmp_path):
        before = contents(tmp_path)
        with pytest.raises(ConfigError, match=f"process {os.getpid()} on .* has been training here since"):
            locks.Lock(tmp_path)
        with pytest.raises(ConfigError, match="has been training here"):
            locks.refuse_if_held(tmp_path)
        assert contents(tmp_path) == before
    locks.refuse_if_held(tmp_path)
    locks.Lock(tmp_path).release()
    assert not (tmp_path / locks.WRITER).exists()


@pytest.mark.parametrize("age", [0, 1000])
def test_on_a_shared_disk_the_other_host_decides_while_it_gives_signs_of_life(tmp_path, age):
    """Its file lock is not seen here; what it wrote is."""
    (tmp_path / locks.FILE).touch()
    writer = tmp_path / locks.WRITER
    writer.write_text(json.dumps({"process": 7, "host": "elsewhere", "since": "noon"}))
    os.utime(writer, (time.time() - age,) * 2)
    if age == 0:
        with pytest.raises(ConfigError, match="process 7 on elsewhere has been training here since noon"):
            locks.Lock(tmp_path)
        assert json.loads(writer.read_text())["process"] == 7
    else:
        locks.Lock(tmp_path).release()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_note_of_the_writer_is_no_obstacle(tmp_path, content):
    (tmp_path / locks.WRITER).write_text(content)
    (tmp_path / locks.FILE).touch()
    if content == "{}":  # of no host at all
        os.utime(tmp_path / locks.WRITER, (0, 0))
    with locks.Lock(tmp_path), pytest.raises(ConfigError, match="has been training here"):
        locks.Lock(tmp_path)


def test_the_holder_gives_signs_of_life(tmp_path):
    with locks.Lock(tmp_path, beat=0.05):
        os.utime(tmp_path / locks.WRITER, (0, 0))
        end = time.time() + 10
        while (tmp_path / locks.WRITER).stat().st_mtime == 0 and time.time() < end:
            time.sleep(0.02)
        assert (tmp_path / locks.WRITER).stat().st_mtime > 0


def test_fit_refuses_a_folder_that_another_writes_to(tmp_path):
    net, options = jaxrnn.rnn(elman.cell(2), output_size=1), {"steps": 2, "batch_size": 1, "learning_rate": 1e-3}
    with locks.Lock(tmp_path), pytest.raises(ConfigError, match="has been training here"):
        jaxrnn.fit(net, sine.dataset(), **options, precision="f64", folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [locks.FILE]
    jaxrnn.fit(net, sine.dataset(), **options, precision="f64", folder=tmp_path)
    assert not (tmp_path / locks.WRITER).exists()


@pytest.mark.slow
def test_of_two_processes_in_a_run_folder_one_trains_and_one_is_told(tmp_path, training, call):
    process = training("run/checkpoints", "hydra.run.dir=run")
    held = (tmp_path / "run" / ".hydra" / "config.yaml").read_bytes()
    for arguments in (["data=cosine", "hydra.run.dir=run"], ["resume=run"]):
        result = call(tmp_path, "train", *arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith(f"error: run: process {process.pid} on ")
        assert result.stderr.count("\n") == 1
    assert (tmp_path / "run" / ".hydra" / "config.yaml").read_bytes() == held
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = call(tmp_path, "train", "data=cosine", "hydra.run.dir=run")
    assert "already contains a run; choose another" in again.stderr
    assert (tmp_path / "run" / ".hydra" / "config.yaml").read_bytes() == held
    steps = 720 + Checkpoints(tmp_path / "run").steps()[-1]
    assert f"finished at step {steps}" in call(tmp_path, "train", "resume=run", f"trainer.steps={steps}").stdout


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["compiled", "basic"])
def test_of_two_equal_sweeps_one_trains_and_one_is_told(tmp_path, training, call, launcher):
    sweep = ["-m", "seed=0,1", f"hydra/launcher={launcher}", "hydra.sweep.dir=sweep"]
    process = training("sweep/0/metrics.csv", *sweep)
    for arguments in ([*LONG, *sweep], ["resume=sweep/0"]):
        result = call(tmp_path, "train", *arguments)
        assert result.returncode == 2
        assert result.stderr.startswith("error: ")
        assert f"sweep: process {process.pid} on " in result.stderr
        assert result.stderr.count("\n") == 1
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text())["status"] == "running"
    assert call(tmp_path, "report", "sweep").returncode == 0  # reads alone
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143
    assert np.isfinite(json.loads((tmp_path / "sweep/0/summary.json").read_text())["steps"])


@pytest.mark.slow
def test_of_two_equal_searches_one_trains_and_one_is_told(tmp_path, command, call):
    import subprocess

    search = [*LONG, "optimizer.learning_rate=interval(1e-4,1e-2)", "tune.trials=2", "hydra.run.dir=tune"]
    process = subprocess.Popen(command("tune", *search), cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        end = time.time() + 120
        while not list((tmp_path).glob("tune/*/*/metrics.csv")):
            assert time.time() < end
            time.sleep(0.1)
        result = call(tmp_path, "tune", *search)
        assert result.returncode == 2
        assert result.stderr.startswith(f"error: tune: process {process.pid} on ")
    finally:
        process.kill()
        process.wait()


def test_a_new_folder_without_a_run_is_discarded(tmp_path):
    folder = tmp_path / "outputs" / "today" / "run"
    lock = locks.Lock(folder)
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "config.yaml").write_text("a: 1")
    (folder / "train.log").touch()
    lock.discard()
    lock.release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["metrics.csv", "0/summary.json", "checkpoints/1.safetensors", "train.log"])
def test_a_folder_with_anything_else_stays(tmp_path, name):
    lock = locks.Lock(tmp_path / "run")
    (tmp_path / "run" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "run" / name).write_text("a line")
    lock.discard()
    lock.release()
    assert (tmp_path / "run" / name).exists()


def test_a_folder_that_existed_stays(tmp_path):
    lock = locks.Lock(tmp_path)
    lock.discard()
    lock.release()
    assert (tmp_path / locks.FILE).exists()


def test_only_new_parents_are_discarded(tmp_path):
    (tmp_path / "outputs" / "other").mkdir(parents=True)
    lock = locks.Lock(tmp_path / "outputs" / "today" / "run")
    lock.discard()
    lock.release()
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["other"]
