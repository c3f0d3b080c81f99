"""Hints are pasted: split as a shell does, parsed as Hydra does, they give back the path that they were made of."""

import random
import re
import shlex
import string
import subprocess

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf

import jaxrnn
from jaxrnn import hints
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import command_line, compose, run_folder, saved_config, trust

NAMES = [
    "run",
    "a b",
    "a=b",
    "a,b",
    "a[0]",
    "a{b}",
    "(a)",
    "a'b",
    'a"b',
    "a'b\"c",
    "é",
    "日本",
    "a$b",
    "${seed}",
    "$(true)",
]
NAMES += [
    "a\\b",
    "a\\",
    "a\\\\",
    "a\\'",
    "\\${x}",
    "\\\\${x}\\",
    "a#b",
    "~a",
    "a:b",
    "a;b",
    "a&b",
    "a|b",
    "a*?",
    " a ",
    "true",
]
NAMES += [
    "null",
    "nan",
    "1",
    "1.5",
    "1e3",
    "-a",
    "+a",
    "@a",
    "a%b",
    "!a",
    "`a`",
    "outputs/2026-01-01/10-00-00-123_elman",
]
NAMES += [
    "/abs/a b",
    "../a",
    "0x10",
    "1_0",
    "interval(0,1)",
    "glob(*)",
    "choice(a,b)",
    "a\tb",
    "'a'",
    '"a"',
    "${oc.env:HOME}",
]
NAMES += ["''", "a=${x}'\\", ".", "..", "/", "01", "İ", "a\u2028b"]
LETTERS = "ab01 ='\",[]{}()$\\#~:;&|*?!`é日+-@%./\t<>^"


@pytest.mark.parametrize("name", [*NAMES, *("".join(random.Random(n).choices(LETTERS, k=8)) for n in range(200))])
def test_a_pasted_path_is_the_path(name):
    words = shlex.split(hints.command("train", [hints.override("resume", name)]))
    assert words[:2] == ["jaxrnn", "train"]
    override = OverridesParser.create().parse_override(words[2])
    cfg = OmegaConf.create({override.key_or_group: override.value()})
    assert str(cfg.resume) == name
    assert isinstance(cfg.resume, str)
    (listed,) = shlex.split(hints.argument("trust", ["mine", name]))
    trusted = OmegaConf.create({"trust": OverridesParser.create().parse_override(listed).value()}).trust
    assert OmegaConf.to_container(trusted, resolve=True) == ["mine", name]
    (asked,) = (
        command_line.quoted([f"prompt={name}"]) if name[:1] not in ("'", '"') else [hints.override("prompt", name)]
    )
    assert OmegaConf.create({"prompt": OverridesParser.create().parse_override(asked).value()}).prompt == name


@pytest.mark.parametrize("name", ["a b", "a=b", "${seed}", "it's", "é,[1]", "a\\", "true"])
def test_hydra_composes_the_path_of_a_pasted_hint(name):
    words = shlex.split(saved_config.how_to_resume(name))[2:]
    assert str(compose.compose("resume", words).resume) == name


def test_a_shell_takes_what_is_pasted():
    for name in NAMES:
        done = subprocess.run(["sh", "-c", "printf %s " + hints.argument("run", name)], capture_output=True, text=True)
        assert done.stdout == hints.override("run", name)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run folder with an awkward name, whose configuration needs two modules and a file of the user's."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "it's [my] run=1"
    (folder / ".hydra").mkdir(parents=True)
    words = ["model=elman", "model.cell._target_=mine.cell", "callbacks.a._target_=yours.inner.f"]
    cfg = compose.compose("train", [*words, "data=text", "data.path=/data/a b.txt"])
    OmegaConf.save(cfg, saved_config.file(folder))
    return folder


def pasted(text):
    """{key: value} of the hint at the end of a message."""
    words = [
        word
        for word in shlex.split(text[text.index("jaxrnn train") if "jaxrnn train" in text else text.index("add ") :])
        if "=" in word
    ]
    found = {}
    for word in words:
        override = OverridesParser.create().parse_override(word)
        found[override.key_or_group] = OmegaConf.create({"x": override.value()}).x
    return found


def test_the_command_that_resumes_a_run_names_what_it_trusts(run):
    found = pasted(saved_config.how_to_resume(run))
    assert found["resume"] == str(run)
    assert sorted(found["trust"]) == ["/data/a b.txt", "mine", "yours"]
    trust.check(saved_config.read(run), run, found["trust"])


def test_the_hint_of_a_refusal_names_all_that_it_lacks(run):
    for trusted in ([], ["mine"], ["yours"]):
        with pytest.raises(ConfigError) as refused:
            jaxrnn.load(run, trusted=trusted)
        assert set(pasted(str(refused.value))["trust"]) == {"mine", "yours", "/data/a b.txt"}


def test_a_folder_that_holds_a_run_says_how_to_resume_it(run):
    (run / "metrics.csv").touch()
    with pytest.raises(ConfigError, match="already contains a run") as refused:
        run_folder.refuse_a_run(run)
    message = str(refused.value)
    assert saved_config.how_to_resume(run) in message


def test_every_command_in_a_message_is_made_in_one_place(root):
    """No message puts a path or a value behind `resume=`, `run=` or `trust=` by itself."""
    for path in (root / "src/jaxrnn/experiments").glob("*.py"):
        for key in ("resume", "run", "trust"):
            assert f" {key}={{" not in path.read_text(), path


def test_a_folder_named_like_a_missing_value_is_read():
    """OmegaConf reads ??? as a missing value, in quotes too."""
    for word in (hints.override("resume", "???"), hints.override("trust", ["a", "???"])):
        cfg = OmegaConf.create({"resume": None, "trust": None})
        override = OverridesParser.create().parse_override(word)
        cfg[override.key_or_group] = override.value()
        assert OmegaConf.to_container(cfg, throw_on_missing=True)[override.key_or_group] in ("./???", ["a", "./???"])
    assert hints.override("resume", "a/???") == 'resume="a/???"'


def refused(character):
    """Whether Hydra refuses a character inside a value, or reads more than the text itself."""
    try:
        override = OverridesParser.create().parse_override(f"key=a{character}b")
    except HydraException:
        return True
    return override.is_sweep_override()


def test_the_page_on_quoting_lists_what_the_grammar_refuses(root):
    page = (root / "docs" / "quoting.md").read_text()
    listed = re.search(r"```text\n(\S \S.*)\n```", page)[1].split()
    assert listed == [c for c in string.punctuation if refused(c)]
    assert refused("é")
    for character in string.punctuation:
        parsed = OverridesParser.create().parse_override(f"key={hints.quoted(f'a{character}b')}").value()
        assert OmegaConf.create({"key": parsed}).key == f"a{character}b"
