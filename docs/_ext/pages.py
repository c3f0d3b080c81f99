"""Pages that are made from the source: a page a module, the keys of every choice, what scripts say of themselves."""

import ast
import re
import sys
from pathlib import Path

import yaml
from docstrings import NAME, exists
from sphinx.util import logging

from jaxrnn.experiments import help as helping
from jaxrnn.experiments.conf import CONF

LOG = logging.getLogger(__name__)
DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
PACKAGE = ROOT / "src" / "jaxrnn"
ROOMS = ("papers", "studies", "benchmarks", "sweeps", "experiments", "training", "plotting", "interop", "dynamics")
ROOMS += ("nets", "data", "distributions", "unroll", "cells")
NEEDS = {"torch_model"}  # modules of which the package is imported elsewhere
GROUPS = ("model", "model/parametrization", "data", "data/distribution", "optimizer", "optimizer/schedule", "unroll")
GROUPS += ("trainer", "callbacks", "probes", "regularizer", "study", "benchmark")
SCRIPTS = ("train", "evaluate", "generate", "export", "study", "reproduce", "report", "tune", "benchmark")


def write(path, lines):
    """Writes a page where it is not the same already, so that Sphinx reads again what has changed alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def keep(folder, stems):
    """Removes what an earlier build wrote of modules and choices that are gone: all pages of a folder but these."""
    for path in folder.glob("*.*"):
        if path.is_file() and path.stem not in {"index", *stems}:
            path.unlink()


def first_line(path):
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


def api():
    """A page a public module, and one a room that lists them."""
    rooms, pages = [], []
    for room in ROOMS:
        modules = sorted(path for path in (PACKAGE / room).glob("*.py") if path.name[0] != "_")
        names = [f"jaxrnn.{room}.{path.stem}" for path in modules if path.stem not in NEEDS]
        for name, path in zip(names, [p for p in modules if p.stem not in NEEDS], strict=True):
            write(DOCS / "api" / f"{name}.rst", module(name, first_line(path)))
        title = f"jaxrnn.{room}"
        lines = [title, "=" * len(title), "", f".. automodule:: {title}", "   :no-members:", ""]
        lines += [".. toctree::", "   :maxdepth: 1", "", *(f"   {name}" for name in names)]
        write(DOCS / "api" / f"{title}.rst", lines)
        rooms.append(title)
        pages += names
    base = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
    for stem in base:
        write(DOCS / "api" / f"jaxrnn.{stem}.rst", module(f"jaxrnn.{stem}", ""))
    lines = ["API reference", "=============", "", ".. automodule:: jaxrnn", "   :no-members:", ""]
    lines += ["A page a module, its functions with their signatures and docstrings.", ""]
    lines += [
        ".. toctree::",
        "   :maxdepth: 1",
        "",
        *(f"   {name}" for name in [*rooms, *map("jaxrnn.{}".format, base)]),
    ]
    write(DOCS / "api" / "index.rst", lines)
    keep(DOCS / "api", [*pages, *rooms, *map("jaxrnn.{}".format, base)])


def module(name, about):
    return [name, "=" * len(name), "", f".. automodule:: {name}", "   :members:", "   :show-inheritance:"]


def configuration():
    """The keys of every choice of every group, from the factories' signatures and docstrings."""
    lines = [
        "# Configuration",
        "",
        "Every choice of every group with its keys; `python scripts/train.py ... --help` prints",
    ]
    lines += ["those of the parts that a command chooses. Types and sentences are those of the factories.", ""]
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
    pages["scripts"] = [
        "# Scripts",
        "",
        "What `--help` prints of each; `--help` after a command follows the choices made.",
        "",
    ]
    for name in SCRIPTS:
        pages["scripts"] += [f"## `scripts/{name}.py`", "", "```text", helping.text(name, []).rstrip(), "```", ""]
    write(DOCS / "configuration" / "index.md", [*lines, "scripts", "```"])
    for slug, content in pages.items():
        write(DOCS / "configuration" / f"{slug}.md", content)
    keep(DOCS / "configuration", pages)


def choice(group, file):
    """What the page of a group says of one of its choices."""
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
    """A table of a factory's arguments, with the values that a node gives them."""
    rows = []
    for name, (kind, default, what) in arguments.items():
        if f"{path}.{name}" not in helping.SET_BY_PROGRAM and not isinstance(node.get(name), dict) and name != "cell":
            value = helping._shown(node.get(name, default))
            rows.append(f"| `{path}.{name}` | {cell(kind)} | `{value}` | {cell(what)} |")
    return ["| key | type | value | |", "|---|---|---|---|", *rows] if rows else []


def nodes(node, path):
    """(key, node) of every part with a factory."""
    if "_target_" in node:
        yield path, node
    for name, value in node.items():
        if isinstance(value, dict):
            yield from nodes(value, f"{path}.{name}")


def cell(text):
    return str(text).replace("|", "\\|").replace("_target_", "`_target_`")


def checked(app, name, source):
    """Names of the package in a page's text have to exist, and so have the files that it names."""
    for found in set(re.findall(rf"`({NAME.pattern})(?:\([^`]*\))?`", source[0])):
        if not exists(found):
            LOG.warning("there is no %s", found, location=name)
    for found in set(re.findall(r"\b((?:tests|scripts|conf|src|docs)/[\w/.-]+\.(?:py|yaml|md|sh))\b", source[0])):
        if not (ROOT / found).exists() and "..." not in found:
            LOG.warning("there is no file %s", found, location=name)


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
