"""Training steps, many to a compiled call: batches shared out over the devices, reports written on the device."""

from typing import Annotated, Any, Literal, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge
from jax import lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jaxrnn import dynamics, unroll
from jaxrnn.cudnn import cudnn
from jaxrnn.deferred import deferred
from jaxrnn.devices import ROWS, mesh
from jaxrnn.losses import weighted_sum
from jaxrnn.newton import newton
from jaxrnn.types import NonNegative, Size

ROUNDING = 1e-6  # of two norms of the same gradient, which XLA may sum in different orders


Unroll = Literal["deferred", "scan", "chunked", "truncated", "newton", "newton_diagonal", "cudnn", "loop"]


class Trainer(NamedTuple):
    """How a network is trained.

    Fields:
      steps: updates.
      batch_size: B, sequences an update.
      report_every: updates between two reports, and in one compiled call.
      unroll: how the network is unrolled in time; all but `truncated` agree to rounding.
      k1: steps a chunk (`chunked`; None for the square root of the length) or between backward passes (`truncated`).
      k2: steps that a backward pass goes back (`truncated`; None for k1).
      precision: of the products; carries and sums are float32 at least.
      patience: reports without a better validation loss after which training stops; None for never.
      checkpoint_seconds: seconds between two checkpoints; the first and the last report always save one.
      keep_every: updates between two checkpoints that are kept for good, to study the training, a multiple of
        `report_every`; None to keep the last one alone.
      flossing: k, the largest Lyapunov exponents whose squares are pushed to zero, along the first sequence of a batch
        (gradient flossing, Engelken 2023); None for no flossing.
      flossing_before: first updates, which do nothing else.
      flossing_weight: of the mean squared exponent beside the loss in the updates after them.
      probes: studies that measure at every report: gradient_flow, gates.
    """

    steps: Size
    batch_size: Size
    report_every: Size = 100
    unroll: Unroll = "deferred"
    k1: Size | None = None
    k2: Size | None = None
    precision: Literal["f32", "bf16", "f64"] = "f32"
    patience: Size | None = None
    checkpoint_seconds: NonNegative = 10.0
    keep_every: Size | None = None
    flossing: Size | None = None
    flossing_before: Annotated[int, Ge(0)] = 0
    flossing_weight: NonNegative = 1.0
    probes: tuple[Literal["gradient_flow", "gates"], ...] = ()

    def unrolled(self):
        """The unroll that the fields name."""
        if self.unroll == "chunked":
            return unroll.chunked(self.k1)
        if self.unroll == "truncated":
            if self.k1 is None:
                raise ValueError("trainer.unroll=truncated needs trainer.k1, the steps between two backward passes")
            return unroll.truncated(self.k1, self.k2)
        if self.unroll.startswith("newton"):
            return newton("diagonal" if self.unroll == "newton_diagonal" else "full")
        if self.unroll == "cudnn" and jax.default_backend() != "gpu":
            raise ValueError(f"trainer.unroll=cudnn needs an NVIDIA GPU; JAX computes on {jax.default_backend()} here")
        return {"deferred": deferred, "scan": unroll.scan, "cudnn": cudnn, "loop": unroll.loop}[self.unroll]


@flax.struct.dataclass
class TrainState:
    """All that the next update depends on."""

    step: jax.Array  # [], int32
    params: Any
    opt_state: Any
    carry: Any  # [B, ...]
    key: jax.Array  # the run's PRNG key; a step's draws are functions of it and of the step


class Report(NamedTuple):
    """What each update measured.

    Fields, each [n]:
      loss: the weighted mean loss of the batch, before the update.
      grad_norm: global L2 norm of the gradient, before clipping.
      clipped_norm: the same after clipping.
      clipped: 1 where clipping made the gradient shorter, else 0.
      update_norm: global L2 norm of what the update added to the params.
      param_norm: global L2 norm of the params after the last update, in its row; zero in the others.
      correct: share of the batch's sequences that were right before the update; zero where the data do not say.
    """

    loss: jax.Array
    grad_norm: jax.Array
    clipped_norm: jax.Array
    clipped: jax.Array
    update_norm: jax.Array
    param_norm: jax.Array
    correct: jax.Array


