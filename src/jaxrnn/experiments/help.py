"""Writes the text of `--help`: every key of the chosen nodes with its type, value and description.

Types and descriptions come from the signatures and docstrings of the factories. They are read from the source files,
because importing the factories would import JAX.
"""

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

from jaxrnn.experiments.compose import CONF, compose
from jaxrnn.experiments.nodes import SET_BY_PROGRAM, STACKS
from jaxrnn.experiments.type_words import WORDS, in_words
from jaxrnn.hints import program
from jaxrnn.signatures import off

SCRIPT = re.compile(r"python scripts/(\w+)\.py")  # the form of the headers in the YAML files
HIDDEN = ("_target_", "_partial_")


def text(name, overrides):
    """Returns the help text of a script for the nodes that its arguments choose.

    Args:
      name: the name of the script's configuration.
      overrides: the script's arguments without options (words that start with "-").
    """
    from omegaconf import OmegaConf

    page, cfg = _page(name), _composed(name, overrides)
    lines = [SCRIPT.sub(_typed_form, cfg.hydra.help.header.rstrip()), "", "Choices:"]
    groups = sorted(path for path in CONF.rglob("*") if path.is_dir() and "hydra" not in path.parts)
    groups_of_script = set(re.findall(r"^ +- (?:override )?/?([\w/]+):", page, re.M))
    for group in groups:
        if (label := str(group.relative_to(CONF))) in groups_of_script:
            lines.append(f"  {label}={'|'.join(sorted(file.stem for file in group.glob('*.yaml')))}")
    lines += ["", "Keys and their current values:"]
    content: Any = OmegaConf.to_container(cfg, resolve=False)
    comments = dict(re.findall(r"^(\w+):[^#\n]*# (.*)$", page, re.M))
    rows = [(key, "", value, comments.get(key, "")) for key, value in content.items() if not isinstance(value, dict)]
    for key, node in content.items():
        if key != "hydra" and isinstance(node, dict):
            rows += _rows(key, node)
    nested = dict(re.findall(r"^  (\w+):[^#\n]*# (.*)$", page, re.M))  # of keys that are no argument of a factory
    for key, kind, value, description in rows:
        if kind is None:
            lines += ["", f"  {key}: {description}"]
            continue
        assignment = f"{key}={_format_value(value)}"
        about = "; ".join(part for part in (kind, description) if part) or nested.get(key.rpartition(".")[2], "")
        lines.append(f"    {assignment:<38} {about}".rstrip())
    lines += ["", "--cfg job shows the whole configuration. -m sweeps: seed=0,1,2 trains one run per value."]
    return "\n".join(lines)


def _typed_form(match):
    """Returns the words that start a command, in the form that the user typed."""
    return " ".join(program(match[1]))


def keys(name, overrides):
    """Lists the keys of a script for the nodes that its arguments choose. Takes the same arguments as `text`."""
    from omegaconf import OmegaConf

    content: Any = OmegaConf.to_container(_composed(name, overrides), resolve=False)
    content.pop("hydra")
    nodes = {key: node for key, node in content.items() if isinstance(node, dict)}
    top_level = dict.fromkeys([*content, *re.findall(r"^ +- (\w+):", _page(name), re.M)])
    return [*top_level, *(row[0] for key, node in nodes.items() for row in _rows(key, node) if row[1] is not None)]


def _page(name):
    return (CONF / f"{name}.yaml").read_text()


def _composed(name, overrides):
    """Composes the configuration. Groups without a choice are null."""
    words = [word for word in overrides if not _is_sweep(word)]
    for group in re.findall(r"^ +- (\w+): \?\?\?", _page(name), re.M):
        words += [] if any(word.startswith(f"{group}=") for word in words) else [f"{group}=null"]
    return compose(name, words, with_hydra=True)


