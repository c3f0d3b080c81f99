"""Full disks: one line that names the file and the reason; with room again the run goes on to the same end."""

import contextlib
import os
import subprocess

import pytest

SMALL = ["model.cell.size=4", "checkpoints.seconds=0", "trainer.steps=1440", "trainer.report_every=72"]
FAILING = """
import os, sys
left = [int(os.environ["WRITES_LEFT"])]
def fail(event, arguments):
    if event != "open" or not str(arguments[0]).startswith(os.environ["FAILS_BELOW"]):
        return
    if isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(int(os.environ["FAILS_WITH"]), os.strerror(int(os.environ["FAILS_WITH"])), str(arguments[0]))
sys.addaudithook(fail)
"""


@contextlib.contextmanager
def small_disk(folder, kilobytes):
    """A disk of so many KB at a folder; gives what makes it larger. Skips where one may not mount."""
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder]
    if subprocess.run(options, capture_output=True).returncode:
        pytest.skip("one may not mount here")
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=100m", folder], check=True)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, call):
    folder = tmp_path_factory.mktemp("whole")
    assert call(folder, "train", *SMALL, "hydra.run.dir=run").returncode == 0
    for launcher in ("compiled", "basic"):
        sweep = ["-m", "seed=0,1", *SMALL, f"hydra/launcher={launcher}", f"hydra.sweep.dir={launcher}"]
        assert call(folder, "train", *sweep).returncode == 0
    return folder


def used(folder):
    """KB that a folder takes on a disk of pages of 4 KB."""
    return sum(4 * -(-path.stat().st_size // 4096) for path in folder.rglob("*"))


def test_a_full_disk_costs_nothing_that_was_saved(tmp_path, whole, rng, share, call, clean):
    needed, refused = used(whole / "run"), 0
    for number in range(share(30, 4)):
        size = int(rng.integers(4, needed))
        with small_disk(tmp_path / f"disk{number}", 4 * (size // 4)) as enlarge:
            folder = tmp_path / f"disk{number}" / "run"
            result = call(tmp_path, "train", *SMALL, f"hydra.run.dir={folder}")
            clean(result)
            if result.returncode == 2:
                refused += 1
                assert "No space left on device" in result.stderr
                assert str(folder.parent) in result.stderr
                enlarge()
                result = call(tmp_path, "train", f"resume={folder}")
                if result.returncode == 2:  # it was full before anything was trained: the same command begins
                    clean(result)
                    result = call(tmp_path, "train", *SMALL, f"hydra.run.dir={folder}")
                assert result.returncode == 0, result.stderr
            assert (folder / "metrics.csv").read_bytes() == (whole / "run" / "metrics.csv").read_bytes()
    assert refused > 0


@pytest.mark.parametrize("launcher", ["compiled", "basic"])
def test_a_full_disk_in_a_sweep(tmp_path, whole, rng, share, call, clean, launcher):
    needed = used(whole / launcher)
    for number in range(share(8, 1)):
        size = int(rng.integers(needed // 4, needed))
        with small_disk(tmp_path / f"disk{number}", 4 * (size // 4)) as enlarge:
            folder = tmp_path / f"disk{number}" / "sweep"
            sweep = ["-m", "seed=0,1", *SMALL, f"hydra/launcher={launcher}", f"hydra.sweep.dir={folder}"]
            result = call(tmp_path, "train", *sweep)
            clean(result)
            if result.returncode == 2:
                assert "No space left on device" in result.stderr
                enlarge()
                result = call(tmp_path, "train", *sweep)
                assert result.returncode == 0, result.stderr
            for run in range(2):
                tables = [(place / str(run) / "metrics.csv").read_bytes() for place in (folder, whole / launcher)]
                assert tables[0] == tables[1]


@pytest.mark.parametrize("number", [28, 30, 122], ids=["full", "read-only", "over quota"])
def test_a_disk_that_fails_on_the_nth_write(tmp_path, whole, rng, share, call, clean, number):
    """Whatever file it is: configuration, checkpoint, metrics, summary, figure."""
    (tmp_path / "sitecustomize.py").write_text(FAILING)
    for attempt in range(share(20, 2)):
        folder = tmp_path / f"run{attempt}"
        fails = {"FAILS_BELOW": str(folder), "FAILS_WITH": str(number), "WRITES_LEFT": str(rng.integers(60))}
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        result = call(tmp_path, "train", *SMALL, f"hydra.run.dir={folder}", PYTHONPATH=path, **fails)
        clean(result)
        if result.returncode == 2:
            assert os.strerror(number) in result.stderr
            assert ("make room" in result.stderr) <= (number != 30)
            again = call(tmp_path, "train", f"resume={folder}")
            if again.returncode == 2:
                clean(again)
                again = call(tmp_path, "train", *SMALL, f"hydra.run.dir={folder}")
            assert again.returncode == 0, again.stderr
        assert (folder / "metrics.csv").read_bytes() == (whole / "run" / "metrics.csv").read_bytes()


def test_a_folder_that_is_deleted_under_a_run(tmp_path, command, clean):
    import shutil
    import time

    words = command(
        "train", "model.cell.size=4", "trainer.steps=36000000", "checkpoints.seconds=0", "hydra.run.dir=run"
    )
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while not list(tmp_path.glob("run/checkpoints/*.safetensors")):
            assert process.poll() is None
            time.sleep(0.05)
        while (tmp_path / "run").exists() and process.poll() is None:
            shutil.rmtree(tmp_path / "run", ignore_errors=True)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 2
    assert errors.startswith("error: ")
    assert "run/" in errors
    assert errors.count("\n") == 1
