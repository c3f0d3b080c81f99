"""The scripts as a user runs them, in processes of their own: refusals, signals, kills, start-up."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

SMALL = ["model.cell.size=4", "checkpoints.seconds=0"]


@pytest.fixture
def trained(call):
    """(folder, *arguments) -> the finished process of a small run in folder/run."""

    def run(cwd, *arguments):
        result = call(cwd, "train", *SMALL, "hydra.run.dir=run", *arguments)
        assert result.returncode == 0, result.stderr
        return result

    return run


def test_train_evaluate_generate_resume(tmp_path, trained, call):
    shown = trained(tmp_path, "model=gru", "data=sine", "trainer.steps=720").stdout
    assert "finished at step 720" in shown
    assert "persistence" in shown
    assert f"figures in {tmp_path / 'run' / 'figures'}" in shown
    result = call(tmp_path, "evaluate", "run=run")
    assert result.returncode == 0, result.stderr
    header, *rows = (tmp_path / "run" / "evaluation.csv").read_text().splitlines()
    assert header == "split,loss,baseline"
    assert [row.split(",")[0] for row in rows] == ["validation", "test"]
    result = call(tmp_path, "generate", "run=run", "prime=10", "length=7")
    assert result.returncode == 0, result.stderr
    assert len((tmp_path / "run" / "generation.csv").read_text().splitlines()) == 8
    result = call(tmp_path, "train", "resume=run", "trainer.steps=1080")
    assert "finished at step 1080" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]  # nothing beside the run folder
    assert result.stderr == ""


@pytest.mark.slow
def test_export(tmp_path, trained, call):
    trained(tmp_path, "model=gru", "data=sine", "trainer.steps=72", "figures=false")
    result = call(tmp_path, "export", "run=run", "to=flax")
    assert result.returncode == 0, result.stderr
    assert "ys = model.apply(variables, xs)" in result.stdout
    assert (tmp_path / "run" / "export" / "flax" / "model.msgpack").exists()
    assert call(tmp_path, "export", "run=run", "to=safetensors", "folder=there").returncode == 0
    assert (tmp_path / "there" / "model.safetensors").exists()
    result = call(tmp_path, "export", "run=run", "to=onnx")
    assert result.returncode == 2
    assert result.stderr == "error: to=onnx: unknown format; there are torch, keras, flax, stablehlo, safetensors\n"


@pytest.mark.slow
def test_export_of_a_run_with_an_unroll_of_ones_own(tmp_path, trained, call, monkeypatch):
    """Its outputs are twice those of the layers: a program without it would compute something else."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "mine.py").write_text(
        "from jaxrnn.unroll.scan import scan\n\n"
        "def doubled(*args, **options):\n"
        "    carry, ys = scan(*args, **options)\n"
        "    return carry, 2 * ys\n\n"
        "def unroll():\n"
        "    return doubled\n"
    )
    trained(tmp_path, "model=gru", "data=sine", "trainer.steps=2", "figures=false", "unroll._target_=mine.unroll")
    for to in ("stablehlo", "safetensors"):
        result = call(tmp_path, "export", "run=run", f"to={to}", "trust=mine")
        assert result.returncode == 0, result.stderr
        assert ("do not contain unroll._target_=mine.unroll" in result.stdout) == (to == "safetensors")
    load = (
        "import jax.export, numpy as np, jaxrnn\n"
        "run = jaxrnn.load('run', trusted=('mine',))\n"
        "model = jax.export.deserialize(bytearray(open('run/export/stablehlo/model.stablehlo', 'rb').read()))\n"
        "xs = np.ones((4, 2, run.dataset.input_size), 'float32')\n"
        "ys = run.net.apply(run.params, run.net.initial(run.params, (2,)), xs)[1]\n"
        "np.testing.assert_allclose(model.call(xs), ys, atol=1e-6)\n"
    )
    result = subprocess.run([sys.executable, "-c", load], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_csv_of_ones_own(tmp_path, trained, call):
    values = 10 + np.sin(np.arange(300) / 5)
    (tmp_path / "mine.csv").write_text("t,level\n" + "".join(f"{t},{v}\n" for t, v in enumerate(values)))
    options = ["data=csv", "data.path=mine.csv", "data.column=level", "data.window=20", "trainer.steps=400"]
    trained(tmp_path, *options, "model.cell.size=8")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    test = summary["metrics"]["test"]
    assert test["loss"] < test["baseline"]
    assert call(tmp_path, "evaluate", "run=run").returncode == 0
    assert call(tmp_path, "generate", "run=run", "prime=50", "length=45").returncode == 0
    rows = (tmp_path / "run" / "generation.csv").read_text().splitlines()[1:]
    np.testing.assert_allclose([float(row.split(",")[2]) for row in rows], values[255:], atol=1e-6)
    (tmp_path / "mine.csv").write_text("t,level\n1,2.0\n2,high\n")
    result = call(tmp_path, "train", *options)
    assert result.returncode == 2
    assert result.stderr == "error: mine.csv, line 3, column 'level': 'high' is not a finite number\n"


REFUSALS = {
    "model=lsmt": "model=lsmt: no such model; nearest: lstm, ",
    "optimizer=adan": "nearest: adam, adagrad",
    "modle=lstm": "modle: no such key; nearest: model",
    "learning_rate=1e-3": "learning_rate: no such key; here it is optimizer.learning_rate=...",
    "data=adding lenght=30": "lenght: no such key; nearest: data.length",
    "sed=3": "sed: no such key; nearest: seed",
    "horizon=3": "horizon: cannot be set here",
    "zzz=3": "zzz: no such key; there are: callbacks, checkpoints, data, experiment",
    "experiment=sine_lstn": "nearest: sine_lstm",
    "model.cell.sise=3": "model.cell.sise: jaxrnn.cells.lstm.cell has no such option; nearest: size",
    "trainer.stpes=3": "trainer.stpes: jaxrnn.training.Trainer has no such option; nearest: steps",
    "optimizer.rule.b3=1": "nearest: b2, b1",
    "foo.bar=1": "foo: no such part of the configuration",
    "trainer.steps=abc": "trainer.steps=abc: should be a valid integer",
    "trainer.steps=-3": "trainer.steps=-3: should be greater than 0",
    "model.cell.size=2.5": "model.cell.size=2.5: should be a valid integer",
    "optimizer.learning_rate=-1": "optimizer.learning_rate=-1: should be greater than 0",
    "optimizer.rule.b1=x": "optimizer.rule.b1=x: should be a valid number",
    "model.dropout=1.5": "model.dropout=1.5: should be less than 1",
    "seed=x": "seed=x: should be a valid integer",
    "unroll=scna": "nearest: snap, scan",
    "unroll=truncated": "unroll.k1 is missing; give it: unroll.k1=...",
    "model.cell._target_=nowhere.cell": "model.cell._target_=nowhere.cell: no such function",
    "trainer.batch_size=100": "trainer.batch_size=100 is larger than the data set, which has 36 sequences",
    "data=cosine data.window=4000": "the window must be at most 2499 steps",
    "data=csv": "data.path is missing; give it: data.path=...",
    "hydra/launcher=slrum": "joblib and submitit need pip install -e '.[launch]'",
    "resume=nowhere": "nowhere is not a run folder",
    "resume=nowhere model=gru": "model: cannot be set here",
}


@pytest.mark.parametrize("arguments", REFUSALS)
@pytest.mark.sample(3, 4)
def test_refusals_are_one_clear_line(tmp_path, arguments, call):
    began = time.perf_counter()
    result = call(tmp_path, "train", *arguments.split(), "hydra.run.dir=run")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    assert REFUSALS[arguments] in result.stderr
    assert result.stdout == ""
    assert "resume" in arguments or list(tmp_path.iterdir()) == []
    assert time.perf_counter() - began < 60


@pytest.mark.parametrize("script", ["evaluate", "generate"])
@pytest.mark.sample(1, 2)
def test_other_scripts_refuse_too(tmp_path, script, call):
    assert "nowhere is not a run folder" in call(tmp_path, script, "run=nowhere").stderr
    assert "run" in call(tmp_path, script).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_study_of_models_and_of_a_run(tmp_path, call):
    small = [
        "data.length=22",
        "trainer.steps=40",
        "trainer.report_every=20",
        "trainer.batch_size=4",
        "hydra.run.dir=run",
    ]
    result = call(tmp_path, "train", *SMALL, "model=gru", "data=adding", *small, "checkpoints.keep_every=20")
    assert result.returncode == 0, result.stderr
    kept = {int(path.stem) for path in tmp_path.glob("run/checkpoints/[0-9]*.safetensors")}
    assert kept == {20, 40}
    result = call(tmp_path, "study", "study=gates", "run=run", "checkpoints=all")
    assert result.returncode == 0, result.stderr
    assert "gru, step 20: time scale" in result.stdout
    assert "gru, step 40: time scale" in result.stdout
    assert (tmp_path / "run/studies/gates/gates.npz").is_file()
    assert (tmp_path / "run/studies/gates/figures/gates.pdf").is_file()
    result = call(tmp_path, "study", "study=lyapunov", "run=run", "study.steps=20", "study.warm_up=2")
    assert "gru, step 40: largest exponent" in result.stdout, result.stderr
    compare = "compare={elman: {model: elman}, b: {model: gru, model.cell.size: 3}}"
    options = ["study=jacobian", "seeds=2", "data.length=22", "model.cell.size=4", "hydra.run.dir=two"]
    result = call(tmp_path, "study", *options, compare)
    assert result.returncode == 0, result.stderr
    assert "elman, step 0" in result.stdout
    assert "b, step 0" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "two"]


