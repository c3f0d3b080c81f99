"""What the docs say: numbers come from the benchmarks' files, keys and links exist, the README is short."""

import ast
import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEY = re.compile(r"[+~]*(?!outputs/|KEY=)[\w./]+=")  # not a path, not a placeholder
WRITTEN = {"changes.md", "contributing.md"}  # by the build of the site, from files that are here themselves
DOCS = ["README.md", "CONTRIBUTING.md"]
DOCS += sorted(
    str(path.relative_to(ROOT))
    for folder in ("docs", "docs/coming_from", "docs/tutorial", "docs/data")
    for path in (ROOT / folder).glob("*.md")
    if path.name not in WRITTEN
)


@pytest.fixture(scope="module")
def speed(root):
    spec = importlib.util.spec_from_file_location("speed", root / "docs" / "speed.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_numbers_of_speed_come_from_the_files_that_the_benchmarks_wrote(root, speed):
    found = speed.blocks(root / "docs/speed")
    section, readme = (root / "docs/speed.md").read_text(), (root / "README.md").read_text()
    assert speed.filled(section, found) == section, "python docs/speed.py writes the page"
    assert speed.filled(readme, found) == readme
    places = {"readme": readme, "launchers": (root / "docs/sweeps.md").read_text()}
    assert all(f"<!-- {name} -->" in places.get(name, section) for name in found)
    lines = {line for name in found for line in found[name]}
    for page in (section, readme.partition("## How fast")[2].partition("## ")[0]):
        told = [line for line in page.splitlines() if line.startswith(("| ", "- "))]
        assert len(told) > 5
        assert set(told) <= lines  # no number that the files do not hold
    assert all(re.search(r"`: 2 cores.*, jax 0", "\n".join(found[name])) for name in found)


def test_the_page_of_studies_says_what_the_captions_of_its_figures_say(root):
    spec = importlib.util.spec_from_file_location("figures", root / "docs" / "figures.py")
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    page = (root / "docs/studies.md").read_text()
    for name in figures.NAMES:
        for line in figures.gallery(name):
            assert line in page


def test_the_page_of_papers_says_what_the_commands_left(root):
    spec = importlib.util.spec_from_file_location("papers", root / "docs" / "papers.py")
    papers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(papers)
    page = (root / "docs/papers.md").read_text()
    assert papers.filled(page) == page, "python docs/papers.py writes the page"
    found = {path.stem for path in (root / "docs/papers").glob("*.csv")}
    assert found == {path.stem for path in (root / "conf/paper").glob("*.yaml")}


@pytest.mark.parametrize("name", ["README.md", "docs/commands.md", "docs/sweeps.md", "docs/studies.md"])
def test_numbers_in_prose_come_from_the_files_that_commands_wrote(root, name, monkeypatch):
    monkeypatch.syspath_prepend(root / "docs")
    prose = importlib.import_module("prose")
    numbers, page = prose.known(), (root / name).read_text()
    assert prose.filled(page, numbers) == page, "python docs/prose.py writes the page"
    others = {key: "another" if isinstance(value, str) else 7 * value + 1 for key, value in numbers.items()}
    assert prose.filled(page, others).count("<!-- -->") == page.count("<!-- -->") > 0
    assert prose.filled(page, others) != page  # the numbers are filled in, not typed


def test_the_page_of_cells_says_what_the_sweeps_left(root):
    spec = importlib.util.spec_from_file_location("cells", root / "docs" / "cells.py")
    cells = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cells)
    page = (root / "docs/cells.md").read_text()
    assert cells.filled(page) == page, "python docs/cells.py writes the page"
    names = {path.stem for path in (root / "conf/model").glob("*.yaml")}
    assert all(f"| `{name}` |" in "\n".join(cells.lines()) for name in names)


