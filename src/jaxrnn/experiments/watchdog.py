"""Watches the other processes of a distributed run. If one process is lost, the others save their state and exit.

Every process regularly increases a counter (its heartbeat) in the key-value store of JAX's coordination service. No
shared disk is needed.
"""

import atexit
import contextlib
import itertools
import os
import sys
import threading
import time

import jax

from jaxrnn.errors import ConfigError
from jaxrnn.jax_internals import key_value_store

BEAT, PATIENCE = 1.0, 8.0  # seconds between two heartbeats, and without one until a process counts as lost
PARTING = 2.0  # seconds to wait for JAX's distributed shutdown before this process exits
GRACE = 3.0  # seconds in which this process may raise the same error that ended another process
DONE, ENDED = "done", "ended: "

_entered = itertools.count()  # all processes enter the same blocks in the same order, so the counts agree


class Peers:
    """Watches the other processes while a block runs.

        with Peers(resume_command) as peers:
            peers.save = lambda: store.save(...)

    If another process sends no heartbeat, or its block ends with an error, this process does the following:

    1. It calls `save`.
    2. It prints on standard error which process is lost and how to resume.
    3. It exits with status 2 at once. It cannot wait, since a collective operation with the lost process never ends.

    The coordination service runs in the first process. If that process dies, JAX ends the others with its own message.

    The watch continues after the block until all processes are about to exit. Only then does one thread shut JAX's
    distributed runtime down: a call from a second thread can crash its client.

    Args:
      resume_command: the command that resumes the run.
      beat: seconds between two heartbeats.
      patience: seconds without a heartbeat after which a process counts as lost.

    Fields:
      save: () -> None, saves the state of the run. The watching thread calls it at most once.
    """

    def __init__(self, resume_command, beat=BEAT, patience=PATIENCE):
        self.save = lambda: None
        self._resume_command, self._beat, self._patience = resume_command, beat, patience
        self._index, self._store = jax.process_index(), key_value_store()
        self._others = [number for number in range(jax.process_count()) if number != self._index]
        self._block = next(_entered)
        self._seen, self._last, self._finished, self._exiting = {}, None, False, threading.Event()

    def __enter__(self):
        now = time.monotonic()
        self._seen = {number: (None, now) for number in self._others}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        atexit.register(self._wait_for_exit)  # runs before JAX's own exit function, which was registered earlier
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, Exception) and not issubclass(kind, ConfigError):
            self._thread.join(2 * self._patience)  # the thread finds out which process a collective operation lost
        self._finished = kind is None or kind is SystemExit
        self._last = None if self._finished else f"{ENDED}{error}"

    def _wait_for_exit(self):
        """Waits until all processes exit."""
        self._last = self._last or DONE
        self._exiting.set()
        self._thread.join()

    def _key(self, number):
        return f"jaxrnn/{self._block}/{number}"

    def _watch(self):
        """Sends heartbeats and checks the others until all processes exit. Ends this process if one is lost."""
        for count in itertools.count():
            exiting = self._exiting.is_set()
            try:
                self._store.set(self._key(self._index), self._last or str(count))
                lost = self._find_lost()
            except RuntimeError:
                lost = (0, "its coordination service does not answer")
            if lost:
                self._leave(*lost)
            if exiting and all((text or "").startswith((DONE, ENDED)) for text, _ in self._seen.values()):
                return
            if exiting:
                time.sleep(self._beat / 4)
            else:
                self._exiting.wait(self._beat)

    def _find_lost(self):
        """Returns (index, reason) of a lost process, or None."""
        now = time.monotonic()
        for number in self._others:
            text = self._store.get(self._key(number))
            before, since = self._seen[number]
            if text != before:
                self._seen[number] = (text, now)
            elif text is not None and text.startswith(ENDED):
                if now - since > GRACE and self._last is None and not self._finished:
                    return number, text.removeprefix(ENDED)
            elif text != DONE and now - since > self._patience:
                return number, f"no heartbeat for {self._patience:.0f} s"
        return None

    def _leave(self, number, reason):
        if self._last is None and not self._finished:
            with contextlib.suppress(Exception):  # the message below must appear even if saving fails
                self.save()
            print(
                f"error: process {number + 1} is lost ({reason}); checkpoints are kept; start all processes again: "
                f"{self._resume_command}",
                file=sys.stderr,
                flush=True,
            )
        with contextlib.suppress(RuntimeError):
            self._store.set(self._key(self._index), self._last or f"{ENDED}process {number + 1} is lost")
        parting = threading.Thread(target=jax.distributed.shutdown, daemon=True)
        parting.start()
        parting.join(PARTING)
        os._exit(0 if self._finished else 2)
