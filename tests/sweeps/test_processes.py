"""One model and one sweep by several processes, against the same by one; other launchers; TensorBoard's files."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from jaxrnn import runtime
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import watchdog
from jaxrnn.storage import metrics_csv

SMALL = ["model.cell.size=4", "checkpoints.seconds=0"]
SHORT = [*SMALL, "trainer.steps=60", "trainer.report_every=20", "trainer.precision=f64"]
ADDING = [*SHORT, "data=adding", "data.length=22", "trainer.batch_size=4"]


def start_two(command, cwd, *arguments):
    return start_both(command("train", *arguments), cwd)


def start_both(program, cwd):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    shared = {**os.environ, "JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": "2"}
    started = [
        subprocess.Popen(
            program,
            cwd=cwd,
            env={**shared, "JAX_PROCESS_ID": str(number)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    return started


@contextlib.contextmanager
def ended(started):
    """Kills the processes that are still there after the block."""
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()


def wait_for(condition, seconds=120):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end
        time.sleep(0.1)


@pytest.fixture
def two_processes(command):
    """(folder, *arguments) -> (return code, output, errors) of two processes that train together."""

    def run(cwd, *arguments):
        started = start_two(command, cwd, *arguments)
        outcomes = [process.communicate(timeout=300) for process in started]
        return [(process.returncode, *outcome) for process, outcome in zip(started, outcomes, strict=True)]

    return run


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path, two_processes, numbers, call):
    (first, shown, errors), (second, silent, _) = two_processes(tmp_path, *ADDING, "hydra.run.dir=two")
    assert (first, second) == (0, 0), errors
    assert "finished at step 60" in shown
    assert "finished" not in silent
    assert call(tmp_path, "train", *ADDING, "hydra.run.dir=one").returncode == 0
    np.testing.assert_allclose(numbers(tmp_path / "two"), numbers(tmp_path / "one"), rtol=1e-9)
    outcomes = two_processes(tmp_path, "resume=two", "trainer.steps=80")
    assert [outcome[0] for outcome in outcomes] == [0, 0], outcomes
    assert call(tmp_path, "train", "resume=one", "trainer.steps=80").returncode == 0
    np.testing.assert_allclose(numbers(tmp_path / "two"), numbers(tmp_path / "one"), rtol=1e-9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
    for refused, _, errors in two_processes(tmp_path, *ADDING, "trainer.batch_size=3", "hydra.run.dir=odd"):
        assert refused == 2
        assert "trainer.batch_size=3 must be a multiple of the number of processes, 2" in errors


@pytest.mark.slow
@pytest.mark.parametrize(("lost", "number"), [(0, "SIGKILL"), (1, "SIGSTOP")])
def test_when_a_process_is_lost_the_other_ends_and_the_run_can_be_resumed(tmp_path, command, call, lost, number):
    """The first process saves its last report and says which one is lost; without the first, JAX ends the others."""
    endless = [*ADDING, "trainer.steps=1000000", "hydra.run.dir=run", "checkpoints.seconds=1000"]
    started = start_two(command, tmp_path, *endless)
    with ended(started):
        wait_for(lambda: list(tmp_path.glob("run/checkpoints/*.safetensors")))
        time.sleep(2)
        started[lost].send_signal(getattr(signal, number))
        began, other = time.time(), started[1 - lost]
        _, errors = other.communicate(timeout=60)
        took = time.time() - began
    assert watchdog.PATIENCE + 2 * watchdog.BEAT + watchdog.PARTING < 15  # documented; a loaded machine adds to it
    assert took < 30
    if lost == 1:
        assert other.returncode == 2, errors
        line = errors.strip().splitlines()[-1]
        assert line.startswith(f"error: process {lost + 1} is lost (no heartbeat")
        assert line.endswith(f"python scripts/train.py resume={tmp_path / 'run'}")
    else:
        assert other.returncode != 0
        assert errors
    (saved,) = [int(path.stem) for path in tmp_path.glob("run/checkpoints/*.safetensors")]
    if lost == 1:
        assert saved == max(row["step"] for row in metrics_csv.read(tmp_path / "run"))
    assert (
        f"finished at step {saved + 40}" in call(tmp_path, "train", "resume=run", f"trainer.steps={saved + 40}").stdout
    )


@pytest.mark.slow
@pytest.mark.parametrize(("receiver", "name"), [(0, "SIGINT"), (1, "SIGTERM")])
def test_a_signal_to_one_process_stops_all_and_the_run_can_be_resumed(tmp_path, command, call, receiver, name):
    """The other process must not enter a collective operation that the stopped one never enters."""
    started = start_two(command, tmp_path, *ADDING, "trainer.steps=1000000", "hydra.run.dir=run")
    with ended(started):
        wait_for(lambda: list(tmp_path.glob("run/checkpoints/*.safetensors")))
        started[receiver].send_signal(getattr(signal, name))
        outcomes = [process.communicate(timeout=60) for process in started]
    status = 128 + getattr(signal, name)
    assert [process.returncode for process in started] == [status, status], outcomes
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert (summary["status"], summary["reason"]) == ("stopped", name)
    assert "resume with: " in outcomes[0][0]
    step = summary["steps"]
    assert f"finished at step {step + 40}" in call(tmp_path, "train", "resume=run", f"trainer.steps={step + 40}").stdout


@pytest.mark.slow
def test_a_callback_that_ends_one_process_ends_all(tmp_path, command, monkeypatch):
    """A callback may read the time, or a loss whose last bit differs between two kinds of processors."""
    (tmp_path / "mine.py").write_text(
        "import os\n\ndef callback():\n    is_second = os.environ['JAX_PROCESS_ID'] == '1'\n"
        "    return lambda progress: 'the second is tired' if is_second and progress.step == 40 else None\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    words = [*ADDING, "+callbacks.mine={_target_: mine.callback}", "hydra.run.dir=run"]
    started = start_two(command, tmp_path, *words)
    with ended(started):
        outcomes = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0], outcomes
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert (summary["status"], summary["reason"], summary["steps"]) == ("finished", "the second is tired", 40)


@pytest.mark.slow
@pytest.mark.parametrize("late", [0, 1])
def test_processes_end_together_without_a_word(tmp_path, late):
    """The watch looked on while JAX's computation was left, and left it a second time: a crash or a traceback."""
    program = f"""
import time
from jaxrnn import runtime
runtime.join_processes()
import jax
from jaxrnn.experiments.watchdog import Peers
for block in range(2):
    with Peers("go on", beat=1e-4):
        pass
time.sleep(0.5 * (jax.process_index() == {late}))
"""
    for _ in range(3):
        started = start_both([sys.executable, "-c", program], tmp_path)
        outcomes = [process.communicate(timeout=60) for process in started]
        assert outcomes == [("", "")] * 2
        assert [process.returncode for process in started] == [0, 0]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_process_that_waits_for_the_others_can_be_stopped(tmp_path, command, number, status):
    env = {**os.environ, "JAX_COORDINATOR_ADDRESS": "localhost:1", "JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command("train", *ADDING, "hydra.run.dir=run"), cwd=tmp_path, env=env, **pipes)
    assert process.stdout.readline() == "process 2 of 2 waits for the others\n"
    process.send_signal(getattr(signal, number))
    _, errors = process.communicate(timeout=20)
    assert process.returncode == status, errors
    assert errors in ("terminated\n", "interrupted\n")


def test_a_process_does_not_wait_for_ever():
    program = """
from jaxrnn import runtime
from jaxrnn.experiments.command_line import config_errors
with config_errors():
    runtime.join_processes(patience=1.0)
"""
    env = {**os.environ, "JAX_COORDINATOR_ADDRESS": "localhost:1", "JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "1"}
    result = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    expected = (
        "error: process 2 of 2: the others have not joined within 1 s; read their output, then start all at once\n"
    )
    assert result.stderr == expected


@pytest.mark.parametrize(
    ("address", "number", "count", "said"),
    [
        ("localhost:1", "2", "2", "JAX_PROCESS_ID=2 must be at least 0 and below JAX_NUM_PROCESSES=2"),
        ("localhost:1", "-1", "2", "JAX_PROCESS_ID=-1 must be at least 0"),
        ("localhost:1", "one", "2", "set JAX_PROCESS_ID and JAX_NUM_PROCESSES to numbers"),
        ("localhost", "1", "2", "JAX_COORDINATOR_ADDRESS=localhost must be HOST:PORT"),
    ],
)
def test_numbers_of_processes_that_cannot_be(monkeypatch, address, number, count, said):
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", address)
    monkeypatch.setenv("JAX_PROCESS_ID", number)
    monkeypatch.setenv("JAX_NUM_PROCESSES", count)
    with pytest.raises(ConfigError, match=said):
        runtime.processes()


@pytest.mark.slow
def test_two_processes_train_one_sweep(tmp_path, two_processes, numbers, call):
    sweep = ["-m", *SHORT, "model=elman,gru", "seed=range(3)", "hydra/launcher=compiled"]
    outcomes = two_processes(tmp_path, *sweep, "hydra.sweep.dir=two")
    assert [outcome[0] for outcome in outcomes] == [0, 0], outcomes
    assert "process 1 of 2 trains its share of every group" in outcomes[0][1]
    assert call(tmp_path, "train", *sweep, "hydra.sweep.dir=one").returncode == 0
    for run in range(6):
        np.testing.assert_allclose(numbers(tmp_path / f"two/{run}"), numbers(tmp_path / f"one/{run}"), rtol=1e-9)
    assert json.loads((tmp_path / "two/sweep.json").read_text())["status"] == "finished"
    assert call(tmp_path, "evaluate", "run=two/1").returncode == 0  # the other process's
    (refused, _, errors), _ = two_processes(tmp_path, "-m", *SHORT, "seed=0,1", "hydra.sweep.dir=basic")
    assert refused == 2
    assert "a sweep in several processes requires hydra/launcher=compiled" in errors


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_other_launchers_train_compiled_groups(tmp_path, launcher, numbers, call):
    inside = 'together=["seed=range(2)","optimizer.learning_rate=1e-3,1e-2"]'
    result = call(
        tmp_path, "train", "-m", *SHORT, "model=elman,gru", inside, f"hydra/launcher={launcher}", "hydra.sweep.dir=many"
    )
    assert result.returncode == 0, result.stderr
    alone = ["model=gru", "seed=1", "optimizer.learning_rate=1e-3", "hydra.run.dir=one"]
    assert call(tmp_path, "train", *SHORT, *alone).returncode == 0
    np.testing.assert_allclose(numbers(tmp_path / "many/1/2"), numbers(tmp_path / "one"), rtol=1e-9)
    shown = call(tmp_path, "report", "many").stdout
    assert "8 runs of 4 settings: 8 finished" in shown


def events(folder):
    """The events in TensorBoard's files: records of length, checksum, content, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    for file in sorted((folder / "tensorboard").iterdir()):
        content, place = file.read_bytes(), 0
        while place < len(content):
            (length,) = struct.unpack("<Q", content[place : place + 8])
            yield Event.FromString(content[place + 12 : place + 12 + length])
            place += length + 16


@pytest.mark.slow
def test_tensorboard_has_the_metrics_and_the_hyperparameters(tmp_path, call):
    result = call(tmp_path, "train", *SHORT, "logger=tensorboard", "hydra.run.dir=run")
    assert result.returncode == 0, result.stderr
    scalars, tags = {}, set()
    for event in events(tmp_path / "run"):
        for value in event.summary.value:
            tags.add(value.tag)
            scalars[value.tag, event.step] = value.simple_value
    for row in metrics_csv.read(tmp_path / "run"):
        assert scalars[f"loss/{row['split']}", row["step"]] == pytest.approx(row["loss"], rel=1e-6)
    final = json.loads((tmp_path / "run/summary.json").read_text())["metrics"]["test"]["loss"]
    assert scalars["final/test/loss", 0] == pytest.approx(final, rel=1e-6)
    assert "_hparams_/session_start_info" in tags
