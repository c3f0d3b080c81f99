"""Names of a package that are loaded when first used: those of its stub, and its modules."""

import importlib
import os

import lazy_loader


def attach(package, file):
    """The `__getattr__`, `__dir__` and `__all__` of a package.

    Its modules are found in its folder, so that a new file needs no entry in a list. A name of the stub comes before a
    module of the same name. Nothing is imported here that takes time: neither pathlib nor pkgutil nor typing.

    Args:
      package: `__name__` of the package.
      file: `__file__` of the package; the stub is the `.pyi` file beside it, if there is one.
    """
    with os.scandir(os.path.dirname(file)) as entries:
        modules = {name for entry in entries if (name := _module(entry))}
    load_public, _, public = lazy_loader.attach_stub(package, file) if os.path.exists(f"{file}i") else (None, None, [])
    names = sorted({*public, *(name for name in modules if not name.startswith("_"))})

    def load(name):
        if name in public:
            return load_public(name)
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load, lambda: names, public or names


def _module(entry):
    """The name of the module or package that an entry of a folder is, or None."""
    if entry.name.endswith(".py"):
        return None if entry.name == "__init__.py" else entry.name.removesuffix(".py")
    return entry.name if os.path.exists(os.path.join(entry.path, "__init__.py")) else None
