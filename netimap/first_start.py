"""What the first start makes: the data directory, a certificate, and on loopback a user with a welcome message."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import shlex
import socket
import sys
import time
from email.utils import formatdate, make_msgid

from .certificate import local_names, make_self_signed
from .config import COMMAND_LINE, FILE_NAME, Config, flag
from .exceptions import ConfigurationError
from .privileges import Privileges
from .settings import address
from .users import UsersError, UsersFile

#: the user of the first start
FIRST_USER = "demo"
#: his name and password, in the data directory, so that each start can say them until they are changed
FIRST_LOGIN_FILE = "first-login"

_WELCOME = """\
From: netimap <netimap@{host}>
To: {user} <{user}@{host}>
Subject: Welcome to netimap
Date: {date}
Message-ID: {message_id}
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

Hello {user},

your mail is kept here, as a Maildir:

    {maildir}

Any program that delivers into a Maildir can put mail there; it appears at
once, also in clients that are connected.

More users:     {command} user add NAME
New password:   {command} user passwd {user}
"""


def make_data_dir(config: Config, privileges: Privileges | None = None) -> None:
    """Make the data directory, for its owner only, when it is missing."""
    path = config["data_dir"]
    if os.path.isdir(path):
        return
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkdir(path, 0o700)
        (privileges or Privileges(config.values)).give(path)
    except OSError as error:
        raise ConfigurationError(f"data_dir {path}: {error.strerror}") from error


def make_store_dir(config: Config, privileges: Privileges) -> None:
    """Make the directory of a Maildir store's accounts when it is missing; who logs in first may not be able to."""
    if config.is_given("model_class") or config.store()[0] == "memory":
        return
    path = config.store_directory()
    if os.path.isdir(path):
        return
    try:
        os.makedirs(path, 0o700)
        privileges.give(path)
    except OSError as error:
        raise ConfigurationError(f"store {config['store']}: {path}: {error.strerror}") from error


def make_certificate(config: Config, privileges: Privileges) -> None:
    """Make a self-signed certificate where none is configured and none is there."""
    cert, key = config["server_cert"], config["server_key"]
    if config.is_given("server_cert") or (os.path.exists(cert) and os.path.exists(key)):
        return
    make_self_signed(cert, key, local_names())
    for path in (os.path.dirname(cert), cert, key):
        privileges.give(path)


def first_login(config: Config, privileges: Privileges) -> tuple[str, str] | None:
    """Name and password of the first user, who is made when there are no users and only this machine can connect.

    None when there are other users, or he has got another password.
    """
    users = UsersFile(config["users"])
    try:
        if not users.names() and only_loopback(config):
            login = _make_first_user(config, privileges, users)
            _welcome(config, privileges)
            return login
        kept = _kept_login(config)
        return kept if kept and users.verify(*kept) else None
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: {error.strerror}") from error
    except UsersError as error:
        raise ConfigurationError(str(error)) from error


def forget_first_login(config: Config, name: str) -> None:
    """The user `name` was changed: the password of the first start may be his no more."""
    path = config.path(FIRST_LOGIN_FILE)
    with contextlib.suppress(FileNotFoundError):
        with open(path, encoding="utf-8") as file:
            is_his = file.readline() == f"{name}\n"
        if is_his:
            os.unlink(path)


def only_loopback(config: Config) -> bool:
    """Whether all ports can be reached from this machine only."""
    hosts = [address(config[port], config["host"])[0] for port in ("port", "ssl_port") if config[port] is not None]
    return all(_is_loopback(host) for host in hosts)


def invitation(config: Config, addresses: list[tuple[str, int, bool]], login: tuple[str, str]) -> str:
    """What to print at the start: where the server listens, as whom to log in, and a line to try."""
    name, password = login
    lines = [""]
    for host, port, is_tls in addresses:
        kind = "IMAP over TLS" if is_tls else "IMAP with STARTTLS"
        lines.append(f"  {kind:20}{_host_port(host, port)}")
    lines += [
        f"  {'user':20}{name}",
        f"  {'password':20}{password}",
        f"  {'new password':20}{command(config)} user passwd {name}",
        "",
        "Try it:",
        f"  {_curl(config, addresses, login)}",
        "",
    ]
    return "\n".join(lines)


