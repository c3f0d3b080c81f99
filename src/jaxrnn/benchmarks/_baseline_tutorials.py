"""The tutorials' trainings in NumPy, PyTorch and Keras, each written as its users would write it.

Every function returns a function without arguments that trains.
"""

import os
from typing import Any

import numpy as np

SILENT: Any = 0  # for Keras, whose annotation is the type of its default "auto"


def torch_sine(epochs, size=16, points=36):
    """PyTorch: an LSTM with one update per point; the state is passed on and starts again in every epoch."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    values = torch.sin(torch.arange(points + 1.0))
    lstm, readout = torch.nn.LSTM(1, size), torch.nn.Linear(size, 1)
    optimizer = torch.optim.Adam([*lstm.parameters(), *readout.parameters()], lr=1e-3)

    def train():
        for _ in range(epochs):
            state = None
            for t in range(points):
                hs, state = lstm(values[t].reshape(1, 1, 1), state)
                loss = (readout(hs) - values[t + 1]).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                state = tuple(part.detach() for part in state)

    return train


def keras_sine(epochs, size=16, points=36):
    """Keras: a stateful LSTM, `fit` with a batch of one point; the state is reset after every epoch."""
    import keras

    values = np.sin(np.arange(points + 1.0))
    layer = keras.layers.LSTM(size, stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(1, 1, 1)), layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    xs, targets = values[:-1].reshape(points, 1, 1), values[1:].reshape(points, 1)

    def train():
        for _ in range(epochs):
            model.fit(xs, targets, batch_size=1, shuffle=False, verbose=SILENT)
            layer.reset_state()

    return train


def keras_cosine(epochs, size=200, points=3000, window=500, held_out=500):
    """Keras: a linear RNN on windows of a cosine, with the next value as the target, in batches of 100."""
    import keras

    values = np.cos(np.linspace(0, 20 * np.pi, points))
    count = points - held_out - window
    xs = np.stack([values[start : start + window] for start in range(count)])[..., None]
    targets = values[window : window + count, None]
    layers = [keras.Input((window, 1)), keras.layers.SimpleRNN(size, activation="linear"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    return lambda: model.fit(xs, targets, batch_size=100, epochs=epochs, verbose=SILENT)


def numpy_noisy_cosine(updates, size=100, window=20, noise=0.05, step=0.3):
    """NumPy: a tanh RNN with its gradient by hand, one random window per update, Adagrad; the state is passed on."""
    rng = np.random.default_rng(0)
    params = {
        "w_x": 0.1 * rng.standard_normal((1, size)),
        "w_h": rng.standard_normal((size, size)) / np.sqrt(size),
        "b": np.zeros(size),
        "w_y": 0.1 * rng.standard_normal((size, 1)),
        "b_y": np.zeros(1),
    }
    squares = {name: np.zeros_like(value) for name, value in params.items()}

    def train():
        h = np.zeros(size)
        for _ in range(updates):
            phase = rng.uniform(0, 2 * np.pi)
            points = np.cos(phase + step * np.arange(window + 1)) + noise * rng.standard_normal(window + 1)
            hs = [h]
            for t in range(window):
                hs.append(np.tanh(points[t] * params["w_x"][0] + hs[-1] @ params["w_h"] + params["b"]))
            grads, back = {name: np.zeros_like(value) for name, value in params.items()}, np.zeros(size)
            for t in reversed(range(window)):
                error = 2 / window * (hs[t + 1] @ params["w_y"] + params["b_y"] - points[t + 1])
                grads["w_y"] += np.outer(hs[t + 1], error)
                grads["b_y"] += error
                inner = (1 - hs[t + 1] ** 2) * (params["w_y"] @ error + back)
                grads["w_x"] += points[t] * inner
                grads["w_h"] += np.outer(hs[t], inner)
                grads["b"] += inner
                back = params["w_h"] @ inner
            for name, grad in grads.items():
                squares[name] += grad**2
                params[name] -= 1e-3 * grad / np.sqrt(squares[name] + 1e-8)
            h = hs[-1]

    return train


def jaxrnn_addition(goal, examples, digits, size):
    """jaxrnn: data=addition with its defaults, trained until the validation sums reach the goal."""
    import jaxrnn
    from jaxrnn.errors import ConfigError

    jaxrnn.runtime.prepare()
    batches = (examples - examples // 10) // 128
    words = [f"data.examples={examples}", f"data.validation={examples // 10}", f"data.digits={digits}"]
    words += [f"model.cell.size={size}", f"trainer.report_every={max(1, batches)}"]
    experiment = jaxrnn.experiment("data=addition", *words)

    def reached(progress):
        exact = progress.history.table.where(split="validation")["exact_match"][-1]
        return f"{exact:.2%} of the sums are exact" if exact >= goal else None

    def train():
        run = jaxrnn.fit(experiment._replace(callbacks=[reached]))
        if run.reason is None:
            raise ConfigError(f"{goal:.0%} of the sums were not exact after {run.step} updates")

    return train


def keras_addition(goal, examples, digits, size, epochs):
    """Keras: its example addition_rnn, trained until the goal; questions are reversed and padded with blanks."""
    import keras

    rng, letters, sums = np.random.default_rng(0), "0123456789+ ", {}
    while len(sums) < examples:
        a, b = (int("".join(rng.choice(list("0123456789"), rng.integers(1, digits + 1)))) for _ in range(2))
        sums.setdefault((min(a, b), max(a, b)), (f"{a}+{b}".ljust(2 * digits + 1)[::-1], str(a + b).ljust(digits + 1)))
    numbers = [
        np.array([[letters.index(letter) for letter in text] for text in side])
        for side in zip(*sums.values(), strict=True)
    ]
    xs, ys = (np.eye(len(letters), dtype=bool)[side] for side in numbers)
    cut = examples - examples // 10
    layers = [
        keras.Input((2 * digits + 1, len(letters))),
        keras.layers.LSTM(size),
        keras.layers.RepeatVector(digits + 1),
    ]
    layers += [keras.layers.LSTM(size, return_sequences=True), keras.layers.Dense(len(letters), activation="softmax")]
    model = keras.Sequential(layers)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])

    def train():
        for _ in range(epochs):
            model.fit(xs[:cut], ys[:cut], batch_size=32, epochs=1, verbose=SILENT)
            predictions = model.predict(xs[cut:], verbose=SILENT, batch_size=512).argmax(axis=-1)
            if np.mean((predictions == numbers[1][cut:]).all(axis=1)) >= goal:
                return
        raise RuntimeError(f"{goal:.0%} of the sums were not exact after {epochs} epochs")

    return train
