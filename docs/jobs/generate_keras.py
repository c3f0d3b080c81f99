from pathlib import Path

import keras
import numpy as np
from keras import layers

text = Path("book.txt").read_text()
letters = sorted(set(text))
numbers = np.array([letters.index(letter) for letter in text])
rows = numbers[: (len(numbers) - 1) // 64 * 64].reshape(-1, 64)
after = numbers[1 : rows.size + 1].reshape(-1, 64)
train, test = int(0.9 * len(rows)), int(0.95 * len(rows))
embedding, layer = layers.Embedding(len(letters), 64), layers.LSTM(256, return_sequences=True)
model = keras.Sequential([keras.Input((None,)), embedding, layer, layers.Dense(len(letters))])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=1.0), loss=loss)
held_out = (rows[train:test], after[train:test])
model.fit(rows[:train], after[:train], batch_size=32, epochs=2, validation_data=held_out, verbose=0)
print("bits per letter", model.evaluate(rows[test:], after[test:], verbose=0) / np.log(2))
written = [letters.index(letter) for letter in "ROMEO:"]
for _ in range(100):
    logits = model.predict(np.array([written[-64:]]), verbose=0)[0, -1]
    shares = np.exp(logits / 0.8 - np.max(logits / 0.8))
    written.append(np.random.default_rng(len(written)).choice(len(letters), p=shares / shares.sum()))
print("".join(letters[n] for n in written))
