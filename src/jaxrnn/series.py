"""A series in time, and what a network reads of it at every step."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxrnn import timeline

ROUNDING = 1e-7  # of values in float32, in the units that the network sees


class Series(NamedTuple):
    """A series that a network can be primed on and then left to continue.

    At step t the network reads the values of the last `lags` steps, the newest first, then what else is known of the
    past, then what is known in advance of the `horizon` steps to come.

    Fields:
      values: [N, V], in the units that the network sees.
      mean, std: values * std + mean is in the units of the source; numbers, or arrays [V].
      times: [N], the time axis of figures, or more where later times are known; numbers or datetime64.
      handover: index at which generation takes over from the true values unless told otherwise.
      time_label: the axis's name, with its unit.
      value_labels: the names of the V values, with their units.
      log: whether values * std + mean is the logarithm of the values in the units of the source.
      lags: values of each variable that are read at a step.
      past: [N, P], what else is read, known up to now alone; None for nothing.
      known: [N + F, Q], what is known in advance; None for nothing.
      horizon: h, the steps to come that an output speaks of.
      naive_error: the mean absolute error, in the units of the source, of the last value (of a season before, where
        there is one) as the forecast of the next over the training part; an array [V], NaN where it is never wrong.
      step: from a time to the next, a pandas offset or a number; None for the median difference.
      missing: [N, V], true where a value was filled: it is read, but is no target; None where all are known.
      informed: [N], true for a step that reads a value of its future: nothing is asked there; None for none.
    """

    values: Any
    mean: Any
    std: Any
    times: Any
    handover: int
    time_label: str
    value_labels: tuple[str, ...]
    log: bool = False
    lags: int = 1
    past: Any = None
    known: Any = None
    horizon: int = 1
    naive_error: Any = None
    step: Any = None
    missing: Any = None
    informed: Any = None

    def in_source_units(self, values: Any) -> Any:
        """Values [..., V] in the units that the network sees, in the units of the source."""
        scaled = values * self.std + self.mean
        if not self.log:
            return scaled
        return np.exp(scaled) if isinstance(scaled, np.ndarray) else jnp.exp(scaled)

    def differences(self, found: Any, true: Any) -> Any:
        """found - true in the units of the source, both [..., V] in those that the network sees.

        The mean cancels before it is added: float32 would round the values to the nearest 8 where the mean is 1e8.
        """
        apart = (found - true) * self.std
        if not self.log:
            return apart
        library = np if isinstance(apart, np.ndarray) else jnp
        return self.in_source_units(true) * library.expm1(apart)

    def with_naive_error(self, train: int, back: int = 1) -> "Series":
        """The series with the `naive_error` that the value `back` steps before has over the first `train` values,
        unless it has one."""
        if self.naive_error is not None:
            return self
        before, after = self.values[: train - back], self.values[back:train]
        asked = np.ones(after.shape, bool) if self.missing is None else ~self.missing[back:train]
        if self.informed is not None:
            asked &= ~self.informed[: train - back, None]
        count = np.maximum(asked.sum(axis=0), 1)
        error = np.where(asked, np.abs(self.differences(after, before)), 0).sum(axis=0) / count
        wrong = np.where(asked, np.abs(after - before), 0).sum(axis=0) / count > ROUNDING
        return self._replace(naive_error=np.where(wrong, error, np.nan))

    def inputs(self, steps: Any = None) -> Any:
        """[N, D], what the network reads at every step, or at these; before the first value, and after what is known,
        the nearest ones stand."""
        at = self._steps(steps)
        parts = [self.values[np.maximum(at - lag, 0)] for lag in range(self.lags)]
        parts += [] if self.past is None else [self.past[at]]
        parts += [] if self.known is None else [self.ahead(at)]
        return np.concatenate(parts, axis=1)

    def ahead(self, steps: int) -> Any:
        """[n, h Q], what is known in advance at these steps of the h steps after each."""
        at = np.minimum(np.asarray(steps)[:, None] + 1 + np.arange(self.horizon), len(self.known) - 1)
        return self.known[at].reshape(len(at), -1)

    def truth(self) -> Any:
        """[N, V], the values in the units that the network sees, NaN where one was filled."""
        return self.values if self.missing is None else np.where(self.missing, np.nan, self.values)

    def targets(self, steps: Any = None) -> Any:
        """[N, h V], the values of the h steps after every step, or after these, NaN where nothing is asked; after the
        last value the last one stands."""
        steps = self._steps(steps)
        at = np.minimum(steps[:, None] + 1 + np.arange(self.horizon), len(self.values) - 1)
        targets = self.truth()[at].reshape(len(at), -1)
        return targets if self.informed is None else np.where(self.informed[steps, None], np.nan, targets)

    def _steps(self, steps):
        return np.arange(len(self.values)) if steps is None else np.asarray(steps)

    def following(self, x: Any, drawn: Any, ahead: Any = None) -> Any:
        """The input of the next step, where the values drawn [..., V] follow the input x [..., D].

        Args:
          x: what was read.
          drawn: the values of the step after it.
          ahead: what is known in advance then [..., h Q], or None.
        """
        kept = (self.lags - 1) * drawn.shape[-1]
        parts = [drawn.astype(x.dtype), x[..., :kept]]
        parts += [] if ahead is None else [jnp.broadcast_to(ahead, (*x.shape[:-1], ahead.shape[-1])).astype(x.dtype)]
        return jnp.concatenate(parts, axis=-1)

    def reach(self) -> int:
        """How many steps after the last value may be forecast: all where nothing has to be known in advance of them."""
        return None if self.known is None else len(self.known) - len(self.values)

    def times_of(self, start: int, count: int) -> Any:
        """[count], the times of the steps from `start` on, beyond the end too, as a figure takes them."""
        times = np.asarray(self.times)
        beyond = timeline.later(times, self.step, max(start + count - len(times), 0))
        found = np.concatenate([times, beyond])[start : start + count]
        is_date = np.issubdtype(found.dtype, np.datetime64)
        return found.astype("datetime64[s]") if is_date and np.can_cast(found.dtype, "datetime64[s]") else found
