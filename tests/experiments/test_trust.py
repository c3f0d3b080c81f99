"""A run folder from a stranger: nothing is called, imported or read that is not jaxrnn's, Optax's or allowed."""

import shutil
import sys

import pytest
from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import compose, run_folder, saved_config, trust

CALLS = [
    "numpy.load",
    "shutil.copy",
    "builtins.open",
    "open",
    "eval",
    "os.system",
    "os.posix_spawn",
    "subprocess.run",
    "logging.FileHandler",
    "pydoc.locate",
    "hydra.utils.instantiate",
    "hydra.utils.call",
    "hydra.utils.get_method",
    "hydra._internal.instantiate._instantiate2.instantiate",
    "jaxrnn.logging.write_table",
    "jaxrnn.table.Table",
    "jaxrnn.table.read",
    "jaxrnn.atomic.write",
    "jaxrnn.atomic.os.system",
    "jaxrnn.cells.elman.jax.numpy.load",
    "jaxrnn.data._assets.text",
    "jaxrnn.data.csv._read",
    "jaxrnn.data.g2p._assets.text",
    "jaxrnn.experiments.run_folder.fail",
    "jaxrnn.experiments.run_folder.train",
    "jaxrnn.storage.metrics_csv.Metrics",
    "jaxrnn.storage.checkpoints.Checkpoints",
    "jaxrnn.storage.array_file.write",
    "jaxrnn.initializers.jax.profiler.start_trace",
    "jaxrnn.cells.elman",
    "jaxrnn.benchmarks.layer.benchmark",
    "jaxrnn.experiments.callback.FolderCallback",
    "jaxrnn.sweeps.schedule.shutil.rmtree",
    "optax.os.system",
    "optax.tree_utils.jax.numpy.load",
    "optax.__dict__",
    "jax.numpy.load",
    "jax.numpy.save",
    "matplotlib.pyplot.savefig",
    "stranger.payload",
    "",
    ["os.system"],
]
PLACES = ["model", "model.cell", "data", "optimizer", "optimizer.rule", "callbacks.x", "metrics.x", "figure", "more.x"]


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A run folder, and beside it a module that must not be imported."""
    folder = tmp_path_factory.mktemp("stranger")
    cfg = compose.compose("train", ["model=elman", "model.cell.size=2", "trainer.steps=2", "trainer.precision=f64"])
    (folder / "run" / ".hydra").mkdir(parents=True)
    OmegaConf.save(cfg, folder / "run" / ".hydra" / "config.yaml")
    run_folder.train(cfg, folder / "run")
    (folder / "stranger.py").write_text("raise SystemExit('imported')\n")
    return folder


@pytest.fixture
def changed(stranger, tmp_path, monkeypatch):
    """{key: value, ...} -> the run folder with these in its configuration, the stranger's module on the path."""
    monkeypatch.syspath_prepend(stranger)
    monkeypatch.chdir(tmp_path)

    def change(values):
        shutil.copytree(stranger / "run", tmp_path / "run", dirs_exist_ok=True)
        cfg = OmegaConf.load(tmp_path / "run" / ".hydra" / "config.yaml")
        for key, value in values.items():
            OmegaConf.update(cfg, key, value, force_add=True)
        OmegaConf.save(cfg, tmp_path / "run" / ".hydra" / "config.yaml")
        return tmp_path / "run"

    return change


def opened(folder, action):
    """The paths below or beside a folder that are opened for writing, and the modules imported, while it is refused."""
    seen, watching = [], [True]

    def note(event, arguments):
        if watching and event in ("os.system", "subprocess.Popen", "os.posix_spawn", "shutil.copyfile"):
            seen.append((event, arguments))
        if watching and event == "import" and str(arguments[0]).startswith("stranger"):
            seen.append((event, arguments))

    sys.addaudithook(note)
    try:
        action()
    finally:
        watching.clear()
    return seen


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_call_that_is_in_no_catalogue_is_refused_by_name(changed, call):
    for place in PLACES if isinstance(call, str) else ["model", "data"]:
        folder = changed({place: {"_target_": call}})

        def refused(folder=folder):
            for use in (run_folder.load, run_folder.resume, run_folder.checkpoints_of):
                with pytest.raises(ConfigError, match=r"calls .*_target_"):
                    use(folder)

        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert opened(folder, refused) == []
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        shutil.rmtree(folder)
    assert "stranger" not in sys.modules


