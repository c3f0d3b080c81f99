"""A net from inside and as a map: carries, gates and gradients at every step (`taps`), Jacobians and trajectories
(`maps`), Lyapunov exponents (`exponents`), fixed points (`fixed_points`).

Functions of a net and its params belong here; what compares networks and draws figures is a study (`studies`). The
names are loaded when first used.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
