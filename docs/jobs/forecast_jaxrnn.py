import jaxrnn
from jaxrnn.cells import lstm
from jaxrnn.data import csv

data = csv.dataset("sunspots.csv", "sunspots", horizon=12, target="last")
net = jaxrnn.rnn(lstm.cell(32), data.output_size)
run = jaxrnn.fit(net, data, steps=1340, batch_size=16, learning_rate=3e-3, clip_norm=1.0, report_every=134)
print("MAE", run.metrics["test"]["mae"])
