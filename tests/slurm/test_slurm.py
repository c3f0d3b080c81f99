"""Sweeps and trainings under a real Slurm without accounting, as many small clusters run it."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from jaxrnn.storage import metrics_csv

pytestmark = pytest.mark.slurm

SHORT = ["model.cell.size=4", "checkpoints.seconds=0", "trainer.steps=60", "trainer.report_every=20", "figures=false"]
ADDING = [*SHORT, "data=adding", "data.length=22", "trainer.batch_size=4", "trainer.precision=f64"]
SWEEP = ["-m", "hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=20"]


@pytest.fixture
def under_slurm(slurm, command):
    """(folder, *words, srun=()) -> the started process of train.py in the cluster's environment."""

    def start(cwd, *words, srun=()):
        env = {**os.environ, **slurm, **({"JAXRNN_CLUSTER": "slurm"} if srun else {})}
        line = [*srun, *command("train", *words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(line, cwd=cwd, env=env, **pipes)

    return start


@pytest.fixture
def queue(slurm):
    """() -> {job: its state} of the jobs in the queue."""

    def read():
        words = ["squeue", "--noheader", "--array", "--format=%i %T"]
        done = subprocess.run(words, env={**os.environ, **slurm}, capture_output=True, text=True, check=True)
        return dict(line.split() for line in done.stdout.splitlines())

    return read


def wait_until(condition, seconds):
    for _ in range(seconds):
        if condition():
            return
        time.sleep(1)
    raise TimeoutError(f"still not so after {seconds} s")


def test_a_sweep_by_submitit_trains_what_single_runs_train(tmp_path, under_slurm, call, numbers):
    process = under_slurm(tmp_path, *SWEEP, *ADDING, "seed=0,1", "hydra.sweep.dir=many")
    shown, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert "sweep in many" in shown
    assert call(tmp_path, "train", *ADDING, "seed=1", "hydra.run.dir=one").returncode == 0
    np.testing.assert_allclose(numbers(tmp_path / "many/1"), numbers(tmp_path / "one"), rtol=1e-12)
    statuses = [json.loads((tmp_path / f"many/{n}/summary.json").read_text())["status"] for n in (0, 1)]
    assert statuses == ["finished", "finished"]


def test_a_sweep_waits_for_all_jobs_and_names_one_that_was_lost(tmp_path, slurm, under_slurm, queue):
    long = [*ADDING, "trainer.steps=1000000", "hydra.sweep.dir=many"]
    process = under_slurm(tmp_path, *SWEEP, *long, "seed=0,1")
    try:
        wait_until(lambda: list(queue().values()) == ["RUNNING"] * 2, 120)
        first, second = sorted(queue())
        scancel = {"env": {**os.environ, **slurm}, "check": True}
        subprocess.run(["scancel", "--signal=KILL", "--full", first], **scancel)
        wait_until(lambda: list(queue()) == [second], 60)
        time.sleep(10)  # submitit asks for the state every few seconds at first
        assert process.poll() is None, process.communicate()
        subprocess.run(["scancel", second], **scancel)
        _, errors = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 2
    *_, line = errors.splitlines()
    assert line.startswith(f"error: Job {first} ended without a result: its node died, it was cancelled, or")


def test_a_job_that_slurm_starts_again_continues_its_run(tmp_path, slurm, under_slurm, queue, call, numbers):
    """As after the death of its node."""
    long = [*ADDING, "trainer.steps=30000", "trainer.report_every=1000"]
    process = under_slurm(tmp_path, *SWEEP, *long, "seed=0,1", "hydra.sweep.dir=many")
    wait_until(lambda: list(tmp_path.glob("many/1/checkpoints/*.safetensors")), 180)
    (job,) = [name for name in queue() if name.endswith("_1")]
    subprocess.run(["scontrol", "requeue", job], env={**os.environ, **slurm}, check=True)
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    assert call(tmp_path, "train", *long, "seed=1", "hydra.run.dir=one").returncode == 0
    np.testing.assert_allclose(numbers(tmp_path / "many/1"), numbers(tmp_path / "one"), rtol=1e-12)


def test_one_model_by_two_processes_of_srun(tmp_path, under_slurm, call, numbers):
    srun = ["srun", "--ntasks=2", "--overcommit"]
    process = under_slurm(tmp_path, *ADDING, "hydra.run.dir=two", srun=srun)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert call(tmp_path, "train", *ADDING, "hydra.run.dir=one").returncode == 0
    np.testing.assert_allclose(numbers(tmp_path / "two"), numbers(tmp_path / "one"), rtol=1e-9)


def test_one_model_by_two_processes_is_stopped_by_a_signal_and_resumed(tmp_path, slurm, command, queue):
    """The lines of docs/cluster.md: the script starts the run, and resumes it when it is submitted again."""
    page = (Path(__file__).parents[2] / "docs/cluster.md").read_text()
    lines = re.search(r"```bash\n(if \[ -e .*?\nfi\n)```", page, re.DOTALL)[1]
    program = shlex.join(command("train"))
    lines = lines.replace("srun jaxrnn train", f"exec srun --ntasks=2 --overcommit {program}")
    lines = re.sub(r"data=sine trainer.batch_size=\d+", shlex.join([*ADDING, "trainer.steps=1000000"]), lines)
    assert lines.count(program) == 2
    assert "trainer.steps=1000000" in lines
    steps = []
    for _ in range(2):
        environment = {**os.environ, **slurm, "JAXRNN_CLUSTER": "slurm"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(["bash", "-c", lines], cwd=tmp_path, env=environment, **pipes)
        first = max(steps, default=0)
        wait_until(lambda first=first: last_step(tmp_path / "runs/first") > first, 180)
        (job,) = queue()
        subprocess.run(["scancel", "--signal=TERM", job], env=environment, check=True)
        shown, errors = process.communicate(timeout=120)
        assert process.returncode == 128 + signal.SIGTERM, errors
        summary = json.loads((tmp_path / "runs/first/summary.json").read_text())
        assert (summary["status"], summary["reason"]) == ("stopped", "SIGTERM")
        assert "resume with: " in shown
        steps.append(summary["steps"])
    assert steps[0] < steps[1] < 1000000
    rows = [row["step"] for row in metrics_csv.read(tmp_path / "runs/first") if row["split"] == "train"]
    assert rows == list(range(20, steps[1] + 1, 20))


def last_step(folder):
    """The last step with a checkpoint, or 0."""
    return max((int(path.stem) for path in folder.glob("checkpoints/*.safetensors")), default=0)


def test_one_sweep_shared_out_to_two_processes_of_srun(tmp_path, under_slurm):
    sweep = ["-m", *ADDING, "model=elman,gru", "seed=range(3)", "hydra/launcher=compiled", "hydra.sweep.dir=many"]
    process = under_slurm(tmp_path, *sweep, srun=["srun", "--ntasks=2", "--overcommit"])
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert len(list(tmp_path.glob("many/[0-9]/summary.json"))) == 6


def test_a_job_whose_signal_comes_saves_and_says_so(tmp_path, slurm, under_slurm, queue):
    """Slurm ends a job at its time limit with SIGTERM first; the run can be resumed."""
    srun = ["srun", "--ntasks=1", "--overcommit"]
    process = under_slurm(tmp_path, *ADDING, "trainer.steps=1000000", "hydra.run.dir=run", srun=srun)
    wait_until(lambda: list(tmp_path.glob("run/checkpoints/*.safetensors")), 180)
    (job,) = queue()
    subprocess.run(["scancel", "--signal=TERM", job], env={**os.environ, **slurm}, check=True)
    shown, errors = process.communicate(timeout=120)
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert (summary["status"], summary["reason"]) == ("stopped", signal.Signals.SIGTERM.name), errors
    assert "resume with: " in shown