STUDY_REFUSALS = {
    "study=gates study.bach=3": "study.bach: jaxrnn.studies.gates.study has no such option; nearest: batch",
    "study=gates model=elman": "study gates: the network's cells have no gates: expected gated cells",
    "study=gtaes": "study=gtaes: no such study; nearest: gates",
    "study=gates run=nowhere": "nowhere is not a run folder",
    "study=gates run=nowhere model.cell.size=3": "model.cell.size: cannot be set here",
    "study=gates run=nowhere model=gru": "model: cannot be set here",
    "study=jacobian run=nowhere trainer.precision=f32": "trainer.precision: cannot be set here: the configuration of",
    "study=gates run=nowhere study.bacth=3": "nearest: batch",
    "study=gradient_flow model=lstm data=sine data.stateful=false": "are single steps; set data.window=2",
    "study=gates model=gru seeds=0": "seeds=0: should be greater than 0",
}


@pytest.mark.parametrize("arguments", STUDY_REFUSALS)
@pytest.mark.sample(1, 4)
def test_refused_studies_are_one_clear_line(tmp_path, arguments, call):
    result = call(tmp_path, "study", *arguments.split(), *([] if "run=" in arguments else ["hydra.run.dir=run"]))
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert STUDY_REFUSALS[arguments] in result.stderr
    assert list(tmp_path.iterdir()) == []


