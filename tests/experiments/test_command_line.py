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


@pytest.mark.parametrize(
    ("script", "word", "message"),
    [
        ("evaluate", "run=glob(sweep/*)", "run is not a group; type 'run=sweep/0 x,sweep/1'"),
        ("report", "metric=glob(sweep/9*)", "metric is not a group"),
        ("train", "model.cell.size=range(0)", "model.cell.size=range(0): no values, so the sweep has no runs"),
        ("reproduce", "paper=glob(bengio_2*)", "paper=glob(bengio_2*): no paper matches; there are: arjovsky"),
    ],
)
def test_a_sweep_without_runs_is_refused(tmp_path, call, script, word, message):
    """Hydra launches 0 jobs and ends with status 0."""
    for name in ("0 x", "1"):
        (tmp_path / "sweep" / name / ".hydra").mkdir(parents=True)
        (tmp_path / "sweep" / name / ".hydra" / "config.yaml").touch()
    (tmp_path / "sweep" / "sweep.json").touch()
    result = call(tmp_path, script, "-m", word, "hydra.sweep.dir=out")
    assert result.returncode == 2, result.stdout
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
