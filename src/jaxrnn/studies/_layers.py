"""Layers of an ensemble's networks: their names in figures, and each layer as a map."""

from collections import OrderedDict
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxrnn import dynamics
from jaxrnn.cells.elman import ElmanParams
from jaxrnn.dynamics import taps
from jaxrnn.studies._ensembles import over_networks
from jaxrnn.types import Pair


def label(ensemble, layer):
    """Returns the name of a layer in figures and tables: the network's name, followed by the layer's if there are
    several.
    """
    return ensemble.name if len(layer_names(ensemble)) == 1 else f"{ensemble.name}, {layer}"


def layer_names(ensemble):
    """Returns the names of the recurrent layers; see `jaxrnn.dynamics.taps.layers`."""
    params = jax.tree.map(lambda a: a[0, 0], ensemble.params)
    xs = jnp.zeros((2, 1, ensemble.dataset.input_size))
    if ensemble.net.decoding is not None:
        xs = Pair(xs, ensemble.net.decoding.start((1,))[None])
    return [name for name, *_ in taps.layers(ensemble.net, params, ensemble.net.initial(params, (1,)), xs)]


def over_layers(kind, measure, ensemble, batch):
    """Measures every layer of every network at every checkpoint, on `batch` sequences of the data.

    Args:
      kind: class of named tuples whose first field is the name of a layer.
      measure: (params, Batch) -> a list of these tuples, one per layer.
      ensemble: an `Ensemble`.
      batch: sequences per network.

    Returns:
      {name in figures and tables: a tuple of that kind, with arrays [S, N, ...]}.
    """
    ensemble.draw(batch, jax.random.key(0))  # rejects data that the study cannot use

    def of_network(params, key):
        layers = measure(params, ensemble.draw(batch, key))
        return OrderedDict((name, tuple(arrays)) for name, *arrays in layers)  # a dict would sort "layer 10" before 2

    arrays_by_layer = over_networks(of_network, ensemble)
    return {label(ensemble, layer): kind(layer, *arrays) for layer, arrays in arrays_by_layer.items()}


def only_elman_layer(params):
    """Returns the params of the only Elman layer; None if there is none, or several."""
    layers = jax.tree.leaves(params, is_leaf=lambda node: isinstance(node, ElmanParams))
    elman_layers = [layer for layer in layers if isinstance(layer, ElmanParams)]
    return elman_layers[0] if len(elman_layers) == 1 else None


def driven_maps(ensemble, params, xs, carry=None) -> dict[str, Any]:
    """Returns the maps of a network under inputs [T, D], by their names in figures and tables.

    They are the map of all layers together, if the network does not read the future, and the map of each layer, if
    there are several.

    Returns:
      {name: (f, z_0, inputs [T, D'])}, as in `jaxrnn.dynamics.layer_maps`.
    """
    net = ensemble.net
    layers = dynamics.layer_maps(net, params, xs, carry)
    if len(layers) == 1:
        return {ensemble.name: layers[0][1:]}
    all_layers = {}
    if net.causal:
        f, z_0 = dynamics.as_map(net, params)
        all_layers = {ensemble.name: (f, z_0 if carry is None else ravel_pytree(carry)[0], xs)}
    return all_layers | {f"{ensemble.name}, {name}": parts for name, *parts in layers}