def start_long_run(command, cwd):
    """A run that is well past its first checkpoint and far from its end."""
    arguments = [*SMALL, "hydra.run.dir=run", "data=noisy_cosine", "trainer.steps=100000", "trainer.report_every=20"]
    process = subprocess.Popen(
        command("train", *arguments), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for _ in range(600):
        if list(cwd.glob("run/checkpoints/*.safetensors")) or process.poll() is not None:
            break
        time.sleep(0.1)
    assert process.poll() is None, process.stderr.read()
    return process


@pytest.mark.slow
@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGINT])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path, number, command):
    process = start_long_run(command, tmp_path)
    process.send_signal(number)
    shown, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number, errors
    assert f"resume with: python scripts/train.py resume={tmp_path / 'run'}" in shown
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["status"], summary["reason"]) == ("stopped", signal.Signals(number).name)
    checkpoints = list(tmp_path.glob("run/checkpoints/*.safetensors"))
    assert [path.stem for path in checkpoints] == [str(summary["steps"])]


SWEEP = [
    "-m",
    *SMALL,
    "model=elman,gru",
    "seed=0,1",
    "data.window=6",
    "data.stateful=false",
    "trainer.steps=72",
    "trainer.precision=f64",
]


def swept(call, cwd, launcher, *arguments):
    result = call(cwd, "train", *SWEEP, f"hydra/launcher={launcher}", f"hydra.sweep.dir={launcher}", *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def same_runs(one, two):
    """Whether the run folders of two sweeps hold the same files, configurations and numbers."""
    for number in range(4):
        folders = [path / str(number) for path in (one, two)]
        names = [{p.relative_to(f) for p in f.rglob("*") if not p.is_relative_to(f / "checkpoints")} for f in folders]
        assert names[0] == names[1]
        for name in (".hydra/config.yaml", ".hydra/overrides.yaml"):
            assert len({(folder / name).read_bytes() for folder in folders}) == 1
        tables = [[line.split(",") for line in (f / "metrics.csv").read_text().splitlines()] for f in folders]
        assert tables[0][0] == tables[1][0]
        values = [np.array([[float(v or 0) for v in (row[0], *row[2:])] for row in table[1:]]) for table in tables]
        np.testing.assert_allclose(*values, rtol=1e-9)
        summaries = [json.loads((folder / "summary.json").read_text()) for folder in folders]
        assert summaries[0].keys() == summaries[1].keys()
        for key in ("status", "reason", "steps", "best_step", "parameters", "baseline"):
            assert summaries[0][key] == summaries[1][key]


@pytest.mark.slow
def test_launchers_leave_the_same_runs(tmp_path, call):
    shown = swept(call, tmp_path, "basic")
    assert "finished at step 72" in shown
    assert "3 of 4 runs done; best so far" in shown
    assert "s left" in shown
    shown = swept(call, tmp_path, "compiled")
    assert "4 runs, 2 compiled groups" in shown
    assert "4 of 4 runs done; best so far" in shown
    same_runs(tmp_path / "basic", tmp_path / "compiled")
    assert {path.name for path in (tmp_path / "compiled").glob("*") if path.is_dir()} == {"0", "1", "2", "3"}
    assert call(tmp_path, "evaluate", "run=compiled/3").returncode == 0
    assert call(tmp_path, "generate", "run=compiled/3").returncode == 0
    assert "finished at step 108" in call(tmp_path, "train", "resume=compiled/2", "trainer.steps=108").stdout
    assert call(tmp_path, "study", "study=gradient_flow", "run=compiled/3").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "compiled"])
