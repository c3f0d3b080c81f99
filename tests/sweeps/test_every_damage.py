"""Every file of a run, a sweep or a search with every kind of damage: one line that names the file, or a result."""

import copy
import json
import shutil
import time

import jax
import numpy as np
import pytest
from omegaconf import OmegaConf
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import artifacts, compose, run_folder, saved_config
from jaxrnn.storage import array_file, fingerprint, locks, metrics_csv, summaries
from jaxrnn.storage.checkpoints import Checkpoints
from jaxrnn.storage.group_store import GroupStore
from jaxrnn.studies import _aggregate as aggregate
from jaxrnn.sweeps import callback, report, search
from jaxrnn.training import probes

WORDS = ["model=elman", "model.cell.size=2", "trainer.steps=2", "trainer.report_every=1", "figures=false"]
SPACE = "optimizer.learning_rate=interval(1e-4,1e-2)"
CLOCK = {"host": "here", "monotonic": 0.0, "ended": 0}
SLOWEST = 5.0  # seconds of the processor
DEEP = b"[" * 100_000
LAUGHS = b"a0: &a0 [x,x]\n"
LAUGHS += b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12))
BYTES = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "flipped": lambda data: data[: len(data) // 3] + bytes([data[len(data) // 3] ^ 4]) + data[len(data) // 3 + 1 :],
    "no text": lambda data: b"\x00\xff\xfe" * 50,
    "zeros": lambda data: bytes(len(data)),
    "list": lambda data: b"[]",
    "object": lambda data: b"{}",
    "text": lambda data: b'"text"',
    "number": lambda data: b"7",
    "null": lambda data: b"null",
    "not a number": lambda data: b"NaN",
    "deep": lambda data: DEEP,
    "deep block": lambda data: b"- " * 50_000 + b"a",
    "deep keys": lambda data: b'{"a":' * 20_000,
    "aliases": lambda data: LAUGHS,
    "code": lambda data: b"a: !!python/object/apply:os.system ['true']\n",
    "large": lambda data: b"a: " + b"x" * 2**19,
    "columns": lambda data: data.split(b"\n")[0] + b'\n1,train,"' + b"x" * 200_000 + b"\n",
}  # fmt: skip
PROBE = probes.Probe(lambda task, params, batch: {"norm": jax.numpy.zeros(3)}, lambda steps, arrays: {})


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A folder with a run, and notes of a sweep, a search and a study."""
    folder = tmp_path_factory.mktemp("sweep")
    run = folder / "0"
    (run / ".hydra").mkdir(parents=True)
    cfg = compose.compose("train", WORDS)
    OmegaConf.save(cfg, saved_config.file(run))
    OmegaConf.save(OmegaConf.create(WORDS), run / ".hydra/overrides.yaml")
    run_folder.train(cfg, run)
    (run / ".lock").touch()
    (run / ".writer.json").write_text(json.dumps({"process": 1, "host": "elsewhere", "since": "now"}))
    callback._write(folder, {"command": ["-m"], "status": "running", "clock": CLOCK, "jobs": 2})
    study = search._study(folder, [*WORDS, SPACE], search.Options(), 0, "down")
    study.tell(search._ask(study, [search.OverridesParser.create().parse_override(SPACE)]).number, 0.5)
    (run / "probes/norms").mkdir(parents=True)
    for step in (1, 2):
        np.savez(run / f"probes/norms/{step}.npz", norm=np.zeros(3))
    (run / "scores.csv").write_text("quantity,network,number,value\nslope,elman,0,0.5\n")
    shutil.copytree(run, folder / "1", ignore=shutil.ignore_patterns(".lock", "summary.json"))
    OmegaConf.save(OmegaConf.create([*WORDS, "seed=1"]), folder / "1/.hydra/overrides.yaml")
    return folder


class Readers:
    """All that reads the folder of a sweep, its search and its run, without building the same network again."""

    def __init__(self, folder):
        experiment = run_folder.saved_experiment(folder / "0")
        self.task, self.cfg = experiment.task, experiment.cfg
        self.params = jax.eval_shape(lambda: self.task.net.init(jax.random.key(0), 1))
        self.space = [search.OverridesParser.create().parse_override(SPACE)]

    def configuration(self, folder):
        saved_config.config(folder / "0")

    def another(self, folder):
        run_folder.refuse_another(folder / "0", self.cfg)

    def checkpoint(self, folder):
        _, progress, tables, _ = run_folder.checkpoints(folder / "0").params(self.params)
        fingerprint.check(progress["settings"], progress["settings"], folder)
        metrics_csv.parsed(metrics_csv.saved_text(tables, metrics_csv.FILE, folder))

    def ended(self, folder):
        run_folder.ended(folder / "0")

    def report(self, folder):
        found = report.read(folder)
        report.settings_table(found), report.runs_table(found), report._counts(found)

    def command(self, folder):
        report.command(report.read(folder))

    def figures(self, folder):
        artifacts.probe_figures({"norms": PROBE}, self.task, folder / "0")

    def lock(self, folder):
        locks.refuse_if_held(folder / "0")

    def sweep(self, folder):
        callback._read(folder)

    def scores(self, folder):
        aggregate._scores(folder / "0/scores.csv")

    def search(self, folder):
        study = search._study(folder, [*WORDS, SPACE], search.Options(), 0, "down")
        search._interrupted_trials(study, self.space, folder)


READING = {
    ".hydra/config.yaml": ("configuration", "another", "report"),
    ".hydra/overrides.yaml": ("command",),
    "summary.json": ("ended", "report"),
    "metrics.csv": ("report",),
    "checkpoints/2.safetensors": ("checkpoint",),
    "probes/norms/1.npz": ("figures",),
    ".writer.json": ("lock",),
    "../sweep.json": ("sweep",),
    "../study.journal": ("search",),
    "../0/scores.csv": ("scores",),
}


@pytest.fixture(scope="module")
def held(sweep):
    """(folder, names of readers) -> nothing; each gives a result or refuses in one line, soon."""
    readers = Readers(sweep)

    def refusal(name, folder):
        try:
            getattr(readers, name)(folder)
        except ConfigError as error:
            return str(error)
        return ""

    for name in dict.fromkeys(name for names in READING.values() for name in names):
        refusal(name, sweep)  # imports and fills caches, before a clock runs

    def call(folder, names):
        for name in names:
            began = time.process_time()
            said = refusal(name, folder)
            assert time.process_time() - began < SLOWEST, name
            assert "\n" not in said
            assert len(said) < 2000

    return call


@pytest.fixture
def copied(sweep, tmp_path):
    shutil.copytree(sweep, tmp_path / "sweep")
    return tmp_path / "sweep"


@pytest.mark.costly
@pytest.mark.parametrize("file", READING)
def test_damage_is_told_in_one_line(copied, held, file):
    path = copied / "0" / file
    data = path.read_bytes()
    for damage in BYTES.values():
        path.write_bytes(damage(data))
        held(copied, READING[file])
    path.unlink()
    path.mkdir()
    held(copied, READING[file])


def values(content):
    """The paths of all values in JSON, as tuples."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (key,)
        yield from ((key, *path) for path in values(value))


