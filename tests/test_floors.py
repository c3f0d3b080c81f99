"""The house: a file imports only from floors below its own, and importing the package stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "jaxrnn"
FLOORS = [
    {"", "types"},
    {"initializers", "gates", "losses", "unroll", "deferred", "newton", "transforms", "series", "tasks"},
    {"cells", "data"},
    {"nets", "decode", "intermediates", "dynamics", "cudnn"},
    {
        "optimizers",
        "devices",
        "training",
        "prediction",
        "population",
        "checkpoint",
        "logging",
        "tensorboard",
        "plotting",
        "timing",
        "elsewhere",
        "peers",
        "config",
        "interop",
        "bridge",
    },
    {
        "experiment",
        "course",
        "fitting",
        "results",
        "runs",
        "probes",
        "subjects",
        "studies",
        "analysis",
        "variation",
        "together",
        "sweeps",
        "resumption",
        "report",
        "tuning",
        "benchmarks",
    },
]
# Within a floor only these are allowed to build on each other, and never in a circle.
SHARED = {
    "transforms": {"gates"},
    "deferred": {"gates", "unroll"},
    "newton": {"gates", "transforms", "unroll"},
    "series": {"losses"},
    "tasks": {"losses"},
    "training": {"devices"},
    "prediction": {"devices", "training"},
    "population": {"devices", "training"},
    "checkpoint": {"config"},
    "tensorboard": {"config"},
    "results": {"experiment"},
    "subjects": {"experiment"},
    "studies": {"experiment", "subjects"},
    "probes": {"subjects"},
    "fitting": {"probes", "course"},
    "variation": {"experiment"},
    "together": {"experiment", "course", "fitting", "probes", "results"},
    "sweeps": {"fitting", "runs", "together", "variation"},
    "tuning": {"resumption", "sweeps"},
    "resumption": {"sweeps"},
    "benchmarks": {"experiment"},
    "timing": {"elsewhere", "logging", "plotting"},
    "peers": {"devices", "training"},
    "devices": {"config"},
    "runs": {"experiment", "fitting", "results", "probes"},
    "analysis": {"experiment", "subjects", "runs"},
}
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def room(path):
    return path.parts[0].removesuffix(".py").replace("__init__", "")


def floor(name):
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def imported(path):
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "jaxrnn":
            parts = node.module.split(".")[1:]
            yield from [".".join(parts)] if parts else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[2] for alias in node.names if alias.name.startswith("jaxrnn."))
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_from_floors_below(path):
    own = room(path)
    for module in imported(path):
        other = module.split(".")[0]
        if other == own:
            raise AssertionError(f"{path} imports {module}: siblings never import siblings")
        if floor(other) == floor(own):
            assert other in SHARED.get(own, set()), f"{path} imports {module} on its own floor"
        else:
            assert floor(other) < floor(own), f"{path} imports {module} from a floor above"


def test_the_seams_keep_their_libraries():
    """Flax, Optax, Orbax and matplotlib enter on the fourth floor; the loss alone takes a formula from Optax."""
    for path in FILES:
        if floor(room(path)) >= 4:
            continue
        source = (PACKAGE / path).read_text()
        for library in ("flax", "orbax", "matplotlib", "hydra", "optax"):
            if (room(path), library) != ("losses", "optax"):
                assert f"import {library}" not in source, f"{path} imports {library}"


def test_importing_the_package_pulls_no_heavy_library():
    code = "import jaxrnn, sys; print([m for m in ('matplotlib', 'orbax', 'pandas', 'jax') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
