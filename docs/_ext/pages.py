"""Writes pages from the source: one page per module, the keys of every choice, and the help texts of the commands."""

import ast
import importlib
import inspect
import re
import sys
from pathlib import Path

import yaml
from docstrings import NAME, exists
from sphinx.util import logging

from jaxrnn.experiments import help as helping
from jaxrnn.experiments.compose import CONF

LOG = logging.getLogger(__name__)
DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
PACKAGE = ROOT / "src" / "jaxrnn"
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
NEEDS = {"torch_model"}  # modules that need a package which is not installed for the site
GROUPS = ("model", "model/parametrization", "data", "data/distribution", "optimizer", "optimizer/schedule", "unroll")
GROUPS += ("trainer", "callbacks", "probes", "logger", "regularizer", "study", "benchmark")
COMMANDS = ("train", "evaluate", "generate", "export", "study", "reproduce", "report", "tune", "benchmark")


def write(path, lines):
    """Writes a page only if it has changed, so that Sphinx reads only changed pages again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def keep(folder, stems):
    """Removes the pages of modules and choices that no longer exist: all pages of a folder except `stems`."""
    for path in folder.glob("*.*"):
        if path.is_file() and path.stem not in {"index", *stems}:
            path.unlink()


def first_line(path):
    """Returns the first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


def api():
    """Writes one page per public module, and one page per room with its entry points and a list of its modules.

    The page `jaxrnn` has the entry points of the package, such as `jaxrnn.fit`.
    """
    write(DOCS / "api" / "jaxrnn.rst", ["jaxrnn", "======", "", *entry_points("jaxrnn")])
    rooms, pages = ["jaxrnn"], []
    for room in ROOMS:
        files = [path for path in (PACKAGE / room).rglob("*.py") if path.name[0] != "_"]
        modules = sorted(".".join(path.relative_to(PACKAGE / room).with_suffix("").parts) for path in files)
        names = [f"jaxrnn.{room}.{stem}" for stem in modules if stem not in NEEDS]
        for name in names:
            write(DOCS / "api" / f"{name}.rst", module(name))
        title = f"jaxrnn.{room}"
        lines = [title, "=" * len(title), "", f".. automodule:: {title}", "   :no-members:", ""]
        lines += entry_points(title)
        lines += [".. toctree::", "   :maxdepth: 1", "", *(f"   {name}" for name in names)]
        write(DOCS / "api" / f"{title}.rst", lines)
        rooms.append(title)
        pages += names
    base = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
    for stem in base:
        write(DOCS / "api" / f"jaxrnn.{stem}.rst", module(f"jaxrnn.{stem}"))
    lines = ["API reference", "=============", "", ".. automodule:: jaxrnn", "   :no-members:", ""]
    lines += ["Each module has a page with the signatures and docstrings of its functions.", ""]
    lines += [
        ".. toctree::",
        "   :maxdepth: 1",
        "",
        *(f"   {name}" for name in [*rooms, *map("jaxrnn.{}".format, base)]),
    ]
    write(DOCS / "api" / "index.rst", lines)
    keep(DOCS / "api", [*pages, *rooms, *map("jaxrnn.{}".format, base)])


def entry_points(package):
    """Returns the lines with the functions and classes that a package offers under its own name.

    A class refers to the page of its module, which has its members. A function with the name of its module, such as
    `jaxrnn.interop.export`, has no entry of its own in the index.
    """
    room, functions, classes = importlib.import_module(package), [], []
    for name in room.__all__:
        value, shared = getattr(room, name), (Path(room.__file__).parent / f"{name}.py").exists()
        if inspect.isfunction(value):
            functions += [f".. autofunction:: {package}.{name}", *(["   :no-index:"] if shared else []), ""]
        elif inspect.isclass(value) and "._" in value.__module__:  # without a page of its own
            classes += [f".. autoclass:: {package}.{name}", "   :members:", ""]
        elif inspect.isclass(value):
            defined = f"{value.__module__}.{value.__name__}"
            classes += [f".. py:class:: {name}", f"   :module: {package}", "", f"   See :py:class:`{defined}`.", ""]
    return functions + classes


