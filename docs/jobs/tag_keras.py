from pathlib import Path

import keras
import numpy as np
from keras import layers

blocks = Path("tagged.txt").read_text().strip().split("\n\n")
sentences = [[line.split("\t") for line in block.split("\n")] for block in blocks]
sentences = [sentences[n] for n in np.random.default_rng(0).permutation(len(sentences))]
train, test = int(0.8 * len(sentences)), int(0.9 * len(sentences))
words = {word: n for n, word in enumerate(sorted({w for s in sentences[:train] for w, _ in s}), 2)}  # 1: unknown
tags = {tag: n for n, tag in enumerate(sorted({t for s in sentences for _, t in s}))}
x = keras.utils.pad_sequences([[words.get(w, 1) for w, _ in s] for s in sentences], padding="post")
y = keras.utils.pad_sequences([[tags[t] for _, t in s] for s in sentences], padding="post")
weight = (x > 0).astype("float32")
embedding, layer = layers.Embedding(len(words) + 2, 64, mask_zero=True), layers.LSTM(64, return_sequences=True)
model = keras.Sequential([keras.Input((None,)), embedding, layers.Bidirectional(layer), layers.Dense(len(tags))])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=1.0), loss=loss, weighted_metrics=["accuracy"])
parts = (x[train:test], y[train:test], weight[train:test])
model.fit(x[:train], y[:train], sample_weight=weight[:train], batch_size=32, epochs=5, validation_data=parts, verbose=0)
print("accuracy", model.evaluate(x[test:], y[test:], sample_weight=weight[test:], verbose=0)[1])
