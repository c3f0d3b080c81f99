"""The questions of `scripts/generate.py`: which key the data answer to, and what is printed and written."""

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import files
from jaxrnn.experiments.command_line import QUESTIONS
from jaxrnn.training import answers

OF_TEXTS = {"temperature": 1.0, "top_k": None, "top_p": None}  # keys of draws, with their defaults
OF_BEAMS = {"beam": 5, "penalty": 0.0}


def answered(run, cfg):
    """What a run says to the question of a configuration; it is written into the run folder too.

    Raises:
      ConfigError: for a key that the run's data do not answer to, or a text that cannot be read.
    """
    own = run.dataset.question.name
    refuse_questions(run, cfg)
    for name in ("prime", "start"):
        if cfg[name] is not None:
            raise ConfigError(f"{name}={cfg[name]}: these data are no series; they answer to {own}=...")
    _refuse_unread(cfg, OF_TEXTS if run.net.decoding is not None else OF_BEAMS, f"they answer to {own}=...")
    answer = answers.ask(
        run,
        cfg.get(own),
        length=200 if cfg.length is None else cfg.length,
        temperature=cfg.temperature,
        top_k=cfg.top_k,
        top_p=cfg.top_p,
        width=cfg.beam,
        penalty=cfg.penalty,
        seed=cfg.seed,
    )
    path, figure = files.write_answer(run, answer)
    return f"{answer.text}\nin {path}" + (f", figure in {figure}" if figure is not None else "")


def continuation(run, cfg):
    """What a configuration says of how a series goes on, as arguments of `files.write_generation`.

    Raises:
      ConfigError: for a start that is neither an index nor the end, and for a key of texts.
    """
    _refuse_unread(cfg, OF_TEXTS | OF_BEAMS, "these data are a series: give prime=, start=, length=")
    start = cfg.start
    if isinstance(start, str):
        if start != "end":
            raise ConfigError(f"start={start}: give the index of the first value, or end")
        start = len(run.dataset.series.values) if run.dataset.series is not None else None
    return {"prime": cfg.prime, "length": cfg.length, "start": start, "seed": cfg.seed}


def _refuse_unread(cfg, keys, instead):
    """Refuses keys, {name: default}, that were given though nothing reads them."""
    for name, default in keys.items():
        if cfg[name] != default:
            raise ConfigError(f"{name}={cfg[name]}: nothing here reads it; {instead}")


def refuse_questions(run, cfg):
    """Refuses the key of a question that the data do not answer to."""
    question = run.dataset.question
    for name in QUESTIONS:
        if cfg.get(name) is not None and (question is None or name != question.name):
            there = "these data are a series: give prime= and length=" if question is None else \
                f"these data answer to {question.name}=..."  # fmt: skip
            raise ConfigError(f"{name}={cfg[name]}: {there}")
