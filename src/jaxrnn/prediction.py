"""What a network predicts of a whole batch and how good it is, compiled and shared out over the devices."""

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrnn.devices import ROWS, mesh
from jaxrnn.losses import weighted_sum
from jaxrnn.training import cast


def predictor(net, precision):
    """(params, Batch) -> ys [T, B, K], each sequence from a fresh carry, compiled and shared out over the devices."""

    def predict(params, batch):
        params = cast(params, precision)
        carry = net.initial(params, batch.fresh.shape)
        return net.apply(params, carry, batch.xs, mask=batch.mask, reset=batch.reset)[1]

    return _shared_out(predict)


def evaluator(predict, loss):
    """(params, Batch) -> the weighted mean loss of what a `predictor` predicts, compiled."""
    measure = jax.jit(lambda ys, batch: mean_loss(loss, ys, batch))
    return lambda params, batch: measure(predict(params, batch), batch)


def scorer(predict, correct):
    """(params, Batch) -> the share of sequences that a `predictor` gets right, compiled; None where none can be."""
    if correct is None:
        return None
    score = jax.jit(lambda ys, batch: jnp.mean(correct(ys, batch)))
    return lambda params, batch: score(predict(params, batch), batch)


def _shared_out(predict):
    """(params, Batch) -> [T, B, K] compiled, the rows of the batch shared out over as many devices as divide them."""

    @jax.jit
    def shared(params, batch):
        rows = batch._replace(**{name: P(None, ROWS) for name in batch._fields})._replace(fresh=P(ROWS))
        return jax.shard_map(
            predict, mesh=mesh(len(batch.fresh)), in_specs=(P(), rows), out_specs=P(None, ROWS), check_vma=False
        )(params, batch)

    # The params may lie on the devices of a batch that was shared out otherwise.
    return lambda params, batch: shared(jax.device_put(params, NamedSharding(mesh(len(batch.fresh)), P())), batch)


def mean_loss(loss, ys, batch):
    """The weighted mean loss of outputs ys [T, B, K] over a batch."""
    total, weight = weighted_sum(loss, ys, batch.targets, batch.weights)
    return total / weight
