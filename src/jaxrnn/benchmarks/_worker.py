"""Functions timed in processes of their own. It imports nothing heavy, so that every tool pays only for its own
imports.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any


class Missing(Exception):
    """A compared tool is not installed or does not work."""


class Worker:
    """A side in a worker process of its own, so that tools share neither threads nor memory; `close` ends it.

    The process is stopped between its measurements, because threads that wait by spinning would take a core from the
    others.

    Fields:
      first: seconds of the first call with everything before it, including imports and compiling.

    Args:
      make: function of a module, called in the process with the arguments. It returns the timed function, which takes
        no arguments and is called once before the first measurement.
      arguments: arguments of `make`.
      environment: {name: value} of the process.
      at_least: minimum number of seconds of one measurement.

    Raises:
      Missing: if the process fails, because a package is missing or the tool has no such function.
    """

    def __init__(self, make, *arguments, environment=None, at_least=0.0):
        context = multiprocessing.get_context("spawn")
        self._answers, far_end = context.Pipe()
        task = (make, arguments, environment or {}, at_least, far_end)
        self._process = context.Process(target=_answer, args=task, daemon=True)
        self._process.start()
        far_end.close()
        self.first = self._received()
        self._pause(True)

    def __call__(self):
        return self._ask(None)

    def again(self, *arguments):
        """Makes the timed function again for other arguments, in the process that has already imported its packages.

        Raises:
          Missing: if that fails.
        """
        self.first = self._ask(arguments)

    def _ask(self, arguments):
        self._pause(False)
        self._answers.send(arguments)
        seconds = self._received()
        self._pause(True)
        return seconds

    def close(self):
        self._pause(False)
        self._answers.close()
        self._process.join(10)
        self._process.kill()

    def _received(self):
        try:
            answer = self._answers.recv()
        except EOFError:
            self._process.join()
            answer = f"its process ended with exit code {self._process.exitcode}"
        if isinstance(answer, str):
            self.close()
            raise Missing(answer)
        return answer

    def _pause(self, stop):
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGSTOP if stop else signal.SIGCONT)


class Workers:
    """Workers that are reused from one measurement to the next, one per name; a context that ends them all."""

    def __init__(self):
        self._workers = {}

    def side(self, name, make, *arguments, environment=None, at_least=0.0):
        """Returns the worker of that name for these arguments; other arguments as in `Worker`, always the same for a
        name.

        Raises:
          Missing: if the worker fails.
        """
        worker = self._workers.pop(name, None)
        if worker is None:
            worker = Worker(make, *arguments, environment=environment, at_least=at_least)
        else:
            worker.again(*arguments)
        self._workers[name] = worker
        return lambda: worker()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for worker in self._workers.values():
            worker.close()


def first_time(make, *arguments, environment=None):
    """Returns a side that measures the first call in a new process each time; arguments as in `Worker`."""

    def side():
        process = Worker(make, *arguments, environment=environment)
        process.close()
        return process.first

    return side


def clocked(function, at_least=0.0):
    """Returns a side that calls a compiled function for at least `at_least` seconds and returns the seconds of one
    call.
    """

    def side():
        calls, began = 0, time.perf_counter()
        while calls == 0 or time.perf_counter() - began < at_least:
            function()
            calls += 1
        return (time.perf_counter() - began) / calls

    return side


def command(arguments, cache=None, folder=None):
    """Returns a side that runs Python in a folder (a new one for None), with a cache of compiled programs."""
    environment = os.environ | ({} if cache is None else {"XDG_CACHE_HOME": str(cache)})

    def run():
        with tempfile.TemporaryDirectory() as new_folder:
            options = {"cwd": folder or new_folder, "env": environment, "check": True, "capture_output": True}
            subprocess.run([sys.executable, *arguments], **options)

    return clocked(run)


def _answer(make, arguments, environment, at_least, answers):
    began = time.perf_counter()
    os.environ.update(environment)
    silence = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):  # silences other tools' logs, some written by C++ code; errors are sent to the parent
        os.dup2(silence, number)
    side: Any = None  # the parent sends arguments first
    with contextlib.suppress(EOFError):
        while True:
            if arguments is None:
                answers.send(side())
            else:
                try:
                    function = make(*arguments)
                    function()
                except Exception as error:  # the parent reports it and continues with other tools
                    answers.send(f"{type(error).__name__}: {error}")
                    return
                side = clocked(function, at_least)
                answers.send(time.perf_counter() - began)
            arguments = answers.recv()
            began = time.perf_counter()