def module(name):
    """Returns the lines of a module's page."""
    return [name, "=" * len(name), "", f".. automodule:: {name}", "   :members:", "   :show-inheritance:"]


def configuration():
    """Writes the keys of every choice of every group, from the factories' signatures and docstrings."""
    lines = ["# Configuration", ""]
    lines += [
        "These pages list the keys of every choice of every group. Types and descriptions come from the factories."
    ]
    lines += ["`jaxrnn train ... --help` prints the keys of the parts that a command chooses.", ""]
    lines += ["```{toctree}", ":maxdepth: 1", ""]
    pages = {}
    for group in GROUPS:
        slug = group.replace("/", "_")
        pages[slug] = [f"# `{group}=`", ""]
        if group == "model":
            title, arguments = helping.described("jaxrnn.nets.rnn")
            pages[slug] += ["## Every model", "", title, "", *keys("model", {}, arguments), ""]
        for file in sorted((CONF / group).glob("*.yaml")):
            pages[slug] += choice(group, file)
        lines.append(slug)
    pages["commands"] = [
        "# Commands",
        "",
        "The output of `--help` for each command. After other words, `--help` lists the keys of the chosen parts.",
        "",
    ]
    for name in COMMANDS:
        pages["commands"] += [f"## `jaxrnn {name}`", "", "```text", helping.text(name, []).rstrip(), "```", ""]
    write(DOCS / "configuration" / "index.md", [*lines, "commands", "```"])
    for slug, content in pages.items():
        write(DOCS / "configuration" / f"{slug}.md", content)
    keep(DOCS / "configuration", pages)


def choice(group, file):
    """Returns the lines about one choice of a group."""
    content = yaml.safe_load(file.read_text()) or {}
    leaf = group.rpartition("/")[2]
    node = content.get(leaf, content) if leaf in ("study", "benchmark", "data") else content
    lines = [f"## `{group}={file.stem}`", ""]
    for path, part in nodes(node if isinstance(node, dict) else {}, group.replace("/", ".")):
        if path == "model":
            continue
        title, arguments = helping.described(part["_target_"])
        lines += [title, "", *keys(path, part, arguments), ""]
    return lines


def keys(path, node, arguments):
    """Returns a table of a factory's arguments, with their values in a node of the configuration."""
    rows = []
    for name, (kind, default, description) in arguments.items():
        if f"{path}.{name}" not in helping.SET_BY_PROGRAM and not isinstance(node.get(name), dict) and name != "cell":
            value = helping._format_value(node.get(name, default))
            rows.append(f"| `{path}.{name}` | {cell(kind)} | `{value}` | {cell(description)} |")
    return ["| key | type | value | |", "|---|---|---|---|", *rows] if rows else []


def nodes(node, path):
    """Yields (key, node) of every part with a factory."""
    if "_target_" in node:
        yield path, node
    for name, value in node.items():
        if isinstance(value, dict):
            yield from nodes(value, f"{path}.{name}")


def cell(text):
    """Escapes a text for a cell of a table."""
    return str(text).replace("|", "\\|").replace("_target_", "`_target_`")


def checked(app, name, source):
    """Warns about names of the package and of files in a page that do not exist."""
    for dotted in set(re.findall(rf"`({NAME.pattern})(?:\([^`]*\))?`", source[0])):
        if not exists(dotted):
            LOG.warning("unknown name %s", dotted, location=name)
    for path in set(re.findall(r"\b((?:tests|scripts|conf|src|docs)/[\w/.-]+\.(?:py|yaml|md|sh))\b", source[0])):
        if not (ROOT / path).exists() and "..." not in path:
            LOG.warning("file %s does not exist", path, location=name)


def build(app):
    api()
    configuration()
    changes = (ROOT / "CHANGELOG.md").read_text().replace("](docs/", "](")
    write(DOCS / "changes.md", [changes])
    contributing = (ROOT / "CONTRIBUTING.md").read_text().replace("](docs/", "](")
    write(DOCS / "contributing.md", [contributing])


def setup(app):
    sys.path.insert(0, str(DOCS))
    app.connect("builder-inited", build)
    app.connect("source-read", checked)
    return {"parallel_read_safe": True}
