"""Hand-written derivatives of the LSTM's and the GRU's step, whose equations are in `jaxrnn.cells`.

For the backward pass autodiff keeps the factors of every elementary operation of a step. Here each differential of a
step is a sum of terms, one factor times one differential, so a step of an LSTM keeps 6 arrays [B, H] and a step of a
GRU keeps 5, half as many as autodiff.

Both rules are the chain rule with ds = s (1 - s) da for a gate s = sigmoid(a) and dg = (1 - g^2) da for g = tanh(a).
"""

import jax
import jax.numpy as jnp

from jaxrnn.cells.gru import GRUCarry
from jaxrnn.cells.lstm import LSTMCarry
from jaxrnn.cells.step import activate
from jaxrnn.cells.structure import step_with_product


def with_written_derivative(cell):
    """Returns the cell with the hand-written derivative of its step, or the same cell if there is none.

    The values of the step do not change. A cell that wraps the step of another cell has no such derivative. Therefore
    call this function first and wrap its result, as `jaxrnn.nets` does.
    """
    product = step_with_product(cell)
    if product is None or product.equations is None:
        return cell
    return cell._replace(step=product._replace(combine=COMBINE[product.equations]))


def _combine_lstm(params, carry, u, a):
    c, h = _lstm(u + a, carry.c)
    return LSTMCarry(c, h), h


def _combine_gru(params, carry, u, a):
    gates, candidate = slice(2 * carry.h.shape[-1]), slice(2 * carry.h.shape[-1], None)
    h = _gru(u[..., gates] + a[..., gates], u[..., candidate], a[..., candidate] + params.b_hn, carry.h)
    return GRUCarry(h), h


COMBINE = {"lstm": _combine_lstm, "gru": _combine_gru}  # by `Step.equations`


@jax.custom_jvp
def _lstm(a, c):
    """Returns (c_t, h_t) of an LSTM from the pre-activations a [B, 4H] of its gates and c_{t-1}."""
    i, f, g, o = activate(a, "ssts")
    c = f * c + i * g
    return c, o * jnp.tanh(c)


@_lstm.defjvp
def _lstm_jvp(primals, tangents):
    """Returns the differentials of c_t = f c_{t-1} + i g and h_t = o tanh(c_t).

    dc_t = f dc_{t-1} + i (1 - i) g da_i + f (1 - f) c_{t-1} da_f + i (1 - g^2) da_g
    dh_t = o (1 - tanh(c_t)^2) dc_t + o (1 - o) tanh(c_t) da_o
    """
    (a, c_before), (d_a, d_c_before) = primals, tangents
    i, f, g, o = activate(a, "ssts")
    c = f * c_before + i * g
    tanh_c = jnp.tanh(c)
    d_i, d_f, d_g, d_o = jnp.split(d_a, 4, axis=-1)
    d_c = f * d_c_before + i * (1 - i) * g * d_i + f * (1 - f) * c_before * d_f + i * (1 - g**2) * d_g
    d_h = o * (1 - tanh_c**2) * d_c + o * (1 - o) * tanh_c * d_o
    return (c, o * tanh_c), (d_c, d_h)


@jax.custom_jvp
def _gru(a, u_n, a_n, h):
    """Returns h_t of a GRU with n = tanh(u_n + r a_n); a [B, 2H] are the pre-activations of r and z, h is h_{t-1}."""
    r, z = activate(a, "ss")
    return (1 - z) * jnp.tanh(u_n + r * a_n) + z * h


@_gru.defjvp
def _gru_jvp(primals, tangents):
    """Returns the differential of h_t = (1 - z) n + z h_{t-1}.

    dh_t = z dh_{t-1} + z (1 - z) (h_{t-1} - n) da_z + (1 - z) dn
    dn   = (1 - n^2) (du_n + r da_n + r (1 - r) a_n da_r)
    """
    (a, u_n, a_n, h_before), (d_a, d_u_n, d_a_n, d_h_before) = primals, tangents
    r, z = activate(a, "ss")
    n = jnp.tanh(u_n + r * a_n)
    d_r, d_z = jnp.split(d_a, 2, axis=-1)
    slope = (1 - z) * (1 - n**2)
    d_candidate = slope * d_u_n + slope * r * d_a_n + slope * r * (1 - r) * a_n * d_r
    return (1 - z) * n + z * h_before, z * d_h_before + z * (1 - z) * (h_before - n) * d_z + d_candidate
