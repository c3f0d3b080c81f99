"""Input of the command `generate`: checks the keys, generates, writes the result and returns it as text."""

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import artifacts, pen_artifacts, predicting
from jaxrnn.experiments.command_line import QUESTIONS
from jaxrnn.experiments.run import Run
from jaxrnn.training import pen_sampling, symbol_inference

SAMPLING_DEFAULTS = {"temperature": 1.0, "top_k": None, "top_p": None}
BEAM_DEFAULTS = {"beam": 5, "penalty": 0.0}
PEN_DEFAULTS = {"bias": 0.0}


def answered(run, cfg):
    """Generates a run's answer to the input in a configuration, writes it into the run folder and returns it as text.

    Raises:
      ConfigError: if the data set does not use one of the keys, or the input text cannot be encoded.
    """
    question_key = run.dataset.symbols.question.name
    refuse_questions(run, cfg)
    for name in ("prime", "start"):
        if cfg[name] is not None:
            raise ConfigError(
                f"{name}={cfg[name]}: this data set is not a time series; give {question_key}=... instead"
            )
    _refuse_unused(
        cfg,
        PEN_DEFAULTS | (SAMPLING_DEFAULTS if run.net.decoding is not None else BEAM_DEFAULTS),
        f"give {question_key}=...",
    )
    answer = symbol_inference.ask(
        run,
        cfg.get(question_key),
        length=200 if cfg.length is None else cfg.length,
        temperature=cfg.temperature,
        top_k=cfg.top_k,
        top_p=cfg.top_p,
        width=cfg.beam,
        penalty=cfg.penalty,
        seed=cfg.seed,
    )
    path, figure = artifacts.write_answer(run, answer)
    return f"{answer.text}\nin {path}" + (f", figure in {figure}" if figure is not None else "")


def drawn(run, cfg):
    """Draws pen strokes by the keys of a configuration, writes them into the run folder and returns their places.

    Raises:
      ConfigError: if the data set does not use one of the keys, or `prime` does not fit.
    """
    refuse_questions(run, cfg)
    _refuse_unused(
        cfg,
        SAMPLING_DEFAULTS | BEAM_DEFAULTS | {"start": None},
        "this data set has pen strokes; give prime=, length=, bias=",
    )
    drawings = pen_sampling.sample(run, length=cfg.length, prime=cfg.prime, bias=cfg.bias, seed=cfg.seed)
    path, figure = pen_artifacts.write(run, drawings)
    return f"{len(drawings)} drawings in {path}, figure in {figure}"


def of_series(run, name):
    """Returns the run with the series `name` of its panel as the one to continue.

    Raises:
      ConfigError: if its data set has no such series.
    """
    series = predicting.of_series(run.dataset, name).series._replace(panel=run.dataset.series.panel)
    task = run.task._replace(dataset=run.dataset._replace(series=series))
    return Run(task, run.params, run.best_step, run.step, run.history, seed=run.seed, folder=run.folder, cfg=run.cfg,
               evaluator=run.evaluator)  # fmt: skip


def continuation(run, cfg):
    """Returns the arguments of `artifacts.write_generation` for a time series, read from a configuration.

    Raises:
      ConfigError: if `start` is neither an index nor "end", or a key of text generation is given.
    """
    _refuse_unused(
        cfg,
        SAMPLING_DEFAULTS | BEAM_DEFAULTS | PEN_DEFAULTS,
        "this data set is a time series; give prime=, start=, length=",
    )
    start = cfg.start
    if isinstance(start, str):
        if start != "end":
            raise ConfigError(f"start={start}: expected the index of the first value, or end")
        start = len(run.dataset.series.values) if run.dataset.series is not None else None
    return {"prime": cfg.prime, "length": cfg.length, "start": start, "seed": cfg.seed}


def _refuse_unused(cfg, keys, advice):
    """Raises a `ConfigError` if one of the keys {name: default} was changed, since nothing here uses them."""
    for name, default in keys.items():
        if cfg[name] != default:
            raise ConfigError(f"{name}={cfg[name]}: not used with this data set; {advice}")


def refuse_questions(run, cfg):
    """Raises a `ConfigError` if an input key is given that the data set does not use."""
    question = run.dataset.symbols.question
    for name in QUESTIONS:
        if cfg.get(name) is not None and (question is None or name != question.name):
            advice = "this data set is a time series; give prime= and length="
            if run.dataset.strokes is not None:
                advice = "this data set has pen strokes; give prime=, length=, bias="
            elif question is not None:
                advice = f"this data set has no such input; give {question.name}=..."
            raise ConfigError(f"{name}={cfg[name]}: {advice}")
