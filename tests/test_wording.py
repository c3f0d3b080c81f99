"""Names, docstrings and pages follow CONTRIBUTING.md, as far as a program can tell."""

import subprocess
import sys

import pytest

CASES = {
    "page.md": ("word " * 25, "the line has 125 characters"),
    "docstring.py": ('"""What it does."""\n', "a docstring begins with 'What'"),
    "name.py": ("found = 1\n", "the name 'found' does not say what it holds"),
}


def wording(root, *names):
    command = [sys.executable, str(root / "tests" / "tools" / "wording.py"), *map(str, names)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)


def test_no_lapse_in_the_project(root):
    assert wording(root).stdout.strip() == ""


@pytest.mark.parametrize("name", CASES)
def test_a_lapse_is_named_with_its_line(root, tmp_path, name):
    text, message = CASES[name]
    (tmp_path / name).write_text(text)
    run = wording(root, tmp_path / name)
    assert run.returncode == 1
    assert f"{name}:1: {message}" in run.stdout
