"""A sweep, a search and a report in a folder from a stranger: nothing that it names is imported."""

import functools
import shutil
import sys

import pytest
from omegaconf import OmegaConf

import jaxrnn
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, compose, run_folder, saved_config
from jaxrnn.storage import summaries
from jaxrnn.studies import _runner as studies
from jaxrnn.sweeps import report, search

WORDS = ["model=elman", "model.cell.size=2", "trainer.steps=2", "figures=false"]
NAMES = ["evilmod.payload", "evilmod.inner.payload", "run.inner", "this", "this.s", "evilpackage.sub.payload"]
MODULES = ("evilmod", "evilpackage", "run", "this")
NODES = [
    "model._target_",
    "model.cell._target_",
    "model.cell.recurrent_init._target_",
    "callbacks.a._target_",
    "metrics.a._target_",
    "optimizer.rule._target_",
    "figure._target_",
    "trainer._target_",
    "data._target_",
]
PAIRS = [*zip(NODES, NAMES + NAMES, strict=False), *((NODES[0], name) for name in NAMES[1:])]
LOADERS = {
    "load": run_folder.load,
    "resume": run_folder.resume,
    "checkpoints": run_folder.checkpoints_of,
    "library": jaxrnn.load,
    "study": lambda folder: studies.study_run(_study(), folder),
}


@functools.cache
def _study():
    return compose.compose("study_run", ["study=gates", "run=."])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A trained run folder, with its configuration and overrides."""
    folder = tmp_path_factory.mktemp("trained") / "0"
    (folder / ".hydra").mkdir(parents=True)
    cfg = compose.compose("train", WORDS)
    OmegaConf.save(cfg, folder / ".hydra/config.yaml")
    OmegaConf.save(OmegaConf.create(WORDS), folder / ".hydra/overrides.yaml")
    run_folder.train(cfg, folder)
    return folder


@pytest.fixture
def sweep(trained, tmp_path, monkeypatch):
    """A sweep of one run, in a working directory whose modules write a file when they are imported."""
    for name in ("evilmod.py", "run.py", "evilpackage/__init__.py", "evilpackage/sub.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("import pathlib\n\npathlib.Path(__file__).with_name('marker').touch()\n")
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, tmp_path / "sweep/0")
    yield tmp_path / "sweep"
    assert not list(tmp_path.rglob("marker"))
    assert not [name for name in MODULES if name in sys.modules]


def rewrite(run, key, value):
    """Sets a key in a run's configuration, overrides and summary, as somebody would who wants them to agree."""
    cfg = saved_config.read(run)
    OmegaConf.update(cfg, key, value, force_add=True)
    OmegaConf.save(cfg, saved_config.file(run))
    words = [*WORDS, f"++{key}={value}"]
    OmegaConf.save(OmegaConf.create(words), run / ".hydra/overrides.yaml")
    content = summaries.read(run)
    summaries.write(run, {**content, "configuration": comparing.leaves(cfg)})


@pytest.mark.parametrize(("node", "name"), PAIRS)
def test_a_report_imports_nothing_that_a_folder_names(sweep, node, name):
    rewrite(sweep / "0", node, name)
    assert name in report.command(report.read(sweep))


def test_the_files_of_a_report_import_nothing_that_a_folder_names(sweep):
    rewrite(sweep / "0", "model.cell._target_", "evilpackage.sub.payload")
    assert "evilpackage.sub.payload" in report.write(report.read(sweep))


@pytest.mark.parametrize(("node", "name"), PAIRS)
def test_what_loads_a_run_refuses_the_names_in_its_folder(sweep, node, name):
    rewrite(sweep / "0", node, name)
    for use in LOADERS.values():
        with pytest.raises(ConfigError, match="its configuration calls") as refused:
            use(sweep / "0")
        assert "\n" not in str(refused.value)
    with pytest.raises(ConfigError, match="another configuration"):
        run_folder.refuse_another(sweep / "0", compose.compose("train", WORDS))


@pytest.mark.parametrize(
    "word",
    [
        "hydra.searchpath=[pkg://evilmod]",
        "hydra={searchpath:[pkg://evilmod]}",
        "+hydra.callbacks.x._target_=evilmod.payload",
        "hydra/launcher=../../evilmod",
        "model=../../evil",
        "optimizer/schedule=../../evil",
        "callbacks=[../../evil]",
        "++seed=${oc.env:HOME}",
        "++seed=${${x}.env:HOME}",
        "seed=1,2",
        "together=" + "[" * 3000,
        "a" * 100_000,
        "",
    ],
    ids=lambda word: word[:40],
)
def test_overrides_reach_nothing_outside_the_configurations(sweep, word):
    (sweep / "evil.yaml").write_text("_target_: evilmod.payload\n")
    OmegaConf.save(OmegaConf.create([*WORDS, word]), sweep / "0/.hydra/overrides.yaml")
    assert report.command(report.read(sweep)) is None
    with pytest.raises(ConfigError, match=r"overrides\.yaml"):
        saved_config.overrides(sweep / "0")


def test_the_command_of_a_run_is_printed_where_its_overrides_give_its_configuration(sweep):
    expected = "jaxrnn train model=elman model.cell.size=2 trainer.steps=2 figures=false"
    assert report.command(report.read(sweep)) == expected


