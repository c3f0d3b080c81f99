"""What `--help` prints: every key of the chosen parts with its type, its value and what it is.

Types and descriptions are those of the factories' signatures and docstrings, read from their source: importing them
would import JAX.
"""

import ast
import importlib.util
import re
from pathlib import Path

from jaxrnn.experiments.conf import CONF, compose

KINDS = {
    "Size": "integer above 0",
    "Seed": "integer",
    "NonNegativeInt": "integer, 0 or more",
    "Positive": "number above 0",
    "NonNegative": "number, 0 or more",
    "Rate": "number in [0, 1)",
    "Lag": "number above 2",
    "int": "integer",
    "float": "number",
    "bool": "true, false",
    "str": "text",
    "Callable[..., Any]": "a node with a _target_",
    "Cell": "a node with a _target_",
    "Target": "every, last",
    "jax.typing.ArrayLike": "number",
    "None": "null",
}
HIDDEN = ("_target_", "_partial_")
GIVEN = ("model.output_size", "study.networks", "paper.quick")  # arguments, and no keys: others say them


def text(name, overrides):
    """The help of a script for the parts that its arguments choose.

    Args:
      name: the name of its configuration.
      overrides: its arguments without options.
    """
    from omegaconf import OmegaConf

    page, cfg = _page(name), _composed(name, overrides)
    lines = [cfg.hydra.help.header.rstrip(), "", "Choices:"]
    groups = sorted(path for path in CONF.rglob("*") if path.is_dir() and "hydra" not in path.parts)
    known = set(re.findall(r"^ +- (?:override )?/?([\w/]+):", page, re.M))
    for group in groups:
        if (label := str(group.relative_to(CONF))) in known:
            lines.append(f"  {label}={'|'.join(sorted(file.stem for file in group.glob('*.yaml')))}")
    lines += ["", "Keys, with the values that they have now:"]
    content = OmegaConf.to_container(cfg, resolve=False)
    comments = dict(re.findall(r"^(\w+):[^#\n]*# (.*)$", page, re.M))
    rows = [(key, "", value, comments.get(key, "")) for key, value in content.items() if not isinstance(value, dict)]
    for key, node in content.items():
        if key != "hydra" and isinstance(node, dict):
            rows += _rows(key, node)
    for key, kind, value, what in rows:
        if kind is None:
            lines += ["", f"  {key}: {what}"]
            continue
        shown = f"{key}={_shown(value)}"
        about = "; ".join(part for part in (kind, what) if part)
        lines.append(f"    {shown:<38} {about}".rstrip())
    lines += ["", "--cfg job shows the whole configuration, -m sweeps: many values, as in seed=0,1,2, are many runs."]
    return "\n".join(lines)


def keys(name, overrides):
    """The keys of a script for the parts that its arguments choose; as of `text`."""
    from omegaconf import OmegaConf

    content = OmegaConf.to_container(_composed(name, overrides), resolve=False)
    content.pop("hydra")
    nodes = {key: node for key, node in content.items() if isinstance(node, dict)}
    first = dict.fromkeys([*content, *re.findall(r"^ +- (\w+):", _page(name), re.M)])
    return [*first, *(row[0] for key, node in nodes.items() for row in _rows(key, node) if row[1] is not None)]


def _page(name):
    return (CONF / f"{name}.yaml").read_text()


def _composed(name, overrides):
    """The configuration, where a part that is not chosen yet is null."""
    words = [word for word in overrides if not _names_many(word)]
    for group in re.findall(r"^ +- (\w+): \?\?\?", _page(name), re.M):
        words += [] if any(word.startswith(f"{group}=") for word in words) else [f"{group}=null"]
    return compose(name, words, with_hydra=True)


