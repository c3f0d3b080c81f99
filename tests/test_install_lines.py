"""The install lines of the docs are those of this checkout, and CI tries each of them."""

import importlib.util
import re
import tomllib

import pytest


@pytest.fixture(scope="module")
def lines(root):
    spec = importlib.util.spec_from_file_location("install_lines", root / ".ci" / "install_lines.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_install_line_is_tried_by_ci(root, lines):
    """In an environment of its own with a command after it, in a stage of .ci/run, or resolved only."""
    known = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    stages = re.findall(r"^environment '(\S+)'", (root / ".ci" / "run").read_text(), re.M)
    (left_out,) = re.findall(r"install_lines\.py (.*) #", (root / ".ci" / "run").read_text())
    assert sorted(left_out.replace("'", "").split()) == sorted(stages)
    found = lines.documented()
    assert len(found) > 8
    assert {("-e", stage) for stage in stages} <= set(found), "a stage whose environment no page installs"
    for words, files in found.items():
        assert set(lines.extras(words)) <= {"", *known}, files
        if words[-1] not in stages and not lines.is_resolved_only(words):
            assert set(lines.extras(words)) <= set(lines.COMMANDS), files


def test_a_line_that_installs_from_an_index_is_refused(lines):
    with pytest.raises(ValueError, match="not on an index"):
        lines.extras(("jaxrnn[tensorboard]",))
