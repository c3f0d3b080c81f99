"""Reports the results of a sweep, also while it runs."""

from jaxrnn.experiments.command_line import config_errors, main, with_key


def report(cfg):
    from jaxrnn.experiments import schema
    from jaxrnn.sweeps import report

    with config_errors():
        print(report.write(report.read(cfg.path, schema.validated(cfg.metric, str, "metric"))))


def start(arguments):
    """Reports the sweep in a folder."""
    main(report, "report", with_key(arguments, "path"))
