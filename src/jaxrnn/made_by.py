"""Records of the calls that made cells, nets and data sets, so that a saved run can make them again."""

from typing import Any, NamedTuple


class Call(NamedTuple):
    """A call of a factory.

    Fields:
      target: dotted name of the factory.
      arguments: {name: value} of the arguments that were passed.
    """

    target: str
    arguments: dict[str, Any]


class Recorded:
    """Base of the NamedTuples whose factories record their call. A changed copy, by `_replace`, has no record.

    Fields:
      made_by: the call; None if it is not known.
    """

    made_by: Call | None = None


def record(result: Any, call: Call) -> Any:
    """Attaches its call to a cell, a net, a data set, or a function that a factory defined; returns the result."""
    is_passed_on = any(result is value for value in call.arguments.values())
    is_own_function = "<locals>" in getattr(result, "__qualname__", "")
    if not is_passed_on and (isinstance(result, Recorded) or is_own_function):
        setattr(result, "made_by", call)  # noqa: B010 - functions have no such field
    return result
