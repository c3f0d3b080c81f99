"""All that depends on how Hydra is built inside, in one place; `tests/experiments/test_hydra_internals.py` fails where
that changes. `hydra.main` reads `sys.argv` and prints errors itself; here arguments are handed over and errors raised.
"""

import functools
import io
import shlex
import sys
from pathlib import Path

import yaml
from omegaconf import OmegaConf

from jaxrnn import stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments.conf import CONF, force

LARGEST, DEEPEST = 2**18, 32  # bytes of a YAML file, and nodes in nodes
NO_RUNS = "the sweep has no runs: one of its keys names no value, such as range(0)"


def run(task, config_name, arguments):
    """What `hydra.main` does for a script: composes `conf/CONFIG_NAME.yaml`, then runs, sweeps, shows or explains.

    Dotted keys need no `+`: whether a factory knows them is for `config.check` to say.

    Args:
      task: a function of the composed configuration, of a module or script.
      config_name: the name of the configuration.
      arguments: as of the command line, without the script.

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
    args = parser.parse_intermixed_args([force(argument) for argument in arguments])
    search_path = create_config_search_path(str(CONF))
    if args.config_dir is not None:
        search_path.prepend("command-line", f"file://{Path(args.config_dir).absolute()}")
    hydra = Hydra.create_main_hydra2(task_name=_name(), config_search_path=search_path)
    overrides = args.overrides
    may_sweep = args.config_dir or any("hydra.mode" in word for word in overrides)  # ours are of runs; composed once
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
        done = hydra.multirun(
            config_name=config_name, task_function=task, overrides=[*overrides, "hydra.mode=MULTIRUN"]
        )
        if isinstance(done, list) and not any(done):
            raise ConfigError(NO_RUNS)
    else:
        hydra.run(config_name=config_name, task_function=task, overrides=[*overrides, "hydra.mode=RUN"])


def _refuse_no_jobs(overrides, config_loader):
    """Refuses overrides that choose from nothing, of which Hydra makes a sweep without jobs.

    Raises:
      ConfigError: it names the first of them, and what to type where a pattern is meant for folders.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Glob

    for override in OverridesParser.create(config_loader=config_loader).parse_overrides(overrides):
        if not override.is_discrete_sweep() or any(True for _ in override.sweep_string_iterator()):
            continue
        word = override.input_line.removeprefix("++")
        if not isinstance(override.value(), Glob):
            raise ConfigError(f"{word}: it names no value, so the sweep has no runs")
        key, pattern = override.key_or_group, override.value()
        if options := config_loader.get_group_options(key):
            raise ConfigError(f"{word}: no {key} has such a name; there are: {', '.join(options)}")
        text = f"{word}: glob() chooses from the configurations of a group, and {key} is not a group"
        found = sorted(
            str(path.parents[1]) for each in pattern.include for path in Path().glob(f"{each}/.hydra/config.yaml")
        )
        raise ConfigError(text + (f"; type {shlex.quote(f'{key}=' + ','.join(found))}" if found else ""))


def _refuse(message):
    raise ConfigError(f"{message}; --help lists the keys, --hydra-help the options")


def basic_sweeper():
    """Hydra's `BasicSweeper`, for ours to extend; imported late, since Hydra loads its plugins' modules anew."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    return BasicSweeper


def grid(overrides):
    """Every choice of overrides that name many values, a list of overrides each, in the order of Hydra's sweeper."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    hydra = GlobalHydra.instance()
    parser = OverridesParser.create(
        config_loader=hydra.config_loader() if hydra.is_initialized() else None
    )  # for glob()
    return basic_sweeper().split_arguments(parser.parse_overrides(overrides), None)[0]


def directory_name(overrides, naming):
    """The part of a folder's name that Hydra makes of parsed overrides; `naming` is its node of that name."""
    from hydra._internal.config_loader_impl import get_overrides_dirname

    return get_overrides_dirname(
        overrides=overrides, kv_sep=naming.kv_sep, item_sep=naming.item_sep, exclude_keys=list(naming.exclude_keys)
    )


def to_yaml(cfg):
    """What `OmegaConf.to_yaml` gives, written by libyaml where that is installed, in a fifth of the time; lines may be
    wrapped elsewhere. Of a configuration, or of dicts and lists."""
    return yaml.dump(
        OmegaConf.to_container(cfg, resolve=False, enum_to_str=True) if OmegaConf.is_config(cfg) else cfg,
        default_flow_style=False,
        allow_unicode=True,
        sort_keys=False,
        Dumper=_dumper(),
    )


def load_yaml(path):
    """What `OmegaConf.load` gives and raises, read by libyaml where that is installed: in a fifth of the time.

    Raises:
      DamagedError: if it is too large, a number, nested too deeply, or holds an alias, which can stand for many values.
    """
    text = stored_files.read_bytes(path, LARGEST).decode()
    try:
        _refuse_bombs(path, text)
        found = yaml.load(text, Loader=_loader())
    except yaml.YAMLError:
        return OmegaConf.load(io.StringIO(text))  # which names the line as it always did
    if found is not None and not isinstance(found, list | dict | str):
        raise DamagedError(f"{path} is damaged: it is a {type(found).__name__}")
    return OmegaConf.create() if found is None else OmegaConf.create(found)


def _refuse_bombs(path, text):
    """Refuses YAML that takes more time or memory than its length tells, before anything is made of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            line = event.start_mark.line + 1
            what = f"nested more than {DEEPEST} times" if depth > DEEPEST else f"an alias, *{event.anchor}"
            raise DamagedError(f"{path}, line {line} is damaged: it holds what no run writes, {what}")


@functools.cache
def _loader():
    from omegaconf._utils import get_yaml_loader

    if not yaml.__with_libyaml__:
        return get_yaml_loader()

    class Loader(yaml.cyaml.CParser, get_yaml_loader()):  # its parser in the place of that written in Python
        def __init__(self, stream):
            yaml.cyaml.CParser.__init__(self, stream)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)

    return Loader


@functools.cache
def _dumper():
    from omegaconf._utils import OmegaConfDumper

    class Dumper(getattr(yaml, "CDumper", yaml.Dumper)):
        pass

    Dumper.add_representer(str, OmegaConfDumper.str_representer)
    return Dumper


def _name():
    """The name of the running script, which Hydra calls the job's."""
    return sys.argv[0].rpartition("/")[2].removesuffix(".py")
