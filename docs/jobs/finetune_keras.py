import keras
import numpy as np
import pandas as pd
from keras import layers


def windows(name):
    series = pd.read_csv(name).iloc[:, 1].interpolate().to_numpy("float32")
    train, test = int(0.7 * len(series)), int(0.85 * len(series))
    mean, std = series[:train].mean(), series[:train].std()
    views = np.lib.stride_tricks.sliding_window_view((series - mean) / std, 33)
    x, y = views[:, :32, None], views[:, 1:, None]
    return (x[: train - 32], y[: train - 32]), (x[test - 32 :], y[test - 32 :]), std


(x, y), _, _ = windows("sunspots.csv")
model = keras.Sequential([keras.Input((32, 1)), layers.LSTM(32, return_sequences=True), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=1.0), loss="mse")
model.fit(x, y, batch_size=16, epochs=5, verbose=0)
model.layers[0].trainable = False
model.compile(optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=1.0), loss="mse")
(x, y), (x_test, y_test), std = windows("co2.csv")
model.fit(x, y, batch_size=16, epochs=5, verbose=0)
print("MAE", std * np.abs(model.predict(x_test, verbose=0)[:, -1] - y_test[:, -1]).mean())
