"""The leaves of a configuration, by which checkpoints and reports tell runs apart."""

from omegaconf import OmegaConf

from jaxrnn.experiments import comparing
from jaxrnn.experiments.conf import compose


def test_what_only_building_fills_stays_as_it_is_written():
    """A Jordan cell's outputs are as many as the data ask for."""
    assert comparing.leaves(compose("train", ["model=jordan"]))["model.cell.output_size"].startswith("${")


def test_interpolations_are_resolved_and_lists_are_lists():
    cfg = OmegaConf.create({"a": {"b": 1, "c": "${a.b}", "d": [1, "${a.b}", {"e": None}], "f": "???"}, "g": None})
    assert comparing.leaves(cfg) == {"a.b": 1, "a.c": 1, "a.d": [1, 1, {"e": None}], "a.f": "???", "g": None}
    assert comparing.container(cfg)["a"]["d"][2] == {"e": None}
