"""Our docstrings for Sphinx: plain text with `names` in backticks, indented blocks and tables, as reStructuredText."""

import ast
import importlib
import inspect
import re
import textwrap

from sphinx.util import logging

LOG = logging.getLogger(__name__)
SECTION = re.compile(r"^(Args|Returns|Raises|Fields):$")
NAME = re.compile(r"jaxrnn(?:\.\w+)+")


def exists(name):
    """Whether a dotted name is a module of the package, or something in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if part in getattr(found, "_fields", ()) or part in getattr(found, "__annotations__", {}):
                return True
            found = getattr(found, part, None)
            if found is None:
                return False
        return True
    return False


def inline(text, where):
    """One line of a docstring: names in backticks as literals, what reStructuredText would read escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick that is none of a pair
        return re.sub(r"([*`|\\])", r"\\\1", text)
    for place, part in enumerate(parts):
        if place % 2:
            if NAME.fullmatch(part) and not exists(part):
                LOG.warning("%s: there is no %s", where, part)
            follows = parts[place + 1][:1]
            parts[place] = f"``{part}``" + ("\\ " if follows.isalnum() else "")
        else:
            part = re.sub(r"([*|\\])", r"\\\1", part)
            parts[place] = re.sub(r"(\w)_(?=\W|$)", r"\1\\_", part)
    return "".join(parts)


def converted(lines, where):
    """The lines of a docstring as reStructuredText; sections stay for napoleon."""
    found, section, block = [], False, False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if SECTION.match(line):
            section, block = True, False
            found.append(line)
            continue
        if line.strip() and indent == 0:
            section = False
        literal = not section and (indent >= 2 or line.startswith("|"))
        if literal and not block:
            if found and found[-1].strip():
                found.append("")
            found += ["::", ""]
        if not literal and line.strip():
            if block and found[-1].strip():
                found.append("")
            block = False
        block = block or literal
        if block:
            found.append(f"    {line}" if line.strip() else "")
        else:
            found.append(inline(line, where))
    return found


def process(app, what, name, found, options, lines):
    lines[:] = converted(list(lines), name)


def signature(app, what, name, found, options, given, returns):
    """The arguments as they stand in the source: names of types, not what they expand to."""
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(found))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    if isinstance(node, ast.FunctionDef):
        arguments = ast.unparse(node.args)
        if what == "method":
            arguments = re.sub(r"^(self|cls)(, )?", "", arguments)
        return f"({arguments})", None if node.returns is None else ast.unparse(node.returns)
    return None


def skip(app, what, name, found, left_out, options):
    """Fields of named tuples are told in the docstring of their class."""
    return True if type(found).__name__ in ("_tuplegetter", "member_descriptor") else None


def setup(app):
    app.connect("autodoc-process-docstring", process, priority=100)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True}
