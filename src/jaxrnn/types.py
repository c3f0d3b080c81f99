"""The two algebras of the package, and what a data set hands to a training run.

A recurrent network is a pure function of one step; everything else transforms it. `Cell` is one step, `Net` is one
sequence. Both are tuples of pure functions that hold no weights, and every combinator returns the type that it takes.

Shapes, everywhere: T steps, B sequences (any number of batch axes), D inputs, H units, K outputs. Sequences are
time-major, `xs [T, B, D]`; weights are `[in, out]` and used as `x @ w`.
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

# What a factory's signature says of its numbers. Configurations are checked against it before anything compiles.
Size = Annotated[int, Interval(gt=0, lt=2**31)]  # JAX counts in int32
Seed = Annotated[int, Interval(ge=0, lt=2**32)]
Lag = Annotated[float, Gt(2)]
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
NonNegativeInt = Annotated[int, Interval(ge=0, lt=2**31)]
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


class _NetFields(NamedTuple):
    init: Callable[..., Params]
    width: Callable[[int], int]
    initial: Callable[..., Carry]
    apply: Callable[..., tuple[Carry, Any]]
    unrolled: Callable[..., "Net"]
    causal: bool = True
    decoding: "Decoding | None" = None
    plain: "Plain | None" = None
    vocabulary: int | None = None
    many_to_one: Callable[[], "Net"] | None = None


class Net(_NetFields):
    """A map from a sequence to a sequence.

    A field that `_replace` changes stays changed when another unroll is set: `unrolled` builds the net anew.

    Fields:
      init: (key, input_size) -> params.
      width: input_size -> output_size.
      initial: (params, batch_shape) -> carry, the carry before the first step.
      apply: (params, carry, xs [T, B, D], *, mask [T, B], reset [T, B], key [B]) -> (carry, ys [T, B, K]).
        `mask` marks the valid steps and `reset` the steps before which the carry returns to its initial value (see
        `jaxrnn.unroll`). `key` holds one PRNG key per sequence and switches dropout on; a loop that calls the net step
        by step gives `jaxrnn.keys.StepKeys`.
      unrolled: unroll -> the same net whose recurrent layers are unrolled so (see `jaxrnn.unroll`).
      causal: whether y_t depends on x_1 ... x_t alone, so that the net can run on a stream.
      decoding: the `Decoding` of a net that reads a `Pair`, or None.
      plain: the `Plain` of a net whose recurrent weights are functions of its params, or None.
      vocabulary: how many symbols the net can read, as numbers xs [T, B, 1]; None for a net that reads values.
      many_to_one: () -> the same net for data with one target per sequence (see `jaxrnn.nets.adapted`); None for a net
        that acts on each step by itself.
    """

    __slots__ = ()

    def _replace(self, **fields: Any) -> "Net":
        for name in ("unrolled", "many_to_one"):
            if name not in fields and getattr(self, name) is not None:
                fields = fields | {name: self._rebuilding(name, fields)}
        return super()._replace(**fields)

    def _rebuilding(self, name, fields):
        """The field of this name, a function that builds the net anew, with the same changes to what it builds."""
        return lambda *arguments: getattr(self, name)(*arguments)._replace(**fields)


class Plain(NamedTuple):
    """A parametrized net as one whose params hold the recurrent weights themselves.

    Fields:
      net: that `Net`.
      weights: the parametrized net's params -> that net's.
    """

    net: Net
    weights: Callable[[Params], Params]


class Decoding(NamedTuple):
    """How the answer of an encoder-decoder is found step by step, without knowing it.

    Fields:
      encode: (params, source [S, B, D], mask [S, B]) -> (the decoder's params, its carry before the first step).
      decoder: the decoder, a causal `Net`.
      start: (batch_shape) -> x_0 [B, 1], the decoder's first input.
      attention: (the decoder's params, carry, inputs [T, B, 1]) -> weights [T, B, S] over the source; None without.
    """

    encode: Callable[..., Any]
    decoder: Net
    start: Callable[..., Any]
    attention: Callable[..., Any] | None = None


class Metric(NamedTuple):
    """What outputs are worth, as one number.

    Fields:
      function: (ys [T, B, K], Batch) -> the number, traceable.
      unit: of the number, empty for a share or a ratio.
      better: "up" where more is better, "down" where less is; a number where nearer to it is.
    """

    function: Callable[..., Any]
    unit: str = ""
    better: Literal["down", "up"] | float = "down"

    def __call__(self, ys: Any, batch: Batch) -> Any:
        return self.function(ys, batch)


class Buckets(NamedTuple):
    """Training batches of sequences of like length, so that few of the steps computed are padding.

    Fields:
      which: (steps [n], batch_size) -> [n], the bucket of each update, the same for all runs of a sweep.
      batches: a tuple of (arrays, items with leading axis [B]) -> Batch, one a bucket, each of a static shape.
      padding: the share of the steps computed in an epoch that is padding.
    """

    which: Callable[..., Any]
    batches: tuple[Callable[..., Batch], ...]
    padding: float


class Question(NamedTuple):
    """What `scripts/generate.py` asks: the key's name, text -> a `Batch` of one sequence, what is asked by default.

    `batch` raises ValueError for a text that cannot be read.
    """

    name: str
    batch: Callable[[str], Batch]
    default: str


class Dataset(NamedTuple):
    """Everything a training run needs to know of its data, as device arrays and pure functions.

    A batch is a function of the run's key and of the step alone, so a run that goes on sees what it would have seen.

    Fields:
      input_size, output_size: D and K.
      rows: number of training sequences, the largest batch; None where sequences are drawn without end.
      arrays: pytree of device arrays that `batch` reads.
      plan: (key, steps [n], batch_size) -> items, a pytree with leading axes [n, B]: what each row of each step is.
      batch: (arrays, items with leading axis [B]) -> Batch.
      splits: {"validation": Batch, "test": Batch}; windows of a series are evaluated in pieces, others whole.
      loss: (ys [T, B, K], targets [T, B, ...]) -> [T, B], the loss of each step.
      baselines: {name: Batch -> ys [T, B, K]}, trivial and classical predictors, the one to beat in any case first.
      continues: whether batches go on from each other, so that the carry means something from one to the next.
      series: the `Series` behind the data, or None.
      correct: (ys [T, B, K], Batch) -> [B], whether each sequence counts as right; None where that means nothing.
      lags: (fewest, most) steps between an input that matters and the output that needs it, or None.
      loss_name: what tables and figures call the loss.
      metrics: {name: `Metric`}, reported beside the loss.
      buckets: `Buckets`, or None where all sequences are as long.
      inputs: the `Symbols` that xs [T, B, 1] hold the numbers of; None where xs are values.
      outputs: the `Symbols` that the outputs are logits of, or None. Where xs is a `Pair`, the first is the end.
      question: a `Question`, or None.
      shown: (Batch, predicted [T, B] of symbols or [T, B, K]) -> [{"input", "target", "prediction", ...}], a dict a
        sequence, or None.
      distribution: what the outputs say of the values of a series (see `jaxrnn.distributions`), or None.
      anchor: xs [T, B, D] -> [T, B, K'], a forecast that the network's first K' outputs are added to, the locations of
        its distributions; None for none. `jaxrnn.nets.adapted` does so wherever a network is trained or loaded.
      targets: "per_step", one target per step or an answer of its own length; "per_sequence", one target, which the
        loss reads at the last valid step (many-to-one); "next_step", values that the inputs still have to reach, so
        that a net which reads the future would read them.
      notes: sentences about the data that a reader of a run's numbers should know; its summary repeats them.
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
    correct: Callable[..., Any] | None = None
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
        """What tables and figures call the predictor to beat in any case."""
        return next(iter(self.baselines))

    @property
    def trivial(self) -> Callable[[Batch], Any]:
        """That predictor, Batch -> ys [T, B, K]."""
        return self.baselines[self.trivial_name]
