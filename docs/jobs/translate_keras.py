from pathlib import Path

import keras
import numpy as np
from keras import layers

lines = [line.split("\t") for line in Path("dates.tsv").read_text().strip().split("\n")]
lines = [lines[n] for n in np.random.default_rng(0).permutation(len(lines))]
train, test = int(0.8 * len(lines)), int(0.9 * len(lines))
sources, answers = zip(*lines, strict=True)
letters = {letter: n for n, letter in enumerate(sorted(set("".join(sources))), 1)}
symbols = ["", "start", "end", *sorted(set("".join(answers)))]
x = keras.utils.pad_sequences([[letters[s] for s in text] for text in sources], padding="post")
y = keras.utils.pad_sequences([[1, *map(symbols.index, text), 2] for text in answers], padding="post")
source, before = keras.Input((None,)), keras.Input((None,))
embedded = layers.Embedding(len(letters) + 1, 64, mask_zero=True)(source)
states, *carry = layers.LSTM(128, return_sequences=True, return_state=True)(embedded)
written = layers.Embedding(len(symbols), 64, mask_zero=True)(before)
decoded = layers.LSTM(128, return_sequences=True)(written, initial_state=carry)
context = layers.Attention()([decoded, states])
logits = layers.Dense(len(symbols))(layers.Concatenate()([decoded, context]))
model = keras.Model([source, before], logits)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=1.0), loss=loss)
weight = (y[:, 1:] > 0).astype("float32")
parts = ([x[train:test], y[train:test, :-1]], y[train:test, 1:], weight[train:test])
inputs, targets, options = [x[:train], y[:train, :-1]], y[:train, 1:], {"batch_size": 16, "epochs": 5, "verbose": 0}
model.fit(inputs, targets, sample_weight=weight[:train], validation_data=parts, **options)
output = np.zeros_like(y[test:])
output[:, 0] = 1
for step in range(1, y.shape[1]):  # each symbol is written from those before it
    output[:, step] = model.predict([x[test:], output[:, :-1]], verbose=0)[:, step - 1].argmax(axis=-1)
right = (np.where(weight[test:] > 0, output[:, 1:], 0) == y[test:, 1:]).all(axis=1)
print("exact match", right.mean())
