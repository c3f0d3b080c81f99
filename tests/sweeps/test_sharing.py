"""Processes that share a sweep: signs of life, and what the waiting one does when another is gone."""

import threading
from typing import NamedTuple

import pytest

from jaxrnn.errors import ConfigError
from jaxrnn.sweeps import sharing


class Job(NamedTuple):
    number: int
    folder: str


JOBS = [Job(number, str(number)) for number in range(4)]
SHARES = {0: 0, 1: 1, 2: 0, 3: 1}


def test_the_others_summaries_are_waited_for(tmp_path):
    ready = {"0": {"n": 0}, "2": {"n": 2}}
    threading.Timer(0.3, lambda: ready.update({"1": {"n": 1}, "3": {"n": 3}})).start()
    found = sharing.wait(JOBS, ready.get, tmp_path, SHARES)
    assert {number: content["n"] for number, content in found.items()} == {0: 0, 1: 1, 2: 2, 3: 3}


def test_a_process_that_is_gone_is_named_with_what_is_missing(tmp_path):
    with sharing.alive(tmp_path, 1, beat=1000):
        file = tmp_path / sharing.FOLDER / "1.json"
        assert file.is_file()
        done = {"0": {}, "1": {}, "2": {}}
        with pytest.raises(ConfigError, match=r"process 2 has given no sign of life for 1 s; runs 3 are missing"):
            sharing.wait(JOBS, done.get, tmp_path, SHARES, patience=1)
    assert not file.exists()


def test_a_process_that_lives_is_waited_for(tmp_path):
    """Its sign of life is renewed, so that patience shorter than its work does no harm."""
    done = {"0": {}, "1": {}, "2": {}}
    threading.Timer(1.0, lambda: done.update({"3": {}})).start()
    with sharing.alive(tmp_path, 1, beat=0.1):
        assert set(sharing.wait(JOBS, done.get, tmp_path, SHARES, patience=0.6)) == {0, 1, 2, 3}


def test_a_signal_ends_the_waiting(tmp_path):
    done, received = {"0": {}, "1": {}, "2": {}}, []
    threading.Timer(0.5, lambda: received.append("SIGTERM")).start()
    with sharing.alive(tmp_path, 1, beat=0.1):
        assert set(sharing.wait(JOBS, done.get, tmp_path, SHARES, patience=5, received=received)) == {0, 1, 2}
