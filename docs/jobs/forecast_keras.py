import keras
import numpy as np
import pandas as pd
from keras import layers

series = pd.read_csv("sunspots.csv")["sunspots"].to_numpy("float32")
train, test = int(0.7 * len(series)), int(0.85 * len(series))
mean, std = series[:train].mean(), series[:train].std()
windows = np.lib.stride_tricks.sliding_window_view((series - mean) / std, 44)
x, y = windows[:, :32, None], windows[:, 32:]
model = keras.Sequential([keras.Input((32, 1)), layers.LSTM(32), layers.Dense(12)])
model.compile(optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=1.0), loss="mse")
held_out = (x[train - 32 : test - 44], y[train - 32 : test - 44])
model.fit(x[: train - 44], y[: train - 44], batch_size=16, epochs=10, validation_data=held_out, verbose=0)
predicted = model.predict(x[test - 32 :], verbose=0)
print("MAE", std * np.abs(predicted - y[test - 32 :]).mean())
