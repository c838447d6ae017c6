"""What can be set: the name, type, default and help of every option of a `Server`, in one table.

`Server(**options)` checks what it is given against this table; the command line, the environment, the
configuration file and the documentation are made from it by `netimap.config`.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .exceptions import ConfigurationError

#: words for a switch in a flag's value, the environment or a string in the file
_SWITCHES = dict.fromkeys(("yes", "true", "on", "1"), True) | dict.fromkeys(("no", "false", "off", "0"), False)
#: None for these: the server has no certificate and offers no TLS
_NO_TLS = ("server_cert", "server_key")
#: what turns a port off
_NO_PORT = ("", "none", "off")
_SIZE = re.compile(r"(\d{1,18})([KMG]?)", re.ASCII | re.IGNORECASE)
_SIZE_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[^\[\]\s]+)\]|(?P<host>[^\[\]\s:]+)):(?P<port>\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: what it is called, which values it takes, what it does.

    `kind` is one of: int, seconds (int or float), size (octets; text may end in K, M or G), str, path (str in which
    a first ~ is a home directory), bool, list (of str), port (a number, "host:port", or None for off), class (a
    class or its dotted name).
    A setting whose default is None may be None. `help` is one or two sentences that name the units.
    """

    section: str
    name: str
    kind: str
    default: Any
    help: str
    minimum: float | None = None
    maximum: float | None = None

    def parse(self, value: Any) -> Any:
        """Return `value`, which is text or of its own type, as this setting's type; else ConfigurationError."""
        if value is None:
            if self.default is None or self.kind == "port" or self.name in _NO_TLS:
                return None
            raise self.wrong(value)
        parsed = getattr(self, f"_parse_{self.kind}")(value)
        if self.minimum is not None and parsed < self.minimum:
            raise ConfigurationError(f"{self.name} is {value!r}: the least is {self.minimum:g}")
        if self.maximum is not None and parsed > self.maximum:
            raise ConfigurationError(f"{self.name} is {value!r}: the most is {self.maximum:.15g}")
        return parsed

    def wrong(self, value: Any) -> ConfigurationError:
        """The error that says which kind of value this setting takes."""
        return ConfigurationError(f"{self.name} is {value!r}: it takes {KINDS[self.kind]}")

    def _parse_int(self, value: Any) -> int:
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self.wrong(value)

    def _parse_seconds(self, value: Any) -> int | float:
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                raise self.wrong(value) from None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise self.wrong(value)
        return int(value) if value == int(value) else value

    def _parse_size(self, value: Any) -> int:
        if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
            return int(match[1]) * _SIZE_UNITS[match[2].upper()]
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self.wrong(value)

    def _parse_str(self, value: Any) -> str | None:
        if not isinstance(value, str) or "\0" in value:
            raise self.wrong(value)
        if not value:
            if self.default is not None:
                raise self.wrong(value)
            return None
        return value

    def _parse_path(self, value: Any) -> str | None:
        path = self._parse_str(os.fspath(value) if isinstance(value, os.PathLike) else value)
        return path if path is None else os.path.expanduser(path)

    def _parse_bool(self, value: Any) -> bool:
        if isinstance(value, str) and value.strip().lower() in _SWITCHES:
            return _SWITCHES[value.strip().lower()]
        if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
            return bool(value)
        raise self.wrong(value)

    def _parse_list(self, value: Any) -> list[str]:
        if isinstance(value, str):
            return value.split()
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return list(value)
        raise self.wrong(value)

    def _parse_port(self, value: Any) -> int | str | None:
        if isinstance(value, str):
            if value.strip().lower() in _NO_PORT:
                return None
            if _NUMBER.fullmatch(value.strip()):
                value = int(value)
            elif (match := _ADDRESS.fullmatch(value.strip())) and int(match["port"]) <= 65535:
                return value.strip()
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65535:
            return value
        raise self.wrong(value)

    def _parse_class(self, value: Any) -> Any:
        if isinstance(value, type) or (isinstance(value, str) and value):
            return value
        raise self.wrong(value)


#: what each kind takes, as error messages and the documentation say it
KINDS = {
    "int": "a whole number",
    "seconds": "a number of seconds",
    "size": 'a number of octets, for instance 65536 or "64K"',
    "str": "text",
    "path": "the path of a file or directory",
    "bool": "yes or no",
    "list": "a list of texts",
    "port": 'a port number (0 picks a free one), "host:port", or "none"',
    "class": 'a class or its dotted name, for instance "mypkg.auth.LdapAuth"',
}


def address(port: int | str, host: str) -> tuple[str, int]:
    """The (host, port) to bind for a setting of kind "port"; its own host, when it has one, beats `host`."""
    if isinstance(port, int):
        return host, port
    match = _ADDRESS.fullmatch(port)
    if match is None:
        raise ConfigurationError(f"port is {port!r}: it takes {KINDS['port']}")
    return match["ipv6"] or match["host"], int(match["port"])


