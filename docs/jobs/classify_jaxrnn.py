import jaxrnn

experiment = jaxrnn.experiment(
    "model=lstm", "data=labels", "data.path=words.csv", "trainer.steps=1280", "trainer.report_every=1280"
)
run = jaxrnn.fit(experiment)
print("accuracy", run.metrics["test"]["accuracy"])
print(run.predict("schmetterling"))