def test_refusals_in_a_sweep(tmp_path, launcher, call):
    options = [f"hydra/launcher={launcher}", "hydra.sweep.dir=sweep", *SMALL, "trainer.steps=36"]
    result = call(tmp_path, "train", "-m", "model.cell.sise=3,4", *options)
    assert result.returncode == 2
    assert result.stderr == "error: model.cell.sise: jaxrnn.cells.lstm.cell has no such option; nearest: size\n"
    assert not list(tmp_path.glob("sweep/*/"))
    result = call(tmp_path, "train", "-m", "trainer.batch_size=100,1", *options)
    assert result.returncode == 2
    assert "trainer.batch_size=100 is larger than the data" in result.stderr
    summaries = [json.loads((tmp_path / f"sweep/{number}/summary.json").read_text()) for number in (0, 1)]
    assert [summary["status"] for summary in summaries] == ["failed", "finished"]
    assert "trainer.batch_size=100 is larger" in summaries[0]["reason"]
    result = call(tmp_path, "train", "-m", "trainer.batch_size=2,3", *options)
    assert "sweep/1 contains a run with another configuration (they differ in trainer.batch_size)" in result.stderr


def written(cwd):
    return sum(len(file.read_text().splitlines()) for file in cwd.glob("multirun/*/*/*/metrics.csv"))


