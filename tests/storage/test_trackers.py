"""Experiment trackers: what the packages read back is what the runs wrote, and a tracker that fails loses no run."""

import contextlib
import importlib.util
import json
import os
import sqlite3
import subprocess
import sys

import jax
import numpy as np
import pytest
from jax.experimental import multihost_utils

import jaxrnn
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import multihost, schema, tracking
from jaxrnn.experiments.compose import compose
from jaxrnn.storage import metrics_csv
from jaxrnn.storage.trackers import tracker
from jaxrnn.sweeps.job import Job, with_names

NAMES = ("tensorboard", "wandb", "trackio", "mlflow")
PACKAGES = ("tensorboard", "tensorboardX", "wandb", "trackio", "mlflow", "sqlalchemy")
SHORT = ["data=sine", "model.cell.size=3", "trainer.steps=36", "trainer.report_every=12"]
SUMMARY = {"status": "finished", "steps": 20, "metrics": {"train": None, "test": {"loss": 0.25, "solved": None}}}


class Recorder:
    """A tracker in memory; it fails at the given step."""

    def __init__(self, name, fails_at=None):
        self.runs, self.calls, self._fails_at = [], [], fails_at
        self.tracker = tracker.Tracker(name, "json", "", self._begin)

    def _begin(self, run):
        self.runs.append(run)
        return self

    identifier = "abc"

    def log(self, step, metrics):
        if step == self._fails_at:
            raise OSError("no space\nleft")
        self.calls.append((step, metrics))

    def finish(self, metrics, summary, figures):
        self.calls.append((metrics, summary["status"], figures))


def writer(tmp_path, *recorders):
    run = tracker.TrackedRun("seed=1", "a/b", {"seed": 1}, tmp_path)
    return tracker.Trackers([recorder.tracker for recorder in recorders], run)


def test_one_call_per_report_has_the_metrics_of_all_splits(tmp_path):
    recorder = Recorder("first")
    trackers = writer(tmp_path, recorder)
    for step in (10, 20):
        trackers.write(step, "train", {"loss": 1 / step, "solved": None})
        trackers.write(step, "validation", {"loss": 2 / step})
    trackers.flush()
    trackers.close()
    trackers.finish(SUMMARY, [tmp_path / "a.png"])
    assert recorder.calls == [
        (10, {"loss/train": 0.1, "loss/validation": 0.2}),
        (20, {"loss/train": 0.05, "loss/validation": 0.1}),
        ({"final/test/loss": 0.25}, "finished", [tmp_path / "a.png"]),
    ]
    assert [(run.step, run.identifier) for run in recorder.runs] == [(10, None)]


def test_a_resumed_run_continues_under_its_identifier(tmp_path):
    for step in (10, 20):
        recorder = Recorder("first")
        trackers = writer(tmp_path, recorder)
        trackers.write(step, "train", {"loss": 1.0})
        trackers.flush()
    assert [(run.step, run.identifier) for run in recorder.runs] == [(20, "abc")]


def test_a_tracker_that_fails_is_left_out_with_a_note_of_one_line(tmp_path, capsys):
    bad, good = Recorder("bad", fails_at=20), Recorder("good")
    trackers = writer(tmp_path, bad, good)
    for step in (10, 20, 30):
        trackers.write(step, "train", {"loss": 1.0})
        trackers.flush()
    trackers.finish(SUMMARY, [])
    assert len(bad.calls) == 1
    assert len(good.calls) == 4
    assert capsys.readouterr().out == "note: logger=bad failed: no space; the run goes on without it\n"


def test_a_damaged_file_of_identifiers_loses_no_run(tmp_path, capsys):
    (tmp_path / tracker.FILE).write_text("{")
    trackers = writer(tmp_path, Recorder("first"))
    trackers.write(10, "train", {"loss": 1.0})
    trackers.flush()
    assert "trackers.json is damaged" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_package_is_refused_before_anything_compiles(name, monkeypatch):
    cfg = compose("train", [f"logger={name}"])
    schema.prepare(cfg)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda module, *a: None if "jaxrnn" not in module else find(module)
    )
    with pytest.raises(ConfigError, match=rf"logger={name} needs \w+: pip install -e '\.\[{name}\]'"):
        tracking.require(cfg)


def test_an_argument_names_trackers_or_is_one():
    own = Recorder("mine").tracker
    assert [chosen.name for chosen in tracking.chosen("wandb")] == ["wandb"]
    assert [chosen.name for chosen in tracking.chosen(["mlflow", own])] == ["mlflow", "mine"]
    assert tracking.chosen(own) == [own]
    assert tracking.chosen(None) == []
    with pytest.raises(ConfigError, match="logger=neptune: no such tracker; there are: mlflow, tensorboard, trackio"):
        tracking.chosen("neptune")
    with pytest.raises(ConfigError, match="expected a name such as"):
        tracking.chosen([3])


def test_two_trackers_of_one_name_are_refused():
    message = "logger: 2 trackers have the name mlflow; choose each tracker once"
    with pytest.raises(ConfigError, match=message):
        tracking.chosen(["mlflow", tracker.named("mlflow")])
    cfg = compose("train", ["logger=mlflow", "+logger.other._target_=jaxrnn.storage.trackers.mlflow.tracker"])
    with pytest.raises(ConfigError, match=message):
        tracking.configured(cfg)


