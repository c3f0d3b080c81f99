import jaxrnn

experiment = jaxrnn.experiment(
    "model=lstm", "data=tagging", "data.path=tagged.txt", "trainer.steps=375", "trainer.report_every=75"
)
run = jaxrnn.fit(experiment)
print("accuracy", run.metrics["test"]["accuracy"])
