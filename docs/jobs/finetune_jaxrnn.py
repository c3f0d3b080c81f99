import jaxrnn
from jaxrnn.cells import lstm
from jaxrnn.data import csv

net = jaxrnn.rnn(lstm.cell(32), output_size=1)
options = {"batch_size": 16, "learning_rate": 3e-3, "clip_norm": 1.0}
run = jaxrnn.fit(net, csv.dataset("sunspots.csv", "sunspots"), steps=675, **options)
more = jaxrnn.fit(
    net,
    csv.dataset("co2.csv", "co2", missing="interpolate"),
    params=run.params,
    frozen=lambda name: name.startswith("0."),
    steps=490,
    **options,
)
print("MAE", more.metrics["test"]["mae"])
