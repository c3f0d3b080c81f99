"""Drawn command lines, valid keys with odd values: each ends in a result or in one line."""

import shlex
import subprocess

import pytest
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import build, compose

ODD = ["0", "-1", "1e308", "nan", "inf", "-inf", "true", "null", "''", "[]", "{}", "[1,2]", "abc", "1_0", "0x10", "é"]
ODD += ["${seed}", "${oc.env:HOME}", "${x", "???", "1e-400", "'", '"', "=", "\\", "9" * 20, "../..", "", "a b"]
ODD += ["interval(3,1)", "choice()", "range(0)", "1,2", "$(true)", "os.system", "jaxrnn.cells.lstm", "{a: 1}"]
KEYS = {
    "train": (
        "model data optimizer unroll trainer experiment regularizer callbacks probes seed figures logger together "
        "figure.width model.cell model.cell.size model.cell._target_ model.layers model.dropout model.bidirectional "
        "model._target_ data._target_ data.window data.points optimizer.learning_rate optimizer.clip_norm "
        "optimizer.rule trainer.steps trainer.batch_size trainer.report_every trainer.precision checkpoints.seconds "
        "checkpoints.keep_every metrics metrics.x hydra.run.dir optimizer/schedule data/distribution hydra/launcher "
        "resume nothing model.nothing"
    ),
    "tune": "optimizer.learning_rate tune.trials tune.batch tune.sampler tune.metric seed model",
    "evaluate": "run horizon split trust nothing",
    "export": "run to trust folder nothing",
    "generate": "run prime start length prompt temperature top_k top_p seed beam trust",
    "report": "path metric nothing",
    "study": "study seeds train compare networks run checkpoints model data study.batch",
    "reproduce": "paper quick figure.width paper.seeds nothing",
    "benchmark": "benchmark nothing",
}
BUILT = [key for key in KEYS["train"].split() if not key.startswith(("resume", "hydra"))]
BUILT += ["model.readout", "model.cell.forget_bias", "model.cell.recurrent_init", "model.cell.recurrent_init._target_"]
BUILT += ["model.embedding", "data.noise", "data.stateful", "data.path", "data.horizon", "data.validation", "data.seed"]
BUILT += ["optimizer.rule._target_", "optimizer.schedule", "optimizer.rule.b1", "unroll._target_", "unroll.k1"]
BUILT += ["trainer._target_", "checkpoints", "figure", "figure._target_", "callbacks.early_stopping", "probes.gates"]
BUILT += ["callbacks.early_stopping.patience", "regularizer._target_"]
GROUPS = [
    f"data={name}" for name in ("forecast", "adding", "text", "tagging", "csv", "reber", "digits", "dates", "glyphs")
]
GROUPS += ["model=gru", "model=jordan", "model=elman", "unroll=truncated", "unroll=newton", "optimizer/schedule=cosine"]
GROUPS += ["callbacks=[early_stopping]", "probes=[gates]", "regularizer=flossing", "data=glyphs"]
OPTIONS = [
    ["-m"],
    ["--multirun"],
    ["--cfg", "job"],
    ["--help"],
    ["--resolve"],
    ["--nothing"],
    ["-c"],
    ["--info", "all"],
]
FINE = {
    "train": ["model.cell.size=2", "trainer.steps=2", "figures=false"],
    "tune": ["model.cell.size=2", "trainer.steps=2", "tune.trials=1", "optimizer.learning_rate=interval(1e-4,1e-2)"],
    "evaluate": ["run=run"],
    "export": ["run=run", "to=safetensors"],
    "generate": ["run=run"],
    "report": ["path=run"],
    "study": ["model.cell.size=2", "seeds=1", "study=gates"],
    "reproduce": ["paper=newman_1986", "quick=true"],
    "benchmark": [],
}

OFTEN = {"train": 0.5, "tune": 0.1, "evaluate": 0.07, "export": 0.06, "generate": 0.08, "report": 0.05, "study": 0.1,
         "reproduce": 0.02, "benchmark": 0.02}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory, call):
    folder = tmp_path_factory.mktemp("commands")
    assert call(folder, "train", *FINE["train"], "hydra.run.dir=run").returncode == 0
    return folder


def drawn(rng):
    """(script, arguments): one or two keys of it with odd values, now and then an option, in any order."""
    script = str(rng.choice(list(OFTEN), p=list(OFTEN.values())))
    keys = KEYS[script].split()
    odd = [f"{rng.choice(keys)}={ODD[rng.integers(len(ODD))]}" for _ in range(rng.integers(1, 3))]
    words = [*FINE[script], *odd]
    if rng.random() < 0.25:
        words += OPTIONS[rng.integers(len(OPTIONS))]
    elif rng.random() < 0.3:
        rng.shuffle(words)
    return script, words


def test_drawn_command_lines_end_in_a_result_or_in_one_line(trained, rng, share, call, clean):
    failed = []
    for _ in range(share(500, 8)):
        script, words = drawn(rng)
        try:
            clean(call(trained, script, *words, COLUMNS="80"))
        except (AssertionError, subprocess.TimeoutExpired) as error:
            failed.append(f"python scripts/{script}.py {shlex.join(words)}\n{error}")
    assert not failed, "\n\n".join([f"{len(failed)} failed", *failed])


def test_every_script_is_drawn(root, rng):
    scripts = {path.stem for path in (root / "scripts").glob("*.py")} - {"build_assets"}
    assert set(KEYS) == set(FINE) == set(OFTEN) == scripts
    assert {drawn(rng)[0] for _ in range(2000)} == scripts


def test_drawn_configurations_are_built_or_refused(rng, share):
    """What `train.py` does before it trains, in one process, so that more of it can be drawn."""
    failed = []
    for _ in range(share(2000, 40)):
        group = [GROUPS[rng.integers(len(GROUPS))]] if rng.random() < 0.4 else []
        odd = [f"{rng.choice(BUILT)}={ODD[rng.integers(len(ODD))]}" for _ in range(rng.integers(1, 3))]
        words = ["model.cell.size=2", *group, *odd]
        try:
            build.build(compose.compose("train", words))
        except (ConfigError, HydraException, OmegaConfBaseException, OSError):  # one line, see `config_errors`
            continue
        except Exception as error:
            failed.append(f"python scripts/train.py {shlex.join(words)}\n{type(error).__name__}: {error}")
    assert not failed, "\n\n".join([f"{len(failed)} failed", *failed])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["data=sine", "-m", "seed=0,1", *FINE["train"]], "sweep in"),
        (["model=3"], "model=3: no such model"),
        (["model=true"], "model=true: no such model"),
        (["model={a: 1}"], "no such model"),
        (["model=null"], "every run requires model"),
        (["model._target_=jaxrnn.cells.lstm.cell"], "model"),
        (["data._target_=os.getcwd"], "data"),
        (["optimizer.learning_rate=interval(3,1)"], "interval"),
        (["-m", "seed=range(0)", *FINE["train"]], "the sweep has no runs"),
        (["-m", "metrics.x=a b"], "metrics.x has no _target_"),
        (["-m", *FINE["train"], "data.window=40,1"], "error: run 0 (model.cell.size=2"),
    ],
)
def test_command_lines_that_people_type(trained, call, clean, words, expected):
    result = call(trained, "train", *words)
    clean(result)
    assert expected in result.stdout + result.stderr
