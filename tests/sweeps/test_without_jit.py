"""A compiled sweep and studies under `jax.disable_jit()`, which helps debugging, against their jitted numbers."""

import jax
import numpy as np
import pytest
from test_group import jobs_of

from jaxrnn.experiments import schema
from jaxrnn.studies import _runner
from jaxrnn.sweeps import grouping, schedule

SMALL = ["model=elman", "model.cell.size=2", "data=sine", "data.points=6"]
SMALL += ["trainer.batch_size=2", "trainer.steps=2", "trainer.report_every=2"]
STUDIES = {"gradient_flow": ["study.batch=2"], "jacobian": ["study.sequences=1"]}


@pytest.mark.slow
def test_two_runs_of_a_compiled_sweep(tmp_path, configure, numbers):
    def train(folder):
        overrides = [*SMALL, "trainer.precision=f64"]
        cfgs = [configure(*overrides, f"optimizer.learning_rate={rate}") for rate in (0.01, 0.1)]
        for cfg in cfgs:
            schema.prepare(cfg)
        assert len(grouping.plan(cfgs).groups) == 1
        jobs = jobs_of(folder, cfgs)
        schedule.train(jobs, folder)
        return [numbers(job.folder) for job in jobs]

    expected = train(tmp_path / "compiled")
    with jax.disable_jit():
        actual = train(tmp_path / "step by step")
    np.testing.assert_allclose(actual, expected, rtol=1e-8)


@pytest.mark.slow
@pytest.mark.share(2)
@pytest.mark.parametrize("study", STUDIES)
def test_a_study(study, tmp_path, configure):
    def measure(folder):
        folder.mkdir()
        cfg = configure(f"study={study}", *SMALL, "seeds=1", *STUDIES[study], name="study")
        _runner.study_models({"small": cfg}, folder, "the command")
        with np.load(folder / f"{study}.npz") as arrays:
            return dict(arrays)

    expected = measure(tmp_path / "compiled")
    with jax.disable_jit():
        actual = measure(tmp_path / "step by step")
    assert actual.keys() == expected.keys()
    for name, values in expected.items():
        if values.dtype.kind == "U":  # a verdict
            np.testing.assert_array_equal(actual[name], values, err_msg=name)
        else:
            np.testing.assert_allclose(actual[name], values, rtol=1e-3, atol=1e-6, err_msg=name)
