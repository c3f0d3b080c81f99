"""The leaves of a configuration, by which checkpoints and reports tell runs apart."""

import re

import pytest
from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, run_folder
from jaxrnn.experiments.compose import compose


def test_what_only_building_fills_stays_as_it_is_written():
    """A Jordan cell's outputs are as many as the data ask for."""
    assert comparing.leaves(compose("train", ["model=jordan"]))["model.cell.output_size"].startswith("${")


def test_interpolations_are_resolved_and_lists_are_lists():
    cfg = OmegaConf.create({"a": {"b": 1, "c": "${a.b}", "d": [1, "${a.b}", {"e": None}], "f": "???"}, "g": None})
    assert comparing.leaves(cfg) == {"a.b": 1, "a.c": 1, "a.d": [1, 1, {"e": None}], "a.f": "???", "g": None}
    assert comparing.container(cfg)["a"]["d"][2] == {"e": None}


def test_names_of_factories_are_as_long_as_tells_them_apart():
    many = ["jaxrnn.cells.lstm.cell", "mine.cell", "mine.other", "a.b.x", "c.b.x", "bare", None]
    assert list(comparing.labels("model.cell._target_", many).values()) == [
        *["lstm", "mine.cell", "mine.other", "a.b.x", "c.b.x", "bare", None]
    ]
    assert comparing.labels("data.path", ["a.b", "c.b"]) == {"a.b": "a.b", "c.b": "c.b"}


def test_what_only_some_factories_know_tells_theirs_apart():
    """A forget bias tells two LSTMs apart though the GRU beside them has none; alone, it says no more than the cell."""
    lstms = [{"model.cell._target_": "lstm", "model.cell.bias": bias, "seed": 0} for bias in (0, 1)]
    gru = {"model.cell._target_": "gru", "seed": 0}
    assert comparing.differing_names([*lstms, gru]) == ["model.cell._target_", "model.cell.bias"]
    assert comparing.differing_names([lstms[0], gru]) == ["model.cell._target_"]


def test_what_is_read_from_other_keys_goes_by_their_names():
    cfg = OmegaConf.create(
        {
            "trainer": {"steps": 10, "batch_size": 2},
            "data": {"length": 5},
            "model": {"output_size": 3, "cell": {"output_size": "${..output_size}", "chrono": "${data.length}", "n": 4}},  # noqa: E501
            "optimizer": {"schedule": {"decay_steps": "${trainer.steps}"}, "name": "a${.rate}b${seed}", "rate": 0.1},
            "seed": 0,
        }
    )  # fmt: skip
    assert comparing.sources(cfg) == {
        "model.cell.output_size": ["model.output_size"],
        "model.cell.chrono": ["data.length"],
        "optimizer.schedule.decay_steps": ["trainer.steps"],
        "optimizer.name": ["optimizer.rate", "seed"],
    }
    names = ["optimizer.schedule.decay_steps", "trainer.steps", "model.cell.chrono", "model.cell.n"]
    assert comparing.typed(names, cfg) == ["trainer.steps", "data.length", "model.cell.n"]


@pytest.mark.parametrize("schedule", ["cosine", "exponential", "warmup_cosine"])
def test_a_run_whose_schedule_follows_its_steps_is_trained_anew(schedule, tmp_path):
    words = ["model=elman", f"optimizer/schedule={schedule}", "trainer.steps=4"]
    OmegaConf.save(compose("train", words), folder_file(tmp_path))
    OmegaConf.save(OmegaConf.create(words), folder_file(tmp_path).with_name("overrides.yaml"))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/4.safetensors").touch()
    wanted = f"train a new run with jaxrnn train model=elman optimizer/schedule={schedule} trainer.steps=8"
    with pytest.raises(ConfigError, match=re.escape(wanted)) as error:
        run_folder.resume(tmp_path, 8)
    assert str(error.value).startswith("trainer.steps=8: optimizer.schedule.")


def test_a_run_is_not_resumed_with_fewer_updates_than_it_has_made(tmp_path):
    """Its configuration said fewer steps than its checkpoint and its summary."""
    OmegaConf.save(compose("train", ["model=elman", "trainer.steps=50"]), folder_file(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/50.safetensors").touch()
    before = folder_file(tmp_path).read_text()
    with pytest.raises(ConfigError, match=r"trainer\.steps=30: the run has already made 50 updates; give 50 or more"):
        run_folder.resume(tmp_path, 30)
    assert folder_file(tmp_path).read_text() == before


def folder_file(folder):
    (folder / ".hydra").mkdir(exist_ok=True)
    return folder / ".hydra/config.yaml"
