"""The data of a training run: `Dataset` and the parts that it is composed of.

Shapes: n updates, T steps, B sequences, D inputs, K outputs. Functions must be traceable by JAX, unless their
documentation says otherwise.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

from jaxrnn.batch import Batch
from jaxrnn.errors import ConfigError
from jaxrnn.made_by import Recorded
from jaxrnn.scales import Scales
from jaxrnn.series import Series
from jaxrnn.strokes import Strokes
from jaxrnn.symbols import SymbolData

MOVED_FIELDS = {  # fields of `Dataset` before version 0.6 -> where they are now
    "rows": "train.rows",
    "arrays": "train.arrays",
    "plan": "train.plan",
    "batch": "train.batch",
    "continues": "train.stateful",
    "buckets": "train.buckets",
    "loss_name": "loss.name",
    "correct": "memory.solved",
    "solved": "memory.solved",
    "lags": "memory.lags",
    "inputs": "symbols.inputs",
    "outputs": "symbols.outputs",
    "question": "symbols.question",
    "shown": "symbols.describe",
    "distribution": "series.distribution",
    "anchor": "series.anchor",
}


Arrays = Any  # a pytree of device arrays
Items = Any  # a pytree of arrays [B, ...] that say what one update reads: indices, keys or values


class Plan(Protocol):
    """Chooses the rows of n updates; returns their items, leaves [n, B, ...]."""

    def __call__(self, key: PRNGKeyArray, steps: Int[Array, " n"], batch_size: int, /) -> Items: ...


class MakeBatch(Protocol):
    """Gathers or draws a training batch from the arrays of the data set and the items of one update."""

    def __call__(self, arrays: Arrays, items: Items, /) -> Batch: ...


class WhichBucket(Protocol):
    """Returns the bucket index of each update, the same for all runs of a sweep."""

    def __call__(self, steps: Int[Array, " n"], batch_size: int, /) -> Int[Array, " n"]: ...


class LossFunction(Protocol):
    """Computes the loss of each step; targets are values (J = K), or symbols (J = 1)."""

    def __call__(self, ys: Float[Array, "T B K"], targets: Shaped[Array, "T B J"], /) -> Float[Array, "T B"]: ...


class Predictor(Protocol):
    """Computes outputs without a network."""

    def __call__(self, batch: Batch, /) -> Float[Array, "T B K"]: ...


class Score(Protocol):
    """Scores the outputs of a network by one number."""

    def __call__(self, ys: Float[Array, "T B K"], batch: Batch, /) -> Float[Array, ""]: ...


class Solved(Protocol):
    """Returns whether the outputs of each sequence are right."""

    def __call__(self, ys: Float[Array, "T B K"], batch: Batch, /) -> Bool[Array, " B"]: ...


class Loss(NamedTuple):
    """Loss of each step, with its name in tables and figures."""

    function: LossFunction
    name: str

    def __call__(self, ys: Float[Array, "T B K"], targets: Shaped[Array, "T B J"]) -> Float[Array, "T B"]:
        return self.function(ys, targets)


class Metric(NamedTuple):
    """Scalar score of a network's outputs.

    Fields:
      function: computes the score.
      unit: the unit of the score; empty for a share or a ratio.
      better: "up" if larger scores are better, "down" if smaller ones are, or the number that scores should be near.
    """

    function: Score
    unit: str = ""
    better: Literal["down", "up"] | float = "down"

    def __call__(self, ys: Float[Array, "T B K"], batch: Batch) -> Float[Array, ""]:
        return self.function(ys, batch)


class Buckets(NamedTuple):
    """Training batches of sequences with similar lengths, so that little of the computation is spent on padding.

    Fields:
      which: chooses the bucket of each update.
      batches: one function per bucket, for batches of a static shape.
      padding: share of the steps computed in an epoch that are padding, in [0, 1].
    """

    which: WhichBucket
    batches: tuple[MakeBatch, ...]
    padding: float


class TrainingSet(NamedTuple):
    """Training sequences, and their order.

    Batches depend only on the run's key and the step, so a resumed run sees the batches that it would have seen.

    Fields:
      rows: number of sequences, the largest possible batch; None if sequences are drawn without end.
      arrays: the device arrays that `batch` reads.
      plan: chooses the rows of n updates.
      batch: gathers or draws the batch of one update.
      stateful: whether each batch continues the one before, so that training keeps the carry between batches.
      buckets: `Buckets` for sequences of different lengths; None if all have the same length.
    """

    rows: int | None
    arrays: Arrays
    plan: Plan
    batch: MakeBatch
    stateful: bool = False
    buckets: Buckets | None = None


class MemoryTask(NamedTuple):
    """Properties of a task on memory; all None for other data.

    Fields:
      solved: decides whether each sequence is solved.
      lags: (smallest, largest) number of steps between a relevant input and the output that needs it.
    """

    solved: Solved | None = None
    lags: tuple[int, int] | None = None


class _DatasetFields(NamedTuple):
    input_size: int
    output_size: int
    train: TrainingSet
    splits: dict[str, Batch]
    loss: Loss
    baselines: dict[str, Predictor]
    metrics: dict[str, Metric] = {}  # noqa: RUF012
    targets: Literal["per_step", "per_sequence", "next_step"] = "per_step"
    notes: tuple[str, ...] = ()
    series: Series | None = None
    symbols: SymbolData = SymbolData()
    memory: MemoryTask = MemoryTask()
    scales: Scales | None = None
    strokes: Strokes | None = None


class Dataset(_DatasetFields, Recorded):
    """The data of a training run, as device arrays and pure functions.

    Fields:
      input_size: D, the width of the inputs.
      output_size: K, the width of the network's outputs.
      train: the `TrainingSet`.
      splits: {"validation": Batch, "test": Batch}, the data for evaluation.
      loss: the `Loss`.
      baselines: {name: `Predictor`}, simple predictors to compare with; the first is the trivial one.
      metrics: {name: `Metric`}, reported with the loss.
      targets: the kind of target.
        "per_step": one per step, or an answer with its own length. "per_sequence": only one, for the output at the
        last valid step (many-to-one). "next_step": values of later inputs, so the network must not read the future.
      notes: sentences about the data that a run's summary repeats.
      series: the `Series` that the data come from, with the distribution of its outputs; None for other data.
      symbols: the `SymbolData`, for data with symbols or with examples that a person can look at.
      memory: the `MemoryTask`, for a task whose sequences are solved or not.
      scales: the `Scales` of inputs and targets that were scaled; None for others. A series has its own scale.
      strokes: the `Strokes`, for movements of a pen that a network draws; None for others.
    """

    @property
    def trivial_name(self) -> str:
        """Name of the trivial predictor, the first of the baselines."""
        return next(iter(self.baselines))

    @property
    def trivial(self) -> Predictor:
        """The trivial predictor."""
        return self.baselines[self.trivial_name]

    if not TYPE_CHECKING:  # type checkers read the fields from the class above

        def __new__(cls, *values, **fields):
            _refuse_moved(fields, ConfigError)
            return super().__new__(cls, *values, **fields)

        def _replace(self, **fields):
            _refuse_moved(fields, ConfigError)
            return super()._replace(**fields)

        def __getattr__(self, name):
            _refuse_moved([name], AttributeError)
            raise AttributeError(f"Dataset has no field {name}")


def _refuse_moved(names, error):
    for name in names:
        if name in MOVED_FIELDS:
            raise error(f"{name}: Dataset has no such field; it is {MOVED_FIELDS[name]} now")