def test_what_the_user_trusts_is_called(changed, stranger):
    (stranger / "mine.py").write_text(
        "from jaxrnn.data import sine\n\n\ndef dataset(**k):\n    return sine.dataset()\n"
    )
    folder = changed({"data._target_": "mine.dataset"})
    with pytest.raises(
        ConfigError,
        match=r"calls data\._target_=mine\.dataset, .* trusted=\['mine'\] in Python, .* add trust=mine",
    ):
        run_folder.load(folder)
    with pytest.raises(ConfigError, match="mine"):
        run_folder.load(folder, ["min"])
    assert saved_config.config(folder, ["mine"]).data._target_ == "mine.dataset"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../secret.txt", "{out}/link.txt"], ids=["absolute", "above", "by a link"]
)
def test_files_elsewhere_need_consent(changed, tmp_path_factory, path):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "link.txt").symlink_to("/etc/passwd")
    path = path.format(out=elsewhere)
    folder = changed({"data": {"_target_": "jaxrnn.data.text.dataset", "path": path}})
    with pytest.raises(ConfigError, match=r"reads data\.path=.*outside this folder and the working directory"):
        run_folder.load(folder)
    if path == "/etc/passwd":
        assert saved_config.config(folder, ["/etc"]).data.path == path
    near = changed({"data": {"_target_": "jaxrnn.data.text.dataset", "path": "mine.txt"}})
    assert saved_config.config(near).data.path == "mine.txt"


@pytest.mark.parametrize("value", ["${oc.env:HOME}", "${ oc.env : HOME }", "${oc.decode:'1'}", "${hydra:run.dir}"])
def test_a_resolver_is_refused(changed, value):
    folder = changed({"seed": value})
    with pytest.raises(ConfigError, match="its configuration contains"):
        run_folder.load(folder)


def test_all_that_our_own_configurations_name_is_allowed_and_nothing_of_other_rooms():
    """The list of what is allowed is not made from these files, so a file that names another function fails here."""
    for room in ("benchmarks.layer.benchmark", "papers.bengio_1994.reproduce", "sweeps.halving.Options"):
        with pytest.raises(ConfigError, match=r"calls x\._target_"):
            trust.check(OmegaConf.create({"x": {"_target_": f"jaxrnn.{room}"}}), "folder")
    for file in compose.CONF.rglob("*.yaml"):
        text = file.read_text()
        if "hydra" not in file.parts and not file.name.startswith(("train", "study", "tune", "benchmark", "reproduce")):
            names = [line.split("_target_:")[1].split("}")[0].split(",")[0].strip() for line in text.splitlines()
                     if "_target_:" in line and not line.lstrip().startswith("#")]  # fmt: skip
            for name in names:
                if name != "???" and not {"benchmarks", "papers"} & set(name.split(".")):  # of no run folder
                    cfg = OmegaConf.create({"x": {"_target_": name}})
                    trust.check(cfg, "folder")


@pytest.mark.parametrize("name", ["adam", "scale_by_adam", "sgd", "linear_schedule", "nadam", "chain", "trace"])
def test_the_transformations_of_optax_are_allowed(name):
    trust.check(OmegaConf.create({"rule": {"_target_": f"optax.{name}"}}), "folder")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"config\.yaml is empty"),
        (b"\x00\xff\xfe", r"config\.yaml.* is damaged"),
        (b"seed: 0\nmodel: \x1a\n", r"config\.yaml, line 2 is damaged: special characters are not allowed$"),
        (b"a: [1, 2", r"config\.yaml, line \d+ is damaged"),
        (b"- 1\n", r"is damaged: expected a configuration"),
        (b"seed: 0\nmodel: ", "it lacks data, optimizer, unroll, trainer"),
        (b"seed: 0\nseed: 1\n", r"config\.yaml, line \d is damaged"),
        (b"a: !!python/object/apply:os.system ['true']\n", r"config\.yaml, line 1 is damaged"),
    ],
)
def test_a_damaged_configuration_is_named_with_its_line(tmp_path, content, message):
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_bytes(content)
    for use in (run_folder.load, run_folder.resume):
        with pytest.raises(ConfigError, match=message) as refused:
            use(tmp_path)
        assert "\n" not in str(refused.value)