def _rows(path, node):
    """Lists (key, type, value, description) for every argument of a node's factory, and for the nodes below it."""
    rows, below = [], {key: value for key, value in node.items() if isinstance(value, dict)}
    if "_target_" in node:
        title, arguments = described(node["_target_"])
        rows.append((f"{path} ({node['_target_']})", None, None, title))
        for name, (kind, default, description) in arguments.items():
            is_hidden = f"{path}.{name}" in SET_BY_PROGRAM and name not in node
            if name not in below and not is_hidden:
                rows.append((f"{path}.{name}", kind, node.get(name, default), description))
        rows += [
            (f"{path}.{name}", "", value, "")
            for name, value in node.items()
            if name not in arguments and name not in below and name not in HIDDEN
        ]
    for name, value in below.items():
        rows += _rows(f"{path}.{name}", value)
    return rows


def described(target):
    """Reads the documentation of a factory from its source.

    Returns:
      (first line of the docstring, {argument: (type, default, description)}), both empty without a source file. A
      factory that stands for several, by `nodes.STACKS`, has the arguments of all of them.
    """
    title, rows = _described(target)
    if target == STACKS["values"]:
        for factory in STACKS.values():
            rows |= {name: row for name, row in _described(factory)[1].items() if name not in rows}
    return title, rows


def _described(target):
    """Reads the documentation of one factory; returns what `described` returns."""
    definition, file = _definition(target)
    if definition is None:
        return "", {}
    docstring = ast.get_docstring(definition) or ""
    descriptions = _descriptions(docstring)
    if isinstance(definition, ast.ClassDef):
        fields = [node for node in definition.body if isinstance(node, ast.AnnAssign)]
        parameters = [(ast.unparse(node.target), node.annotation, node.value) for node in fields]
    else:
        args = [*definition.args.args, *definition.args.kwonlyargs]
        defaults = [None] * (len(definition.args.args) - len(definition.args.defaults)) + definition.args.defaults
        defaults += definition.args.kw_defaults
        parameters = [(a.arg, a.annotation, d) for a, d in zip(args, defaults, strict=True)]
    rows = {}
    for name, annotation, default in parameters:
        value = "???" if default is None else ast.unparse(default)
        if isinstance(default, ast.Constant):
            value = default.value
        rows[name] = (in_words(annotation, file), value, descriptions.get(name, ""))
    return docstring.partition("\n")[0], rows | _group_of_keywords(target, definition)


def _group_of_keywords(target, definition):
    """Returns the arguments of `**options: Unpack[T]` as `_described` does; the class T is in the target's package."""
    group = re.search(r"\*\*\w+: Unpack\[(\w+)\]", ast.unparse(definition))
    if group is None:
        return {}
    rows = _described(f"{target.rpartition('.')[0]}.{group[1]}")[1]
    return {name: (kind, off(bool if kind == WORDS["bool"] else None), text) for name, (kind, _, text) in rows.items()}


def _definition(target):
    """Finds the function or class with a dotted name in its source file.

    Returns:
      (its syntax tree, its source file), or (None, None) if there is none.
    """
    module, _, name = str(target).rpartition(".")
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        return None, None
    file = Path(spec.origin)
    files = [file, *(sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [])]
    pattern = re.compile(rf"^(?:def|class) {re.escape(name)}\b", re.M)
    for file in files:
        source = file.read_text()
        if pattern.search(source):
            tree = ast.parse(source)
            for node in tree.body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                    return node, file
    return None, None


def _descriptions(docstring):
    """Returns {name: first sentence} from the section Args or Fields of a docstring."""
    section = re.search(r"^(?:Args|Fields):\n(.*?)(?=^\S|\Z)", docstring + "\n", re.M | re.S)
    if section is None:
        return {}
    sentences = {}
    for entry in re.split(r"\n(?=  \S)", "\n" + section[1]):
        if match := re.match(r"\s*([\w, ]+):\s+(.*)", entry, re.S):
            sentence = re.split(r"(?<=[.;])(?<!al\.)\s", re.sub(r"\s+", " ", match[2]).strip())[0].rstrip(".;")
            sentences |= {name.strip(): sentence for name in match[1].split(",")}
    return sentences


def _format_value(value):
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_sweep(word):
    """Returns True if an override lists several values, as in a sweep."""
    return "," in word.partition("=")[2] and not word.partition("=")[2].startswith(("[", "{", "'"))