@pytest.mark.parametrize("name", ["data", "forecasts"])
def test_the_tables_of_data_come_from_the_files_that_the_runs_left(root, name):
    spec = importlib.util.spec_from_file_location(name, root / "docs" / f"{name}.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    page, rows = (root / "docs/data.md").read_text(), tables.table()
    assert len(rows) > 3
    assert "\n".join(rows) in page


@pytest.fixture(scope="module")
def jobs(root):
    spec = importlib.util.spec_from_file_location("jobs", root / "docs" / "jobs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_jobs_comes_from_the_programs_and_their_measurements(root, jobs, monkeypatch, tmp_path):
    page = (root / "docs/coming_from/keras.md").read_text()
    assert jobs.filled(page) == page, "python docs/jobs.py writes the page"
    assert {path.stem for path in jobs.PROGRAMS.glob("*.py")} == {
        f"{n}_{side}" for n in jobs.JOBS for side in jobs.SIDES
    }
    machine = {"cores": 2, "jax": "0", "keras": "3"}
    scores = {side: {"name": "MAE", "score": 2.0} for side in jobs.SIDES}
    entry = {"seconds": {"keras": [60, 90, 120], "jaxrnn": [30, 30, 30]}, "scores": scores, "machine": machine}
    monkeypatch.setattr(jobs, "FILE", tmp_path / "jobs.json")
    jobs.FILE.write_text(json.dumps({"tag": entry}))
    row = next(line for line in jobs.table() if line.startswith(f"| {jobs.JOBS['tag']} |"))
    assert row.endswith("| 1.50 | 0.50 | 3.0 | MAE 2 | MAE 2 |")


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["forecast", "classify", "tag", "translate", "generate", "finetune"])
def test_both_programs_of_a_job_report_the_same_score(jobs, tmp_path, name):
    jobs.write_files(tmp_path, 0.05)
    scores = [jobs.run(jobs.PROGRAMS / f"{name}_{side}.py", tmp_path, side, shorten=True)[1] for side in jobs.SIDES]
    assert scores[0]["name"] == scores[1]["name"]
    assert all(0 <= score["score"] < float("inf") for score in scores)


@pytest.mark.parametrize("name", DOCS)
def test_links_lead_somewhere(root, name):
    text = (root / name).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            place = (root / name).parent / target
            made = {"api/index", "configuration/index", "gallery/index", "../gallery/index"}  # when the site is built
            assert place.exists() or Path(f"{place}.md").exists() or target in made, f"{name}: {target}"


def commands(root):
    """(document, command, words) of every command in the code of the docs: lines of blocks, and spans in sentences."""
    for name in DOCS:
        text = (root / name).read_text().replace("\\\n", " ")
        blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.M | re.S)
        lines = re.findall(r"^(?:PYTHONPATH=\. )?(jaxrnn .*)$", "\n".join(blocks), re.M)
        spans = re.findall(r"`(jaxrnn [^`]*)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
        for line in [*lines, *spans]:
            words = re.findall(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+""", line.partition(" #")[0])
            script = {"sweep": "train"}.get(words[1], words[1])
            multirun = ["-m"] if words[1] == "sweep" else []
            yield name, script, [*multirun, *(word.strip("'") for word in words[2:])]


def test_pages_type_the_command_that_is_installed(root):
    """`python scripts/NAME.py` stands where a page says that a clone has it, and for a script that is no command."""
    typed = [(name, line) for name in DOCS for line in (root / name).read_text().splitlines() if "scripts/" in line]
    excused = ("In a clone, `python scripts/train.py ...`", "scripts/build_assets.py", "scripts/          train")
    assert [(name, line) for name, line in typed if not any(words in line for words in excused)] == []


def test_every_command_of_the_docs_is_one_and_has_its_keys(root):
    """The first part of every key: a part of the configuration, a group, or Hydra's own."""
    from jaxrnn.commands.program import _names
    from jaxrnn.experiments import help as helping

    options = {"--help", "--version", "-sc", "NAME"}
    keys, wrong, tried = {}, [], 0
    for name, script, words in commands(root):
        if script in options:
            continue
        if script not in _names():
            wrong.append(f"{name}: jaxrnn {script}")
            continue
        pages = [script, *(["resume"] if script == "train" else ["study_run"] if script == "study" else [])]
        if script not in keys:
            keys[script] = {key.partition(".")[0] for page in pages for key in helping.keys(page, [])} | {"hydra"}
        parts = [re.split(r"[./=]", word.lstrip("+~"))[0] for word in words if KEY.match(word)]
        wrong += [f"{name}: jaxrnn {script} {part}=" for part in parts if part not in keys[script]]
        tried += 1
    assert wrong == []
    assert tried > 100


@pytest.mark.costly
def test_every_command_of_the_docs_composes(root, configure):
    """The keys that the docs type are there, and the factories take them."""
    from hydra import initialize_config_dir

    from jaxrnn.experiments import schema
    from jaxrnn.experiments.hydra_internals import grid

    tried = 0
    for _, script, words in commands(root):
        if script not in ("train", "study") or any(w.startswith(("run=", "resume=", "study=custom")) for w in words):
            continue
        if any("_target_=mine." in w for w in words):  # tests/experiments/test_extending.py runs these
            continue
        words = [w for w in words if w.startswith(("model", "data", "optimizer", "unroll", "callbacks", "probes"))
                 or w.partition("=")[0].split(".")[0] in ("trainer", "checkpoints", "experiment", "seed", "regularizer",
                                                          "study", "seeds", "train", "compare")]  # fmt: skip
        words = [w for w in words if w.startswith("data.path=") or ("mine." not in w and "levels" not in w)]
        words = [w for w in words if not w.endswith(("=NAME", "=..."))]
        if "data=csv" in words and not any(word.startswith("data.path=") for word in words):
            words += ["data.path=mine.csv", "data.column=level"]  # which a command for its --help leaves out
        with initialize_config_dir(str(root / "conf"), version_base=None):  # where glob() looks
            first = grid(words)[0]
        cfg = configure(*first, name=script)
        if not any("_target_" in w or "custom" in w for w in words):
            schema.check(cfg)
        tried += 1
    assert tried > 15


def test_the_readme_is_short_and_its_python_runs_as_it_stands(root):
    readme = (root / "README.md").read_text()
    assert readme.count("\n") <= 150
    for name in DOCS:
        for block in re.findall(r"```python\n(.*?)```", (root / name).read_text(), re.S):
            ast.parse(block)
