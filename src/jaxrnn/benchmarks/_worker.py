"""Functions timed in processes of their own. It imports nothing heavy, so that every tool pays for its own imports."""

import contextlib
import multiprocessing
import os
import signal
import time


class Missing(Exception):
    """Something that is compared with is not there, or does not work."""


class Worker:
    """A side in a worker process of its own, so that tools share neither threads nor memory; `close` ends it.

    Between its times the process is stopped: threads that wait for work by spinning would take a core from the others.

    Fields:
      first: seconds that the first call took with all that led to it, imports and compiling included.

    Args:
      make: a function of a module, called there with the arguments; returns what is timed, a function without
        arguments. It is called once before the first time is taken.
      arguments: for `make`.
      environment: {name: value} of the process.
      at_least: seconds that a time is taken over.

    Raises:
      Missing: if the process fails: it lacks a package, or the tool has no such thing.
    """

    def __init__(self, make, *arguments, environment=None, at_least=0.0):
        context = multiprocessing.get_context("spawn")
        self._answers, other = context.Pipe()
        task = (make, arguments, environment or {}, at_least, other)
        self._process = context.Process(target=_answer, args=task, daemon=True)
        self._process.start()
        other.close()
        self.first = self._received()
        self._pause(True)

    def __call__(self):
        return self._ask(None)

    def again(self, *arguments):
        """Makes what is timed anew, for other arguments, in the process that has paid for its imports.

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
        if self._process.is_alive():
            os.kill(self._process.pid, signal.SIGSTOP if stop else signal.SIGCONT)


class Workers:
    """Workers that stay from one measurement to the next, one for each name; a context that ends them all."""

    def __init__(self):
        self._workers = {}

    def side(self, name, make, *arguments, environment=None, at_least=0.0):
        """The worker of that name, for these arguments; the others as `Worker`, the same whenever the name is.

        Raises:
          Missing: if it cannot be had.
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
    """A side whose every time is the first call in a new process; arguments as `Worker`."""

    def side():
        process = Worker(make, *arguments, environment=environment)
        process.close()
        return process.first

    return side


def clocked(function, at_least=0.0):
    """A side that calls a function, already compiled, for at least so many seconds, and returns those of one call."""

    def side():
        calls, began = 0, time.perf_counter()
        while calls == 0 or time.perf_counter() - began < at_least:
            function()
            calls += 1
        return (time.perf_counter() - began) / calls

    return side


def _answer(make, arguments, environment, at_least, answers):
    began = time.perf_counter()
    os.environ.update(environment)
    silence = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):  # other tools' logs, some of which C++ code writes; errors are sent
        os.dup2(silence, number)
    side = None
    with contextlib.suppress(EOFError):
        while True:
            if arguments is None:
                answers.send(side())
            else:
                try:
                    function = make(*arguments)
                    function()
                except Exception as error:  # whatever another tool meets, the parent says so and goes on with others
                    answers.send(f"{type(error).__name__}: {error}")
                    return
                side = clocked(function, at_least)
                answers.send(time.perf_counter() - began)
            arguments = answers.recv()
            began = time.perf_counter()
