"""Files that are written aside: what a process that was killed leaves is removed by the next one, and nothing else."""

import os
import subprocess
import sys

import pytest

from jaxrnn import atomic


@pytest.fixture(autouse=True)
def another_process():
    """As a process that has written nothing yet."""
    atomic.remove_left_over.cache_clear()


def killed(folder, name):
    """What a process leaves that is killed while it writes a file aside."""
    code = f"import os, jaxrnn.atomic as a\nwith a.aside({str(folder / name)!r}) as other:\n"
    code += " other.write_text('half')\n os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    (left,) = folder.glob(".*")
    return left


@pytest.mark.parametrize("name", ["prediction.png", "60.safetensors", "15.npz", "a.b-c.1-2.csv", "LICENSE"])
def test_what_a_killed_process_left_is_removed_by_the_next_file_written_there(tmp_path, name):
    left = killed(tmp_path, name)
    assert ".tmp" in left.name
    atomic.write(tmp_path / "another.txt", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["another.txt"]


def test_what_others_are_writing_stays(tmp_path):
    """A process that lives, and one of another host until an hour has passed by the clock of the disk."""
    host, pid = atomic._host(), os.getppid()
    stay = [f".a.{host}-{pid}-1.tmp.png", ".a.elsewhere-1-1.tmp.png", ".a.1-1.tmp.png", ".notes.tmp", ".a-b.tmp.png"]
    go = [".b.elsewhere-1-1.tmp.png", ".b.1-1.tmp.png"]
    for name in (*stay, *go):
        (tmp_path / name).write_text("")
    for name in go:
        os.utime(tmp_path / name, (0, (tmp_path / name).stat().st_mtime - 2 * atomic.ABANDONED))
    atomic.write(tmp_path / "c.png", "")
    assert {path.name for path in tmp_path.iterdir()} == {*stay, "c.png"}
