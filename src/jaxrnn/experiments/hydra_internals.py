"""All code that depends on Hydra's internal modules.

`hydra.main` reads `sys.argv` and prints errors itself. The functions here take the arguments and raise the errors.
"""

import functools
import io
import shlex
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from jaxrnn import stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments import nodes
from jaxrnn.experiments.compose import CONF, force

LARGEST, DEEPEST = 2**18, 32  # largest size of a YAML file in bytes, and deepest nesting of its nodes
NO_RUNS = "the sweep has no runs: one of its keys names no value, such as range(0)"


def run(task, config_name, arguments):
    """Does the work of `hydra.main`: composes `conf/CONFIG_NAME.yaml`, then runs, sweeps, or prints information.

    Dotted keys need no `+`: `schema.prepare` tests whether a factory has them.

    Args:
      task: a function that takes the composed configuration, defined in a module or script.
      config_name: the name of the configuration.
      arguments: the command-line arguments, without the name of the script.

    Raises:
      hydra.errors.HydraException: if the arguments cannot be used.
    """
    from hydra import version
    from hydra._internal.hydra import Hydra
    from hydra._internal.utils import create_config_search_path, get_args_parser
    from hydra.types import RunMode

    version.setbase("1.3")
    parser = get_args_parser()
    parser.error = _refuse
    words = [force(word) if _may_be_new(word, config_name) else word for word in arguments]
    args = parser.parse_intermixed_args(words)
    search_path = create_config_search_path(str(CONF))
    if args.config_dir is not None:
        search_path.prepend("command-line", f"file://{Path(args.config_dir).absolute()}")
    hydra = Hydra.create_main_hydra2(task_name=config_name, config_search_path=search_path)
    overrides = args.overrides
    may_sweep = args.config_dir or any(
        "hydra.mode" in word for word in overrides
    )  # only these can set the mode; reading it composes again
    if args.hydra_help:
        hydra.hydra_help(config_name=config_name, args_parser=parser, args=args)
    elif args.cfg:
        hydra.show_cfg(config_name, overrides, cfg_type=args.cfg, package=args.package, resolve=args.resolve)
    elif args.info:
        hydra.show_info(args.info, config_name=config_name, overrides=overrides)
    elif args.shell_completion:
        hydra.shell_completion(config_name=config_name, overrides=overrides)
    elif args.multirun or (may_sweep and hydra.get_mode(config_name, overrides) is RunMode.MULTIRUN):
        _refuse_no_jobs(overrides, hydra.config_loader)
        jobs = hydra.multirun(
            config_name=config_name, task_function=task, overrides=[*overrides, "hydra.mode=MULTIRUN"]
        )
        if isinstance(jobs, list) and not any(jobs):
            raise ConfigError(NO_RUNS)
    else:
        hydra.run(config_name=config_name, task_function=task, overrides=[*overrides, "hydra.mode=RUN"])


def _may_be_new(word, config_name):
    """Returns whether an argument may set a key that the script's YAML file does not list."""
    return config_name not in nodes.FIXED or word.partition(".")[0] in nodes.FIXED[config_name]


def _refuse_no_jobs(overrides, config_loader):
    """Raises an error for overrides that list no values, since Hydra would run a sweep without jobs.

    Raises:
      ConfigError: the message names the first such override and, for a pattern that matches run folders, what to type.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Glob

    for override in OverridesParser.create(config_loader=config_loader).parse_overrides(overrides):
        if not override.is_discrete_sweep() or any(True for _ in override.sweep_string_iterator()):
            continue
        word, pattern = str(override.input_line).removeprefix("++"), override.value()
        if not isinstance(pattern, Glob):
            raise ConfigError(f"{word}: no values, so the sweep has no runs")
        key = override.key_or_group
        if options := config_loader.get_group_options(key):
            raise ConfigError(f"{word}: no {key} matches; there are: {', '.join(options)}")
        text = f"{word}: glob() works on the choices of a group, but {key} is not a group"
        run_folders = sorted(
            str(path.parents[1]) for name in pattern.include for path in Path().glob(f"{name}/.hydra/config.yaml")
        )
        raise ConfigError(text + (f"; type {shlex.quote(f'{key}=' + ','.join(run_folders))}" if run_folders else ""))


def _refuse(message):
    raise ConfigError(f"{message}; --help lists the keys, --hydra-help the options")


def basic_sweeper():
    """Returns Hydra's `BasicSweeper`, a base class. It is imported late because Hydra reloads its plugin modules."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    return BasicSweeper


def grid(overrides):
    """Expands a sweep to its runs: one list of overrides per run, in the order of Hydra's sweeper."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    hydra = GlobalHydra.instance()
    config_loader = hydra.config_loader() if hydra.is_initialized() else None  # glob() requires it
    parser = OverridesParser.create(config_loader=config_loader)
    return basic_sweeper().split_arguments(parser.parse_overrides(overrides), None)[0]


def directory_name(overrides, naming):
    """Returns the part of a folder's name that Hydra makes from overrides. `naming` is its node `override_dirname`."""
    from hydra._internal.config_loader_impl import get_overrides_dirname

    return get_overrides_dirname(
        overrides=overrides, kv_sep=naming.kv_sep, item_sep=naming.item_sep, exclude_keys=list(naming.exclude_keys)
    )


def to_yaml(cfg):
    """Converts a configuration, or dicts and lists, to YAML, like `OmegaConf.to_yaml`.

    It uses libyaml if that is installed, which takes a fifth of the time and may wrap lines at other places.
    """
    return yaml.dump(
        OmegaConf.to_container(cfg, resolve=False, enum_to_str=True) if OmegaConf.is_config(cfg) else cfg,
        default_flow_style=False,
        allow_unicode=True,
        sort_keys=False,
        Dumper=_dumper(),
    )


def load_yaml(path):
    """Loads a YAML file like `OmegaConf.load`, with the same errors.

    It uses libyaml if that is installed, which takes a fifth of the time.

    Raises:
      DamagedError: if the file is too large, contains only a number, is nested too deeply, or contains an alias. A few
        aliases can expand to very many values.
    """
    text = stored_files.read_bytes(path, LARGEST).decode()
    try:
        _refuse_bombs(path, text)
        content = yaml.load(text, Loader=_loader())
    except yaml.YAMLError:
        return OmegaConf.load(io.StringIO(text))  # its error message names the line
    if content is not None and not isinstance(content, list | dict | str):
        raise DamagedError(f"{path} is damaged: expected keys and values, found a {type(content).__name__}")
    return OmegaConf.create() if content is None else OmegaConf.create(content)


def _refuse_bombs(path, text):
    """Raises a `DamagedError` for YAML that would need far more time or memory than its size suggests."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            line = event.start_mark.line + 1
            reason = f"nested more than {DEEPEST} times" if depth > DEEPEST else f"an alias, *{event.anchor}"
            raise DamagedError(f"{path}, line {line} is damaged: a run never writes this: {reason}")


@functools.cache
def _loader():
    from omegaconf._utils import get_yaml_loader

    if not yaml.__with_libyaml__:
        return get_yaml_loader()

    from yaml._yaml import CParser  # libyaml's parser, instead of the one in Python

    class Loader(CParser, get_yaml_loader()):
        def __init__(self, stream):
            CParser.__init__(self, stream)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)

    return Loader


@functools.cache
def _dumper():
    from omegaconf._utils import OmegaConfDumper

    base: Any = getattr(yaml, "CDumper", yaml.Dumper)

    class Dumper(base):
        pass

    Dumper.add_representer(str, OmegaConfDumper.str_representer)
    return Dumper
