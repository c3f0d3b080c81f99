"""Training a group of runs as one compiled program, into the run folders that single runs would have left behind."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge

from jaxrnn import devices, population, prediction, probes, results, training
from jaxrnn.checkpoint import Checkpoints
from jaxrnn.config import Refusal
from jaxrnn.course import Course, digests
from jaxrnn.experiment import build
from jaxrnn.fitting import Fitted
from jaxrnn.probes import Probes
from jaxrnn.training import Report
from jaxrnn.types import Size


class Options(NamedTuple):
    """How groups are trained.

    Fields:
      max_runs: runs in one program at most; None for as many as the memory holds.
      halve_after: updates before the first cut of successive halving (Jamieson & Talwalkar 2016, algorithm 1), a
        multiple of the updates between two reports; None to train all runs to their end.
      halve_factor: eta; at a cut the best 1 / eta of the runs in a program go on, and the next one comes after eta
        times the updates.
    """

    max_runs: Size | None = None
    halve_after: Size | None = None
    halve_factor: Annotated[int, Ge(2)] = 2

    def cuts(self, steps):
        """The updates after which runs are cut."""
        if self.halve_after is None:
            return []
        cuts = [self.halve_after]
        while cuts[-1] < steps:
            cuts.append(cuts[-1] * self.halve_factor)
        return cuts[:-1]


class Rows(NamedTuple):
    """The runs inside a program, one a row.

    Fields:
      members: the members of the group that the rows are, [N]; the last one is repeated where they would not share out
        evenly over the devices.
      values: leaves [N].
      states: `TrainState`s, leaves [N, ...].
      best: the best params, leaves [N, ...].
    """

    members: list[int]
    values: Any
    states: Any
    best: Any


class Programs(NamedTuple):
    """The compiled functions of N rows.

    Fields:
      advance: as in `jaxrnn.population.Population`.
      measure: {split: (values, params, Batch) -> {"loss", "correct"} with arrays [N]}.
      generate: (values, params, xs) -> ys [N, length, K], or None where nothing can be generated.
      seconds: that compiling took.
      bytes: of memory while they run, on all devices.
    """

    advance: Any
    measure: dict[str, Any]
    generate: Any
    seconds: float
    bytes: int


def train(group, cfgs, folders, store, options=Options(), received=(), watch=None):
    """Trains the runs of a group that have not ended, together.

    Args:
      group: a `jaxrnn.variation.Group`.
      cfgs, folders: {member: configuration}, {member: run folder}, of the members that have not ended.
      store: the folder of the group's own checkpoint, from which an interrupted group goes on.
      options: `Options`.
      received: signals that the process has received; after one the group is saved and left.
      watch: called with (updates, {member: course}) after every report.

    Yields:
      (member, summary) of each run that has ended, once its folder is written.

    Raises:
      Refusal: if the configuration of the group cannot be used, or its checkpoint is broken.
      OSError: if something cannot be written.
    """
    cohort = Cohort(group, cfgs, folders, store, options)
    waiting, limit = list(folders), options.max_runs or len(folders)
    rows = cohort.restored()
    while rows is not None or waiting:
        with ThreadPoolExecutor(2) as beside:  # XLA compiles what follows while the rows are made
            runs = rows.members if rows is not None else _padded(waiting[:limit])
            compiling = beside.submit(cohort.compiled, len(runs))
            began = rows is None
            rows = cohort.fresh(waiting[:limit]) if rows is None else rows
            programs = compiling.result()
        if began and programs.bytes > devices.free_memory() and len(runs) > jax.local_device_count():
            rows, limit = None, len(runs) // 2
            continue
        waiting = [member for member in waiting if member not in rows.members]
        yield from cohort.run(rows, programs, received, watch)
        if received:
            return
        rows = None


class Cohort:
    """The runs of a group that one program trains at a time; arguments as of `train`."""

    def __init__(self, group, cfgs, folders, store, options):
        self.experiment = build(group.cfg)
        after, every = options.halve_after, self.experiment.trainer.report_every
        if after is not None and after % every:
            raise Refusal(f"hydra.launcher.halve_after={after} is no multiple of trainer.report_every={every}")
        self.group, self.cfgs, self.folders, self.options = group, cfgs, folders, options
        self.make = group.make(self.experiment.dataset)
        self.place = {member: place for place, member in enumerate(group.members)}
        self.store, self.courses, self.probes = Checkpoints(store), {}, {}
        self.earlier_seconds = 0.0

    def fresh(self, members):
        """Rows of runs that begin."""
        members = _padded(members)
        keys = population.keys(np.array([self.group.seeds[self.place[m]] for m in members], np.uint32))
        values = self._values(members)
        states = population.program(self.make, len(members)).init(keys, values)
        self._begin({member: Course(self.folders[member], self.experiment) for member in dict.fromkeys(members)}, 0.0)
        return Rows(members, values, states, states.params)

    def restored(self):
        """Rows of runs that go on from the group's checkpoint, or None where there are none."""
        if not self.store.steps():
            return None
        kept, step = self.store.progress(), self.store.steps()[-1]
        members = kept["members"]
        if not any(member in self.folders for member in members):
            return None
        values, runs = self._values(members), len(members)
        shapes = jax.eval_shape(
            population.program(self.make, runs).init, jax.random.split(jax.random.key(0), runs), values
        )
        states, best, _ = self.store.restore(shapes, shapes.params)
        states = states.replace(key=jax.random.wrap_key_data(states.key))
        courses = {}
        for member in dict.fromkeys(members):
            if member in self.folders:
                saved = kept["courses"][str(member)]
                courses[member] = Course(self.folders[member], self.experiment, step, saved["progress"])
                if saved["status"] not in (None, "stopped"):  # its folder was not written to the end
                    courses[member].end(saved["status"], saved["reason"])
        self._begin(courses, kept["seconds"])
        return Rows(members, values, *population.placed((states, best), runs))

    def compiled(self, runs):
        """The programs for so many rows, compiled side by side."""
        began, experiment, arrays = time.perf_counter(), self.experiment, self.experiment.dataset.arrays
        program = population.program(self.make, runs)
        values = self._values([self.group.members[0]] * runs)
        states = jax.eval_shape(program.init, jax.random.split(jax.random.key(0), runs), values)

        def over_runs(function, common):
            return population.over_runs(function, self.make, runs).lower(values, states.params, common).compile()

        def generator():
            _, length, xs = results.primed(experiment)

            def go_on(parts, params, xs):
                return prediction.generator(parts[0], parts[3].precision)(params, xs, length)

            return over_runs(go_on, xs)

        with ThreadPoolExecutor() as beside:
            advance = beside.submit(lambda: program.advance.lower(states, values, arrays, np.int32(0)).compile())
            splits = experiment.dataset.splits.items()
            measure = {name: beside.submit(over_runs, self._measured, batch) for name, batch in splits}
            generate = beside.submit(generator) if results.generates(experiment) else None
        memory = advance.result().memory_analysis()
        return Programs(
            advance=advance.result(),
            measure={name: compiled.result() for name, compiled in measure.items()},
            generate=generate and generate.result(),
            seconds=time.perf_counter() - began,
            bytes=(memory.temp_size_in_bytes + 2 * memory.output_size_in_bytes) * jax.local_device_count(),
        )

    def run(self, rows, programs, received, watch):
        """Trains rows to their ends, or until a signal is received; yields as `train`."""
        trainer, arrays = self.experiment.trainer, self.experiment.dataset.arrays
        cuts = self.options.cuts(trainer.steps)
        pace = _Pace(self.earlier_seconds)
        saved_at = time.perf_counter()
        going, ended = self._parted(self.courses)
        if ended:
            yield from self._finish(rows, ended, programs, pace)
        while going:
            step = self.courses[going[0]].step
            n = min(trainer.report_every - step % trainer.report_every, trainer.steps - step)
            with pace.updating(n):
                states, report = jax.block_until_ready(programs.advance(rows.states, rows.values, arrays, np.int32(n)))
            good, better = self._take(rows, going, report, n, self._validate(rows, programs, states))
            rows = rows._replace(
                states=_choose(good, states, rows.states), best=_choose(better, states.params, rows.best)
            )
            self._probe(rows, going)
            if cut := step + n in cuts:
                self._cut(step + n)
            if received:
                self._end_all("stopped", received[0])
            if watch is not None:
                watch(n, {member: self.courses[member] for member in going})
            going, ended = self._parted(going)
            if trainer.keep_every is not None and (step + n) % trainer.keep_every == 0:
                self._save_runs(rows, going, pace.seconds())
            if received or cut or (going and time.perf_counter() - saved_at >= trainer.checkpoint_seconds):
                self._save_group(rows, step + n, pace.seconds())
                saved_at = time.perf_counter()
            if ended:
                yield from self._finish(rows, ended, programs, pace)
            if going:
                rows, programs = self._packed(rows, programs, going, pace.needed(trainer.steps - step - n))

    def _parted(self, members):
        """The members that go on and those that have ended."""
        going = [member for member in members if self.courses[member].status is None]
        return going, [member for member in members if member not in going]

    def _begin(self, courses, seconds):
        self.courses, self.earlier_seconds = courses, seconds
        if self.experiment.trainer.probes:
            self.probes = {member: Probes(self._experiment(member), self.folders[member]) for member in courses}

    def _experiment(self, member):
        """The experiment of one run, as it would be alone."""
        return build(self.cfgs[member])

    def _values(self, members):
        places = [self.place[member] for member in members]
        return tuple(jnp.asarray(column[places], float) for column in self.group.values)

    def _measured(self, parts, params, batch):
        net, dataset, _, trainer = parts
        return prediction.measured(dataset, prediction.predict(net, trainer.precision, params, batch), batch)

    def _validate(self, rows, programs, states):
        """{"loss", "correct"} of every row, or None without a validation split."""
        batch = self.experiment.dataset.splits.get("validation")
        if batch is None:
            return [None] * len(rows.members)
        return _rows_of(programs.measure["validation"](rows.values, states.params, batch))

    def _take(self, rows, going, report, n, validation):
        """Hands every run its report; returns which rows' states are good and which are the best so far, [N]."""
        report = Report(*(np.asarray(column)[:, :n] for column in report))
        good, better = np.zeros((2, len(rows.members)), bool)
        left = set(going)
        for row, digest in enumerate(digests(report, self.experiment)):
            if (member := rows.members[row]) in left:
                left.remove(member)
                better[row] = self.courses[member].take(digest, validation[row])
                good[row] = self.courses[member].status != "diverged"
        return good, better

    def _probe(self, rows, going):
        for member in going if self.probes else ():
            if self.courses[member].status != "diverged":
                row = rows.members.index(member)
                self.probes[member].measure(self.courses[member].step, _row(rows.states.params, row))

    def _cut(self, step):
        """Ends all but the best of the runs that go on."""
        going = [member for member, course in self.courses.items() if course.status is None]
        kept = max(len(going) // self.options.halve_factor, 1)
        ranked = sorted(going, key=lambda member: self.courses[member].last_loss())
        for rank, member in enumerate(ranked[kept:], kept + 1):
            self.courses[member].end("pruned", f"rank {rank} of {len(going)} after {step} updates")

    def _end_all(self, status, reason):
        for course in self.courses.values():
            if course.status is None:
                course.end(status, reason)

    def _packed(self, rows, programs, going, seconds):
        """The rows of the runs that go on, alone, where that saves more time than compiling for them takes."""
        members = _padded(going)
        if seconds * (1 - len(members) / len(rows.members)) < programs.seconds:
            return rows, programs
        chosen = np.array([rows.members.index(member) for member in members])
        taken = jax.tree.map(lambda a: a[chosen], (rows.states, rows.best))
        rows = Rows(members, self._values(members), *population.placed(taken, len(members)))
        return rows, self.compiled(len(members))

    def _save_group(self, rows, step, seconds):
        self._flush()
        courses = {
            str(member): {"progress": course.progress, "status": course.status, "reason": course.reason}
            for member, course in self.courses.items()
        }
        progress = {"members": rows.members, "courses": courses, "seconds": seconds}
        self.store.save(step, rows.states, rows.best, progress)

    def _save_runs(self, rows, members, seconds):
        """Checkpoints single runs, as they would be alone; returns the best params of all rows."""
        self._flush()
        states = rows.states.replace(opt_state=_flattened(rows.states.opt_state, rows.states.params))
        keep_every = self.experiment.trainer.keep_every
        host = jax.device_get((states.replace(key=jax.random.key_data(states.key)), rows.best))
        for member in members:
            course, row = self.courses[member], rows.members.index(member)
            state, best = _row(host, row)
            course.progress["seconds"] = seconds
            checkpoints = Checkpoints(self.folders[member], keep_every)
            checkpoints.save(course.step, state, best, course.progress)
            checkpoints.close()
        return host[1]

    def _flush(self):
        for course in self.courses.values():
            course.flush()

    def _finish(self, rows, ended, programs, pace):
        """Writes the folders of runs that have ended, the summary last; yields as `train`."""
        params = self._save_runs(rows, ended, pace.seconds())
        stopped = self.courses[ended[0]].status == "stopped"
        metrics, generated = ({}, None) if stopped else self._evaluate(rows, programs)
        for member in ended:
            course, row = self.courses[member], rows.members.index(member)
            fitted = Fitted(
                best=_row(params, row),
                best_step=course.progress["best_step"],
                step=course.step,
                status=course.status,
                reason=course.reason,
                seconds=pace.seconds(),
                compile_seconds=programs.seconds,
                steps_per_second=pace.steps_per_second(),
                probe_seconds=self.probes[member].seconds if self.probes else 0.0,
                together=len(set(rows.members)),
            )
            own = {name: values[row] for name, values in metrics.items()}
            content = results.summary(
                self.experiment, self.folders[member], fitted, own, generated and (generated[0], generated[1][row])
            )
            if self.cfgs[member].get("figures") and not stopped:
                run = results.Run(self.folders[member], self._experiment(member), fitted.best, fitted.best_step)
                results.draw(run)
                probes.save_figures(run.folder)
            results.record(self.folders[member], self.cfgs[member], content)
            yield member, content

    def _evaluate(self, rows, programs):
        """({split: [{"loss", "baseline", "correct"} of every row]}, (prime, ys [N, length, K]) or None)."""
        experiment = self.experiment
        metrics = {}
        for name, batch in experiment.dataset.splits.items():
            trivial = {"baseline": float(experiment.compiled.trivial(batch))}
            found = _rows_of(programs.measure[name](rows.values, rows.best, batch))
            metrics[name] = [{"loss": each["loss"], **trivial, **each} for each in found]
        if programs.generate is None:
            return metrics, None
        prime, _, xs = results.primed(experiment)
        return metrics, (prime, np.asarray(programs.generate(rows.values, rows.best, xs)))


class _Pace:
    """The clock of a program: seconds since it began, and how long an update takes."""

    def __init__(self, earlier_seconds):
        self._earlier, self._began = earlier_seconds, time.perf_counter()
        self._updating, self._updates = 0.0, 0

    @contextlib.contextmanager
    def updating(self, updates):
        began = time.perf_counter()
        yield
        self._updating, self._updates = self._updating + time.perf_counter() - began, self._updates + updates

    def seconds(self):
        return self._earlier + time.perf_counter() - self._began

    def steps_per_second(self):
        return self._updates / self._updating if self._updates else None

    def needed(self, updates):
        return updates * self._updating / self._updates


def _padded(members):
    """The members, the last one repeated until they share out evenly over the devices."""
    devices = jax.local_device_count()
    missing = -len(members) % devices if len(members) > devices else 0
    return [*members, *[members[-1]] * missing]


def _choose(mask, new, old):
    """Row by row the new leaves or the old ones."""
    if mask.all():
        return new
    return _chosen(mask, new, old) if mask.any() else old


@jax.jit
def _chosen(mask, new, old):
    return jax.tree.map(lambda a, b: jnp.where(mask.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)


@jax.jit
def _flattened(opt_states, params):
    return jax.vmap(training.flattened)(opt_states, params)


def _row(tree, row):
    return jax.tree.map(lambda a: a[row], tree)


def _rows_of(columns):
    """{name: [N]} as N dicts."""
    columns = {name: np.asarray(column).tolist() for name, column in columns.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
