"""Time series, and the inputs and targets of a network at every step."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from jaxrnn import timeline
from jaxrnn.covariates import Covariates
from jaxrnn.distribution import Distribution

ROUNDING = 1e-7  # rounding error of float32 values, in the network's units
Values = TypeVar("Values", np.ndarray, jax.Array)  # of NumPy outside a compiled program, of JAX inside
Steps = Sequence[int] | Int[np.ndarray, " n"]


class Series(NamedTuple):
    """A time series that a network can read and then continue.

    At step t the input of the network holds, in this order:

    - the values of the last `lags` steps, the newest first;
    - the past covariates at step t;
    - the future covariates of the next `horizon` steps.

    Fields:
      values: [N, V], in the network's units.
      mean, std: numbers or arrays [V]; values * std + mean is in the source's units.
      times: [M], the times of the N steps, and possibly later ones, for the axis of figures; numbers or datetime64.
      handover: step from which generated values replace the true ones, unless the caller gives another step.
      time_label: label of the time axis, with its unit.
      value_labels: labels of the V variables, with their units.
      log: whether values * std + mean is the logarithm of the value in the source's units.
      lags: number of values of each variable that the input holds.
      past_covariates: [N, P], past covariates: other inputs, known only up to the present step; None for none.
      future_covariates: [N + F, Q], future covariates: inputs that are known in advance; None for none.
      past_inputs, future_inputs: the names and the scale of the past covariates, and of the future covariates without
        the calendar; None for none.
      calendar: the parts of the calendar, such as "week", whose features are the last future covariates.
      horizon: h, the number of future steps that each output forecasts.
      naive_error: [V], mean absolute error of the naive forecast on the training part, in the source's units. The naive
        forecast is the last value, or the value one season before; NaN if it is never wrong.
      step: the distance between times, a pandas offset or a number; None for the median difference.
      missing: [N, V], true for a filled value, which is an input but not a target; None if all values are known.
      informed: [N], true for a step without a target, because its input holds a value of its future; None for no step.
      distribution: the `Distribution` that a network's outputs describe; None until the data set is built.
      anchor: (xs [T, B, D]) -> [T, B, K']. Computes the forecast that `jaxrnn.nets.adapted` adds to the first K'
        outputs, which are the locations of the distributions; None to add nothing.
      name: name of the series among those of a panel.
      zone: offset of the times from UTC as text, such as "+01:00"; empty if the source names none.
      panel: all series that share the network, in the order of the data set's arrays; empty for a single series.
    """

    values: Float[np.ndarray, "N V"]
    mean: float | Float[np.ndarray, " V"]
    std: float | Float[np.ndarray, " V"]
    times: Shaped[np.ndarray, " M"]
    handover: int
    time_label: str
    value_labels: tuple[str, ...]
    log: bool = False
    lags: int = 1
    past_covariates: Float[np.ndarray, "N P"] | None = None
    future_covariates: Float[np.ndarray, "N+F Q"] | None = None
    past_inputs: Covariates | None = None
    future_inputs: Covariates | None = None
    calendar: tuple[str, ...] = ()
    horizon: int = 1
    naive_error: Float[np.ndarray, " V"] | None = None
    step: Any = None
    missing: Bool[np.ndarray, "N V"] | None = None
    informed: Bool[np.ndarray, " N"] | None = None
    distribution: Distribution | None = None
    anchor: Callable[[Float[Array, "T B D"]], Float[Array, "T B J"]] | None = None
    name: str = ""
    zone: str = ""
    panel: tuple["Series", ...] = ()

    def in_source_units(self, values: Float[Values, "*s V"]) -> Float[Values, "*s V"]:
        """Converts values [..., V] from the network's units to the source's units."""
        scaled = values * self.std + self.mean
        if not self.log:
            return scaled
        library: Any = np if isinstance(scaled, np.ndarray) else jnp
        return library.exp(scaled)

    def differences(self, values: Float[Values, "*s V"], true: Float[Values, "*s V"]) -> Float[Values, "*s V"]:
        """Returns values - true in the source's units, for values [..., V] in the network's units.

        The mean is not added, because it cancels. With a mean of 1e8, float32 would round the values to multiples of 8.
        """
        difference = (values - true) * self.std
        if not self.log:
            return difference
        library = np if isinstance(difference, np.ndarray) else jnp
        return self.in_source_units(true) * library.expm1(difference)

    def with_naive_error(self, train: int, back: int = 1) -> "Series":
        """Returns the series with a `naive_error`; a series that has one is returned unchanged.

        Args:
          train: number of values in the training part.
          back: number of steps; the naive forecast is the value `back` steps before.
        """
        if self.naive_error is not None:
            return self
        before, after = self.values[: train - back], self.values[back:train]
        is_target = np.ones(after.shape, bool) if self.missing is None else ~self.missing[back:train]
        if self.informed is not None:
            is_target &= ~self.informed[: train - back, None]
        count = np.maximum(is_target.sum(axis=0), 1)
        error = np.where(is_target, np.abs(self.differences(after, before)), 0).sum(axis=0) / count
        wrong = np.where(is_target, np.abs(after - before), 0).sum(axis=0) / count > ROUNDING
        return self._replace(naive_error=np.where(wrong, error, np.nan))

    def inputs(self, steps: Steps | None = None) -> Float[np.ndarray, "n D"]:
        """Returns the inputs at every step, or at the given steps.

        Before the first value, and after the last known covariate, the nearest one is repeated.
        """
        indices = self._steps(steps)
        parts = [self.values[np.maximum(indices - lag, 0)] for lag in range(self.lags)]
        parts += [] if self.past_covariates is None else [self.past_covariates[indices]]
        parts += [] if self.future_covariates is None else [self.ahead(indices)]
        return np.concatenate(parts, axis=1)

    def ahead(self, steps: Steps) -> Float[np.ndarray, "n hQ"]:
        """Returns the future covariates of the h steps after each given step.

        Raises:
          ValueError: if the series has no future covariates.
        """
        if self.future_covariates is None:
            raise ValueError("the series has no future covariates")
        indices = np.minimum(np.asarray(steps)[:, None] + 1 + np.arange(self.horizon), len(self.future_covariates) - 1)
        return self.future_covariates[indices].reshape(len(indices), -1)

    def truth(self) -> Float[np.ndarray, "N V"]:
        """Returns the values in the network's units, with NaN for filled values."""
        return self.values if self.missing is None else np.where(self.missing, np.nan, self.values)

    def targets(self, steps: Steps | None = None) -> Float[np.ndarray, "n hV"]:
        """Returns the values of the h steps after every step, or after the given steps.

        Steps without a target are NaN. After the end of the series the last value is repeated.
        """
        steps = self._steps(steps)
        indices = np.minimum(steps[:, None] + 1 + np.arange(self.horizon), len(self.values) - 1)
        targets = self.truth()[indices].reshape(len(indices), -1)
        return targets if self.informed is None else np.where(self.informed[steps, None], np.nan, targets)

    def _steps(self, steps):
        return np.arange(len(self.values)) if steps is None else np.asarray(steps)

    def following(
        self, x: Float[Array, "*s D"], drawn: Float[Array, "*s V"], ahead: Float[Array, "*#s hQ"] | None = None
    ) -> Float[Array, "*s D"]:
        """Returns the input of the next step when the net runs on drawn values.

        Args:
          x: the input of this step.
          drawn: the values of the next step.
          ahead: the future covariates at the next step, or None.
        """
        width = (self.lags - 1) * drawn.shape[-1]
        parts = [drawn.astype(x.dtype), x[..., :width]]
        parts += [] if ahead is None else [jnp.broadcast_to(ahead, (*x.shape[:-1], ahead.shape[-1])).astype(x.dtype)]
        return jnp.concatenate(parts, axis=-1)

    def reach(self) -> int | None:
        """Returns how many steps after the last value can be forecast; None means any number."""
        return None if self.future_covariates is None else len(self.future_covariates) - len(self.values)

    def times_of(self, start: int, count: int) -> Shaped[np.ndarray, " count"]:
        """Returns the times of the steps from `start` on, also after the end, for the axis of a figure."""
        times = np.asarray(self.times)
        beyond = timeline.later(times, self.step, max(start + count - len(times), 0))
        chosen = np.concatenate([times, beyond])[start : start + count]
        is_date = np.issubdtype(chosen.dtype, np.datetime64)
        return chosen.astype("datetime64[s]") if is_date and np.can_cast(chosen.dtype, "datetime64[s]") else chosen
