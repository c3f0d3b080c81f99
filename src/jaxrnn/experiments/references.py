"""Checks the references, such as `${trainer.steps}`, in a configuration that was read from a folder.

A run's configuration refers only to its own keys. Two other kinds of references are unsafe and raise an error:

- OmegaConf's resolvers, such as `${oc.env:HOME}`, read the environment.
- Nested references can expand to more text than fits into memory.
"""

import re

from jaxrnn.errors import ConfigError

REFERENCE = re.compile(r"\$\{(\.*)([A-Za-z_][\w-]*(?:\.[\w-]+)*)\}")
LARGEST, DEEPEST = 2**20, 16  # most characters that a value may expand to, and longest chain of references


def check(raw, where):
    """Raises an error for references that leave the configuration or expand to too much text.

    Args:
      raw: the configuration as dicts and lists, with unresolved references.
      where: the folder or file, for the message.

    Raises:
      ConfigError: at the first such reference.
    """
    sizes = {}

    def size(path, node, depth):
        if depth > DEEPEST:
            raise ConfigError(f"{where}: more than {DEEPEST} references follow each other at {_name(path)}")
        if path not in sizes:
            sizes[path] = expanded_size(path, node, depth)
        if sizes[path] > LARGEST:
            raise ConfigError(f"{where}: the references at {_name(path)} expand to more than {LARGEST} characters")
        return sizes[path]

    def expanded_size(path, node, depth):
        if isinstance(node, dict | list):
            items = node.items() if isinstance(node, dict) else enumerate(node)
            return sum(len(str(key)) + size((*path, str(key)), value, depth) for key, value in items)
        text = str(node)
        total = len(text)
        if isinstance(node, str) and "${" in node:
            if not are_plain(node):
                excerpt = " ".join(node.split())[:60]
                raise ConfigError(
                    f"{where}: its configuration contains {excerpt} at {_name(path)}; a run's configuration may refer "
                    "only to its own keys, as in ${trainer.steps}"
                )
            for dots, name in REFERENCE.findall(node):
                other = (*(path[: -len(dots)] if dots else ()), *name.split("."))
                total += size(other, _at(raw, other), depth + 1)
        return total

    size((), raw, 0)


def are_plain(text):
    """Returns True if all references in a text are names of keys."""
    return "${" not in REFERENCE.sub("", text)


def _at(node, path):
    """Returns the value at a path, or None if there is none, as for a value that is set only after building."""
    for part in path:
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict):
            node = next((value for key, value in node.items() if str(key) == part), None)
        elif isinstance(node, str) and "${" in node:
            raise ConfigError(
                f"the reference to {'.'.join(path)} passes through another reference: refer to the key itself"
            )
        else:
            return None
    return node


def _name(path):
    return ".".join(path) or "its top level"
