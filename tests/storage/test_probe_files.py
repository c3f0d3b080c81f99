"""Measurements of probes: one file per report, read back in the order of the steps."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn import nets
from jaxrnn.cells import elman
from jaxrnn.data import sine
from jaxrnn.optimizers import as_optimizer
from jaxrnn.storage import probe_files
from jaxrnn.training import Task, Trainer
from jaxrnn.training.probes import Probe


def test_what_a_probe_measured_is_read_back(tmp_path):
    net = nets.rnn(elman.cell(2), 1)
    task = Task(net, sine.dataset(), as_optimizer(optax.identity()), Trainer(10, 1, 2, "f64"))
    probe = Probe(
        lambda task, params, batch: {"bias": params[0].b, "rows": jnp.sum(batch.xs)}, lambda steps, arrays: {}
    )
    assert probe_files.read("weights", probe, task, tmp_path) is None
    watch = probe_files.Probes({"weights": probe}, task, 0, tmp_path)
    for step in (2, 10, 4):
        watch(SimpleNamespace(step=step, params=[elman.ElmanParams(None, None, jnp.full(2, float(step))), ()]))
    names = sorted(path.name for path in (tmp_path / "probes" / "weights").iterdir())
    assert names == ["10.npz", "2.npz", "4.npz"]
    steps, arrays = probe_files.read("weights", probe, task, tmp_path)
    np.testing.assert_array_equal(steps, [2, 4, 10])
    np.testing.assert_array_equal(arrays["bias"], [[2, 2], [4, 4], [10, 10]])
    assert len(set(arrays["rows"])) == 1  # the same sequences at every report
    assert watch.seconds > 0
