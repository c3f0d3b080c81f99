"""The user's file of trust: it grants to the folders that it names, and no file of a stranger's folder grants."""

import os
import subprocess

import pytest
from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import trust, trust_file

CALLS = OmegaConf.create({"data": {"_target_": "mine.dataset", "path": "/data/series.csv"}})


@pytest.fixture
def grant(tmp_path, monkeypatch):
    """text -> writes the user's file."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config/jaxrnn").mkdir(parents=True)
    (tmp_path / "config/jaxrnn").chmod(0o755)

    def write(text):
        trust_file.path().write_text(text.format(here=tmp_path))
        trust_file.path().chmod(0o644)

    return write


def test_the_user_grants_once_for_a_folder_and_all_below_it(grant, tmp_path):
    for folder in ("project/sweep/0", "project2/0", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    grant("{here}/project: [mine, /data/series.csv]\n")
    for folder in ("project", "project/sweep", "project/sweep/0"):
        trust.check(CALLS, tmp_path / folder)
        trust.check(CALLS, folder)
        assert trust.needed(CALLS, tmp_path / folder) == []
    for folder in ("", "project2/0", "elsewhere", "project/../elsewhere"):
        with pytest.raises(
            ConfigError,
            match=r"calls data\._target_=mine\.dataset.* once into .*/config/jaxrnn/trust\.yaml",
        ):
            trust.check(CALLS, tmp_path / folder)
    other = OmegaConf.create({"data": {"_target_": "minex.dataset"}})
    with pytest.raises(ConfigError, match="minex"):
        trust.check(other, tmp_path / "project")


def test_a_grant_covers_only_its_own_names(grant, tmp_path):
    grant("{here}: mine\n")
    with pytest.raises(ConfigError, match=r"reads data\.path=/data/series\.csv.*add 'trust=\[mine,/data"):
        trust.check(CALLS, tmp_path, ["mine"])
    trust.check(CALLS, tmp_path, ["/data/series.csv"])


@pytest.mark.parametrize("name", ["trust.yaml", "jaxrnn/trust.yaml", ".config/jaxrnn/trust.yaml", ".hydra/trust.yaml"])
def test_no_file_in_a_folder_grants_trust_to_it(tmp_path, monkeypatch, name):
    """Neither the run folder, nor a folder above it, nor the working directory, also if the environment is relative."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    run = tmp_path / "sweep/0"
    for folder in (tmp_path, run.parent, run):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{tmp_path}: [mine, /data]\n")
    for home in ("", ".", "jaxrnn/..", "sweep/0"):
        monkeypatch.setenv("XDG_CONFIG_HOME", home)
        for working in (tmp_path, run.parent, run):
            monkeypatch.chdir(working)
            assert trust_file.path() == tmp_path / "home/.config/jaxrnn/trust.yaml"
            with pytest.raises(ConfigError, match="calls data"):
                trust.check(CALLS, run)


def test_a_link_in_a_trusted_folder_does_not_carry_trust_to_a_strangers_run(grant, tmp_path):
    (tmp_path / "stranger").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project/run").symlink_to(tmp_path / "stranger")
    grant("{here}/project: [mine, /data]\n")
    with pytest.raises(ConfigError, match="calls data"):
        trust.check(CALLS, tmp_path / "project/run")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("project: mine\n", "project: expected the absolute path of a folder below the root"),
        ("/: mine\n", "/: expected the absolute path of a folder below the root"),
        ("/tmp/..: mine\n", "expected the absolute path of a folder below the root"),
        ("- mine\n", r"expected FOLDER: \[MODULE, PATH, ...\]"),
        ("{here}: [a, 3]\n", "3: expected the name of a module or an absolute path"),
        ("{here}: ../data\n", "../data: expected the name of a module or an absolute path"),
        ("{here}: ['']\n", "expected the name of a module or an absolute path"),
        ("a: [\n", "is damaged"),
        ("{here}: !!python/name:os.system\n", "is damaged"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(grant, tmp_path, text, message):
    grant(text)
    with pytest.raises(ConfigError, match=message) as refused:
        trust.check(CALLS, tmp_path)
    assert "\n" not in str(refused.value)
    trust.check(OmegaConf.create({"data": {"_target_": "jaxrnn.data.sine.dataset"}}), tmp_path)


@pytest.mark.parametrize("part", ["trust.yaml", "."])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_a_file_that_others_may_write_grants_nothing(grant, tmp_path, part, mode):
    grant("{here}: [mine, /data]\n")
    trust.check(CALLS, tmp_path)
    path = trust_file.path().parent / part
    path.chmod(path.stat().st_mode | mode)
    with pytest.raises(ConfigError, match="other users may write here"):
        trust.check(CALLS, tmp_path)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("part", ["trust.yaml", "."])
def test_a_file_of_another_user_grants_nothing(grant, tmp_path, part):
    """The command of the message mends it; the mode, which is right, is not the fault."""
    grant("{here}: [mine, /data]\n")
    path = trust_file.path().parent / part
    os.chown(path, 12345, -1)
    with pytest.raises(ConfigError, match=r"belongs to another user \(number 12345\)") as refused:
        trust.check(CALLS, tmp_path)
    _, _, command = str(refused.value).rpartition(": sudo ")
    subprocess.run(command.split(), check=True)
    trust.check(CALLS, tmp_path)


def test_the_line_of_the_refusal_is_what_the_file_needs(grant, tmp_path):
    with pytest.raises(ConfigError) as refused:
        trust.check(CALLS, tmp_path / "run")
    grant(str(refused.value).partition("write the line ")[2].partition(" once into")[0])
    trust.check(CALLS, tmp_path / "run")
