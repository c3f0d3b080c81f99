"""Analysis of a net as a dynamical system.

- `taps`: carries, gates and gradients at every step
- `maps`: Jacobians and trajectories
- `exponents`, `products`: Lyapunov exponents, and singular values of products of Jacobians
- `fixed_points`: fixed and slow points
- `curvature`, `dimension`, `similarity`: the loss surface, the dimension of the states, the similarity of networks

Functions of a net and its params, or of arrays of states, belong here. Comparisons of networks and figures belong in
`studies`. The names are loaded when first used.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