class Program(NamedTuple):
    """A training run as functions.

    Fields:
      init: key -> TrainState.
      advance: (TrainState, arrays, n) -> (TrainState, Report [report_every]); n updates, at most `report_every`; the
        report's rows from n on are zeros. One compilation serves every n. The state given stays valid, to go back
        to where the n updates diverge.
      restored: a TrainState from a checkpoint, numpy arrays and key data in the key's place -> TrainState.
    """

    init: Any
    advance: Any
    restored: Any


def program(net, dataset, optimizer, trainer, everywhere=False):
    """The training run of a net on a data set.

    Args:
      net: a `Net`.
      dataset: a `Dataset`.
      optimizer: an `Optimizer`.
      trainer: a `Trainer`.
      everywhere: share the rows of a batch out over the devices of all processes, each of which makes the same calls;
        every process then holds the whole state.
    """
    devices = mesh(trainer.batch_size, everywhere=everywhere)
    # State in vectors instead of trees like the params: half the time of a small network; vmapped it would cost more.
    parts = updates(net, dataset, optimizer._replace(rule=optax.flatten(optimizer.rule)), trainer, devices.size)

    def advance(state, arrays, n):
        return jax.shard_map(
            parts.run,
            mesh=devices,
            in_specs=(states, P(), P(None, ROWS), P()),
            out_specs=(states, P()),
            check_vma=False,
        )(state, arrays, parts.plan(state), n)

    states = TrainState(step=P(), params=P(), opt_state=P(), carry=P(ROWS), key=P())
    on_all = NamedSharding(devices, P())
    of_states = on_all if everywhere else jax.tree.map(lambda spec: NamedSharding(devices, spec), states)
    return Program(
        init=jax.jit(parts.init, out_shardings=of_states),
        advance=jax.jit(advance, in_shardings=(of_states, on_all, on_all), out_shardings=(of_states, on_all)),
        restored=jax.jit(
            lambda state: state.replace(key=jax.random.wrap_key_data(state.key)),
            in_shardings=on_all,
            out_shardings=of_states,
        ),
    )


class Updates(NamedTuple):
    """A training run as pure functions, to be compiled, shared out and vmapped.

    Fields:
      init: key -> TrainState.
      plan: TrainState -> items, what each row of each of the next `report_every` updates is.
      run: (TrainState, arrays, items, n) -> (TrainState, Report [report_every]), n updates.
    """

    init: Any
    plan: Any
    run: Any


