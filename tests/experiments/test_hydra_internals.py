"""Everything that relies on how Hydra is built inside: these tests fail when a new Hydra is built differently."""

import logging

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import nodes
from jaxrnn.experiments.compose import CONF
from jaxrnn.experiments.hydra_internals import directory_name, grid, load_yaml, run, to_yaml

AWKWARD = {
    "numbers": [1, 1e-3, 1e22, float("inf"), -0.0, True, None],
    "texts": ["1e3", "1", "true", "null", "~", "", " padded ", "a: b", "#", "no", "ünï ⁻²", "two\nlines", "x" * 200],
    "words": "a text of many words that is so long that a writer of YAML breaks its line, at eighty letters or later",
    "interpolated": "${numbers}",
    "missing": "???",
    "empty": {"dict": {}, "list": []},
    "1.5": {"2024-01-01": "2024-01-01", "0x1F": "0x1F", "1_000": "1_000"},
}


@pytest.mark.parametrize("script", ["train", "study", "tune", "evaluate"])
def test_of_every_script(script, configure):
    cfg = configure(name=script)
    assert to_yaml(cfg) == OmegaConf.to_yaml(cfg)


def test_of_whatever_yaml_reads_as_something_else():
    cfg = OmegaConf.create(AWKWARD)
    assert to_yaml(cfg) == OmegaConf.to_yaml(cfg)
    assert OmegaConf.create(to_yaml(cfg)) == cfg


def test_what_is_read_is_what_omegaconf_reads(tmp_path):
    file = tmp_path / "file.yaml"
    texts = ["", "- 1e3\n- 1_0\n- 2024-01-01\n- 0o17\n", "a: {b: 1.}", OmegaConf.to_yaml(OmegaConf.create(AWKWARD))]
    for text in texts:
        file.write_text(text)
        found, expected = (OmegaConf.to_container(read(file), resolve=False) for read in (load_yaml, OmegaConf.load))
        assert found == expected
        assert str(found) == str(expected)  # 1 is no true, 1.0 no 1


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2\n", "a: [1\nb: 2\n", "!!python/object/apply:os.getcwd []", "\tx", "é: \xff", "a: \x1a"]
)
def test_what_cannot_be_read_is_refused_alike(tmp_path, text):
    file = tmp_path / "file.yaml"
    file.write_text(text, encoding="latin1")
    with pytest.raises(Exception) as of_omegaconf:  # noqa: PT011
        OmegaConf.load(file)
    with pytest.raises(type(of_omegaconf.value)) as error:
        load_yaml(file)
    mark, expected = (getattr(e.value, "problem_mark", None) for e in (error, of_omegaconf))
    assert getattr(mark, "line", None) == getattr(expected, "line", None)


@pytest.fixture
def no_hydra(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    GlobalHydra.instance().clear()
    logging.root.handlers[:], logging.root.level = handlers, level


QUIET = ["hydra/job_logging=none", "hydra/hydra_logging=none"]  # Hydra would set up the logging of this process


@pytest.mark.usefixtures("no_hydra")
def test_a_run_gets_the_configuration_that_hydra_composes(tmp_path):
    configurations, jobs = [], []

    def task(cfg):
        configurations.append(cfg)
        jobs.append(HydraConfig.get().runtime.output_dir)

    run(task, "train", ["data=sine", "seed=3", f"hydra.run.dir={tmp_path}/one", *QUIET])
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        assert configurations == [compose("train", ["data=sine", "seed=3"])]
    assert jobs == [f"{tmp_path}/one"]


@pytest.mark.usefixtures("no_hydra")
def test_a_multirun_gets_one_configuration_per_job(tmp_path):
    seeds = []
    words = ["-m", "seed=1,2", "data=sine", f"hydra.sweep.dir={tmp_path}/many", "hydra/launcher=basic", *QUIET]
    run(lambda cfg: seeds.append(cfg.seed), "train", words)
    assert seeds == [1, 2]


@pytest.mark.usefixtures("no_hydra")
@pytest.mark.parametrize("words", [["-m", "seed=range(0)", *QUIET], ["--no-such-option"]])
def test_arguments_that_hydra_would_exit_on_raise_instead(words):
    with pytest.raises(ConfigError):
        run(lambda cfg: None, "train", words)


@pytest.mark.usefixtures("no_hydra")
@pytest.mark.parametrize(
    ("words", "shown"), [(["--cfg", "job"], "seed: 7"), (["--info", "config"], "Config search path")]
)
def test_the_configuration_is_shown_without_running(words, shown, capsys):
    run(pytest.fail, "train", [*words, "seed=7", *QUIET])
    assert shown in capsys.readouterr().out


def test_a_grid_has_every_choice_in_order_and_quotes():
    assert grid(["a=1,2", "b=x", "c='p,q',r"]) == [
        ["a=1", "b=x", "c='p,q'"], ["a=1", "b=x", "c=r"], ["a=2", "b=x", "c='p,q'"], ["a=2", "b=x", "c=r"]
    ]  # fmt: skip
    assert grid(["a=range(3)"]) == [["a=0"], ["a=1"], ["a=2"]]


def test_a_job_folder_is_named_as_hydra_names_it():
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parsed = OverridesParser.create().parse_overrides(["seed=1", "model.cell.size=2"])
    naming = OmegaConf.create({"kv_sep": ":", "item_sep": ";", "exclude_keys": []})
    assert directory_name(parsed, naming) == "model.cell.size:2;seed:1"
    naming.exclude_keys = ["seed"]
    assert directory_name(parsed, naming) == "model.cell.size:2"


@pytest.mark.usefixtures("no_hydra")
@pytest.mark.parametrize("script", [name for name in nodes.FIXED if name != "study_run"])
def test_a_script_with_fixed_keys_refuses_every_other_key(script):
    """A dotted key was added to the configuration, where nothing read it."""
    for word in ("trainer.step=60", "model.cell.size=8", "whatever.x=1"):
        with pytest.raises(HydraException, match="Could not override"):
            run(pytest.fail, script, [word, *QUIET])
        GlobalHydra.instance().clear()
