"""Converts docstrings to reStructuredText: plain text, `names` in backticks, indented blocks and tables."""

import ast
import importlib
import inspect
import re
import textwrap

from formulas import is_equation, latex
from sphinx.util import logging

LOG = logging.getLogger(__name__)
SECTION = re.compile(r"^(Args|Returns|Raises|Fields):$")
NAME = re.compile(r"jaxrnn(?:\.\w+)+")


def exists(name):
    """Returns whether a dotted name is a module of the package or an attribute of one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if part in getattr(value, "_fields", ()) or part in getattr(value, "__annotations__", {}):
                return True
            value = getattr(value, part, None)
            if value is None:
                return False
        return True
    return False


def inline(text, where):
    """Converts one line of a docstring: names in backticks become literals, special characters are escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner
        return re.sub(r"([*`|\\])", r"\\\1", text)
    for index, part in enumerate(parts):
        if index % 2:
            if NAME.fullmatch(part) and not exists(part):
                LOG.warning("%s: unknown name %s", where, part)
            follows = parts[index + 1][:1]
            parts[index] = f"``{part}``" + ("\\ " if follows.isalnum() else "")
        else:
            part = re.sub(r"([*|\\])", r"\\\1", part)
            parts[index] = re.sub(r"(\w)_(?=\W|$)", r"\1\\_", part)
    return "".join(parts)


def converted(lines, where):
    """Converts the lines of a docstring to reStructuredText; napoleon converts the sections later."""
    converted_lines, section, block = [], False, False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if SECTION.match(line):
            section, block = True, False
            converted_lines.append(line)
            continue
        if line.strip() and indent == 0:
            section = False
        literal = not section and (indent >= 2 or line.startswith("|"))
        if literal and not block:
            if converted_lines and converted_lines[-1].strip():
                converted_lines.append("")
            converted_lines += ["::", ""]
        if not literal and line.strip():
            if block and converted_lines[-1].strip():
                converted_lines.append("")
            block = False
        block = block or literal
        if block:
            converted_lines.append(f"    {line}" if line.strip() else "")
        else:
            converted_lines.append(inline(line, where))
    return converted_lines


def with_formulas(lines):
    """Converts the literal blocks that consist of equations to formulas."""
    results, block = [], []
    for line in [*lines, "end"]:
        if block and (line.startswith("    ") or not line):
            block.append(line)
            continue
        equations = [text for text in block[2:] if text]
        if equations and all(map(is_equation, equations)):
            block = [".. math::", "", *(f"    {text}" for text in latex(equations).splitlines()), ""]
        results += block
        block = [line] if line == "::" else []
        results += [] if block else [line]
    return results[:-1]


def process(app, kind, name, value, options, lines):
    """Converts the docstring of an object, in place."""
    converted_lines = converted(list(lines), name)
    lines[:] = with_formulas(converted_lines) if name.startswith("jaxrnn.cells.") else converted_lines


def signature(app, kind, name, value, options, arguments, returns):
    """Returns the arguments as written in the source, with the names of type aliases."""
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    if isinstance(node, ast.FunctionDef):
        source = ast.unparse(node.args)
        if kind == "method":
            source = re.sub(r"^(self|cls)(, )?", "", source)
        source = re.sub(r"Annotated\[(\w+), \w+\([^()]*\)\]", r"\1", source)  # the docstring has the range
        return f"({source})", None if node.returns is None else ast.unparse(node.returns)
    return None


def skip(app, kind, name, value, skipped, options):
    """Omits the fields of named tuples, which the docstring of their class describes."""
    return True if type(value).__name__ in ("_tuplegetter", "member_descriptor") else None


def setup(app):
    app.connect("autodoc-process-docstring", process, priority=100)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True}
