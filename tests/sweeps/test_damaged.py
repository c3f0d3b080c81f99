"""Damaged files of sweeps and searches: one line that names the file; what can be read is reported."""

import json

import pytest
from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import compose, saved_config
from jaxrnn.storage import metrics_csv, summaries
from jaxrnn.sweeps import callback, report, search

DAMAGED = [b"", b"{", b"\x00\xff", b"[]", b'"text"', b'{"status": "running"}', b"[" * 100_000]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_note_of_a_sweep_stops_no_other(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    words = ["-m", "seed=0,1"]
    for name in ("a", "b"):
        (tmp_path / "multirun/day" / name).mkdir(parents=True)
    (tmp_path / "multirun/day/b/sweep.json").write_bytes(content)
    note = {"command": words, "status": "running", "clock": {"host": "here", "monotonic": 0.0, "ended": 0}}
    (tmp_path / "multirun/day/a/sweep.json").write_text(json.dumps(note))
    assert callback.continued(words) == [*words, "hydra.sweep.dir=multirun/day/a"]
    with pytest.raises(ConfigError, match=r"sweep\.json is damaged.*remove it") as refused:
        callback._read(tmp_path / "multirun/day/b")
    assert "\n" not in str(refused.value)


def test_a_note_that_vanishes_while_it_is_looked_for_stops_no_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "multirun/day/b").mkdir(parents=True)
    (tmp_path / "multirun/day/b/sweep.json").touch()

    def vanished(path, largest):
        raise FileNotFoundError(path)

    monkeypatch.setattr(callback.stored_files, "read_bytes", vanished)
    assert callback.continued(["-m", "seed=0,1"]) == ["-m", "seed=0,1"]


@pytest.mark.parametrize("content", [b"{", b"\x00\xff\n", b'{"op_code": 99}\n', b"[]\n", b"7\n"], ids=range(5))
def test_a_damaged_journal_is_named(tmp_path, content):
    (tmp_path / search.JOURNAL).write_bytes(content)
    (tmp_path / search.JOURNAL).write_bytes(content + b'{"op_code": 0, "worker_id": "x", "study_name": 3}\n')
    space = ["optimizer.learning_rate=interval(1e-4,1e-2)"]
    with pytest.raises(ConfigError, match=r"study\.journal") as refused:
        search.search(lambda words: compose.compose("train", words), [], space, search.Options(trials=1), tmp_path)
    assert "\n" not in str(refused.value)


def test_a_journal_sets_nothing_but_what_is_searched_for(tmp_path, monkeypatch):
    """One from a stranger may hold a trial that is to be trained, with a model of its own."""
    monkeypatch.setattr(search, "_train", lambda *arguments: pytest.fail("trained"))
    given, space = ["model=elman"], ["optimizer.learning_rate=interval(1e-4,1e-2)"]
    study = search._study(tmp_path, [*given, *space], search.Options(), 0, "down")
    trial = study.ask()
    trial.set_user_attr("overrides", ["++model._target_=os.system"])
    with pytest.raises(
        ConfigError, match=r"trial 0 sets .*_target_=os\.system.*, but this search is over optimizer\.learning_rate="
    ):
        search.search(lambda words: compose.compose("train", words), given, space, search.Options(), tmp_path)


def write_run(folder, loss):
    (folder / ".hydra").mkdir(parents=True)
    OmegaConf.save(compose.compose("train", ["model=elman"]), folder / ".hydra" / "config.yaml")
    OmegaConf.save(OmegaConf.create(["model=elman"]), folder / ".hydra" / "overrides.yaml")
    metrics = metrics_csv.Metrics(folder)
    metrics.write(10, "validation", {"loss": loss})
    metrics.flush()
    content = {"status": "finished", "reason": None, "steps": 10, "metrics": {"validation": {"loss": loss}}}
    summaries.write(folder, content)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("summary.json", lambda text: "", "summary.json is damaged"),
        ("summary.json", lambda text: text[:-20], "summary.json is damaged"),
        ("summary.json", lambda text: text.replace("0.25", "0.05"), "summary.json is damaged"),
        ("summary.json", lambda text: "{}", "summary.json is damaged, or was written by jaxrnn 0.4"),
        ("metrics.csv", lambda text: text.replace("0.25", "0.05"), "metrics.csv is damaged"),
        ("metrics.csv", lambda text: text.replace("10,", "1o,"), "metrics.csv is damaged: line 2"),
        ("metrics.csv", lambda text: "", "metrics.csv is damaged"),
        (".hydra/config.yaml", lambda text: "", "config.yaml is empty"),
        (".hydra/config.yaml", lambda text: text.replace("trainer:", "trainxr:"), "config.yaml is damaged"),
    ],
)
@pytest.mark.sample(2, 2)
def test_what_can_be_read_is_reported_and_the_rest_is_named(tmp_path, file, change, message):
    for number, loss in enumerate((0.5, 0.25)):
        write_run(tmp_path / str(number), loss)
    path = tmp_path / "1" / file
    path.write_text(change(path.read_text()))
    found = report.read(tmp_path)
    assert [run.folder.name for setting in found.settings for run in setting.runs] == ["0"]
    assert len(found.unreadable) == 1
    assert message in found.unreadable[0]
    assert "\n" not in found.unreadable[0]
    assert message in report.write(found)


def test_overrides_that_are_not_the_best_runs_are_not_printed(tmp_path):
    write_run(tmp_path / "0", 0.5)
    assert report.command(report.read(tmp_path)) == "jaxrnn train model=elman"
    (tmp_path / "0/.hydra/overrides.yaml").write_text("- model=gru\n")
    assert report.command(report.read(tmp_path)) is None
    (tmp_path / "0/.hydra/overrides.yaml").write_text("a: [")
    assert report.command(report.read(tmp_path)) is None
    with pytest.raises(ConfigError, match="line 1"):
        saved_config.overrides(tmp_path / "0")
