"""Fixed and slow points of a network under constant inputs, and its dynamics near them.

Sussillo & Barak 2013 minimise q(z) = |F(z) - z|^2 / 2 from many states that the network visits. At a fixed point q = 0;
a small minimum above zero is a slow point. Here the minimisation uses damped Newton steps (Levenberg-Marquardt).
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import dynamics
from jaxrnn.plotting import style
from jaxrnn.studies._collect import at_step
from jaxrnn.studies._layers import driven_maps
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.types import NonNegative, Size

SLOW = 1e-3  # speed |F(z) - z|, relative to the size of z, below which a minimum is a slow point
APART = 1e-3  # distance below which two points are one, relative to the spread of the states
SEQUENCES = 16  # sequences whose states the search starts from
COLUMNS = ("network", "input", "point", "kind", "speed", "spectral_radius", "unstable")
CAPTIONS = {
    "fixed_points": "Fixed and slow points of the network's map under a constant input. Grey: states that the network "
    "visits under sequences of the data. The axes are the first two principal components of these states.",
    "fixed_points_eigenvalues": "Eigenvalues of the Jacobian at these points. A perturbation shrinks in the directions "
    "whose eigenvalue lies inside the unit circle.",
}


@study_function
def study(
    networks: Any,
    starts: Size = 256,
    noise: NonNegative = 0.1,
    input: Literal["zero", "mean", "trajectory"] | list[float] = "zero",
    iterations: Size = 200,
    inputs: Size = 8,
) -> Result:
    """Fixed and slow points of the first network of every kind, at its last checkpoint, and of each of its layers.

    Args:
      networks: as in `jaxrnn.studies`.
      starts: number of states from which the search begins, drawn from trajectories under sequences of the data.
      noise: noise added to these states, relative to their standard deviation.
      input: the constant input: "zero", "mean" for the mean of the sequences, numbers [D], or "trajectory" for inputs
        evenly spaced along a sequence, each with a search of its own.
      iterations: damped Newton steps from each start.
      inputs: number of inputs along the sequence if `input` is "trajectory".

    Returns:
      A `Result`. Each network has:

      - "z" [P, n]: the distinct points.
      - "input" [P]: index of the input under which each point was found; "inputs" [I, D]: the inputs.
      - "speed" [P]: |F(z) - z|; "fixed" [P]: true for a fixed point, false for a slow one.
      - "eigenvalues" [P, n] of the Jacobian.
      - "trajectories" [T, B, n].
      - "step" []: number of updates.

    Raises:
      ValueError: if `input` has another number of values than the data have inputs.
    """
    arrays_by_network, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        for name, (f, z_0, xs) in _maps(ensemble).items():
            arrays = _search(ensemble, f, z_0, xs, starts, noise, _constants(input, xs, inputs), iterations)
            arrays_by_network[name] = arrays | {"step": ensemble.steps[-1]}
            radii = np.abs(arrays["eigenvalues"]).max(axis=1, initial=0)
            for index, values in enumerate(arrays["eigenvalues"]):
                kind, unstable = "fixed" if arrays["fixed"][index] else "slow", int((np.abs(values) > 1).sum())
                which = int(arrays["input"][index]) + 1
                cells = (name, which, index + 1, kind, float(arrays["speed"][index]), float(radii[index]), unstable)
                rows.append(dict(zip(COLUMNS, cells, strict=True)))
            findings.append(f"{name}, {at_step(ensemble.steps[-1])}: {_words(arrays, radii, starts, input)}")
            findings += _input_note(name, np.asarray(xs), input)
    return Result(arrays_by_network, Table(rows or [dict.fromkeys(COLUMNS, "")]), findings, plot, captions=CAPTIONS)


def _words(arrays, radii, starts, input):
    fixed = arrays["fixed"]
    under = (
        f"{len(arrays['inputs'])} inputs along a sequence"
        if input == "trajectory"
        else f"input {_input_name(arrays, input)}"
    )
    return (
        f"{int(fixed.sum())} fixed points, {int((fixed & (radii < 1)).sum())} of them stable, and "
        f"{int((~fixed).sum())} slow points, under {under}, from {starts} starts"
    )


def _input_name(arrays, input):
    return input if isinstance(input, str) else ", ".join(f"{value:g}" for value in arrays["inputs"][0])


def _input_note(name, xs, input):
    """Describes the data's inputs if they are not zero but the search uses inputs of zero."""
    if input != "zero" or not np.abs(xs).max() > 0:
        return []
    return [
        f"{name}: the points are those under an input of zero, but the data's inputs have mean {xs.mean():.3g} and "
        f"deviation {xs.std():.3g}; study.input=mean, trajectory or [NUMBERS] chooses other inputs"
    ]


def _maps(ensemble):
    """Returns the maps of the first network with their inputs in several sequences: {name: (f, z_0, xs [T, B, D])}."""
    params = jax.tree.map(lambda a: jnp.asarray(a[-1, 0]), ensemble.params)
    xs = ensemble.inputs(SEQUENCES, jax.random.split(jax.random.key(ensemble.seed), 3)[0])
    read = jax.jit(jax.vmap(lambda x: {n: m[2] for n, m in driven_maps(ensemble, params, x).items()}, 1, 1))(xs)
    return {name: (f, z_0, read[name]) for name, (f, z_0, _) in driven_maps(ensemble, params, xs[:, 0]).items()}