def updates(net, dataset, optimizer, trainer, shards=1):
    """The pure functions of a training run.

    Args:
      net, dataset, optimizer, trainer: as in `program`.
      shards: devices that the rows of a batch are shared out over, along the mesh axis `ROWS`; with 1 there is no axis.
    """
    batch_size = trainer.batch_size
    local_rows = batch_size // shards

    def total(values):
        return lax.psum(values, ROWS) if shards > 1 else values

    def init(key):
        key_params, key_run = jax.random.split(key)
        params = net.init(key_params, dataset.input_size)
        return TrainState(
            step=jnp.zeros((), jnp.int32),
            params=params,
            opt_state=optimizer.rule.init(params),
            carry=net.initial(params, (batch_size,)),
            key=key_run,
        )

    def objective(params, loss, batch, step):
        if trainer.flossing is None:
            return loss
        f, z_0 = dynamics.as_map(net, params)
        squared = jnp.mean(dynamics.lyapunov(f, z_0, batch.xs[:, 0], trainer.flossing).lam ** 2) / shards
        return jnp.where(step < trainer.flossing_before, squared, loss + trainer.flossing_weight * squared)

    def update(state, batch):
        first = lax.axis_index(ROWS) * local_rows if shards > 1 else 0
        row = first + jnp.arange(local_rows)
        step_key = jax.random.fold_in(jax.random.fold_in(state.key, 1), state.step)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(step_key, row)
        total_weight = total(jnp.sum(batch.weights))

        def batch_loss(params):
            params = cast(params, trainer.precision)
            carry = start(net, params, batch.fresh, state.carry)
            carry, ys = net.apply(params, carry, batch.xs, mask=batch.mask, reset=batch.reset, key=keys)
            loss = weighted_sum(dataset.loss, ys, batch.targets, batch.weights)[0] / total_weight
            right = 0.0 if dataset.correct is None else jnp.sum(dataset.correct(ys, batch)) / batch_size
            return objective(params, loss, batch, state.step), (loss, carry, right)

        (_, (loss, carry, right)), grads = jax.value_and_grad(batch_loss, has_aux=True)(state.params)
        loss, right, grads = total((loss, right, grads))
        clipped, _ = optimizer.clip.update(grads, optimizer.clip.init(grads))
        updates, opt_state = optimizer.rule.update(clipped, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        grad_norm, clipped_norm = norm(grads), norm(clipped)
        report = Report(
            loss=loss,
            grad_norm=grad_norm,
            clipped_norm=clipped_norm,
            clipped=clipped_norm < (1 - ROUNDING) * grad_norm,
            update_norm=norm(updates),
            param_norm=0.0,
            correct=right,
        )
        return TrainState(state.step + 1, params, opt_state, carry, state.key), report

    def run(state, arrays, items, n):
        def body(i, loop_state):
            state, reports = loop_state
            state, report = update(state, dataset.batch(arrays, jax.tree.map(lambda a: a[i], items)))
            return state, reports.at[i].set(jnp.stack([jnp.asarray(a, reports.dtype) for a in report]))

        reports = jnp.zeros((trainer.report_every, len(Report._fields)))
        state, reports = lax.fori_loop(0, n, body, (state, reports))
        report = Report(*reports.T)
        return state, report._replace(param_norm=jnp.where(jnp.arange(len(reports)) == n - 1, norm(state.params), 0.0))

    def plan(state):
        steps = state.step + jnp.arange(trainer.report_every)
        return dataset.plan(jax.random.fold_in(state.key, 0), steps, batch_size)

    return Updates(init, plan, run)


def norm(tree):
    """The global L2 norm, of one vector: in a small network norms leaf by leaf would take longer than the update."""
    vector = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(tree)])
    return jnp.sqrt(jnp.vdot(vector, vector, precision=lax.Precision.HIGHEST))


def flattened(opt_state, params):
    """The optimizer state of `updates`, a tree like the params, as `program` keeps it, in vectors."""
    structure, shapes = jax.tree.structure(params), [leaf.shape for leaf in jax.tree.leaves(params)]

    def like_params(part):
        return jax.tree.structure(part) == structure and [leaf.shape for leaf in jax.tree.leaves(part)] == shapes

    def ravel(part):
        return jnp.concatenate([a.ravel() for a in jax.tree.leaves(part)]) if like_params(part) else part

    return jax.tree.map(ravel, opt_state, is_leaf=like_params)


def cast(params, precision):
    """The params in the precision of the products."""
    if precision != "bf16":
        return params
    return jax.tree.map(lambda a: a.astype(jnp.bfloat16) if jnp.issubdtype(a.dtype, jnp.floating) else a, params)


def start(net, params, fresh, carry):
    """The carry of a batch: initial for the rows that begin, handed on for the rows that go on."""
    initial = net.initial(params, fresh.shape)

    def choose(first, handed_on):
        return jnp.where(fresh.reshape(*fresh.shape, *[1] * (first.ndim - 1)), first, handed_on)

    return jax.tree.map(choose, initial, carry)
