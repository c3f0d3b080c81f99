"""What the README says of speed is what the benchmarks wrote."""

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_numbers_of_speed_come_from_the_files_that_the_benchmarks_wrote():
    spec = importlib.util.spec_from_file_location("speed", ROOT / "docs" / "speed.py")
    speed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(speed)
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("## Speed\n")[2].partition("\n## ")[0]
    lines = [*speed.table(ROOT / "docs/speed"), *speed.notes(ROOT / "docs/speed")]
    for line in lines:
        assert line in section
    assert section.count("\n| ") + section.count("\n- ") == len(lines) - 1  # no line that the files do not hold
    machine = json.loads((ROOT / "docs/speed/machine.json").read_text())
    assert f"jax {machine['versions']['jax']}" in section
