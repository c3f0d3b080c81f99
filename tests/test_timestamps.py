"""Clocks that are wrong: dates in words never fail, and what takes how long does not follow them."""

import logging
import re
import sys
import time

import pytest

from jaxrnn import timestamps
from jaxrnn.sweeps import progress

ODD = [-1e17, -1e12, -1e9, -1.5, 0.0, 4e9, 4e11, 1e17]


@pytest.mark.parametrize("now", ODD)
def test_a_log_line_has_a_time_whatever_the_clock_says(now, monkeypatch, capsys):
    """An error in a formatter is no exception: logging prints a stack trace on standard error instead."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(timestamps.Formatter("[%(asctime)s] %(message)s"))
    record = logging.LogRecord("name", logging.INFO, __file__, 1, "Launching", (), None)
    record.created = now
    handler.handle(record)
    out, err = capsys.readouterr()
    assert err == ""
    assert re.fullmatch(r"\[.+\] Launching\n", out)


@pytest.mark.parametrize("now", ODD)
def test_a_date_in_words_never_fails(now, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: now)
    assert timestamps.stamp()
    assert timestamps.stamp("%Y-%m-%d")


@pytest.mark.parametrize("script", ["train", "tune", "study", "evaluate", "report"])
def test_the_launchers_lines_have_that_time(script):
    from hydra import compose, initialize_config_dir

    from jaxrnn.experiments.compose import CONF

    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(script, return_hydra_config=True)
    assert cfg.hydra.hydra_logging.formatters.simple["class"] == "jaxrnn.timestamps.Formatter"


def test_no_duration_is_taken_from_a_clock_that_can_be_set(root):
    """Such a clock gives stamps only: in `timestamps.py`, and as a sign of life that is compared for equality, and
    against the times of files, which have no other clock."""
    found = {
        file.name
        for file in (root / "src").rglob("*.py")
        if re.search(r"\btime\.time(_ns)?\(|datetime\.(now|utcnow|today)\(", file.read_text())
    }
    assert found == {"timestamps.py", "sharing.py", "runtime.py", "mlflow.py"}


def test_how_far_a_sweep_is_takes_the_time_from_the_monotonic_clock(tmp_path, monkeypatch):
    """Three of five runs ended, one of them before; 10 s for two are 10 s for the other two."""
    contents = {"status": "finished", "reason": None, "steps": 1, "metrics": {"validation": {"loss": 0.5}}}
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        progress.summaries.write(tmp_path / str(number), contents)
    monkeypatch.setattr(time, "time", lambda: -1e6)
    text = progress.how_far(tmp_path, 5, time.monotonic() - 10, before=1)
    assert text == "3 of 5 runs done; best so far 0.5 (#0); about 10 s left"
    assert progress.how_far(tmp_path, 5) == "3 of 5 runs done; best so far 0.5 (#0)"
