"""What a process answers to a signal while Python itself is ending it."""

import signal
import subprocess
import sys

import pytest

AT_THE_END = """
import os
from jaxrnn.experiments.command_line import end_at_signals

end_at_signals()
end_at_signals()  # as the scripts call it: once before Hydra is imported, once by `main`

class Last:
    def __del__(self):  # of a module's variable: called once Python has taken its signal handlers down
        os.kill(os.getpid(), {number})

last = Last()
raise SystemExit({status})
"""


@pytest.mark.parametrize("status", [0, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_after_all_is_done_changes_no_status(number, status):
    script = AT_THE_END.format(number=int(number), status=status)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (status, "")
