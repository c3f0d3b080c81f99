"""The training loop as a side: all updates of a task, compiled before the clock starts, nothing validated or kept."""

from jaxrnn.benchmarks._worker import clocked
from jaxrnn.training.history import History
from jaxrnn.training.loop import begun, train


def side(task, engine):
    """A side that trains the runs of an engine through `jaxrnn.training.loop.train`, from their beginning.

    Args:
      task: a `Task`.
      engine: its `Engine`.

    The side raises RuntimeError if a run diverges: it would have made fewer updates than are counted.
    """
    whole = task._replace(dataset=task.dataset._replace(splits={}))
    unmeasured = engine._replace(evaluate=lambda split, params: None)
    states = engine.init()

    def run():
        training = begun(whole, unmeasured._replace(init=lambda: states), _histories(task, engine))
        for _ in train(training):
            pass
        if ended := [history for history in training.rows if history.step < task.trainer.steps]:
            raise RuntimeError(f"a run is {ended[0].status} after {ended[0].step} updates: {ended[0].reason}")

    engine.advance(states, 0)
    return clocked(run)


def _histories(task, engine):
    return [History(task.trainer.steps) for _ in range(engine.runs)]
