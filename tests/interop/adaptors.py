"""Other libraries' modules run on the inputs of a net: (ys, dL/dxs, dL/dparams as the net's own params).

L is the sum of cos(place) * y over the valid outputs, so that every output has a gradient of its own.
"""

import os

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import interop
from jaxrnn.jax_internals import compiler_options


def weights_of(ys, mask):
    """The factor of every output in the loss; zero where nothing is valid."""
    return np.cos(np.arange(ys.size)).reshape(ys.shape) * mask[..., None]


def compiled(function):
    """Without the library of XLA that crashes now and then: see `compiler_options`."""
    return jax.jit(function, compiler_options=compiler_options())


def ours(net, params, xs, mask):
    def loss(params, xs):
        ys = net.apply(params, net.initial(params, xs.shape[1:2]), xs, mask=jnp.asarray(mask))[1]
        return jnp.sum(weights_of(ys, mask) * ys), ys

    (of_params, of_xs), ys = compiled(jax.grad(loss, (0, 1), has_aux=True))(params, xs)
    return ys, of_xs, of_params


def in_jax(made, function, back, xs, mask):
    """As `ours` of a function of JAX: (made, xs) -> ys.

    The gradients of their weights become the net's params by `back`, which is linear but for a constant.
    """

    def loss(made, xs):
        ys = function(made, xs)
        return jnp.sum(weights_of(ys, mask) * ys), ys

    (of_made, of_xs), ys = compiled(jax.grad(loss, (0, 1), has_aux=True))(made, xs)
    zeros = jax.tree.map(jnp.zeros_like, of_made)
    return ys, of_xs, jax.tree.map(jnp.subtract, back(of_made), back(zeros))


def torch(net, params, xs, mask):
    import torch

    module = interop.to_torch(net, params)
    given = torch.tensor(np.asarray(xs), requires_grad=True)
    ys = module(given, torch.tensor(mask.sum(0)))
    factor = weights_of(ys.detach().numpy(), mask)
    (torch.tensor(factor) * ys).sum().backward()
    # Of two biases that are added up each has the gradient of the one.
    grads = {name: torch.zeros_like(p.grad) if "bias_ih" in name else p.grad for name, p in module.named_parameters()}
    relu = getattr(module.layers[0], "nonlinearity", "tanh")
    back, of_params = interop.from_torch(module)[1], interop.from_torch(grads, relu)[1]
    jax.tree.map(np.testing.assert_array_equal, back, params)
    return ys.detach().numpy(), given.grad.numpy(), _with_biases(of_params, module)


def _with_biases(of_params, module):
    """The gradients with those of `bias_ih` for b of a GRU, whose candidate's second bias is its own."""
    grads = {name: p.grad for name, p in module.named_parameters()}
    grads = {name: g if "bias_hh" not in name else g * 0 for name, g in grads.items()}
    first = interop.from_torch(grads)[1]

    def merged(a, b):
        if hasattr(a, "b_hn"):
            return a._replace(b=b.b)
        return a

    cell = lambda node: hasattr(node, "w_h")  # noqa: E731
    return jax.tree.map(merged, of_params, first, is_leaf=cell)


def keras(net, params, xs, mask):
    """On Keras's JAX backend. Its own tanh casts to float32 there: the layers run with JAX's."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    keras.config.set_floatx(str(xs.dtype))
    keras.config.set_dtype_policy(str(xs.dtype))
    model = interop.to_keras(net, params)
    for layer in model.layers:
        for one in (getattr(layer, "forward_layer", layer), getattr(layer, "backward_layer", layer)):
            if getattr(getattr(one, "cell", one).activation, "__name__", "") == "tanh":
                one.cell.activation = jnp.tanh
                one.cell.recurrent_activation = jax.nn.sigmoid
    jax.tree.map(np.testing.assert_array_equal, interop.from_keras(list(model.layers))[1], params)

    def function(weights, xs):
        hs = jnp.swapaxes(xs, 0, 1)
        for layer, own in zip(model.layers, weights, strict=True):
            given = {} if type(layer).__name__ == "Dense" else {"mask": jnp.asarray(mask.T)}
            fixed = [variable.value for variable in layer.non_trainable_variables]
            hs, _ = layer.stateless_call(own, fixed, hs, **given)
        return jnp.swapaxes(hs, 0, 1)

    def back(weights):
        model.set_weights([np.asarray(w) for own in weights for w in own])
        return interop.from_keras(list(model.layers))[1]

    made = [[variable.value for variable in layer.trainable_variables] for layer in model.layers]
    ys, of_xs, of_params = in_jax(made, function, back, xs, mask)
    return ys, of_xs, _halved(of_params)


def _halved(of_params):
    """The gradients of a GRU's two rows of biases are the same for r and z, where they are added up."""

    def half(cell):
        if getattr(cell, "b_hn", None) is None:
            return cell
        split = 2 * len(cell.w_h)
        return cell._replace(b=cell.b.at[:split].divide(2))

    return jax.tree.map(half, of_params, is_leaf=lambda node: hasattr(node, "w_h"))


