"""Training loop as a side: all updates of a task, compiled before the clock starts; nothing is validated or saved."""

from jaxrnn.benchmarks._worker import clocked
from jaxrnn.training.history import History
from jaxrnn.training.loop import begin, train


def side(task, engine):
    """Returns a side that trains the runs of an engine from their start, by `jaxrnn.training.loop.train`.

    The side raises RuntimeError if a run diverges, because it would have made fewer updates than are counted.

    Args:
      task: a `Task`.
      engine: its `Engine`.
    """
    without_splits = task._replace(dataset=task.dataset._replace(splits={}))
    unmeasured = engine._replace(evaluate=lambda split, params: None)
    states = engine.init()

    def run():
        training = begin(without_splits, unmeasured._replace(init=lambda: states), _histories(task, engine))
        for _ in train(training):
            pass
        if stopped := [history for history in training.rows if history.step < task.trainer.steps]:
            raise RuntimeError(f"a run is {stopped[0].status} after {stopped[0].step} updates: {stopped[0].reason}")

    engine.advance(states, 0)
    return clocked(run)


def _histories(task, engine):
    return [History(task.trainer.steps) for _ in range(engine.runs)]
