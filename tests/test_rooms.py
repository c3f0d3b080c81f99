"""The house: a room imports only rooms below it, siblings of a catalogue import no siblings, importing is light."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from jaxrnn import lazy

PACKAGE = Path(__file__).parents[1] / "src" / "jaxrnn"
ROOMS = [
    "commands",
    "papers",
    "studies",
    "benchmarks",
    "sweeps",
    "experiments",
    "plotting",
    "storage",
    "training",
    "interop",
    "dynamics",
    "nets",
    "data",
    "distributions",
]
ROOMS += ["unroll", "cells", "base"]  # the last one: the files beside the rooms
CATALOGUES = {  # room -> the factory of its entries
    "cells": "cell",
    "data": "dataset",
    "distributions": "distribution",
    "unroll": "unroll",
    "studies": "study",
    "papers": "reproduce",
    "benchmarks": "benchmark",
}
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def room(parts):
    return parts[0] if (PACKAGE / parts[0]).is_dir() else "base"


@functools.cache
def entries(room):
    """The names of the files of a catalogue that define its factory."""
    return lazy.entries(PACKAGE / room, CATALOGUES[room])


def imported(path):
    """The modules of the package that a file imports, as tuples of names."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "jaxrnn":
            parts = tuple(node.module.split(".")[1:])
            for alias in node.names:
                is_module = (PACKAGE.joinpath(*parts, f"{alias.name}.py")).exists()
                is_room = (PACKAGE.joinpath(*parts, alias.name)).is_dir()
                yield (*parts, alias.name) if is_module or is_room else parts
        elif isinstance(node, ast.Import):
            yield from (tuple(a.name.split(".")[1:]) for a in node.names if a.name.startswith("jaxrnn."))


def test_every_room_is_in_the_list_and_says_what_belongs_there():
    found = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert found == set(ROOMS) - {"base"}
    for name in found:
        docstring = ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text()))
        assert "belong" in docstring, f"{name}/__init__.py does not say what belongs there"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_rooms_below_its_own(path):
    own = room(path.parts)
    for module in imported(path):
        other = room(module)
        assert ROOMS.index(other) >= ROOMS.index(own), f"{path} imports {'.'.join(module)}, of a room above"
        if other == own and own in CATALOGUES and path.stem in entries(own):
            assert module[-1] not in entries(own), f"{path} imports {'.'.join(module)}: siblings import no siblings"


def test_private_modules_are_imported_in_their_own_room_only():
    """What another room needs is public."""
    crossings = {
        f"{path} imports {'.'.join(module)}"
        for path in FILES
        for module in imported(path)
        if module[-1].startswith("_") and room(module) != room(path.parts)
    }
    assert not crossings


def test_no_imports_go_in_a_circle():
    graph = {path.with_suffix("").parts: set() for path in FILES}
    for path in FILES:
        graph[path.with_suffix("").parts] |= {module for module in imported(path) if module in graph}
    order = []
    while graph:
        free = [name for name, needs in graph.items() if not needs & set(graph)]
        assert free, f"these import each other in a circle: {sorted(graph)}"
        order += free
        graph = {name: needs for name, needs in graph.items() if name not in free}


def test_files_and_functions_are_short():
    """A function is at most 50 lines after its signature, which lists one option a line."""
    for path in FILES:
        source = (PACKAGE / path).read_text()
        assert source.count("\n") <= 250, f"{path} has more than 250 lines"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                lines = node.end_lineno - node.body[0].lineno + 1
                assert lines <= 50, f"{path}: {node.name} has {lines} lines"


def test_what_is_private_to_jax_or_hydra_is_used_in_one_file_each():
    for path in FILES:
        source = (PACKAGE / path).read_text()
        if path.name != "hydra_internals.py":
            assert "hydra._internal" not in source, path
        if path.name != "jax_internals.py":
            assert "jax._src" not in source, path
            assert "partial_eval" not in source, path


def test_nothing_below_the_experiments_knows_hydra():
    for path in FILES:
        if ROOMS.index(room(path.parts)) > ROOMS.index("experiments"):
            source = (PACKAGE / path).read_text()
            assert "import hydra" not in source, path
            assert "from hydra" not in source, path
            assert "omegaconf" not in source, path


CORE = ("cells", "unroll", "nets", "data", "distributions", "dynamics", "training")
OPENING = {"open", "read_text", "write_text", "read_bytes", "write_bytes", "mkdir", "unlink", "savez", "touch"}


def modules_of(path):
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", [path for path in FILES if room(path.parts) in CORE], ids=str)
def test_the_core_draws_nothing_and_opens_no_file(path):
    """Data sets read the files that they are named after; `glyphs` reads a font that Matplotlib brings."""
    if path.name != "glyphs.py":
        assert not {name.split(".")[0] for name in modules_of(path)} & {"matplotlib", "hydra", "omegaconf"}
    if path.parts[0] != "data":
        for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", None))
                assert called not in OPENING, f"{path}, line {node.lineno}: {called}"


def test_importing_the_package_pulls_no_heavy_library():
    heavy = ("matplotlib", "pandas", "jax", "numpy", "hydra")
    code = f"import jaxrnn, sys; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_public_names_are_there():
    import jaxrnn

    for name in jaxrnn.__all__:
        assert getattr(jaxrnn, name) is not None
    with pytest.raises(AttributeError):
        jaxrnn.nothing  # noqa: B018