def _constants(input, xs, inputs):
    """Returns the constant inputs [I, D] under which points are searched."""
    if input == "trajectory":
        return xs[np.linspace(0, len(xs) - 1, min(inputs, len(xs))).astype(int), 0]
    if isinstance(input, str):
        return jnp.zeros((1, xs.shape[-1])) if input == "zero" else xs.mean((0, 1))[None]
    if len(input) != xs.shape[-1]:
        raise ValueError(f"study.input: expected {xs.shape[-1]} numbers, one per input, found {len(input)}")
    return jnp.asarray(input, xs.dtype)[None]


def _search(ensemble, f, z_0, xs, starts, noise, constants, iterations):
    """Searches the points of one map: {quantity: array}."""
    _, key_start, key_noise = jax.random.split(jax.random.key(ensemble.seed), 3)
    states = jax.jit(jax.vmap(lambda x: dynamics.trajectory(f, z_0, x), 1, 1))(xs)
    flat = states.reshape(-1, z_0.size)
    chosen = jax.random.choice(key_start, flat, (starts,))
    spread = jnp.std(flat, axis=0)
    chosen += noise * spread * jax.random.normal(key_noise, chosen.shape, chosen.dtype)
    size, exact = float(jnp.linalg.norm(spread)), 100 * float(np.sqrt(jnp.finfo(flat.dtype).eps))
    search = jax.jit(lambda x: dynamics.find_points(f, chosen, x, iterations))
    jacobians = jax.jit(lambda z, x: jax.jacfwd(f)(z, x))
    parts = {"z": [], "speed": [], "input": [], "eigenvalues": []}
    for number, x in enumerate(constants):
        points = jax.tree.map(np.asarray, search(x))
        order = np.argsort(points.speed)
        order = order[points.speed[order] < SLOW * max(size, 1e-12)]
        order = order[dynamics.distinct(points.z[order], APART * max(size, 1e-12))] if len(order) else order
        parts["z"] += list(points.z[order])
        parts["speed"] += list(points.speed[order])
        parts["input"] += [number] * len(order)
        parts["eigenvalues"] += [np.linalg.eigvals(jacobians(z, x)) for z in points.z[order]]
    n = z_0.size
    arrays = {
        "z": np.array(parts["z"]).reshape(-1, n),
        "speed": np.array(parts["speed"]),
        "inputs": np.asarray(constants),
    }
    arrays |= {"input": np.array(parts["input"], int), "fixed": arrays["speed"] < exact * max(size, 1.0)}
    return arrays | {
        "eigenvalues": np.array(parts["eigenvalues"], complex).reshape(-1, n),
        "trajectories": np.asarray(states),
    }


def plot(result: Result) -> dict[str, Any]:
    """Draws the points over trajectories in two principal components, and the eigenvalues of the Jacobians there."""

    def heading(name, each):
        return f"{name}, {style.when(each['step'])}"

    labels = "first principal component", "second principal component"
    figure, panels = style.named_panels(result.networks, *labels, heading, columns=3)
    spectra, planes = style.named_panels(result.networks, "real part", "imaginary part", heading, columns=3)
    for (panel, each), (plane, _) in zip(panels, planes, strict=True):
        states, eigenvalues = each["trajectories"], each["eigenvalues"]
        flat = states.reshape(-1, states.shape[-1])
        mean = flat.mean(axis=0)
        axes = np.linalg.svd(flat - mean, full_matrices=False)[2][:2]
        projected = (states - mean) @ axes.T
        panel.plot(projected[..., 0], projected[..., -1], color="0.75", linewidth=0.6)
        coordinates = (each["z"] - mean) @ axes.T
        circle: Any = np.exp(2j * np.pi * np.linspace(0, 1, 200))
        plane.plot(circle.real, circle.imag, **style.FAINT)
        for label, (of_kind, marks) in _kinds(each).items():
            if of_kind.any():
                panel.scatter(coordinates[of_kind, 0], coordinates[of_kind, -1], s=26, label=label, zorder=3, **marks)
                values = eigenvalues[of_kind].ravel()
                plane.scatter(values.real, values.imag, s=9, label=label, zorder=3, **marks)
        plane.set_aspect("equal")
    return {"fixed_points": style.legend_below(figure), "fixed_points_eigenvalues": style.legend_below(spectra)}


def _kinds(each):
    """Returns {label: (mask of the points, marker properties)}."""
    fixed, stable = each["fixed"], np.abs(each["eigenvalues"]).max(axis=1, initial=0) < 1
    return {
        "stable fixed point": (fixed & stable, {"marker": "o", "color": style.BLUE}),
        "unstable fixed point": (fixed & ~stable, {"marker": "X", "color": style.RED}),
        "slow point": (~fixed, {"marker": "^", "color": style.GOLD}),
    }
