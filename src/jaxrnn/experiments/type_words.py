"""Describes the annotations of a factory in words, such as "integer above 0, null" for `Size | None`.

Annotations are read from source files, because importing the factories would import JAX.
"""

import ast
import functools
import importlib.util
from pathlib import Path

NODE = "a node with a _target_"
WORDS = {
    "int": "integer",
    "float": "number",
    "bool": "true, false",
    "str": "text",
    "Path": "path",
    "None": "null",
    "Any": "any value",
    "TableSource": "path",
    "ArrayLike": "number",
    "DTypeLike": "dtype such as bfloat16",
    "GradientTransformation": NODE,
    "Callable": NODE,
}
BOUNDS = {"gt": "above", "ge": "from", "lt": "below", "le": "at most"}
MAX_INTEGERS = ("2 ** 31", "2 ** 32")  # upper bounds that only say that JAX counts in 32 bits


def in_words(annotation, file):
    """Describes an annotation.

    Args:
      annotation: its syntax tree, or None.
      file: path of the source file that contains the annotation and defines or imports its aliases.
    """
    if annotation is None:
        return ""
    if isinstance(annotation, ast.BinOp):
        return _either([in_words(annotation.left, file), in_words(annotation.right, file)])
    if isinstance(annotation, ast.Subscript):
        return _subscript(annotation, file)
    name = ast.unparse(annotation).rpartition(".")[2]
    if name in WORDS:
        return WORDS[name]
    definition, source = _definition(annotation, file)
    if definition is None:
        return name
    return NODE if isinstance(definition, ast.ClassDef) else in_words(definition, source)


def _subscript(annotation, file):
    """Describes an annotation with brackets."""
    name, content = ast.unparse(annotation.value).rpartition(".")[2], annotation.slice
    parts = content.elts if isinstance(content, ast.Tuple) else [content]
    if name == "Literal":
        return ", ".join(choice for part in parts for choice in _choices(part, file))
    if name == "Optional":
        return _either([in_words(content, file), "null"])
    if name == "Annotated":
        return _range(in_words(parts[0], file), parts[1])
    if name in ("list", "tuple", "Sequence", "ListOf"):
        items = _either([in_words(part, file) for part in parts if ast.unparse(part) != "..."])
        return f"list of lists of: {items[9:]}" if items.startswith("list of: ") else f"list of: {items}"
    return WORDS.get(name, name)


def _either(kinds):
    """Joins descriptions, each of them once. A path is also a text, so only the path is named."""
    words = list(dict.fromkeys(kinds))
    return ", ".join(word for word in words if word != "text" or "path" not in words)


def _choices(node, file):
    """Lists the values that a part of `Literal[...]` stands for: a constant, a tuple, or the keys of a dict."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.Call):  # tuple(NAMES)
        return _choices(node.args[0], file)
    if isinstance(node, ast.Tuple):
        return [choice for part in node.elts for choice in _choices(part, file)]
    if isinstance(node, ast.Dict):
        return [choice for part in node.keys for choice in _choices(part, file)]
    if isinstance(node, ast.Subscript):  # an alias of another Literal
        return _choices(node.slice, file)
    definition, source = _definition(node, file)
    return [ast.unparse(node)] if definition is None else _choices(definition, source)


def _range(kind, bounds):
    """Describes a range of numbers: `Gt(2)`, `at.Ge(0)` or `Interval(ge=0, lt=1)`. Other notes leave the bare kind."""
    name = ast.unparse(bounds.func).rpartition(".")[2].lower() if isinstance(bounds, ast.Call) else ""
    if name not in (*BOUNDS, "interval"):
        return kind
    pairs = {name: bounds.args[0]} if bounds.args else {str(word.arg): word.value for word in bounds.keywords}
    texts = {key: ast.unparse(value) for key, value in pairs.items()}
    limits = {key: text for key, text in texts.items() if text not in MAX_INTEGERS}
    if set(limits) == {"ge", "le"}:
        return f"{kind} from {limits['ge']} to {limits['le']}"
    if set(limits) == {"ge"}:
        return f"{kind}, {limits['ge']} or more"
    return f"{kind} " + ", ".join(f"{BOUNDS[key]} {value}" for key, value in limits.items())


def _definition(node, file):
    """Finds what a name, or a name in an imported module, is assigned to.

    Returns:
      (syntax tree of the value or of the class, the file that contains it), or (None, file).
    """
    module_name, _, name = ast.unparse(node).rpartition(".")
    names, imports = _bindings(Path(file))
    if module_name in imports:  # module.NAME
        module = ".".join(imports[module_name])
        return _imported(module, name, file)
    if name in names:
        return names[name], file
    if name not in imports:
        return None, file
    module, name = imports[name]
    return _imported(module, name, file)


def _imported(module, name, file):
    """Returns as `_definition` does for a name of a module of the package."""
    spec = importlib.util.find_spec(module) if module.startswith("jaxrnn.") else None
    return (None, file) if spec is None or spec.origin is None else _definition(ast.Name(name), spec.origin)


@functools.cache
def _bindings(file):
    """Returns ({name: value or class}, {name: (module, name there)}) of a file's assignments, classes and imports."""
    names, imports = {}, {}
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = node.value
        elif isinstance(node, ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            imports |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
    return names, imports