def linen(net, params, xs, mask):
    module, variables = interop.to_linen(net, params)
    jax.tree.map(np.testing.assert_array_equal, interop.from_linen(module, variables)[1], params)
    lengths = jnp.asarray(mask.sum(0))

    def function(variables, xs):
        bound, hs = module.bind(variables), jnp.swapaxes(xs, 0, 1)
        for layer in bound.layers:
            hs = layer(hs) if type(layer).__name__ == "Dense" else layer(hs, seq_lengths=lengths)
        return jnp.swapaxes(hs, 0, 1)

    return in_jax(variables, function, lambda v: interop.from_linen(module, v)[1], xs, mask)


def nnx(net, params, xs, mask):
    from flax import nnx

    module = interop.to_nnx(net, params)
    jax.tree.map(np.testing.assert_array_equal, interop.from_nnx(module)[1], params)
    graph, state, rest = nnx.split(module, nnx.Param, ...)
    lengths = jnp.asarray(mask.sum(0))

    def function(state, xs):
        hs = jnp.swapaxes(xs, 0, 1)
        for layer in nnx.merge(graph, state, jax.tree.map(jnp.copy, rest)).layers:
            hs = layer(hs) if isinstance(layer, nnx.Linear) else layer(hs, seq_lengths=lengths)
        return jnp.swapaxes(hs, 0, 1)

    ys, of_xs, of_params = in_jax(state, function, lambda s: interop.from_nnx(nnx.merge(graph, s, rest))[1], xs, mask)
    return ys, of_xs, _halved(of_params)


def one_by_one(function):
    """(made, xs) -> ys, each sequence cut at its end: for libraries that know no lengths."""

    def of_batch(mask):
        def run(made, xs):
            columns = []
            for row, length in enumerate(mask.sum(0)):
                ys = function(made, xs[:length, row : row + 1])
                columns.append(jnp.pad(ys, ((0, len(xs) - length), (0, 0), (0, 0))))
            return jnp.concatenate(columns, axis=1)

        return run

    return of_batch


def haiku(net, params, xs, mask):
    transformed, made = interop.to_haiku(net, params)
    kind = "_".join(min(made).split("/")[0].split("_")[3:])
    layers = [
        tuple(f"layer_{n}_{way}_{kind}" for way in ("forward", "backward")[: 1 + hasattr(part, "backward")])
        for n, part in enumerate(params)
        if hasattr(part, "w_h") or hasattr(part, "backward")
    ]
    back = lambda found: interop.from_haiku(found, layers)[1]  # noqa: E731
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), back(made), params)
    function = one_by_one(lambda made, xs: transformed.apply(made, None, xs))(mask)
    ys, of_xs, of_params = in_jax(made, function, back, xs, mask)
    twice = lambda cell: cell._replace(b=cell.b / 2) if kind == "vanilla_rnn" and hasattr(cell, "w_h") else cell  # noqa: E731
    return ys, of_xs, jax.tree.map(twice, of_params, is_leaf=lambda node: hasattr(node, "w_h"))


def equinox(net, params, xs, mask):
    made = interop.to_equinox(net, params)
    jax.tree.map(np.testing.assert_array_equal, interop.from_equinox(made)[1], params)

    def scanned(cell, xs):
        pair = type(cell).__name__ == "LSTMCell"
        zeros = jnp.zeros(cell.hidden_size, xs.dtype)

        def step(state, x):
            state = cell(x, state)
            return state, state[0] if pair else state

        return jax.lax.scan(step, (zeros, zeros) if pair else zeros, xs)[1]

    def function(made, xs):
        hs = xs[:, 0]
        for part in made:
            if isinstance(part, tuple):
                hs = jnp.concatenate([scanned(part[0], hs), scanned(part[1], hs[::-1])[::-1]], axis=-1)
            else:
                hs = jax.vmap(part)(hs) if type(part).__name__ == "Linear" else scanned(part, hs)
        return hs[:, None]

    return in_jax(made, one_by_one(function)(mask), lambda m: interop.from_equinox(m)[1], xs, mask)
