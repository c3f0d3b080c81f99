"""The package as it is installed elsewhere: a wheel with its configurations and types; how to cite it."""

import subprocess
import sys
import zipfile

import pytest

import jaxrnn

USE = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import jaxrnn

assert Path(jaxrnn.__file__).is_relative_to(sys.argv[1])
run = jaxrnn.fit(jaxrnn.experiment("model=lstm", "data=sine", "trainer.steps=36", "model.cell.size=4"))
assert "<table>" in run._repr_html_()
assert "<img" in run._repr_html_()
"""


PROGRAM = """
import jaxrnn
from jaxrnn.commands.program import main

assert jaxrnn.__file__.startswith(sys.path[0])
main()
"""


@pytest.mark.slow
def test_a_wheel_has_all_that_an_experiment_needs(root, tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(root)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        file.extractall(tmp_path / "there")
    assert {"jaxrnn/py.typed", "jaxrnn/__init__.pyi", "jaxrnn/conf/train.yaml", "jaxrnn/sweeps/report.html"} <= names
    settings = {f"jaxrnn/{path.relative_to(root)}" for path in (root / "conf").rglob("*.yaml")}
    assert settings <= names
    there = str(tmp_path / "there")
    done = subprocess.run([sys.executable, "-c", USE, there], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (entries,) = (tmp_path / "there").glob("*.dist-info/entry_points.txt")
    assert "jaxrnn = jaxrnn.commands.program:main" in entries.read_text()
    (tmp_path / "jaxrnn").write_text(f"import sys\nsys.path.insert(0, {there!r})\n{PROGRAM}")
    (tmp_path / "empty").mkdir()
    for words in (
        ["train", "--help"],
        ["train", "units=4"],
        ["sweep", "seed=0,1", "trainer.steps=36", "figures=false"],
    ):
        command = [sys.executable, tmp_path / "jaxrnn", *words]
        done = subprocess.run(command, cwd=tmp_path / "empty", capture_output=True, text=True)
        assert done.returncode == (2 if "units=4" in words else 0), done.stderr
    assert len([*(tmp_path / "empty").glob("multirun/*/*/?/summary.json")]) == 2


def test_the_citation_names_this_version(root):
    import yaml

    content = yaml.safe_load((root / "CITATION.cff").read_text())
    assert content["version"] == jaxrnn.__version__
    assert {"cff-version", "message", "title", "authors", "license"} <= set(content)
