import jaxrnn

experiment = jaxrnn.experiment(
    "model=lstm", "data=pairs", "data.path=dates.tsv", "trainer.steps=1000", "trainer.report_every=200"
)
run = jaxrnn.fit(experiment)
print("exact match", run.metrics["test"]["exact_match"])
