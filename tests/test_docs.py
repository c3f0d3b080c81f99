"""What the docs say: numbers come from the benchmarks' files, keys and links exist, the README is short."""

import ast
import importlib.util
import json
import re

import pytest

DOCS = ["README.md", "CONTRIBUTING.md", *(f"docs/{name}.md" for name in ("commands", "data", "sweeps", "studies"))]
DOCS += ["docs/library.md", "docs/extending.md", "docs/speed.md", "docs/reliability.md"]


@pytest.fixture(scope="module")
def speed(root):
    spec = importlib.util.spec_from_file_location("speed", root / "docs" / "speed.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_numbers_of_speed_come_from_the_files_that_the_benchmarks_wrote(root, speed):
    section, readme = (root / "docs/speed.md").read_text(), (root / "README.md").read_text()
    lines = [*speed.table(root / "docs/speed"), *speed.notes(root / "docs/speed")]
    for line in lines:
        assert line in section
    assert section.count("\n| ") + section.count("\n- ") == len(lines) - 1  # no line that the files do not hold
    machine = json.loads((root / "docs/speed/machine.json").read_text())
    assert f"jax {machine['versions']['jax']}" in section
    rows = [line for line in readme.partition("## How fast")[2].partition("## ")[0].splitlines() if line[:2] == "| "]
    assert len(rows) > 5
    assert set(rows) <= set(lines)


def test_the_page_of_studies_says_what_the_captions_of_its_figures_say(root):
    spec = importlib.util.spec_from_file_location("figures", root / "docs" / "figures.py")
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    page = (root / "docs/studies.md").read_text()
    for name in figures.NAMES:
        for line in figures.gallery(name):
            assert line in page


@pytest.mark.parametrize("name", ["data", "forecasts"])
def test_the_tables_of_data_come_from_the_files_that_the_runs_left(root, name):
    spec = importlib.util.spec_from_file_location(name, root / "docs" / f"{name}.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    page, rows = (root / "docs/data.md").read_text(), tables.table()
    assert len(rows) > 3
    assert "\n".join(rows) in page


@pytest.mark.parametrize("name", DOCS)
def test_links_lead_somewhere(root, name):
    text = (root / name).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert ((root / name).parent / target).exists(), f"{name}: {target}"


def commands(root):
    """(document, script, words) of every command of a script in the docs that is no placeholder."""
    for name in DOCS:
        for line in re.findall(r"^python scripts/.*$", (root / name).read_text().replace("\\\n", " "), re.M):
            words = re.findall(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+""", line.partition(" #")[0])
            yield name, words[1].rpartition("/")[2].removesuffix(".py"), [word.strip("'") for word in words[2:]]


def test_every_command_of_the_docs_composes(root, configure):
    """The keys that the docs type are there, and the factories take them."""
    from jaxrnn.experiments import config
    from jaxrnn.experiments.hydra_internals import grid

    tried = 0
    for _, script, words in commands(root):
        if script not in ("train", "study") or any(w.startswith(("run=", "resume=", "study=custom")) for w in words):
            continue
        words = [w for w in words if w.startswith(("model", "data", "optimizer", "unroll", "callbacks", "probes"))
                 or w.partition("=")[0].split(".")[0] in ("trainer", "checkpoints", "experiment", "seed", "regularizer",
                                                          "study", "seeds", "train", "compare")]  # fmt: skip
        words = [w for w in words if w.startswith("data.path=") or ("mine." not in w and "levels" not in w)]
        if "data=csv" in words and not any(word.startswith("data.path=") for word in words):
            words += ["data.path=mine.csv", "data.column=level"]  # which a command for its --help leaves out
        cfg = configure(*grid(words)[0], name=script)
        if not any("_target_" in w or "custom" in w for w in words):
            config.check(cfg)
        tried += 1
    assert tried > 15


def test_the_readme_is_short_and_its_python_runs_as_it_stands(root):
    readme = (root / "README.md").read_text()
    assert readme.count("\n") <= 150
    for name in DOCS:
        for block in re.findall(r"```python\n(.*?)```", (root / name).read_text(), re.S):
            ast.parse(block)
