"""The cache of compiled programs: files that do not belong together, and its limit."""

import os
import subprocess
import sys
import time

PROGRAM = """
import sys
import jax
import jax.numpy as jnp
from jax import monitoring

from jaxrnn import runtime

events = []
monitoring.register_event_listener(lambda event, **values: events.append(event))
runtime.prepare()
for number in range(3):
    jax.jit(lambda x, number=number: jnp.sin(x) * number)(jnp.ones(int(sys.argv[1]) + number)).block_until_ready()
print(events.count("/jax/compilation_cache/cache_hits"), events.count("/jax/compilation_cache/cache_misses"))
"""


def test_files_without_their_others_do_not_switch_caching_off(tmp_path):
    """Entries without the file of their last use, such files without an entry, and an entry of nothing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    environment["XDG_CACHE_HOME"] = str(tmp_path)

    def compiled(size):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(size)], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr, done.stderr
        return tuple(map(int, done.stdout.split()))

    _, first = compiled(3)
    (folder,) = {path.parent for path in tmp_path.rglob("*-cache")}
    for entry in list(folder.glob("*-cache")):
        entry.with_name(entry.name.replace("-cache", "-atime")).unlink(missing_ok=True)
    (folder / "jit_gone-0-atime").write_bytes(bytes(8))
    emptied = next(folder.glob("*lambda*-cache"))
    emptied.write_bytes(b"")
    os.utime(emptied, (0, 0))
    (folder / ".looked-after").unlink(missing_ok=True)
    hits, misses = compiled(4)  # some of its programs are those of before
    assert hits > 0
    assert misses > 0
    assert len(list(folder.glob("*-cache"))) >= first
    assert all(entry.stat().st_size for entry in folder.glob("*-cache"))


def test_what_was_not_used_for_longest_makes_room(tmp_path):
    from jaxrnn import runtime

    for number in range(2000):
        path = tmp_path / f"{number}-cache"
        with open(path, "wb") as file:
            file.truncate(1000)
        os.utime(path, (1e9 + number, 1e9))
    (tmp_path / "new-cache").write_bytes(bytes(1000))
    (tmp_path / "being-written-cache").touch()
    (tmp_path / "cut-off-cache").touch()
    os.utime(tmp_path / "cut-off-cache", (1e9, 1e9))
    began = time.perf_counter()
    runtime.make_room(tmp_path, largest=3_000_000)
    assert time.perf_counter() - began < 0.5
    assert len(list(tmp_path.iterdir())) == 2002
    assert not (tmp_path / "cut-off-cache").exists()
    runtime.make_room(tmp_path, largest=1_000_000)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*(f"{number}-cache" for number in range(1251, 2000)), "new-cache", "being-written-cache"}
