"""Command line of the scripts: reads the arguments that a user types and prints every error as one line."""

import atexit
import contextlib
import functools
import gc
import os
import signal
import sys

from jaxrnn import atomic, hints
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import hydra_errors
from jaxrnn.experiments.compose import CONF

QUESTIONS = ("prompt", "word", "date", "sum", "sentence", "glyph", "name", "text", "source")  # keys of all data sets
VALUE_OPTIONS = ("--cfg", "-c", "--info", "-i", "--package", "-p", "--config-dir", "-cd", "--config-name", "-cn")


def quoted(arguments):
    """Puts the texts of questions in quotes, so that they may contain any character."""
    quoted_arguments = []
    for argument in arguments:
        name, is_given, text = argument.partition("=")
        if is_given and name in QUESTIONS and text[:1] not in ("'", '"'):
            argument = f"{name}={hints.quoted(text)}"
        quoted_arguments.append(argument)
    return quoted_arguments


def with_key(arguments, key):
    """Writes KEY=WORD for every word without a key: `evaluate outputs/x` stands for `evaluate run=outputs/x`.

    A path that contains an equals sign, such as a/lr=1, has no key: only groups have a slash in their names.
    """
    keyed_arguments = []
    for previous, word in zip(["", *arguments], arguments, strict=False):
        is_option = word.startswith("-") or previous in VALUE_OPTIONS
        name, equals, _ = word.partition("=")
        has_key = equals and ("/" not in name or name.startswith("hydra/") or (CONF / name.lstrip("+~")).is_dir())
        keyed_arguments.append(word if is_option or has_key else hints.override(key, word))
    return keyed_arguments


@contextlib.contextmanager
def config_errors(typed=hydra_errors.NOTHING_TYPED):
    """Prints the user's errors as one line on standard error and exits with status 2.

    These are every `ConfigError`, every error of Hydra and every `OSError`. HYDRA_FULL_ERROR=1 in the environment shows
    the stack trace. The exit status is 141 if the program that reads the output has ended, as in `| head`.

    Args:
      typed: the words that the user typed, so that the message can suggest others.
    """
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes stdout once more at exit
        raise SystemExit(128 + signal.SIGPIPE) from None
    except Exception as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1" or not _is_users_error(error):
            raise
        print(f"error: {hydra_errors.one_line(error, typed)}", file=sys.stderr)
        raise SystemExit(2) from None


def _is_users_error(error):
    """Returns True for an error that the user can fix, and False for a bug in jaxrnn."""
    from hydra.errors import HydraException  # imported here so that --help does not import Hydra
    from omegaconf.errors import OmegaConfBaseException

    return isinstance(error, ConfigError | OSError | HydraException | OmegaConfBaseException)


def end_at_signals():
    """Makes Ctrl-C end the process with status 130 and SIGTERM with 143, each with one line on standard error.

    The process ends at once, as if it were killed. Raising an exception is not safe: one that is raised inside an
    import, a destructor or C code may be lost, or may crash the interpreter. Training installs its own handlers.

    While Python shuts down, signals are ignored. Python resets the handlers before JAX's threads have ended, so a
    signal would kill the process although its work is complete.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    _ignore_at_exit()


@functools.cache
def _ignore_at_exit():
    """Ignores signals at exit, after all other exit functions: those are registered later, so they run first."""
    for number in (signal.SIGINT, signal.SIGTERM):
        atexit.register(signal.signal, number, signal.SIG_IGN)


def _end(number, frame):
    atomic.give_up()
    for worker in getattr(sys.modules.get("multiprocessing"), "active_children", tuple)():
        worker.kill()  # a worker that is paused between two measurements of a benchmark would never end
    with contextlib.suppress(Exception):  # the signal may have arrived during a write
        sys.stdout.flush()
    os.write(sys.stderr.fileno(), b"interrupted\n" if number == signal.SIGINT else b"terminated\n")
    os._exit(128 + number)


def main(task, config_name, arguments):
    """Runs a command: composes its configuration and calls its task, or prints the keys for --help.

    Args:
      task: a function that takes the configuration.
      config_name: name of the file `conf/CONFIG_NAME.yaml`.
      arguments: the command-line arguments, without the name of the command.
    """
    from jaxrnn.experiments import help as explained
    from jaxrnn.experiments.hydra_internals import run

    end_at_signals()
    gc.set_threshold(50_000, 20, 50)  # as in `jaxrnn.runtime.prepare`, but before the first import
    with config_errors(hydra_errors.Typed(config_name, arguments)):
        if {"--help", "-h"} & set(arguments):
            print(explained.text(config_name, hydra_errors.without_options(arguments)))
        else:
            run(task, config_name, arguments)
