import jaxrnn

words = (
    "model=lstm data=text data.path=book.txt model.embedding=64 optimizer.learning_rate=3e-3 optimizer.schedule=null"
)
experiment = jaxrnn.experiment(*words.split(), "trainer.steps=264", "trainer.report_every=132")
run = jaxrnn.fit(experiment)
print("bits per letter", run.metrics["test"]["bits_per_symbol"])
print(run.predict("ROMEO:"))