@pytest.mark.parametrize(
    "value",
    ["${oc.env:HOME}", "${oc.decode:'1'}", "${hydra:run.dir}", "${${data._target_}.env:HOME}", "${ oc.env : HOME }"],
)
@pytest.mark.parametrize("key", ["together", "seed", "model.cell.size", "callbacks.a", "notes"])
def test_a_folder_asks_for_nothing_outside_it(sweep, key, value):
    file = saved_config.file(sweep / "0")
    cfg = OmegaConf.load(file)
    OmegaConf.update(cfg, key, value, force_add=True)
    OmegaConf.save(cfg, file)
    for use in (run_folder.load, run_folder.resume, saved_config.read):
        with pytest.raises(ConfigError, match=r"its configuration contains"):
            use(sweep / "0")
    with pytest.raises(ConfigError, match=r"its configuration contains"):
        report.read(sweep)


def test_references_that_would_fill_the_memory_are_refused(sweep):
    laughs = {"a0": "ha" * 100} | {f"a{n}": f"${{a{n - 1}}}" * 10 for n in range(1, 30)}
    cfg = OmegaConf.merge(OmegaConf.load(saved_config.file(sweep / "0")), {"x": "${a29}", **laughs})
    OmegaConf.save(cfg, saved_config.file(sweep / "0"))
    with pytest.raises(ConfigError, match="references"):
        saved_config.read(sweep / "0")


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ("model.cell.size=int(interval(2,8))", ["++model.cell.size={_target_:evilmod.payload}"]),
        ("model.cell.size=int(interval(2,8))", ["++model.cell.size=9"]),
        ("model.cell.size=int(interval(2,8))", ["++model.cell.size=2.5"]),
        ("optimizer.learning_rate=interval(0.1,0.2)", ["++optimizer.learning_rate=nan"]),
        ("model.cell.size=choice(2,4)", ["++model.cell.size=3"]),
        ("model=choice(elman,gru)", ["model=../../evil"]),
        ("model.cell._target_=choice(jaxrnn.cells.elman.cell)", ["++model.cell._target_=evilmod.payload"]),
        ("model.cell.size=range(2,8)", ["++model.cell.size=8"]),
        ("model.cell.size=choice(2,4)", ["++model.cell.size=2", "++model._target_=evilmod.payload"]),
        ("model.cell.size=choice(2,4)", "++model.cell.size=2"),
        ("model.cell.size=choice(2,4)", [2]),
        ("model.cell.size=choice(2,4)", {"a": 1}),
    ],
)
def test_a_journal_sets_only_values_that_are_searched_for(sweep, monkeypatch, space, words):
    monkeypatch.setattr(search, "_train", lambda *arguments: pytest.fail("trained"))
    study = search._study(sweep, [*WORDS, space], search.Options(), 0, "down")
    study.ask().set_user_attr(search.OVERRIDES, words)
    with pytest.raises(ConfigError, match=r"study\.journal.*trial 0 sets") as refused:
        search.search(lambda words: compose.compose("train", words), WORDS, [space], search.Options(), sweep)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("space", ["model.cell.size=int(interval(2,8))", "model.cell.size=choice(2,4)",
                                   "optimizer.learning_rate=tag(log,interval(1e-4,1e-2))", "model=choice(elman,gru)",
                                   "model.cell.size=range(2,8)", "model.dropout=null,0.5"])  # fmt: skip
def test_a_search_goes_on_with_the_trials_that_it_asked_for(sweep, monkeypatch, space):
    trained = []
    monkeypatch.setattr(search, "_train", lambda study, asked, *rest: trained.extend(asked) or pytest.skip("asked"))
    study = search._study(sweep, [*WORDS, space], search.Options(), 0, "down")
    override = search.OverridesParser.create().parse_override(space)
    asked = search._ask(study, [override])
    assert search._interrupted_trials(study, [override], sweep)[0].number == asked.number


def test_names_are_resolved_in_one_place(root):
    """Whatever turns a name into an object is behind the check of the folder that names it."""
    allowed = {"experiments/targets.py": ("pydoc.locate",), "experiments/schema.py": ("hydra import utils",)}
    allowed |= {"experiments/trust.py": ("import_module",), "lazy.py": ("import_module",)}  # our own modules
    allowed |= {f"benchmarks/{name}.py": ("import_module",) for name in ("_timing", "_baseline_bidirectional",
                                                                        "_baseline_layers")}  # fmt: skip
    allowed["storage/trackers/tracker.py"] = ("import_module",)  # one of the files in its own folder
    allowed |= {f"interop/{name}.py": ("import_module",) for name in ("equinox", "haiku", "keras")}  # fixed names
    calls = (
        "pydoc.locate",
        "import_module",
        "hydra.utils import",
        "hydra import utils",
        "get_class(",
        "get_method(",
        "get_object(",
        "__import__",
    )
    package = root / "src/jaxrnn"
    for path in package.rglob("*.py"):
        name = str(path.relative_to(package))
        found = [call for call in calls if call in path.read_text() and call not in allowed.get(name, ())]
        assert not found, f"{name} resolves names by {found}"
