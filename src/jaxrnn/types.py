"""The contracts of the package: `Cell` (one step), `Net` (one sequence) and `Dataset`.

Cells and nets are tuples of pure functions without weights; the weights are passed as `params`. Combinators take and
return these types. Shapes: T steps, B sequences (any number of batch axes, also none), D inputs, H units, K outputs.
Sequences are time-major, `xs [T, B, D]`. Weights are `[in, out]` and used as `x @ w`.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt, Interval

from jaxrnn.batch import Batch
from jaxrnn.batch import Pair as Pair
from jaxrnn.series import Series
from jaxrnn.symbols import Symbols

Params = Any  # a pytree of arrays
Carry = Any  # a pytree of arrays [B, ...]
Unroll = Callable[..., tuple[Any, Any]]  # (cell, params, carry, xs, *, mask, reset, reverse) -> (carry, ys)

# Ranges of the numbers in a factory's signature. Configurations are checked against them before anything compiles.
Size = Annotated[int, Interval(gt=0, lt=2**31)]  # JAX counts in int32
Seed = Annotated[int, Interval(ge=0, lt=2**32)]
Lag = Annotated[float, Gt(2)]
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
NonNegativeInt = Annotated[int, Interval(ge=0, lt=2**31)]
Rate = Annotated[float, Interval(ge=0, lt=1)]


class Cell(NamedTuple):
    """One step of a recurrent network, as functions that JAX can trace. Params and carries are pytrees of arrays.

    Fields:
      size: H, the width of the output h_t.
      init: (key, input_size) -> params. Draws the weights for inputs of width D = input_size; the recurrent weights
        are the leaf named `w_h`.
      initial: (params, batch_shape) -> carry. Returns the carry before the first step, with leaves [*batch_shape, ...].
      project: (params, x_t [..., D]) -> u_t [..., G]. Computes the input's part of the step, such as x_t W_x + b. The
        cell chooses the width G. `project` does not see the carry, so an unroll may apply it to all steps at once.
      step: (params, carry, u_t [..., G]) -> (carry, h_t [..., H]). Applies the recurrence and the gates; the new carry
        has the structure and the shapes of the old one.
      gates: (params, carry, u_t [..., G]) -> a NamedTuple with one array [..., H] per gate. The field of the gate that
        keeps the state is named f or z, and the field of a candidate is named g or n. None for a cell without gates.
    """

    size: int
    init: Callable[..., Params]
    initial: Callable[..., Carry]
    project: Callable[..., Any]
    step: Callable[..., tuple[Carry, Any]]
    gates: Callable[..., Any] | None = None


class _NetFields(NamedTuple):
    init: Callable[..., Params]
    width: Callable[[int], int]
    initial: Callable[..., Carry]
    apply: Callable[..., tuple[Carry, Any]]
    with_unroll: Callable[..., "Net"]
    causal: bool = True
    decoding: "Decoding | None" = None
    explicit_weights: "ExplicitWeights | None" = None
    vocabulary: int | None = None
    many_to_one: Callable[[], "Net"] | None = None
    attention: Callable[..., Any] | None = None


class Net(_NetFields):
    """A map from a sequence to a sequence.

    `with_unroll` and `many_to_one` build a new net. The new net keeps the fields that were changed with `_replace`.

    Fields:
      init: (key, input_size) -> params. Draws the weights for inputs of width D = input_size.
      width: (input_size) -> output_size. Returns K for inputs of width D.
      initial: (params, batch_shape) -> carry. Returns the carry before the first step, with leaves [*batch_shape, ...].
      apply: (params, carry, xs [T, B, D], *, mask=None, reset=None, key=None) -> (carry, ys [T, B, K]). Runs the net
        over the sequences and returns the last carry (see `jaxrnn.unroll`).
        mask [T, B] is true at the valid steps, reset [T, B] at the steps before which the carry returns to its initial
        value. key [B] holds one PRNG key per sequence and switches dropout and noise on; None switches them off. A loop
        that calls the net step by step passes `jaxrnn.keys.StepKeys`.
      with_unroll: (unroll) -> Net. Returns the same net with its recurrent layers unrolled by `unroll`, a function
        `(cell, params, carry, xs, *, mask, reset, reverse) -> (carry, ys)`.
      causal: whether y_t depends only on x_1 ... x_t, so that the net can run on a stream.
      decoding: the `Decoding` of an encoder-decoder, which reads a `Pair` as xs; None for other nets.
      explicit_weights: the `ExplicitWeights` of a net whose recurrent weights are computed from its params, or None.
      vocabulary: number of symbols that the net can read as integers xs [T, B, 1]; None if it reads values.
      many_to_one: () -> Net. Returns the same net for data with one target per sequence (see `jaxrnn.nets.adapted`);
        None for a net that treats each step separately.
      attention: (params, carry, xs [T, B, D]) -> weights [T, B, S]. Returns the attention that each step pays to the
        steps of the source; None for a net without attention.
    """

    __slots__ = ()

    def _replace(self, **fields: Any) -> "Net":
        for name in ("with_unroll", "many_to_one"):
            if name not in fields and getattr(self, name) is not None:
                fields = fields | {name: self._rebuilding(name, fields)}
        return super()._replace(**fields)

    def _rebuilding(self, name, fields):
        """Returns the function in the field `name`, with the same changes applied to the net that it builds."""
        return lambda *arguments: getattr(self, name)(*arguments)._replace(**fields)


class ExplicitWeights(NamedTuple):
    """The version of a parametrized net whose params are the recurrent weights themselves.

    Fields:
      net: the `Net` of that version.
      weights: (params of the parametrized net) -> params of `net`. Computes the recurrent weights.
    """

    net: Net
    weights: Callable[[Params], Params]


class Decoding(NamedTuple):
    """The parts of an encoder-decoder, for producing an answer step by step.

    Fields:
      encode: (params, source [S, B, D], mask [S, B]) -> (decoder_params, carry). Reads the source and returns the
        decoder's carry before its first step.
      decoder: the decoder, a causal `Net`.
      start: (batch_shape) -> x_0. Returns the decoder's first input, [B, 1] for symbols or [B, K] for values.
    """

    encode: Callable[..., Any]
    decoder: Net
    start: Callable[..., Any]


class Metric(NamedTuple):
    """Scalar score of a network's outputs.

    Fields:
      function: (ys [T, B, K], Batch) -> score, a scalar. JAX must be able to trace it.
      unit: the unit of the score; empty for a share or a ratio.
      better: "up" if larger scores are better, "down" if smaller ones are, or the number that scores should be near.
    """

    function: Callable[..., Any]
    unit: str = ""
    better: Literal["down", "up"] | float = "down"

    def __call__(self, ys: Any, batch: Batch) -> Any:
        return self.function(ys, batch)


class Buckets(NamedTuple):
    """Training batches of sequences with similar lengths, so that little of the computation is spent on padding.

    Fields:
      which: (steps [n], batch_size) -> [n]. Returns the bucket index of each update, the same for all runs of a sweep.
      batches: one function per bucket, (arrays, items with leading axis [B]) -> Batch of a static shape.
      padding: share of the steps computed in an epoch that are padding, in [0, 1].
    """

    which: Callable[..., Any]
    batches: tuple[Callable[..., Batch], ...]
    padding: float


class Question(NamedTuple):
    """The input that `scripts/generate.py` reads from the user as text.

    Fields:
      name: the key that the user sets, such as "sentence".
      batch: (text) -> Batch of one sequence. Raises ValueError for a text that it cannot read.
      default: the text that is used if the user sets none.
    """

    name: str
    batch: Callable[[str], Batch]
    default: str


class Dataset(NamedTuple):
    """The data of a training run, as device arrays and pure functions.

    Batches depend only on the run's key and the step, so a resumed run sees the batches that it would have seen.

    Fields:
      input_size: D, the width of the inputs.
      output_size: K, the width of the network's outputs.
      rows: number of training sequences, the largest possible batch; None if sequences are drawn without end.
      arrays: pytree of device arrays that `batch` reads.
      plan: (key, steps [n], batch_size) -> items. Chooses the rows of n updates: indices or keys [n, B, ...].
      batch: (arrays, items of one update, leading axis [B]) -> Batch. Gathers or draws one training batch.
      splits: {"validation": Batch, "test": Batch}, the data for evaluation.
      loss: (ys [T, B, K], targets [T, B, ...]) -> [T, B]. Computes the loss of each step.
      baselines: {name: (Batch) -> ys [T, B, K]}, simple predictors to compare with; the first is the trivial one.
      continues: whether each batch continues the one before, so that training keeps the carry between batches.
      series: the `Series` that the data come from; None for other data.
      solved: (ys [T, B, K], Batch) -> bool [B]. Decides whether each sequence is solved; None if this has no meaning.
      lags: (smallest, largest) number of steps between a relevant input and the output that needs it, or None.
      loss_name: name of the loss in tables and figures.
      metrics: {name: `Metric`}, reported with the loss.
      buckets: `Buckets` for sequences of different lengths; None if all have the same length.
      inputs: the `Symbols` whose numbers are xs [T, B, 1]; None if xs are values.
      outputs: the `Symbols` whose logits are the outputs, or None. If xs is a `Pair`, symbol 0 ends an answer.
      question: the `Question` that a user can ask a trained network, or None.
      shown: (Batch, predicted) -> [{"input", "target", "prediction", ...}], one dict per sequence for display, or None;
        `predicted` holds symbols [T, B] or values [T, B, K].
      distribution: the `jaxrnn.distributions` distribution that the outputs describe, for a series; else None.
      anchor: (xs [T, B, D]) -> [T, B, K']. Computes the forecast that `jaxrnn.nets.adapted` adds to the first K'
        outputs, which are the locations of the distributions; None to add nothing.
      targets: the kind of target.
        "per_step": one per step, or an answer with its own length. "per_sequence": only one, for the output at the
        last valid step (many-to-one). "next_step": values of later inputs, so the network must not read the future.
      notes: sentences about the data that a run's summary repeats.
    """

    input_size: int
    output_size: int
    rows: int | None
    arrays: Any
    plan: Callable[..., Any]
    batch: Callable[..., Batch]
    splits: dict[str, Batch]
    loss: Callable[..., Any]
    baselines: dict[str, Callable[[Batch], Any]]
    continues: bool = False
    series: Series | None = None
    solved: Callable[..., Any] | None = None
    lags: tuple[int, int] | None = None
    loss_name: str = "mean squared error"
    metrics: dict[str, Metric] = {}  # noqa: RUF012
    buckets: Buckets | None = None
    inputs: Symbols | None = None
    outputs: Symbols | None = None
    question: Question | None = None
    shown: Callable[..., Any] | None = None
    distribution: Any = None
    anchor: Callable[..., Any] | None = None
    targets: Literal["per_step", "per_sequence", "next_step"] = "per_step"
    notes: tuple[str, ...] = ()

    @property
    def trivial_name(self) -> str:
        """Name of the trivial predictor, the first of the baselines."""
        return next(iter(self.baselines))

    @property
    def trivial(self) -> Callable[[Batch], Any]:
        """The trivial predictor, (Batch) -> ys [T, B, K]."""
        return self.baselines[self.trivial_name]
