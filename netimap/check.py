"""`netimap-server check`: everything that is wrong with a configuration, said before it matters."""

from __future__ import annotations

import datetime
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import log
from .certificate import expires, server_context
from .config import Config, load
from .exceptions import ConfigurationError
from .first_start import only_loopback
from .privileges import Privileges, raise_file_limit
from .settings import address
from .users import UsersFile

#: days before its end that a certificate is worth a warning
EXPIRY_WARNING_DAYS = 14
#: RFC 3501 5.4: an inactivity limit must be at least this many seconds
LEAST_AUTH_IDLE_S = 1800


class Note(str):
    """Something to know that does not keep the server from working."""

    __slots__ = ()


def check(flags: Mapping[str, Any]) -> int:
    """Print what is wrong; returns the exit status, 2 when anything is."""
    config = load(flags)
    found = [line for part in _PARTS for line in _tolerant(part, config)]
    for line in found:
        print(f"{'note' if isinstance(line, Note) else 'problem'}: {line}")
    print(f"settings: {config.file or 'no file'}, data directory: {config['data_dir']}")
    problems = sum(not isinstance(line, Note) for line in found)
    print(f"{problems} problem{'s' if problems > 1 else ''}" if problems else "nothing is wrong")
    return 2 if problems else 0


def _tolerant(part: Callable[[Config], Iterator[str]], config: Config) -> Iterator[str]:
    """The findings of one part; an error in it is one of them, and the other parts still run."""
    try:
        yield from part(config)
    except ConfigurationError as error:
        yield str(error)
    except OSError as error:
        yield f"{error.filename}: {error.strerror}" if error.filename else str(error)


def _data_dir(config: Config) -> Iterator[str]:
    path = config["data_dir"]
    if os.path.isdir(path):
        if not Privileges(config.values).may(path, os.R_OK | os.X_OK):
            yield f"data_dir {path}: {_who(config)} may not read it"
        if os.stat(path).st_mode & 0o002:
            yield f"data_dir {path}: everybody may write there; say chmod o-w {path}"
    elif not _can_be_made(path):
        yield f"data_dir {path}: it cannot be made"
    else:
        yield Note(f"data_dir {path} will be made at the first start")


def refusals(config: Config) -> Iterator[str]:
    """What would let the server start and nobody log in: the start refuses it, too."""
    yield from (line for line in _data_dir(config) if not isinstance(line, Note))
    yield from _users_access(config)
    yield from _store(config)


def _users_access(config: Config) -> Iterator[str]:
    if config.is_given("auth_class"):
        return
    path = config["users"]
    if os.path.exists(path):
        if not Privileges(config.values).may(path, os.R_OK):
            yield f"users {path}: {_who(config)} may not read it"
    elif not os.path.isdir(_parent(path)) and _parent(path) != config["data_dir"]:
        yield f"users {path}: there is no directory {_parent(path)}"


def _users(config: Config) -> Iterator[str]:
    if config.is_given("auth_class"):
        return
    users = UsersFile(config["users"])
    problems = [*users.problems(), *_users_access(config)]
    yield from problems
    if problems:
        return
    names = users.names()
    if not names and only_loopback(config):
        yield Note("there are no users: the first start makes one, and prints name and password")
    elif not names:
        yield "there are no users: netimap-server user add NAME"
    if len(names) > 1 and not config.is_given("model_class"):
        kind, path = config.store()
        if kind == "maildir" and "%u" not in path:
            yield f"store {config['store']}: without %u all {len(names)} users share one Maildir"


def _store(config: Config) -> Iterator[str]:
    kind, path = config.store()
    if config.is_given("model_class") or kind == "memory":
        return
    base = config.store_directory()
    # where the accounts are made in it; further up, as with /home/%u/Maildir, they may be there already
    wanted = os.X_OK if "%u" in os.path.dirname(path) else os.R_OK | os.W_OK | os.X_OK
    if os.path.isdir(base):
        if not Privileges(config.values).may(base, wanted):
            yield f"store {config['store']}: {_who(config)} may not read and write {base}"
    elif not _can_be_made(base):
        yield f"store {config['store']}: {base} cannot be made"


def _certificate(config: Config) -> Iterator[str]:
    cert, key = config["server_cert"], config["server_key"]
    if not config.is_given("server_cert") and not (os.path.exists(cert) and os.path.exists(key)):
        try:
            import cryptography  # noqa: F401
        except ImportError:
            yield "there is no certificate, and making one needs the package cryptography (or set server_cert)"
        else:
            yield Note("there is no certificate: the first start makes one, signed by itself")
        return
    server_context(cert, key)
    if os.stat(key).st_mode & 0o007:
        yield f"server_key {key}: everybody may read it; say chmod o= {key}"
    left = expires(cert) - datetime.datetime.now(datetime.UTC)
    if left.total_seconds() <= 0:
        yield f"server_cert {cert}: it has expired {-left.days} days ago"
    elif left.days < EXPIRY_WARNING_DAYS:
        yield Note(f"server_cert {cert}: it expires in {left.days} days")


def _server(config: Config) -> Iterator[str]:
    from .serve import server_options
    from .server import Server

    Server(**server_options(config, Privileges(config.values)))
    yield from ()


def _log(config: Config) -> Iterator[str]:
    path = config["log_file"]
    log.syslog_facility(config.values)
    if config["syslog_logsock"] or path == log.SYSLOG_FILE:
        log.configure(config.values)
        log.close()
    elif path and not (os.access(path, os.W_OK) if os.path.exists(path) else os.access(_parent(path), os.W_OK)):
        yield f"log_file {path}: it cannot be written"


def _pid_file(config: Config) -> Iterator[str]:
    path = config["pid_file"]
    if path and not os.access(path if os.path.exists(path) else _parent(path), os.W_OK):
        yield f"pid_file {path}: it cannot be written"


def _ports(config: Config) -> Iterator[str]:
    for name in ("port", "ssl_port"):
        if config[name] is None:
            continue
        host, port = address(config[name], config["host"])
        try:
            _bind(host, port)
        except OSError as error:
            hint = " (is the server running already?)" if "in use" in str(error) else ""
            yield f"{name}: cannot listen on {host} port {port}: {error.strerror or error}{hint}"


def _bind(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        # Two listeners may be bound to a port, but not listen on it.
        sock.listen()


def _limits(config: Config) -> Iterator[str]:
    wanted = config["max_connections"]
    possible = raise_file_limit(wanted)
    if possible < wanted:
        yield Note(
            f"max_connections is {wanted}, and the limit of open files is good for {possible}: raise it (ulimit -n)"
        )
    if 0 < config["auth_idle"] < LEAST_AUTH_IDLE_S:
        yield Note(f"auth_idle is {config['auth_idle']}: RFC 3501 wants {LEAST_AUTH_IDLE_S} or more")


def _plaintext(config: Config) -> Iterator[str]:
    if config["allow_plaintext_login"] and not only_loopback(config):
        yield Note("allow_plaintext_login is on and other machines can connect: passwords travel in clear text")


def _who(config: Config) -> str:
    return f"user {config['user']}" if config["user"] else "this user"


def _can_be_made(path: str) -> bool:
    while not os.path.lexists(path):
        path = _parent(path)
    try:
        # some file systems permit in words what they do not do
        os.rmdir(tempfile.mkdtemp(dir=path))
    except OSError:
        return False
    return True


def _parent(path: str) -> str:
    return os.path.dirname(os.path.abspath(path))


_PARTS = (_data_dir, _users, _store, _certificate, _server, _log, _pid_file, _ports, _limits, _plaintext)