@pytest.mark.parametrize(("process", "recorded"), [(0, ["mine"]), (1, [])])
def test_only_the_first_process_of_a_run_has_trackers(process, recorded, tmp_path, monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(jax, "process_index", lambda: process)
    monkeypatch.setattr(multihost_utils, "process_allgather", lambda values: np.stack([values, values]))
    monkeypatch.setattr(multihost_utils, "sync_global_devices", lambda name: None)
    experiment = jaxrnn.experiment("data=adding", "model.cell.size=3", "trainer.batch_size=2")
    experiment = experiment._replace(trackers=[Recorder("mine").tracker])
    started = multihost.with_all_processes(lambda started, *_: started, experiment, tmp_path, False, "peers")
    assert [tracker.name for tracker in started.trackers] == recorded


def test_the_jobs_of_a_sweep_are_named_by_the_overrides_that_differ(tmp_path):
    shared = ["data=sine", "logger=[wandb]", "++trainer.steps=9"]
    jobs = [Job(n, None, tmp_path, [*shared, f"++model.cell.size={n}", f"seed={n}"]) for n in range(2)]
    assert [job.name for job in with_names(jobs)] == ["model.cell.size=0,seed=0", "model.cell.size=1,seed=1"]
    assert with_names(jobs[:1])[0].name == "data=sine,trainer.steps=9,model.cell.size=0,seed=0"


def has_packages():
    return all(importlib.util.find_spec(name) is not None for name in PACKAGES)


needs_packages = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not has_packages(), reason="needs the extra [trackers]"),
]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory, call):
    """The folder of a compiled sweep of two runs that all trackers recorded, and which the first run continued."""
    folder = tmp_path_factory.mktemp("tracked")
    chosen = f"logger=[{','.join(NAMES)}]"
    arguments = ["seed=0,1", chosen, "figures=true", "hydra/launcher=compiled", "hydra.sweep.dir=many"]
    environment = {"TRACKIO_DIR": str(folder / "trackio")}
    for words in (["-m", *SHORT, *arguments], ["resume=many/0", "trainer.steps=48"]):
        result = call(folder, "train", *words, **environment)
        assert result.returncode == 0, result.stderr
        assert "note: logger" not in result.stdout
    return folder


def expected(run):
    """{(name, step): value} of all metrics of a run."""
    rows = metrics_csv.read(run)
    return {
        (f"{name}/{row['split']}", row["step"]): pytest.approx(value, rel=1e-6)
        for row in rows
        for name, value in row.items()
        if name not in ("step", "split") and value is not None
    }


def final(run):
    return json.loads((run / "summary.json").read_text())["metrics"]["test"]["loss"]


def figures(run):
    return {path.stem for path in (run / "figures").glob("*.png")}


class TestFiles:
    pytestmark = needs_packages

    def test_tensorboard(self, sweep):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        for number in range(2):
            events = EventAccumulator(str(sweep / f"many/{number}/tensorboard"))
            events.Reload()
            tags = events.Tags()
            logged = {(t, e.step): e.value for t in tags["scalars"] for e in events.Scalars(t) if "final" not in t}
            assert logged == expected(sweep / f"many/{number}")
            assert events.Scalars("final/test/loss")[-1].value == pytest.approx(final(sweep / f"many/{number}"))
            assert {f"figures/{name}" for name in figures(sweep / f"many/{number}")} <= set(tags["images"])

    def test_mlflow(self, sweep, monkeypatch):
        from mlflow import MlflowClient

        monkeypatch.chdir(sweep)
        client = MlflowClient(tracking_uri="sqlite:///mlflow.db")
        [runs] = [client.search_runs([e.experiment_id]) for e in client.search_experiments() if e.name == "jaxrnn"]
        assert sorted(run.info.run_name for run in runs) == ["seed=0", "seed=1"]
        for run in runs:
            folder = sweep / f"many/{run.data.params['seed']}"
            histories = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
            logged = {(n, m.step): m.value for n, history in histories.items() if "final" not in n for m in history}
            assert logged == expected(folder)
            assert run.data.metrics["final/test/loss"] == pytest.approx(final(folder))
            assert (run.info.status, run.data.params["model.cell.size"]) == ("FINISHED", "3")
            assert run.data.tags["sweep"].endswith("many")
            paths = {item.path for item in client.list_artifacts(run.info.run_id)}
            assert {"summary.json", "figures"} <= paths
            stored = {item.path for item in client.list_artifacts(run.info.run_id, "figures")}
            assert stored >= {f"figures/{name}.png" for name in figures(folder)}

    def test_trackio(self, sweep, monkeypatch):
        monkeypatch.setenv("TRACKIO_DIR", str(sweep / "trackio"))
        from trackio.sqlite_storage import SQLiteStorage

        assert sorted(SQLiteStorage.get_runs("jaxrnn")) == ["seed=0", "seed=1"]
        for number in range(2):
            rows = SQLiteStorage.get_logs("jaxrnn", f"seed={number}")
            logged = {
                (name, row["step"]): value
                for row in rows
                for name, value in row.items()
                if name.endswith(("/train", "/validation"))
            }
            assert logged == expected(sweep / f"many/{number}")
            assert rows[-1]["final/test/loss"] == pytest.approx(final(sweep / f"many/{number}"))
            assert {f"figures/{name}" for name in figures(sweep / f"many/{number}")} <= set(rows[-1])
            assert SQLiteStorage.get_run_config("jaxrnn", f"seed={number}")["model.cell.size"] == 3

    def test_wandb(self, sweep):
        runs = {}
        for path in sorted((sweep / "wandb").glob("offline-run-*/*.wandb")):
            records = list(wandb_records(path))
            [run] = [record.run for record in records if record.HasField("run")]
            config = {item.key: json.loads(item.value_json) for item in run.config.update}
            logged = runs.setdefault((run.run_id, run.display_name, run.run_group, config["seed"]), {})
            for record in records:
                items = {key_of(item): json.loads(item.value_json) for item in record.history.item}
                names = [name for name in items if name.endswith(("/train", "/validation"))]
                logged |= {(name, items["_step"]): items[name] for name in names}
                logged["images"] = logged.get("images", set()) | {name for name in items if "figures/" in name}
                for item in record.summary.update:
                    if key_of(item) == "final/test/loss":
                        logged["final"] = json.loads(item.value_json)
        assert sorted(name for _, name, *_ in runs) == ["seed=0", "seed=1"]  # the resumed run has one identifier
        for (_, name, group, seed), logged in runs.items():
            folder = sweep / f"many/{seed}"
            assert name == f"seed={seed}"
            assert group.endswith("many")
            assert logged.pop("final") == pytest.approx(final(folder))
            assert logged.pop("images") >= {f"figures/{figure}" for figure in figures(folder)}
            assert logged == expected(folder)


