import keras
import numpy as np
import pandas as pd
from keras import layers

table = pd.read_csv("words.csv").sample(frac=1, random_state=0)
letters = {letter: n for n, letter in enumerate(sorted(set("".join(table.text))), 1)}
x = keras.utils.pad_sequences([[letters[letter] for letter in text] for text in table.text], padding="post")
y = table.label.astype("category").cat.codes.to_numpy()
train, test = int(0.8 * len(x)), int(0.9 * len(x))
stack = [keras.Input((None,)), layers.Embedding(len(letters) + 1, 32, mask_zero=True), layers.LSTM(64)]
model = keras.Sequential([*stack, layers.Dense(int(y.max()) + 1)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=1.0), loss=loss, metrics=["accuracy"])
model.fit(x[:train], y[:train], batch_size=16, epochs=1, validation_data=(x[train:test], y[train:test]), verbose=0)
print("accuracy", model.evaluate(x[test:], y[test:], verbose=0)[1])
print(np.argmax(model.predict(x[:1], verbose=0), axis=1))
