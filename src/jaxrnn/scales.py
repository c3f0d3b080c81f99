"""Units of data that a network reads or predicts scaled: conversions between the source's units and the network's."""

from typing import Any, NamedTuple


class Scale(NamedTuple):
    """Linear scale: values * std + mean is in the source's units.

    Fields:
      mean, std: numbers or arrays [D].
    """

    mean: Any = 0.0
    std: Any = 1.0

    def scaled(self, values: Any) -> Any:
        """Converts values [..., D] from the source's units to the network's."""
        return (values - self.mean) / self.std

    def unscaled(self, values: Any) -> Any:
        """Converts values [..., D] from the network's units to the source's."""
        return values * self.std + self.mean


class Scales(NamedTuple):
    """Scales of the inputs and the targets of a data set.

    Fields:
      inputs, targets: the `Scale` of each; the default changes nothing.
    """

    inputs: Scale = Scale()
    targets: Scale = Scale()