def changed(content, path, value):
    """JSON with another value at a path, or without it where the value is `values`."""
    content = copy.deepcopy(content)
    node = content
    for key in path[:-1]:
        node = node[key]
    if value is values:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return content


WRONG = [values, None, "text", [], {}, [[1]], {"a": {}}, -1, 0.5, True, float("nan"), 10**30]


def test_a_forged_summary_is_told_in_one_line(copied, held):
    """Each field missing or of another type, under a digest that is right."""
    content = summaries.read(copied / "0")
    content["generation"] = {"prime": 1, "length": 2, "mean_squared_error": 0.5}
    fields = ("status", "reason", "steps", "metrics", "rows", "better", "configuration", "generation", "best_step")
    for path in [path for path in values(content) if path[0] in fields and len(path) < 4]:
        for value in WRONG if len(path) < 3 else WRONG[:3]:
            forged = changed(content, path, value)
            forged["sha256"] = summaries._digest(forged)
            (copied / "0/summary.json").write_text(json.dumps(forged))
            held(copied, ("ended",))
            if content != forged and len(path) == 1:
                held(copied, ("report",))


@pytest.mark.parametrize("field", ["content", "digests", "notes", "dtypes"])
def test_the_forged_head_of_a_checkpoint_is_told_in_one_line(copied, held, field):
    """JSON of every kind in the head of a checkpoint, and notes that lack a field, under digests that are right."""
    path = copied / "0/checkpoints/2.safetensors"
    with safe_open(path, framework="numpy") as file:
        head, arrays = file.metadata(), load_file(path)
    content = json.loads(head["content"])
    if field in ("content", "digests"):
        texts = ["", "{}", "[]", "7", "null", "NaN", '"text"', "[" * 100_000, '{"a":' * 20_000, '{"a": {}}', "{"]
        heads = [{field: text} for text in texts]
    else:
        places = [(field, *place) for place in values(content[field]) if len(place) < 4]
        heads = [{"content": json.dumps(changed(content, (field,), value))} for value in WRONG]
        heads += [{"content": json.dumps(changed(content, place, value))} for place in places for value in WRONG[:4]]
    for forged in heads:
        forged = {**head, **forged}
        forged["digest"] = array_file._header_digest(forged)
        save_file(arrays, path, forged)
        held(copied, ("checkpoint",))


@pytest.mark.parametrize("header", [b"", b"{}", b"[]", b"null", b"[" * 1000, b'{"__metadata__":[]}', b'{"a":{}}',
                                    b'{"__metadata__":{"format":"jaxrnn 1"}}', b"NaN", b"\xff"])  # fmt: skip
def test_another_header_of_a_checkpoint_is_told_in_one_line(copied, held, header):
    path = copied / "0/checkpoints/2.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ConfigError, match=r"2\.safetensors"):
        run_folder.checkpoints(copied / "0").progress()
    held(copied, ("checkpoint",))


@pytest.mark.parametrize("names", [{}, {"other": np.zeros(3)}, {"norm": np.zeros(4)}, {"norm": np.array(["a"] * 3)},
                                   {"norm": np.array([{}] * 3)}, {"norm": np.zeros((3, 10**5))}])  # fmt: skip
def test_other_arrays_of_a_probe_are_named_and_left_out(copied, held, caplog, names):
    np.savez(copied / "0/probes/norms/1.npz", **names)
    held(copied, ("figures",))
    assert "1.npz is damaged" in caplog.text


def test_a_forged_group_is_told_in_one_line(tmp_path):
    progress = {"members": [0], "histories": {"0": {}}, "seconds": 0.0}
    store = Checkpoints(tmp_path)
    for forged in [progress, {}, {**progress, "members": []}, {**progress, "members": "0"},
                   {**progress, "seconds": "1"}, {**progress, "histories": {}}]:  # fmt: skip
        write_progress(store, forged)
        with pytest.raises(ConfigError, match="damaged") as refused:
            GroupStore(tmp_path, None)
        assert "\n" not in str(refused.value)


def write_progress(store, progress):
    store._folder.mkdir(exist_ok=True)
    array_file.write(store._file(1), {"a": np.zeros(1)}, {"step": 1, "progress": progress})
