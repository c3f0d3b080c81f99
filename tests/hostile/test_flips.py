"""Flipped bits: whatever is read back is refused, or gives the same to the last bit."""

import shutil

import jax
import numpy as np
import pytest
from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import compose, run_folder
from jaxrnn.sweeps import report

SIZES = (4, 24, 64)


@pytest.fixture(scope="module", params=SIZES)
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"size{request.param}") / "0"
    overrides = ["model=gru", "data=sine", f"model.cell.size={request.param}", "trainer.steps=144"]
    cfg = compose.compose("train", [*overrides, "trainer.report_every=36", "trainer.precision=f64"])
    (folder / ".hydra").mkdir(parents=True)
    OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")
    words = [*overrides, "trainer.report_every=36", "trainer.precision=f64"]
    OmegaConf.save(OmegaConf.create(words), folder / ".hydra" / "overrides.yaml")
    run_folder.train(cfg, folder)
    return folder


def loaded(folder):
    """What a user gets of the run: its network, its history, what evaluate and report say."""
    run = run_folder.load(folder)
    found = report.read(folder.parent)
    settings = [(s.factors, [(r.leaves, r.status, r.value, r.steps) for r in s.runs]) for s in found.settings]
    return (run.params, run.best_step, run.step, run.history.rows, run.cfg.data), settings, found.unreadable


def same(one, other):
    arrays = [jax.tree.leaves(each[0][0]) for each in (one, other)]
    assert all(np.array_equal(a, b) for a, b in zip(*arrays, strict=True))
    assert one[0][1:] == other[0][1:]
    assert one[1] == other[1]


def test_a_flipped_bit_is_refused_or_changes_nothing(run, rng, share):
    before, command = loaded(run), report.command(report.read(run.parent))
    assert command is not None
    files = sorted(path for path in run.rglob("*") if path.is_file())
    refused, failed = 0, []
    for _ in range(share(334, 25)):
        file = files[rng.integers(len(files))]
        data, place = file.read_bytes(), None
        if not data:
            continue
        place = int(rng.integers(len(data))), int(rng.integers(8))
        flipped = bytearray(data)
        flipped[place[0]] ^= 1 << place[1]
        file.write_bytes(flipped)
        try:
            after = loaded(run)
            if after[2]:
                refused += 1
            else:
                same(before, after)
                assert report.command(report.read(run.parent)) in (command, None)
        except ConfigError as error:
            refused += 1
            if "\n" in str(error):
                failed.append(f"bit {place} of {file}: {error}")
        except Exception as error:
            failed.append(f"bit {place} of {file}: {type(error).__name__} {error}")
        finally:
            file.write_bytes(data)
            shutil.rmtree(run / "report", ignore_errors=True)
    assert refused > 0
    assert not failed, "\n".join(failed)
    same(before, loaded(run))
