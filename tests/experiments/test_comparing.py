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


def test_names_of_factories_are_as_long_as_tells_them_apart():
    many = ["jaxrnn.cells.lstm.cell", "mine.cell", "mine.other", "a.b.x", "c.b.x", "bare", None]
    assert list(comparing.shown("model.cell._target_", many).values()) == [
        *["lstm", "mine.cell", "mine.other", "a.b.x", "c.b.x", "bare", None]
    ]
    assert comparing.shown("data.path", ["a.b", "c.b"]) == {"a.b": "a.b", "c.b": "c.b"}


def test_what_only_some_factories_know_tells_theirs_apart():
    """A forget bias tells two LSTMs apart though the GRU beside them has none; alone, it says no more than the cell."""
    lstms = [{"model.cell._target_": "lstm", "model.cell.bias": bias, "seed": 0} for bias in (0, 1)]
    gru = {"model.cell._target_": "gru", "seed": 0}
    assert comparing.telling([*lstms, gru]) == ["model.cell._target_", "model.cell.bias"]
    assert comparing.telling([lstms[0], gru]) == ["model.cell._target_"]
