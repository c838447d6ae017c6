"""One configuration from flags, environment, a TOML file and defaults: the first of these that has a setting wins.

The settings are those of `netimap.settings`, and the flags, the names in the environment, the keys of the file and the
reference in docs/configuration.rst are made from them, so all four agree. Everything wrong is a ConfigurationError.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .exceptions import ConfigurationError
from .settings import (
    COMMAND_DEFAULTS,
    COMMAND_SETTINGS,
    KINDS,
    SERVER_SETTINGS,
    Setting,
    check_together,
    unknown,
)

#: begins the name of each setting in the environment
PREFIX = "NETIMAP_"
#: the file in the data directory that is read when no other is named
FILE_NAME = "netimap.toml"
#: the source of a setting that was given by its flag
COMMAND_LINE = "command line"
#: octets of a configuration file: a file by mistake (a log, a device) is not read whole
MAX_FILE = 1024 * 1024

SETTINGS: dict[str, Setting] = {
    setting.name: replace(setting, default=COMMAND_DEFAULTS.get(setting.name, setting.default))
    for setting in COMMAND_SETTINGS + SERVER_SETTINGS
}

#: paths that are used again while the server runs, whatever its working directory is by then
_KEPT_PATHS = ("users", "server_cert", "server_key")

_METAVARS = {
    "int": "N",
    "seconds": "SECONDS",
    "size": "OCTETS",
    "str": "TEXT",
    "path": "PATH",
    "list": "TEXT",
    "port": "PORT",
    "class": "CLASS",
}


@dataclass(frozen=True, slots=True)
class Config:
    """The values of all settings, where each came from, and the file that was read (None for no file)."""

    values: Mapping[str, Any]
    sources: Mapping[str, str]
    file: str | None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def is_given(self, name: str) -> bool:
        """Whether the operator set this, rather than leaving it at its default."""
        return name in self.sources

    def server_options(self) -> dict[str, Any]:
        """The keyword arguments for `netimap.Server`, without the classes that were not given."""
        names = [setting.name for setting in SERVER_SETTINGS]
        return {name: self.values[name] for name in names if not (name.endswith("_class") and not self.is_given(name))}

    def store(self) -> tuple[str, str]:
        """The kind of store, "maildir" or "memory", and its path with %u in it (empty for memory)."""
        kind, colon, path = self.values["store"].partition(":")
        if not colon or kind not in ("maildir", "memory") or (kind == "memory" and path):
            raise ConfigurationError(f"store is {self.values['store']!r}: it takes maildir:PATH or memory:")
        if kind == "maildir":
            path = path or os.path.join(self.values["data_dir"], "mail", "%u")
            path = os.path.abspath(os.path.expanduser(path))
            if "%" in path.replace("%u", ""):
                raise ConfigurationError(f"store is {self.values['store']!r}: the one % that has a meaning is %u")
        return kind, path

    def store_directory(self) -> str:
        """The directory in which a Maildir store has all its accounts: its path up to the first part with %u."""
        _, path = self.store()
        return os.path.dirname(path[: path.index("%u")]) or "/" if "%u" in path else path

    def path(self, *names: str) -> str:
        """A path in the data directory."""
        return os.path.join(self.values["data_dir"], *names)


def load(flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Config:
    """Put the configuration together. `flags` holds the flags that were given, by the settings' names."""
    given = _environment(environ)
    given |= {name: (value, COMMAND_LINE) for name, value in flags.items() if name in SETTINGS}
    data_dir = _data_dir(given, environ)
    file = flags.get("config") or environ.get(PREFIX + "CONFIG") or None
    if file is None and os.path.exists(os.path.join(data_dir, FILE_NAME)):
        file = os.path.join(data_dir, FILE_NAME)
        from_file = _file(file)
        if "data_dir" in from_file:
            raise ConfigurationError(f"{file}: data_dir cannot be set in the file that is found by it")
    else:
        from_file = _file(file) if file else {}
    given = from_file | given
    values = {name: _parse(name, *entry) for name, entry in given.items()}
    values["data_dir"] = os.path.abspath(values.get("data_dir") or data_dir)
    for name, setting in SETTINGS.items():
        if name not in values:
            values[name] = _default(setting, values["data_dir"])
    for name in _KEPT_PATHS:
        values[name] = os.path.abspath(values[name])
    config = Config(values, {name: source for name, (_, source) in given.items()}, file)
    _check(config)
    return config


