"""The command `netimap-server`: serve (without a command), `user ...`, `check`.

Exit status: 0 done, 1 a user could not be changed, 2 the configuration is wrong. An error is one line, no traceback.
"""

from __future__ import annotations

import argparse
import difflib
import getpass
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from . import config
from .exceptions import ConfigurationError
from .version import VERSION

PROGRAM = "netimap-server"

_DESCRIPTION = (
    "Serve mail over IMAP. Without a command the server starts, and makes what is missing at its first start."
)
_EPILOG = f"""\
Every setting can also stand in the environment ({config.PREFIX}PORT=143) or in the configuration file (port = 143).
A flag wins over the environment, the environment over the file, the file over the default.
"""
#: settings that `user` needs
_USER_SETTINGS = ("data_dir", "users")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    try:
        words = sys.argv[1:] if argv is None else list(argv)
        _check_flags(words)
        return _run(vars(parser().parse_args(words)))
    except ConfigurationError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The parser for the command line; flags that are not given leave no trace in its result."""
    top = _Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [options] [user ... | check]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {VERSION}")
    commands = top.add_subparsers(title="Commands", dest="command", metavar="COMMAND", prog=PROGRAM)
    user = commands.add_parser("user", help="add, change, list and remove users", allow_abbrev=False)
    actions = user.add_subparsers(title="Commands", dest="action", metavar="COMMAND")
    for action, text in (
        ("add", "add a user"),
        ("passwd", "give a user a new password"),
        ("remove", "remove a user; the mail stays"),
        ("list", "list the users"),
    ):
        one = actions.add_parser(action, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        if action != "list":
            one.add_argument("name", metavar="NAME")
        if action in ("add", "passwd"):
            one.add_argument(
                "--password-stdin",
                action="store_true",
                help="read the password from the first line of standard input, instead of asking for it",
            )
        config.add_flags(one, _USER_SETTINGS)
    check = commands.add_parser(
        "check",
        usage=f"{PROGRAM} check [options]",
        help="say what is wrong with the configuration",
        description="Say what is wrong with the configuration, and change nothing. Exit status 2 when something is.",
        allow_abbrev=False,
    )
    for one in (top, check):
        config.add_flags(one)
    return top


def _check_flags(words: list[str]) -> None:
    """Refuse a flag that no command has. argparse would take its value for a command, and complain of that."""
    known = {"--help", "--version", "--config", "--password-stdin"}
    for name, setting in config.SETTINGS.items():
        known.add(config.flag(name))
        if setting.kind == "bool":
            known.add(config.flag(f"no_{name}"))
    for word in words:
        if word == "--":
            break
        flag = word.partition("=")[0]
        if flag.startswith("--") and flag not in known:
            near = difflib.get_close_matches(flag, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"see {PROGRAM} --help"
            raise ConfigurationError(f"there is no flag {flag}: {hint}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message} (see {self.prog} --help)")


def _run(arguments: dict[str, Any]) -> int:
    command = arguments.pop("command")
    if command == "user":
        return _user(arguments)
    if command == "check":
        from .check import check

        return check(arguments)
    settings = config.load(arguments)
    # The library never does this; the command does, so that plugins and their libraries wait cooperatively.
    from gevent import monkey

    monkey.patch_all()
    from .serve import serve

    return serve(settings)


def _user(arguments: dict[str, Any]) -> int:
    from .users import UsersError

    if not arguments["action"]:
        raise ConfigurationError("user: say add, passwd, remove or list")
    settings = config.load(arguments)
    if settings.is_given("auth_class"):
        raise ConfigurationError("auth_class is set: the users are not in a file of netimap")
    try:
        _change_users(settings, arguments)
    except UsersError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{PROGRAM}: {error.filename or settings['users']}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _change_users(settings: config.Config, arguments: dict[str, Any]) -> None:
    from .first_start import forget_first_login, make_data_dir
    from .users import UsersFile

    file, action, name = UsersFile(settings["users"]), arguments["action"], arguments.get("name", "")
    if action == "list":
        for one in file.names():
            print(one)
        return
    # before anybody has to think of a password
    file.require(name, exists=action != "add")
    if action == "remove":
        file.remove(name)
    elif action == "passwd":
        file.passwd(name, _password(arguments["password_stdin"]))
    else:
        password = _password(arguments["password_stdin"])
        if not settings.is_given("users"):
            make_data_dir(settings)
        file.add(name, password)
    forget_first_login(settings, name)
    done = {"add": "added", "passwd": "has a new password", "remove": "removed"}
    print(f"{name}: {done[action]}")


def _password(from_stdin: bool) -> str:
    """A new password, from standard input or asked for twice."""
    from .users import UsersError

    if from_stdin:
        if sys.stdin is None:
            raise UsersError("standard input is closed")
        try:
            return sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError:
            raise UsersError("the password is not in the encoding of this terminal") from None
    if not os.isatty(0):
        raise UsersError("there is no terminal to ask for the password: use --password-stdin")
    try:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise UsersError("the two passwords differ")
    except EOFError:
        raise UsersError("no password") from None
    return password
