"""Ctrl-C and SIGTERM at drawn moments of any script: one line at most, status 130 or 143, nothing half written."""

import json
import signal
import subprocess
import time

import pytest

SMALL = ["model.cell.size=4", "trainer.steps=7200", "trainer.report_every=72"]
COMMANDS = {
    "train": [*SMALL, "hydra.run.dir=new"],
    "tune": ["optimizer.learning_rate=interval(1e-3,1e-2)", "tune.trials=2", *SMALL, "hydra.run.dir=new"],
    "evaluate": ["run=run"],
    "generate": ["run=run"],
    "report": ["run"],
    "study": ["study=gates", "run=run"],
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, call):
    folder = tmp_path_factory.mktemp("signals")
    assert call(folder, "train", *SMALL, "hydra.run.dir=run").returncode == 0
    return folder


@pytest.mark.parametrize("script", COMMANDS)
def test_a_signal_ends_in_one_line(trained, rng, share, command, call, script):
    subprocess.run(["rm", "-rf", trained / "new"], check=True)
    began = time.time()
    result = call(trained, script, *COMMANDS[script])
    assert result.returncode == 0, result.stderr
    whole = time.time() - began
    for _ in range(share(10, 1)):
        subprocess.run(["rm", "-rf", trained / "new"], check=True)
        number, moment = int(rng.choice([signal.SIGINT, signal.SIGTERM])), rng.uniform(0.3, whole)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command(script, *COMMANDS[script]), cwd=trained, **pipes)
        time.sleep(moment)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        said = f"{script}, {signal.Signals(number).name} after {moment:.2f} s of {whole:.2f}\n{errors}"
        assert process.returncode in (0, 128 + number), said
        assert "Traceback" not in errors, said
        assert errors.count("\n") <= 1, said
        for path in (trained / "new").rglob("summary.json"):
            assert json.loads(path.read_text())["status"] in ("finished", "stopped"), said
        assert not list(trained.rglob("*.tmp*")), said
