"""The two algebras of the package, and what a data set hands to a training run.

A recurrent network is a pure function of one step; everything else transforms it. `Cell` is one step, `Net` is one
sequence. Both are tuples of pure functions that hold no weights, and every combinator returns the type that it takes.

Shapes, everywhere: T steps, B sequences (any number of batch axes), D inputs, H units, K outputs. Sequences are
time-major, `xs [T, B, D]`; weights are `[in, out]` and used as `x @ w`.
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Interval

Params = Any  # a pytree of arrays
Carry = Any  # a pytree of arrays [B, ...]

# What a factory's signature says of its numbers. Configurations are checked against it before anything compiles.
Size = Annotated[int, Gt(0)]
Seed = Annotated[int, Interval(ge=0, lt=2**32)]
Lag = Annotated[float, Gt(2)]
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
NonNegativeInt = Annotated[int, Ge(0)]
Rate = Annotated[float, Interval(ge=0, lt=1)]


class Cell(NamedTuple):
    """One step of a recurrent network.

    Fields:
      size: H, the width of the output h_t.
      init: (key, input_size) -> params. The recurrent weights are the leaf named `w_h`.
      initial: (params, batch_shape) -> carry, the carry before the first step.
      project: (params, x_t [..., D]) -> u_t [..., G], what the input contributes; sees no carry.
      step: (params, carry, u_t) -> (carry, h_t [..., H]), the recurrence and the gates.
      gates: (params, carry, u_t) -> a NamedTuple of the gates' values [..., H], each under its letter; None for a cell
        without gates. The gate that keeps the state is called f or z, a candidate g or n.
    """

    size: int
    init: Callable[..., Params]
    initial: Callable[..., Carry]
    project: Callable[..., Any]
    step: Callable[..., tuple[Carry, Any]]
    gates: Callable[..., Any] | None = None


class Net(NamedTuple):
    """A map from a sequence to a sequence.

    Fields:
      init: (key, input_size) -> params.
      width: input_size -> output_size.
      initial: (params, batch_shape) -> carry, the carry before the first step.
      apply: (params, carry, xs [T, B, D], *, mask [T, B], reset [T, B], key [B]) -> (carry, ys [T, B, K]).
        `mask` marks the valid steps and `reset` the steps before which the carry returns to its initial value (see
        `jaxrnn.unroll`); `key` holds one PRNG key a sequence and switches dropout on.
      unrolled: unroll -> the same net whose recurrent layers are unrolled so (see `jaxrnn.unroll`).
      causal: whether y_t depends on x_1 ... x_t alone, so that the net can run on a stream.
    """

    init: Callable[..., Params]
    width: Callable[[int], int]
    initial: Callable[..., Carry]
    apply: Callable[..., tuple[Carry, Any]]
    unrolled: Callable[..., "Net"]
    causal: bool = True


class Batch(NamedTuple):
    """B sequences with what is asked of them.

    Fields:
      xs: inputs [T, B, D].
      targets: [T, B, K].
      weights: [T, B], how much each step counts in the loss; zero for a washout, for padding, for all steps but the
        last of a many-to-one task.
      fresh: [B], true for a sequence that begins here; false where it goes on from the batch before.
      mask: valid steps [T, B], or None for all.
      reset: steps before which the carry returns to its initial value [T, B], or None for none.
    """

    xs: Any
    targets: Any
    weights: Any
    fresh: Any
    mask: Any = None
    reset: Any = None


class Series(NamedTuple):
    """A series that a network can be primed on and then left to continue.

    Fields:
      values: [N, D], in the units that the network sees.
      mean, std: values * std + mean is in the units of the source.
      times: [N], the time axis of figures.
      handover: index at which generation takes over from the true values unless told otherwise.
      time_label, value_label: the axes' names, with units.
    """

    values: Any
    mean: float
    std: float
    times: Any
    handover: int
    time_label: str
    value_label: str

    def in_source_units(self, values):
        """Values in the units that the network sees, in the units of the source."""
        return np.asarray(values) * self.std + self.mean


class Dataset(NamedTuple):
    """Everything a training run needs to know of its data, as device arrays and pure functions.

    A batch is a function of the run's key and of the step alone, so a run that goes on from step s sees what the run
    that was never interrupted sees.

    Fields:
      input_size, output_size: D and K.
      rows: number of training sequences, the largest batch; None where sequences are drawn without end.
      arrays: pytree of device arrays that `batch` reads.
      plan: (key, steps [n], batch_size) -> items, a pytree with leading axes [n, B]: what each row of each step is.
      batch: (arrays, items with leading axis [B]) -> Batch.
      splits: {"validation": Batch, "test": Batch}, evaluated whole.
      loss: (ys [T, B, K], targets [T, B, K]) -> [T, B], the loss of each step.
      trivial: Batch -> ys [T, B, K], the predictor that a network has to beat.
      continues: whether batches go on from each other, so that the carry means something from one to the next.
      series: the `Series` behind the data, or None.
      correct: (ys [T, B, K], Batch) -> [B], whether each sequence counts as right; None where that means nothing.
      lags: (fewest, most) steps between an input that matters and the output that needs it, or None.
      loss_name, trivial_name: what tables and figures call the loss and the trivial predictor.
    """

    input_size: int
    output_size: int
    rows: int | None
    arrays: Any
    plan: Callable[..., Any]
    batch: Callable[..., Batch]
    splits: dict[str, Batch]
    loss: Callable[..., Any]
    trivial: Callable[[Batch], Any]
    continues: bool = False
    series: Series | None = None
    correct: Callable[..., Any] | None = None
    lags: tuple[int, int] | None = None
    loss_name: str = "mean squared error"
    trivial_name: str = "last value"
