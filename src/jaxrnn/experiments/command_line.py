"""The command line: arguments as a user types them, and every error in one line, before anything compiles."""

import atexit
import contextlib
import difflib
import functools
import gc
import os
import re
import signal
import sys

from jaxrnn import atomic, hints
from jaxrnn.arguments import nearest
from jaxrnn.errors import ConfigError
from jaxrnn.experiments.conf import CONF

QUESTIONS = ("prompt", "word", "date", "sum", "sentence", "glyph", "name", "text", "source")  # of all data sets


def quoted(arguments):
    """The arguments with the texts of questions in quotes, so that they may hold any letter."""
    found = []
    for argument in arguments:
        name, is_given, text = argument.partition("=")
        if is_given and name in QUESTIONS and text[:1] not in ("'", '"'):
            argument = f"{name}={hints.quoted(text)}"
        found.append(argument)
    return found


@contextlib.contextmanager
def config_errors(keys=lambda without: ()):
    """Prints a `ConfigError`, what Hydra refuses and what a disk refuses as one line on standard error, status 2.

    HYDRA_FULL_ERROR=1 in the environment shows the stack. Where nobody reads the output any more, as after `| head`,
    the status is 141.

    Args:
      keys: (without a key) -> the keys that a script has, for the hint where Hydra knows no such key.
    """
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end
        raise SystemExit(128 + signal.SIGPIPE) from None
    except Exception as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1" or not _is_told(error):
            raise
        print(f"error: {_one_line(error, keys)}", file=sys.stderr)
        raise SystemExit(2) from None


def _is_told(error):
    """Whether an exception means that the user is told, not that something is wrong here."""
    from hydra.errors import HydraException  # here, so that --help need not import Hydra
    from omegaconf.errors import OmegaConfBaseException

    return isinstance(error, ConfigError | OSError | HydraException | OmegaConfBaseException)


def end_at_signals():
    """From now on Ctrl-C ends the process with status 130 and SIGTERM with 143, each with one line on standard error.

    The process ends where it is, as if it were killed: an exception that is raised inside an import, a destructor or C
    code may be lost, or crash the interpreter. A training has handlers of its own. Once all is done and Python takes
    itself down, a signal changes nothing: Python resets the handlers before JAX's threads have ended, and the process
    would be killed by the signal, as if its work had been cut short.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    _ignore_at_exit()


@functools.cache
def _ignore_at_exit():
    """Has signals ignored after all other functions that run at exit: they were registered later, so they run first."""
    for number in (signal.SIGINT, signal.SIGTERM):
        atexit.register(signal.signal, number, signal.SIG_IGN)


def _end(number, frame):
    atomic.give_up()
    for worker in getattr(sys.modules.get("multiprocessing"), "active_children", tuple)():
        worker.kill()  # one that is stopped between two times of a benchmark would stay for ever
    with contextlib.suppress(Exception):  # the signal may have come while it was written to
        sys.stdout.flush()
    os.write(sys.stderr.fileno(), b"interrupted\n" if number == signal.SIGINT else b"terminated\n")
    os._exit(128 + number)


def main(task, config_name, arguments):
    """Runs a script: composes its configuration by the arguments and calls its task, or explains the keys (--help).

    Args:
      task: a function of the configuration.
      config_name: of `conf/CONFIG_NAME.yaml`.
      arguments: as of the command line, without the script.
    """
    from jaxrnn.experiments import help as explained
    from jaxrnn.experiments.hydra_internals import run

    end_at_signals()
    gc.set_threshold(50_000, 20, 50)  # as `jaxrnn.runtime.prepare` does, from the first import on
    words = [word for word in arguments if not word.startswith("-")]

    def keys(without):
        with contextlib.suppress(Exception):  # what else is wrong with the arguments is told when this is mended
            return explained.keys(config_name, [w for w in words if w.lstrip("+~").partition("=")[0] != without])
        return ()

    with config_errors(keys):
        if {"--help", "-h"} & set(arguments):
            print(explained.text(config_name, words))
        else:
            run(task, config_name, arguments)


def _one_line(error, keys):
    from hydra.errors import MissingConfigException

    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, option = error.missing_cfg_file.rpartition("/")
        options = ", ".join(error.options)
        close = difflib.get_close_matches(option, error.options, n=3, cutoff=0.5)
        return (
            f"{group}={option}: no such {group}; "
            + (f"nearest: {', '.join(close)}; " if close else "")
            + (
                f"there are: {options}"
                + "; joblib and submitit need pip install -e '.[launch]'" * (group == "hydra/launcher")
            )
        )
    if missing := re.match(r"You must specify '(\w+)'", str(error)):
        options = ", ".join(sorted(file.stem for file in (CONF / missing[1]).glob("*.yaml")))
        return f"{missing[1]} is missing; give it: {missing[1]}=...; there are: {options}"
    if unknown := re.match(r"Could not override '([^']+)'", str(error)):
        return f"{unknown[1]}: {_what_else(unknown[1], keys)}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(error) + (f": {error.__cause__}" if error.__cause__ and not isinstance(error, ConfigError) else "")
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


def _what_else(key, keys):
    """Why there is no such key, and which one may be meant."""
    found = {}  # the last part of each key: the keys
    for name in keys(without=key):
        found.setdefault(name.rpartition(".")[2], []).append(name)
    if key not in found and key in _known_names():
        return "cannot be set here"
    if close := [key] if key in found else difflib.get_close_matches(key, found, n=3, cutoff=0.6):
        return f"no such key; nearest: {', '.join(name for last in close for name in found[last])}"
    first = {name.partition(".")[0] for names in found.values() for name in names}
    return f"no such key{nearest(key, sorted(first) or _known_names())}"


def _known_names():
    """The groups and the top-level keys of the configurations."""
    keys = [key for file in sorted(CONF.glob("*.yaml")) for key in re.findall(r"^(\w+):", file.read_text(), re.M)]
    groups = [folder.name for folder in sorted(CONF.glob("*/"))]
    return [name for name in dict.fromkeys([*groups, *keys]) if name not in ("defaults", "hydra")]
