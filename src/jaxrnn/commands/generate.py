"""Continues a series or a text with a trained network, lets it draw, or asks it for an answer."""

from jaxrnn.experiments.command_line import config_errors, main, quoted, with_key


def generate(cfg):
    from jaxrnn import runtime
    from jaxrnn.experiments import artifacts, generate_cli, run_folder, run_report, schema

    runtime.prepare()
    with config_errors():
        schema.prepare(cfg)
        run = run_folder.load(cfg.run, schema.listed(cfg.trust, "trust"))
        run = run if cfg.series is None else generate_cli.of_series(run, str(cfg.series))
        if run.dataset.symbols.question is not None:
            print(generate_cli.answered(run, cfg))
            return
        if run.dataset.strokes is not None:
            print(generate_cli.drawn(run, cfg))
            return
        generate_cli.refuse_questions(run, cfg)
        values, figure, rmse = artifacts.write_generation(run, **generate_cli.continuation(run, cfg))
    print(f"values in {values}, figure in {figure}")
    if rmse:
        print(f"RMSE against the truth: {run_report.in_words(rmse)}")


def start(arguments):
    """Generates with the network of a run folder."""
    main(generate, "generate", quoted(with_key(arguments, "run")))
