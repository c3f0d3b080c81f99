"""A net from inside and as a map: carries, gates and gradients at every step (`taps`), Jacobians and trajectories
(`maps`), Lyapunov exponents (`exponents`), fixed points (`fixed_points`).

Functions of a net and its params belong here; what compares networks and draws figures is a study (`studies`). The
names are loaded when first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    [],
    {
        "maps": ["as_map", "closed_loop", "jacobians", "layer_maps", "trajectory"],
        "products": ["log_singular_values"],
        "exponents": ["Exponents", "entropy", "kaplan_yorke", "lyapunov", "mean_field_exponent", "standard_error"],
        "taps": ["Layer", "inputs", "layers", "observe", "shares", "zero_perturbations"],
        "fixed_points": ["Points", "distinct", "find_points"],
    },
)
