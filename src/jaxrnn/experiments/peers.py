"""Several processes of one computation: each gives signs of life, and when one is gone the others save and end.

The signs are counters in the key-value store of JAX's coordination service, so that no disk need be shared.
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
from jaxrnn.jax_internals import abort_later, key_value_store

BEAT, PATIENCE = 1.0, 8.0  # seconds between two signs of life, and after which a process without one is gone
PARTING = 2.0  # seconds to leave JAX's computation, for which one that has ended waits
GRACE = 3.0  # seconds for the error that ended another process to be met here too
DONE, ENDED = "done", "ended: "

_entered = itertools.count()  # all processes enter the same blocks, in the same order


class Peers:
    """The other processes, watched while a block runs.

        with Peers(how_to_go_on) as peers:
            peers.kept = lambda: store.save(...)

    When one of them gives no sign of life, or its block ends by an error, this process calls `kept`, says on standard
    error which one is gone and how to go on, and ends with status 2, wherever it is: a collective operation that waits
    for the other one would wait for ever. The watch goes on after the block, until all processes are about to exit:
    only then is JAX's computation left, by one thread, since a second one in its client can crash it.

    Args:
      go_on: the command that goes on.
      beat, patience: seconds, see `BEAT` and `PATIENCE`.

    Fields:
      kept: () -> None, saves what there is; called by another thread, once.
    """

    def __init__(self, go_on, beat=BEAT, patience=PATIENCE):
        self.kept = lambda: None
        self._go_on, self._beat, self._patience = go_on, beat, patience
        self._own, self._store = jax.process_index(), key_value_store()
        self._others = [number for number in range(jax.process_count()) if number != self._own]
        self._block = next(_entered)
        self._seen, self._last, self._finished, self._exiting = {}, None, False, threading.Event()

    def __enter__(self):
        abort_later(2 * self._patience)
        now = time.monotonic()
        self._seen = {number: (None, now) for number in self._others}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        atexit.register(self._part)  # JAX's own function, registered before, runs after it
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, Exception) and not issubclass(kind, ConfigError):
            self._thread.join(2 * self._patience)  # the thread knows which partner a collective operation lost
        self._finished = kind is None or kind is SystemExit
        self._last = None if self._finished else f"{ENDED}{error}"

    def _part(self):
        """Waits until all processes exit."""
        self._last = self._last or DONE
        self._exiting.set()
        self._thread.join()

    def _key(self, number):
        return f"jaxrnn/{self._block}/{number}"

    def _watch(self):
        """Until all processes exit, or ends this one."""
        for count in itertools.count():
            exiting = self._exiting.is_set()
            try:
                self._store.set(self._key(self._own), self._last or str(count))
                gone = self._gone()
            except RuntimeError:
                gone = (0, "its coordination service does not answer")
            if gone:
                self._leave(*gone)
            if exiting and all((text or "").startswith((DONE, ENDED)) for text, _ in self._seen.values()):
                return
            if exiting:
                time.sleep(self._beat / 4)
            else:
                self._exiting.wait(self._beat)

    def _gone(self):
        """(number of a process, why) of one that is gone, or None."""
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
                return number, f"it gave no sign of life for {self._patience:.0f} s"
        return None

    def _leave(self, number, why):
        if self._last is None and not self._finished:
            with contextlib.suppress(Exception):  # all that can still be done is to say what is known
                self.kept()
            print(f"error: process {number + 1} is gone ({why}); what was saved stays: start all processes again, "
                  f"{self._go_on}", file=sys.stderr, flush=True)  # fmt: skip
        with contextlib.suppress(RuntimeError):
            self._store.set(self._key(self._own), self._last or f"{ENDED}process {number + 1} is gone")
        parting = threading.Thread(target=jax.distributed.shutdown, daemon=True)
        parting.start()
        parting.join(PARTING)
        os._exit(0 if self._finished else 2)
