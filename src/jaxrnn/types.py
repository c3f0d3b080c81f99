"""The types of the package: `Cell` (one step), `Net` (one sequence), `Dataset`, and the ranges of numbers.

Cells and nets are tuples of pure functions without weights; the weights are passed as `params`. Combinators take and
return these types. `jaxrnn.contracts` describes their functions. Shapes: T steps, B sequences (any number of batch
axes, also none), D inputs, H units, K outputs. Sequences are time-major, `xs [T, B, D]`. Weights are `[in, out]` and
used as `x @ w`.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt, Interval

from jaxrnn.batch import Batch
from jaxrnn.batch import Pair as Pair
from jaxrnn.contracts import Carry as Carry
from jaxrnn.contracts import Cell as Cell
from jaxrnn.contracts import Decoding as Decoding
from jaxrnn.contracts import ExplicitWeights as ExplicitWeights
from jaxrnn.contracts import Net as Net
from jaxrnn.contracts import Params as Params
from jaxrnn.contracts import Unroll as Unroll
from jaxrnn.series import Series
from jaxrnn.symbols import Symbols

# Ranges of the numbers in a factory's signature. Configurations are checked against them before anything compiles.
Size = Annotated[int, Interval(gt=0, lt=2**31)]  # JAX counts in int32
Seed = Annotated[int, Interval(ge=0, lt=2**32)]
Lag = Annotated[float, Gt(2)]
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
NonNegativeInt = Annotated[int, Interval(ge=0, lt=2**31)]
Rate = Annotated[float, Interval(ge=0, lt=1)]


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