#: the largest literal that the grammar of RFC 3501 can name (number: 32 bits)
_LARGEST = 2**32 - 1
#: the longest time that makes sense, and that timers take: a year
_YEAR = 366 * 86400
#: more connections, literals or mistakes than anybody counts
_MANY = 10_000_000


def _section(section: str, *rows: tuple[Any, ...]) -> tuple[Setting, ...]:
    """The settings of one section; a row is name, kind, default, help and maybe the minimum and maximum."""
    return tuple(Setting(section, *row) for row in rows)


# fmt: off
#: every option of `netimap.Server`
SERVER_SETTINGS: tuple[Setting, ...] = (
    *_section(
        "Listening",
        ("port", "port", 1430,
         "Port for IMAP with STARTTLS: a number, or host:port. 0 picks a free one, none turns it off."),
        ("ssl_port", "port", None,
         "Port for IMAP over TLS from the first byte: a number, or host:port. 0 picks a free one, none turns it off."),
        ("host", "str", "127.0.0.1",
         "Address to listen on, for a port that names none of its own."),
        ("server_cert", "path", "certs/server-cert.pem",
         "File with the TLS certificate and its chain (PEM). Read again on SIGHUP."),
        ("server_key", "path", "certs/server-key.pem",
         "File with the certificate's private key (PEM, without a password). Read again on SIGHUP."),
        ("allow_plaintext_login", "bool", False,
         "Let clients log in without TLS. Anyone on the way can read the passwords: for loopback and tests."),
    ),
    *_section(
        "Classes",
        ("auth_class", "class", "netimap.DefaultAuth",
         "Class that checks users: a subclass of netimap.DefaultAuth."),
        ("model_class", "class", "netimap.DefaultModel",
         "Class that gives a user's mailboxes: a subclass of netimap.DefaultModel."),
        ("connection_class", "class", "netimap.Connection",
         "Class of a client's session: a subclass of netimap.Connection."),
        ("poll_every", "seconds", 0,
         "Seconds between two polls of the selected mailbox; 0 polls after every command.", 0, _YEAR),
        ("idle_poll", "seconds", 1,
         "Seconds between two polls of the mailbox of a client in IDLE.", 0.01, 3600),
    ),
    *_section(
        "Times",
        ("unauth_idle", "seconds", 300,
         "Seconds a client that has not logged in may be silent before BYE; 0 turns it off.", 0, _YEAR),
        ("auth_idle", "seconds", 3600,
         "Seconds a logged-in client may be silent before BYE; 0 turns it off. RFC 3501 5.4 asks for 1800 or more.",
         0, _YEAR),
        ("login_timeout", "seconds", 60,
         "Seconds from connecting to a successful login, busy or silent, before BYE.", 0.01, _YEAR),
        ("handshake_timeout", "seconds", 20,
         "Seconds a TLS handshake may take before the connection is closed.", 0.01, 3600),
        ("write_timeout", "seconds", 30,
         "Seconds a client may take none of the bytes sent to it before the connection is closed.", 0.01, 3600),
        ("login_delay", "seconds", 1,
         "Seconds that the answer to a failed login is held back.", 0, 60),
    ),
    *_section(
        "Limits",
        ("max_line", "size", 65536, "Octets of a command line.", 64, _LARGEST),
        ("max_literal", "size", 131072, "Octets of one literal outside of APPEND.", 64, _LARGEST),
        ("max_literals", "int", 100, "Literals in one command.", 1, _MANY),
        ("max_command", "size", 1048576,
         "Octets of all literals of one command together, outside of APPEND.", 64, _LARGEST),
        ("max_message", "size", 33554432, "Octets of a message that APPEND takes.", 64, _LARGEST),
        ("max_unauth_literal", "size", 4096, "Octets of one literal before login.", 64, _LARGEST),
        ("max_nesting", "int", 100, "Depth of parentheses in a command.", 1, 1000),
        ("max_connections", "int", 20000,
         "Connections in all; further ones are told BYE. Each takes at least one open file.", 1, _MANY),
        ("max_connections_per_address", "int", 2000,
         "Connections from one IP address; further ones are told BYE.", 1, _MANY),
        ("max_connections_per_user", "int", 200, "Connections of one user; further logins are refused.", 1, _MANY),
        ("unauth_commands", "int", 10,
         "Lines a client that has not logged in may send, bad ones counted, before BYE; 0 turns it off.", 0, _MANY),
        ("max_bad_unauth", "int", 10, "Bad commands (answered BAD) before login, then BYE.", 1, _MANY),
        ("max_bad", "int", 20, "Bad commands (answered BAD) after login, then BYE.", 1, _MANY),
        ("max_failed_logins", "int", 5, "Failed logins of one connection, then BYE.", 1, _MANY),
    ),
    *_section(
        "Logging",
        ("log_level", "int", 2,
         "How much is logged: 0 errors, 1 warnings, 2 connections and logins, 3 more detail, 4 everything.", 0, 4),
        ("log_file", "path", None,
         'File to log to instead of standard error; opened anew when it was moved away. "Sys::Syslog" is syslog.'),
        ("syslog_logsock", "str", None,
         'Log to syslog: "unix" (/dev/log), the path of a socket, "udp" (port 514 of this host), or host:port.'),
        ("syslog_ident", "str", "netimap", "Name of the program in syslog."),
        ("syslog_logopt", "str", "pid", '"pid" puts the process id into each syslog record.'),
        ("syslog_facility", "str", "mail", "Facility of the syslog records, for instance daemon."),
    ),
    *_section(
        "Access",
        ("reverse_lookups", "bool", False,
         "Look up the name of each client's address, so that allow and deny can match it."),
        ("allow", "list", (),
         "Regular expressions. When allow or cidr_allow is given, a client whose whole address (or name, with "
         "reverse_lookups) matches none is closed before any byte is read."),
        ("deny", "list", (), "Regular expressions as in allow, of clients to refuse. Beats allow and cidr_allow."),
        ("cidr_allow", "list", (), "Networks to serve, for instance 10.0.0.0/8 or 2001:db8::/32."),
        ("cidr_deny", "list", (), "Networks to refuse. Beats allow and cidr_allow."),
    ),
    *_section(
        "Process",
        ("pid_file", "path", None, "File to keep the process id in while the server runs."),
        ("chroot", "path", None, "Directory to make the root directory after binding the ports. Needs root."),
        ("user", "str", None, "User (name or number) to become after binding the ports. Needs root."),
        ("group", "str", None,
         "Group (name or number) to become after binding the ports; by default the user's own. Needs root."),
    ),
)