def add_flags(parser: argparse.ArgumentParser, names: Iterable[str] = SETTINGS) -> None:
    """Add the flags of these settings, in groups, and --config. Flags that are not given leave no trace."""
    group = parser.add_argument_group("Configuration")
    group.add_argument(
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help=f"TOML file with settings (default: {FILE_NAME} in the data directory; {PREFIX}CONFIG)",
    )
    groups: dict[str, Any] = {}
    for name in names:
        setting = SETTINGS[name]
        if setting.section not in groups:
            groups[setting.section] = parser.add_argument_group(setting.section)
        arguments: dict[str, Any] = {"default": argparse.SUPPRESS, "help": _flag_help(setting)}
        if setting.kind == "bool":
            arguments["action"] = argparse.BooleanOptionalAction
        else:
            arguments["metavar"] = _METAVARS[setting.kind]
            arguments["action"] = "append" if setting.kind == "list" else "store"
        groups[setting.section].add_argument(flag(name), **arguments)


def flag(name: str) -> str:
    """The flag of a setting."""
    return "--" + name.replace("_", "-")


def reference() -> str:
    """All settings in reStructuredText, as docs/configuration.rst has them."""
    return "\n".join(_reference_lines()) + "\n"


def _environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    given: dict[str, tuple[Any, str]] = {}
    for key, value in environ.items():
        name = key.removeprefix(PREFIX).lower()
        if not key.startswith(PREFIX) or name == "config":
            continue
        if name not in SETTINGS or key != PREFIX + name.upper():
            raise ConfigurationError(f"environment, {key}: {unknown(name, SETTINGS)}")
        given[name] = (value, f"environment, {key}")
    return given


def _file(path: str) -> dict[str, tuple[Any, str]]:
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_FILE + 1)
        if len(text) > MAX_FILE:
            raise ConfigurationError(f"{path}: the file is larger than {MAX_FILE} octets")
        content = tomllib.loads(text.decode())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: this is no TOML: the octet at {error.start} is not UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{path}: this is no TOML: {error}") from error
    for name in content:
        if name not in SETTINGS:
            raise ConfigurationError(f"{path}: {unknown(name, SETTINGS)}")
    return {name: (value, path) for name, value in content.items()}


def _parse(name: str, value: Any, source: str) -> Any:
    try:
        return SETTINGS[name].parse(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{source}: {error}") from None


def _data_dir(given: Mapping[str, tuple[Any, str]], environ: Mapping[str, str]) -> str:
    """The data directory, as far as it is known without the file."""
    if "data_dir" in given and (path := _parse("data_dir", *given["data_dir"])):
        return str(path)
    if os.geteuid() == 0:
        return "/var/lib/netimap"
    base: str = environ.get("XDG_DATA_HOME", "")
    # The XDG specification has relative paths ignored.
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.local/share"), "netimap")


def _default(setting: Setting, data_dir: str) -> Any:
    if isinstance(setting.default, str):
        return setting.default.replace("DATA_DIR", data_dir)
    return setting.parse(setting.default)


def _check(config: Config) -> None:
    """Refuse what makes no sense together."""
    check_together(config.values)
    config.store()
    for one, other in (("server_cert", "server_key"), ("server_key", "server_cert")):
        if config.is_given(one) and not config.is_given(other):
            raise ConfigurationError(f"{one} is set and {other} is not: they belong together")
    for one, other in (("store", "model_class"), ("users", "auth_class")):
        if config.is_given(one) and config.is_given(other):
            raise ConfigurationError(f"{one} and {other} are both set: {other} takes the place of {one}")


def _default_text(setting: Setting) -> str:
    if setting.kind == "bool":
        return "yes" if setting.default else "no"
    return "not set" if setting.default in (None, ()) else str(setting.default)


def _flag_help(setting: Setting) -> str:
    text = setting.help
    if "Default:" not in text:
        text += f" Default: {_default_text(setting)}."
    if setting.kind == "list":
        text += " May be given more than once."
    # argparse formats the text with %.
    return text.replace("%", "%%")


def _reference_lines() -> Iterator[str]:
    section = None
    for setting in SETTINGS.values():
        if setting.section != section:
            section = setting.section
            yield from ("", section, "~" * len(section))
        yield from ("", f"``{setting.name}``", f"    {setting.help.replace('*', chr(92) + '*')}", "")
        facts = [f"Flag ``{flag(setting.name)}``, environment ``{PREFIX}{setting.name.upper()}``."]
        facts.append(f"It takes {KINDS[setting.kind]}" + _range_text(setting) + ".")
        if "Default:" not in setting.help:
            facts.append(f"Default: ``{_default_text(setting)}``.")
        yield "    " + " ".join(facts)


def _range_text(setting: Setting) -> str:
    if setting.minimum is None:
        return ""
    return f", from {setting.minimum:g} to {setting.maximum:.15g}"
