"""Lazy loading: the public names and the modules of a package are imported when first used."""

import importlib
import os

import lazy_loader


def attach(package, file):
    """Returns the `__getattr__`, `__dir__` and `__all__` of a package.

    The modules are listed from the package's folder, so a new file needs no entry anywhere. A name in the stub hides a
    module of the same name. This function does not import pathlib, pkgutil or typing, because that takes time.

    Args:
      package: `__name__` of the package.
      file: `__file__` of the package; the stub, if any, is the `.pyi` file next to it.
    """
    with os.scandir(os.path.dirname(file)) as entries:
        modules = {name for entry in entries if (name := _module(entry))}
    load_public, _, public = lazy_loader.attach_stub(package, file) if os.path.exists(f"{file}i") else (None, None, [])
    names = sorted({*public, *(name for name in modules if not name.startswith("_"))})

    def load(name):
        if load_public is not None and name in public:
            return load_public(name)
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load, lambda: names, public or names


def entries(folder, factory):
    """Returns the sorted names of the modules of a catalogue room that define its factory, without importing them.

    The other modules of such a room hold code that its entries share.

    Args:
      folder: the room's folder.
      factory: name of the factory, such as "cell".
    """
    names = []
    with os.scandir(folder) as files:
        for file in files:
            if file.name.endswith(".py") and _defines(file.path, factory):
                names.append(file.name.removesuffix(".py"))
    return sorted(names)


def _defines(path, function):
    with open(path, encoding="utf-8") as source:
        return any(line.startswith(f"def {function}(") for line in source)


def _module(entry):
    """Returns the name of the module or package at a folder entry; None for other files."""
    if entry.name.endswith(".py"):
        return None if entry.name == "__init__.py" else entry.name.removesuffix(".py")
    return entry.name if os.path.exists(os.path.join(entry.path, "__init__.py")) else None
