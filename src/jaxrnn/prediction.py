"""What a network predicts of a whole batch and how good it is, compiled and shared out over the devices."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrnn import decode
from jaxrnn.devices import ROWS, mesh
from jaxrnn.losses import weighted_sum
from jaxrnn.training import cast


def predict(net, precision, params, batch):
    """What a net predicts of a batch, each sequence from a fresh carry: ys [T, B, K]."""
    params = cast(params, precision)
    carry = net.initial(params, batch.fresh.shape)
    return net.apply(params, carry, batch.xs, mask=batch.mask, reset=batch.reset)[1]


def measured(dataset, ys, batch):
    """What outputs ys [T, B, K] are worth: {"loss", and "correct" where the data say it}."""
    found = {"loss": mean_loss(dataset.loss, ys, batch)}
    return found if dataset.correct is None else found | {"correct": jnp.mean(dataset.correct(ys, batch))}


def predictor(net, precision):
    """(params, Batch) -> ys [T, B, K] as `predict` gives them, compiled and shared out over the devices."""
    return _shared_out(partial(predict, net, precision))


def generator(net, precision):
    """(params, xs [T, K], length) -> ys [length, K], what the net goes on with after the values xs."""

    def go_on(params, xs, length):
        return decode.prime_and_generate(net, cast(params, precision), xs, length)[1]

    return go_on


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
