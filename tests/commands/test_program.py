"""The program `jaxrnn`: its commands, the form of its messages, paths without a key, and completion in the shell."""

import os
import re
import shlex
import subprocess
import sys

import pytest
from hydra.core.global_hydra import GlobalHydra

from jaxrnn import hints, lazy, other_names
from jaxrnn.commands import program, study
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import compose
from jaxrnn.experiments.command_line import with_key
from jaxrnn.experiments.help import keys

COMMANDS = ["benchmark", "evaluate", "export", "generate", "report", "reproduce", "study", "sweep", "train", "tune"]
SMALL = ["model.cell.size=4", "trainer.steps=36", "figures=false"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The folder with the program, as pip writes it."""
    path = tmp_path_factory.mktemp("bin") / "jaxrnn"
    path.write_text(f"#!{sys.executable}\nfrom jaxrnn.commands.program import main\nmain()\n")
    path.chmod(0o755)
    return path.parent


@pytest.fixture
def shell(installed, tmp_path):
    """(line) -> the finished process of a shell in an empty folder."""
    env = {**os.environ, "PATH": f"{installed}:{os.environ['PATH']}"}
    return lambda line: subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def refused(monkeypatch, capsys):
    """(command line) -> the message of a command that is refused, in this process."""

    def message(line):
        GlobalHydra.instance().clear()
        monkeypatch.setattr(sys, "argv", ["/bin/jaxrnn", *shlex.split(line)])
        with pytest.raises(SystemExit) as ended:
            program.main()
        assert ended.value.code == 2
        return capsys.readouterr().err

    yield message
    GlobalHydra.instance().clear()


def test_the_help_has_a_line_for_every_command(root, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["jaxrnn", "--help"])
    program.main()
    assert re.findall(r"^  jaxrnn (\w+) +[A-Z].*\.$", capsys.readouterr().out, re.M) == COMMANDS
    assert lazy.entries(root / "src/jaxrnn/commands", "start") == COMMANDS
    scripts = {path.stem for path in (root / "scripts").glob("*.py")} - {"build_assets"}
    assert scripts == set(COMMANDS) - {"sweep"}
    for name in scripts:
        assert f"{name}.start(sys.argv[1:])" in (root / "scripts" / f"{name}.py").read_text()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("trian model=lstm", "trian: no such command; nearest: train"),
        ("model=lstm", "the command comes first, such as jaxrnn train KEY=VALUE"),
        ("train lstm", "lstm: expected KEY=VALUE, such as model=lstm"),
        ("train units=16", "units: no such key; here it is model.cell.size=..."),
        ("train epochs=10", "here it is trainer.steps=..., a number of updates: epochs x sequences"),
        ("evaluate epochs=10 x", "epochs: no such key; there are: horizon, run, split, trust"),
        ("evaluate run=a/lr=1e-3", """quote it: jaxrnn evaluate 'run="a/lr=1e-3"'"""),
        ("train data=csv 'data.target=T (degC)'", """quote it: jaxrnn train data=csv 'data.target="T (degC)"'"""),
        ("train 'data.column=[T (degC),p]'", """quote it: jaxrnn train 'data.column=["T (degC)",p]'"""),
        ("""generate run=x 'prompt="Yes" is'""", """quote it: jaxrnn generate run=x 'prompt="\\"Yes\\" is"'"""),
        ("sweep 'seed=range(a)'", "seed=range(a): mismatch type argument start"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_what_to_type(refused, line, message):
    assert message in refused(line)


def test_a_quoted_command_is_what_the_user_meant(refused):
    words = shlex.split(refused("train data=csv 'data.column=T (degC), [%]'").split("quote it: ")[1])
    assert compose.compose("train", words[2:]).data.column == "T (degC), [%]"


def test_python_is_answered_in_python():
    import jaxrnn
    from jaxrnn.cells import lstm

    with pytest.raises(ConfigError, match=r"""quote it: 'data.column="T \(degC\)"'$"""):
        jaxrnn.experiment("data=csv", "data.column=T (degC)")
    with pytest.raises(ConfigError, match=r"no such option; here it is optimizer.learning_rate="):
        jaxrnn.experiment("optimizer.lr=1")
    with pytest.raises(TypeError, match="unexpected keyword argument 'units'; here it is size="):
        lstm.cell(units=16)
    with pytest.raises(TypeError, match="unexpected keyword argument 'epochs'; here it is steps="):
        jaxrnn.fit(jaxrnn.rnn(lstm.cell(2), 1), epochs=3)


def test_words_of_other_libraries_lead_to_keys():
    choices = ["model=lstm", "model=elman", "data=csv", "data=adding", "callbacks=[early_stopping]"]
    known = {"hydra.run.dir", "optimizer/schedule"}.union(*(keys("train", [choice]) for choice in choices))
    for key in other_names.KEYS.values():
        assert key.rpartition(" ")[2] in known, key


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("outputs/x", "run=outputs/x"),
        ("outputs/lr=1", 'run="outputs/lr=1"'),
        ("run=x split=test", "run=x split=test"),
        ("--cfg job x", "--cfg job run=x"),
        ("-m hydra/launcher=joblib x", "-m hydra/launcher=joblib run=x"),
        ("hydra.run.dir=y x", "hydra.run.dir=y run=x"),
    ],
)
def test_a_word_without_a_key_is_the_run(words, expected):
    assert " ".join(with_key(words.split(), "run")) == expected


def test_hints_have_the_form_that_the_user_typed(monkeypatch):
    for program_path, words in [
        ("scripts/train.py", ["python", "scripts/study.py", "run=x"]),
        ("/a/scripts/tune.py", ["python", "scripts/study.py", "run=x"]),
        ("/usr/bin/jaxrnn", ["jaxrnn", "study", "run=x"]),
        ("mine.py", ["jaxrnn", "study", "run=x"]),
    ]:
        monkeypatch.setattr(sys, "argv", [program_path, "train", "-m", "model=lstm"])
        assert shlex.split(hints.command("study", ["run=x"])) == words
    monkeypatch.setattr(sys, "argv", ["/usr/bin/jaxrnn", "sweep", "model=lstm"])
    assert hints.arguments() == ["-m", "model=lstm"]


@pytest.mark.costly
def test_the_commands_work_in_an_empty_folder(shell, tmp_path):
    line = " ".join(["jaxrnn sweep model=elman seed=0,1 hydra.sweep.dir=s hydra/launcher=compiled", *SMALL])
    done = shell(f"{line} && jaxrnn evaluate s/1 && jaxrnn report s")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "s/1/evaluation.csv").exists()
    assert "repeat the best run: jaxrnn train model=elman" in done.stdout


def test_the_shell_completes_commands_keys_and_values(shell):
    line = """
eval "$(jaxrnn -sc install=bash)"
ask() { COMP_LINE="$1" COMP_CWORD=$2; hydra_bash_completion; echo "${COMPREPLY[*]}"; }
ask "jaxrnn tr" 1
ask "jaxrnn train model=ls" 2
ask "jaxrnn train model=lstm model.cell.s" 3
ask "jaxrnn evaluate ru" 2
"""
    assert shell(line).stdout.splitlines() == ["train", "model=lstm", "model.cell.size=", "run="]


def test_several_paths_are_studied_together(monkeypatch):
    calls = []
    monkeypatch.setattr(study, "main", lambda task, name, arguments: calls.append((name, arguments)))
    study.start(["outputs/a", "study=gates", "outputs/b c"])
    study.start(["study=gates", "outputs/a"])
    assert calls == [
        ("study_run", ["study=gates", 'run=[outputs/a,"outputs/b c"]']),
        ("study_run", ["study=gates", "run=outputs/a"]),
    ]
