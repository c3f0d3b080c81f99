"""The type of the arrays that functions take."""

import jax
import numpy as np

AnyArray = jax.Array | np.ndarray  # of JAX or of NumPy, traced or not