#: what only the command `netimap-server` has; DATA_DIR in a default stands for the value of data_dir
COMMAND_SETTINGS: tuple[Setting, ...] = _section(
    "Users and mail",
    ("data_dir", "path", None,
     "Directory for everything the server keeps: users, mail, certificate. Default: /var/lib/netimap for root, else "
     "netimap in $XDG_DATA_HOME or ~/.local/share."),
    ("store", "str", "maildir:DATA_DIR/mail/%u",
     "Where mail is: maildir:PATH, in which %u is the user's name (maildir: alone is the default), or memory:, "
     "which is lost when the server stops."),
    ("users", "path", "DATA_DIR/users",
     "File of users, made by netimap-server user."),
)

#: defaults that the command has and the class `Server` has not
COMMAND_DEFAULTS: dict[str, Any] = {
    "ssl_port": 1431,
    "server_cert": "DATA_DIR/certs/server-cert.pem",
    "server_key": "DATA_DIR/certs/server-key.pem",
    # the store and the file of users, when no class is given
    "auth_class": None,
    "model_class": None,
}
# fmt: on


def defaults() -> dict[str, Any]:
    """Every server option at its default."""
    return {setting.name: setting.parse(setting.default) for setting in SERVER_SETTINGS}


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Every server option: the given ones checked and as their own types, the others at their defaults.

    Raises ConfigurationError for an unknown name, a wrong type, or values that do not go together.
    """
    values = defaults()
    known = {setting.name: setting for setting in SERVER_SETTINGS}
    for name, value in options.items():
        if name not in known:
            raise unknown(name, known)
        values[name] = known[name].parse(value)
    check_together(values)
    return values


def unknown(name: str, known: Iterable[str]) -> ConfigurationError:
    """The error for a setting that does not exist, with the name that was probably meant."""
    near = difflib.get_close_matches(name.replace("-", "_").lower(), list(known), n=1)
    return ConfigurationError(f"unknown setting {name!r}" + (f": did you mean {near[0]!r}?" if near else ""))


def check_together(values: Mapping[str, Any]) -> None:
    """Refuse settings that are fine alone and make no sense together."""
    if values["port"] is None and values["ssl_port"] is None:
        raise ConfigurationError("port and ssl_port are both off: there is nothing to listen on")
    if values["port"] and values["ssl_port"]:
        plain, secure = address(values["port"], values["host"]), address(values["ssl_port"], values["host"])
        if plain == secure and plain[1]:
            raise ConfigurationError(f"port and ssl_port are the same: {values['port']}")
    if values["max_unauth_literal"] > values["max_literal"]:
        raise ConfigurationError("max_unauth_literal is larger than max_literal")
    if values["max_literal"] > values["max_command"]:
        raise ConfigurationError("max_literal is larger than max_command")
