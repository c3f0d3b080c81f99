"""The rules that compute gradients forwards in time, by their names in studies."""

from typing import Literal

from jaxrnn.unroll import diagonal_rtrl, eprop, kf_rtrl, rtrl, snap, uoro

RuleName = Literal["rtrl", "snap_2", "snap_1", "diagonal_rtrl", "eprop", "uoro", "kf_rtrl"]
_MODULES = {
    "rtrl": (rtrl,),
    "snap_2": (snap, 2),
    "snap_1": (snap, 1),
    "diagonal_rtrl": (diagonal_rtrl,),
    "eprop": (eprop,),
    "uoro": (uoro,),
    "kf_rtrl": (kf_rtrl,),
}
RULES = {name: module.rule(*options) for name, (module, *options) in _MODULES.items()}
UNROLLS = {name: module.unroll(*options) for name, (module, *options) in _MODULES.items()}


def supported(ensemble, rules, measure, findings):
    """Yields (rule, measure(rule)); if a rule does not support the cell, appends the reason to `findings` instead."""
    for rule in rules:
        try:
            values = measure(rule)
        except ValueError as reason:
            findings.append(f"{ensemble.name} without {rule}: {reason}")
        else:
            yield rule, values
