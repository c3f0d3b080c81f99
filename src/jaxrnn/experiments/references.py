"""References inside a configuration that was found in a folder, such as `${trainer.steps}`.

A run's own configuration refers only to its own keys. OmegaConf's resolvers, `${oc.env:HOME}` and the like, would read
the environment, and references to references can unfold to more text than any memory holds.
"""

import re

from jaxrnn.errors import ConfigError

REFERENCE = re.compile(r"\$\{(\.*)([A-Za-z_][\w-]*(?:\.[\w-]+)*)\}")
LARGEST, DEEPEST = 2**20, 16  # characters that a value may unfold to, and references that may follow each other


def check(raw, where):
    """Refuses references that reach outside the configuration, or unfold to too much.

    Args:
      raw: the configuration as dicts and lists, references as they are written.
      where: the folder or file, for the message.

    Raises:
      ConfigError: at the first such reference.
    """
    sizes = {}

    def size(path, node, depth):
        if depth > DEEPEST:
            raise ConfigError(f"{where}: its references follow each other more than {DEEPEST} times at {_name(path)}")
        if path not in sizes:
            sizes[path] = measured(path, node, depth)
        if sizes[path] > LARGEST:
            raise ConfigError(f"{where}: its references unfold {_name(path)} to more than {LARGEST} characters")
        return sizes[path]

    def measured(path, node, depth):
        if isinstance(node, dict | list):
            items = node.items() if isinstance(node, dict) else enumerate(node)
            return sum(len(str(key)) + size((*path, str(key)), value, depth) for key, value in items)
        text = str(node)
        total = len(text)
        if isinstance(node, str) and "${" in node:
            if not are_plain(node):
                shown = " ".join(node.split())[:60]
                raise ConfigError(
                    f"{where}: its configuration asks for {shown} at {_name(path)}; a run's own refers only to its own "
                    "keys, as in ${trainer.steps}"
                )
            for dots, name in REFERENCE.findall(node):
                other = (*(path[: -len(dots)] if dots else ()), *name.split("."))
                total += size(other, _at(raw, other), depth + 1)
        return total

    size((), raw, 0)


def are_plain(text):
    """Whether the references in a text name keys and nothing else."""
    return "${" not in REFERENCE.sub("", text)


def _at(node, path):
    """What a container holds at a path; None where it holds nothing there, as for what only building fills in."""
    for part in path:
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict):
            node = next((value for key, value in node.items() if str(key) == part), None)
        elif isinstance(node, str) and "${" in node:
            raise ConfigError(f"a reference to {'.'.join(path)} passes through another reference")
        else:
            return None
    return node


def _name(path):
    return ".".join(path) or "its top level"
