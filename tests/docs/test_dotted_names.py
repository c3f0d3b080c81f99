"""Every dotted name of the package in the docs, in docstrings and in messages works after `import jaxrnn`."""

import ast
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"(?<![\w./])jaxrnn(?:\.[A-Za-z_]\w*)+")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
CATALOGUES = ("cells", "data", "distributions", "unroll", "studies", "papers", "benchmarks")
RESOLVE = """
import sys
import jaxrnn
for name in sys.stdin.read().split():
    found = jaxrnn
    try:
        for part in name.split(".")[1:]:
            found = getattr(found, part)
    except Exception as error:
        print(f"{name}: {error}")
"""


def strings(path):
    """The text of a page, or the strings of a source file, docstrings among them."""
    if path.suffix == ".md":
        return [path.read_text()]
    nodes = ast.walk(ast.parse(path.read_text()))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def dotted_names():
    """{name: the files that have it}; up to NAME, which stands for any module."""
    found = {}
    for path in [*PAGES, *SOURCES]:
        for name in {match[0] for text in strings(path) for match in NAME.finditer(text)}:
            found.setdefault(name.partition(".NAME")[0], set()).add(str(path.relative_to(ROOT)))
    return found


def unresolved(names):
    """What one fresh interpreter says of the names that it cannot resolve after `import jaxrnn` only."""
    done = subprocess.run([sys.executable, "-c", RESOLVE], input=" ".join(names), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_name_in_docs_docstrings_and_messages_resolves():
    names = dotted_names()
    assert {"jaxrnn.unroll.scan.unroll", "jaxrnn.cells.lstm", "jaxrnn.data.series", "jaxrnn.unroll.deferred"} <= set(
        names
    )
    assert [f"{line} ({', '.join(sorted(names[line.partition(':')[0]]))})" for line in unresolved(names)] == []


def test_every_file_of_a_catalogue_is_a_name_without_an_entry_in_a_list():
    folders = [ROOT / "src" / "jaxrnn" / room for room in CATALOGUES]
    names = [f"jaxrnn.{f.name}.{m.name}" for f in folders for m in pkgutil.iter_modules([str(f)])]
    assert len(names) > 100
    assert unresolved(names) == []


def test_a_function_comes_before_the_module_of_its_name():
    code = "import jaxrnn.interop.export, jaxrnn; print(callable(jaxrnn.interop.export), 'lstm' in dir(jaxrnn.cells))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["True", "True"]
