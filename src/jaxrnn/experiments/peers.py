"""Several processes of one computation: each gives signs of life, and when one is gone the others save and end.

The signs are counters in the key-value store of JAX's coordination service, so that no disk need be shared.
"""

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


class Peers:
    """The other processes, watched while a block runs.

        with Peers(how_to_go_on) as peers:
            peers.kept = lambda: store.save(...)

    When one of them gives no sign of life, or its block ends by an error, this process calls `kept`, says on standard
    error which one is gone and how to go on, and ends with status 2, wherever it is: a collective operation that waits
    for the other one would wait for ever.

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
        self._seen, self._last = {}, None

    def __enter__(self):
        abort_later(2 * self._patience)
        now = time.monotonic()
        self._seen = {number: (None, now) for number in self._others}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, Exception) and not issubclass(kind, ConfigError):
            self._thread.join(2 * self._patience)  # the thread knows which partner a collective operation lost
        self._last = DONE if kind is None or kind is SystemExit else f"{ENDED}{error}"
        with contextlib.suppress(RuntimeError):
            self._store.set(f"jaxrnn/{self._own}", self._last)

    def _watch(self):
        """Until the process ends: where JAX ends its service it waits for the others once more."""
        for count in itertools.count():
            try:
                self._store.set(f"jaxrnn/{self._own}", self._last or str(count))
                gone = self._gone()
            except RuntimeError:
                gone = (0, "its coordination service does not answer")
            if gone:
                self._leave(*gone)
            time.sleep(self._beat)

    def _gone(self):
        """(number of a process, why) of one that is gone, or None."""
        now = time.monotonic()
        for number in self._others:
            text = self._store.get(f"jaxrnn/{number}")
            before, since = self._seen[number]
            if text != before:
                self._seen[number] = (text, now)
            elif text is not None and text.startswith(ENDED):
                if now - since > GRACE and self._last is None:
                    return number, text.removeprefix(ENDED)
            elif text != DONE and now - since > self._patience:
                return number, f"it gave no sign of life for {self._patience:.0f} s"
        return None

    def _leave(self, number, why):
        if self._last is None:
            with contextlib.suppress(Exception):  # all that can still be done is to say what is known
                self.kept()
            print(f"error: process {number + 1} is gone ({why}); what was saved stays: start all processes again, "
                  f"{self._go_on}", file=sys.stderr, flush=True)  # fmt: skip
        parting = threading.Thread(target=jax.distributed.shutdown, daemon=True)
        parting.start()
        parting.join(PARTING)
        os._exit(0 if self._last == DONE else 2)
