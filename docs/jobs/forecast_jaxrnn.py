import jaxrnn

experiment = jaxrnn.experiment(
    "model=lstm",
    "data=csv",
    "data.path=sunspots.csv",
    "data.column=sunspots",
    "data.horizon=12",
    "data.target=last",
    "trainer.batch_size=16",
    "trainer.steps=1340",
    "trainer.report_every=134",
    "optimizer.clip_norm=1",
)
run = jaxrnn.fit(experiment)
print("MAE", run.metrics["test"]["mae"])