def command(config: Config) -> str:
    """How to call this command again for the same data."""
    words = [_short(sys.argv[0])]
    if config.file and config.file != config.path(FILE_NAME):
        words += ["--config", _short(config.file)]
    for name in ("data_dir", "users"):
        if config.sources.get(name) == COMMAND_LINE:
            words += [flag(name), _short(config[name])]
    return shlex.join(words)


def _make_first_user(config: Config, privileges: Privileges, users: UsersFile) -> tuple[str, str]:
    password = secrets.token_urlsafe(12)
    path = config.path(FIRST_LOGIN_FILE)
    # Written first: a password that nobody knows would lock the door that was made to be open.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        file.write(f"{FIRST_USER}\n{password}\n")
    privileges.give(path)
    users.add(FIRST_USER, password)
    return FIRST_USER, password


def _kept_login(config: Config) -> tuple[str, str] | None:
    try:
        with open(config.path(FIRST_LOGIN_FILE), encoding="utf-8") as file:
            name, password = file.read().split("\n")[:2]
    except (FileNotFoundError, ValueError):
        return None
    return name, password


def _welcome(config: Config, privileges: Privileges) -> None:
    """Deliver a first message, as an MTA would, when the user's mailbox is new."""
    maildir = _first_maildir(config)
    if maildir is None or os.path.exists(maildir):
        return
    made = _make_directories([maildir, *(os.path.join(maildir, name) for name in ("tmp", "new", "cur"))])
    host = socket.gethostname()
    text = _WELCOME.format(
        host=host,
        user=FIRST_USER,
        date=formatdate(localtime=True),
        message_id=make_msgid(domain="netimap.invalid"),
        maildir=maildir,
        command=command(config),
    )
    name = f"{time.time():.6f}.P{os.getpid()}.{host.replace('/', '_').replace(':', '_')}"
    with open(os.path.join(maildir, "tmp", name), "w", encoding="ascii", errors="replace") as file:
        file.write(text)
    os.rename(os.path.join(maildir, "tmp", name), os.path.join(maildir, "new", name))
    for path in (*made, os.path.join(maildir, "new", name)):
        privileges.give(path)


def _make_directories(paths: list[str]) -> list[str]:
    """Make these directories and those above them; gives the ones that were missing."""
    made = []
    for path in paths:
        missing = []
        while not os.path.lexists(path):
            missing.append(path)
            path = os.path.dirname(path)
        for one in reversed(missing):
            os.mkdir(one, 0o700)
            made.append(one)
    return made


def _first_maildir(config: Config) -> str | None:
    if config.is_given("model_class"):
        return None
    kind, path = config.store()
    return path.replace("%u", FIRST_USER) if kind == "maildir" else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _curl(config: Config, addresses: list[tuple[str, int, bool]], login: tuple[str, str]) -> str:
    """A command that shows the first message, or the list of mailboxes when there is none."""
    host, port, is_tls = next((one for one in addresses if one[2]), addresses[0])
    maildir = _first_maildir(config)
    has_mail = maildir is not None and any(_has_files(os.path.join(maildir, name)) for name in ("new", "cur"))
    url = f"{'imaps' if is_tls else 'imap'}://{_host_port(host, port)}/{'INBOX;MAILINDEX=1' if has_mail else ''}"
    # A certificate of the operator's own may be for another name.
    trust = ["--insecure"] if config.is_given("server_cert") else ["--cacert", _short(config["server_cert"])]
    return shlex.join(["curl", *trust, *([] if is_tls else ["--ssl-reqd"]), "--user", ":".join(login), url])


def _has_files(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return any(entry.is_file() for entry in entries)
    except OSError:
        return False


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _short(path: str) -> str:
    """A path as one would type it here."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