RECORDING = """
import pathlib, sys
from jaxrnn.storage.trackers import tracker
name, folder, *steps = sys.argv[1:]
run = tracker.TrackedRun("seed=1", "sweep", {"seed": 1}, pathlib.Path(folder).absolute())
trackers = tracker.Trackers([tracker.named(name)], run)
for step in map(int, steps):
    trackers.write(step, "train", {"loss": 1 / step})
    trackers.flush()
trackers.finish({"status": "finished", "steps": step, "metrics": {}}, [])
"""


@pytest.fixture
def recording(tmp_path):
    """(tracker, folder, *steps) -> a process that records these steps of the run `seed=1` in a folder."""

    def start(name, folder, *steps):
        (tmp_path / folder).mkdir(exist_ok=True)
        words = [sys.executable, "-c", RECORDING, name, folder, *map(str, steps)]
        env = {**os.environ, "TRACKIO_DIR": str(tmp_path / "trackio")}
        return subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True)

    return start


class TestSharedDatabases:
    pytestmark = needs_packages

    def test_mlflow_records_runs_that_start_together(self, tmp_path, recording):
        processes = [recording("mlflow", folder, 10, 20) for folder in "abc"]
        assert [process.communicate()[0] for process in processes] == [""] * 3
        with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
            folders = database.execute("SELECT value FROM tags WHERE key = 'folder' ORDER BY value").fetchall()
            assert folders == [(str(tmp_path / folder),) for folder in "abc"]
            query = "SELECT experiments.name FROM experiments JOIN runs USING (experiment_id) WHERE status = 'FINISHED'"
            assert database.execute(query).fetchall() == [("jaxrnn",)] * 3

    def test_trackio_resumes_a_run_that_shares_its_name(self, tmp_path, recording):
        for folder, step in (("a", 10), ("b", 10), ("a", 20), ("b", 20), ("a", 30)):
            assert recording("trackio", folder, step).communicate()[0] == ""
        with contextlib.closing(sqlite3.connect(tmp_path / "trackio/jaxrnn.db")) as database:
            rows = database.execute("SELECT DISTINCT run_id, step FROM metrics ORDER BY step").fetchall()
        first, second = (json.loads((tmp_path / f / tracker.FILE).read_text())["identifiers"]["trackio"] for f in "ab")
        assert sorted(rows) == sorted([(first, 10), (first, 20), (first, 30), (second, 10), (second, 20)])


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="needs the extra [trackers]")
@pytest.mark.oracle
def test_a_copy_of_a_run_hides_the_events_after_its_checkpoint(tmp_path, recording):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for steps in ((10, 20, 30), (20,)):
        assert recording("tensorboard", "a", *steps).communicate()[0] == ""
        (tmp_path / "a" / tracker.FILE).unlink()  # `Run.save` leaves it out
    events = EventAccumulator(str(tmp_path / "a/tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss/train")] == [10, 20]


def key_of(item):
    return item.key or item.nested_key[0]


def wandb_records(path):
    """The records of an offline run: a log of LevelDB with a header of 7 bytes, which no function of wandb reads."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, parts = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        if (left := 32768 - place % 32768) < 7:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or its last part
            yield Record.FromString(parts)
            parts = b""