@pytest.mark.slow
def test_a_killed_sweep_goes_on_by_the_same_command(tmp_path, call, command):
    """SIGKILL before it trains and twice while it trains, in the default folder."""
    arguments = ["-m", "model.cell.size=4", "seed=0,1,2", "data=noisy_cosine", "trainer.report_every=50"]
    arguments += ["trainer.steps=20000", "checkpoints.seconds=0.1", "hydra/launcher=compiled"]
    rng = np.random.default_rng()
    moments = [0, *rng.uniform((0, 0.4), (0.4, 0.8))]  # by the share of all rows of metrics that are written
    for share in moments:
        process = subprocess.Popen(command("train", *arguments), cwd=tmp_path, stdout=subprocess.DEVNULL)
        while not list(tmp_path.glob("multirun/*/*/sweep.json")) or written(tmp_path) < share * 3 * 20000 / 50:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    print("killed at", moments)
    result = call(tmp_path, "train", *arguments)
    assert result.returncode == 0, result.stderr
    folders = list(tmp_path.glob("multirun/*/*"))
    assert len(folders) == 1
    whole = call(tmp_path, "train", *arguments)  # finished: the same command is a new sweep
    assert whole.returncode == 0, whole.stderr
    other = next(folder for folder in tmp_path.glob("multirun/*/*") if folder not in folders)
    for number in range(3):
        tables = [(folder / str(number) / "metrics.csv").read_bytes() for folder in (folders[0], other)]
        assert tables[0] == tables[1]


@pytest.mark.slow
def test_a_cell_from_outside_the_package(tmp_path, command):
    (tmp_path / "mine.py").write_text(
        "from jaxrnn.cells.elman import cell as elman_cell\n"
        "def cell(size: int, leak: float = 0.5):\n"
        "    inner = elman_cell(size)\n"
        "    def step(params, carry, u):\n"
        "        new, h = inner.step(params, carry, u)\n"
        "        h = leak * carry.h + (1 - leak) * h\n"
        "        return type(new)(h), h\n"
        "    return inner._replace(step=step)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    arguments = ["model.cell._target_=mine.cell", "model.cell.leak=0.2", "trainer.steps=36", "hydra.run.dir=run"]
    result = subprocess.run(command("train", *arguments), cwd=tmp_path, env=env, capture_output=True, text=True)
    assert "finished at step 36" in result.stdout, result.stderr


@pytest.mark.slow
def test_programs_are_compiled_once_a_machine(tmp_path, command):
    """The second process finds everything that the first one compiled, and does the same bit for bit."""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "caches")}
    kept = []
    for run in ("first", "second"):
        arguments = [*SMALL, "model=elman", "trainer.steps=36", f"hydra.run.dir={run}"]
        result = subprocess.run(command("train", *arguments), cwd=tmp_path, env=env, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        kept.append({path.name for path in tmp_path.glob("caches/jaxrnn/compiled/*/*-cache")})
    assert len(kept[0]) > 3
    assert kept[0] == kept[1]
    assert (tmp_path / "first/metrics.csv").read_bytes() == (tmp_path / "second/metrics.csv").read_bytes()


def test_help_is_light(tmp_path, command):
    """Beside an empty Hydra application, which scans the same plugins; CPU times, best of fifteen at most."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "empty.yaml").touch()
    bare = tmp_path / "scripts" / "bare.py"
    bare.write_text(
        "import hydra\n"
        "@hydra.main(version_base='1.3', config_path='..', config_name='empty')\n"
        "def main(cfg): ...\n"
        "main()\n"
    )

    def seconds(arguments):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        shown = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, shown

    ours, theirs = [], []
    while len(ours) < 15 and not (ours and min(ours) < 1.5 * min(theirs)):
        took, shown = seconds(command("train", "--help"))
        ours.append(took)
        theirs.append(seconds([sys.executable, str(bare), "--help"])[0])
    assert "python scripts/train.py model=lstm data=sine" in shown
    assert min(ours) < 1.5 * min(theirs)
    traced = [sys.executable, "-X", "importtime", *command("train", "--help")[1:]]
    imported = subprocess.run(traced, cwd=tmp_path, capture_output=True, text=True, check=True).stderr
    modules = {line.rpartition("|")[2].strip() for line in imported.splitlines()}
    assert "hydra" in modules
    assert not modules & {"jax", "flax", "optax", "matplotlib", "optuna", "tensorboardX", "filelock"}