def _rows(path, node):
    """(key, kind, value, description) of every argument of a node's factory, and of the nodes below it."""
    rows, below = [], {key: value for key, value in node.items() if isinstance(value, dict)}
    if "_target_" in node:
        title, arguments = described(node["_target_"])
        rows.append((f"{path} ({node['_target_']})", None, None, title))
        for name, (kind, default, what) in arguments.items():
            given = f"{path}.{name}" in GIVEN and name not in node
            if name not in below and not given:
                rows.append((f"{path}.{name}", kind, node.get(name, default), what))
        rows += [
            (f"{path}.{name}", "", value, "")
            for name, value in node.items()
            if name not in arguments and name not in below and name not in HIDDEN
        ]
    for name, value in below.items():
        rows += _rows(f"{path}.{name}", value)
    return rows


def described(target):
    """(first line, {argument: (kind, default, description)}) of a factory, from its source; empty if it has none."""
    found, aliases = _definition(target)
    if found is None:
        return "", {}
    documented = ast.get_docstring(found) or ""
    what = _descriptions(documented)
    if isinstance(found, ast.ClassDef):
        pairs = [(n.target.id, n.annotation, n.value) for n in found.body if isinstance(n, ast.AnnAssign)]
    else:
        args = [*found.args.args, *found.args.kwonlyargs]
        defaults = [None] * (len(found.args.args) - len(found.args.defaults)) + found.args.defaults
        defaults += found.args.kw_defaults
        pairs = [(a.arg, a.annotation, d) for a, d in zip(args, defaults, strict=True)]
    rows = {}
    for name, annotation, default in pairs:
        value = "???" if default is None else ast.unparse(default)
        if isinstance(default, ast.Constant):
            value = default.value
        rows[name] = (_kind(annotation, aliases), value, what.get(name, ""))
    return documented.partition("\n")[0], rows


def _definition(target):
    """(the function or class that a dotted name means, as it stands in its source, {name: Literal[...]} of its file);
    (None, {}) if there is none."""
    module, _, name = str(target).rpartition(".")
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        return None, {}
    file = Path(spec.origin)
    files = [file, *(sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [])]
    pattern = re.compile(rf"^(?:def|class) {re.escape(name)}\b", re.M)
    for file in files:
        source = file.read_text()
        if pattern.search(source):
            tree = ast.parse(source)
            for node in tree.body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                    return node, _aliases(tree)
    return None, {}


def _descriptions(documented):
    """{name: sentence} of the section Args or Fields of a docstring."""
    section = re.search(r"^(?:Args|Fields):\n(.*?)(?=^\S|\Z)", documented + "\n", re.M | re.S)
    if section is None:
        return {}
    found = {}
    for entry in re.split(r"\n(?=  \S)", "\n" + section[1]):
        if match := re.match(r"\s*([\w, ]+):\s+(.*)", entry, re.S):
            sentence = re.split(r"(?<=[.;])(?<!al\.)\s", re.sub(r"\s+", " ", match[2]).strip())[0].rstrip(".;")
            found |= {name.strip(): sentence for name in match[1].split(",")}
    return found


def _aliases(tree):
    """{name: Literal[...]} of a file that gives such types names."""
    given = ((node.targets[0], node.value) for node in tree.body if isinstance(node, ast.Assign))
    return {ast.unparse(name): value for name, value in given if ast.unparse(value).startswith("Literal[")}


def _kind(annotation, aliases):
    """A type in words."""
    if annotation is None:
        return ""
    annotation = aliases.get(getattr(annotation, "id", None), annotation)
    source = ast.unparse(annotation)
    if isinstance(annotation, ast.BinOp):
        return f"{_kind(annotation.left, aliases)}, {_kind(annotation.right, aliases)}"
    if source.startswith("Literal["):
        return ", ".join(part.strip(" '") for part in source[len("Literal[") : -1].split(","))
    if source.startswith(("list[", "tuple[")):
        return f"list of: {_kind(annotation.slice, aliases)}"
    return KINDS.get(source, source)


def _shown(value):
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _names_many(word):
    """Whether an override names many values, as in a sweep."""
    return "," in word.partition("=")[2] and not word.partition("=")[2].startswith(("[", "{", "'"))
