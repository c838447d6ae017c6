"""Logging: Perl's levels 0-4 on the standard library, to standard error, a file or syslog, one line a record.

Clients choose much of what is logged (user names, commands), so a record can never hold a line end or an
escape sequence, and a value in quotes can never end its quotes. Passwords and contents of messages are not
logged at all: no function here takes one.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from .exceptions import ConfigurationError

#: Net::Server's level 2; the standard library has no level between WARNING and INFO
NOTICE = 25
#: severity 0-4 → level of the standard library
LEVELS = (logging.ERROR, logging.WARNING, NOTICE, logging.INFO, logging.DEBUG)
_WORDS = {
    logging.CRITICAL: "error",
    logging.ERROR: "error",
    logging.WARNING: "warning",
    NOTICE: "notice",
    logging.INFO: "info",
    logging.DEBUG: "debug",
}
#: level → syslog's name of it
_SYSLOG_PRIORITIES = {word: "err" if word == "error" else word for word in _WORDS.values()}
#: syslog_logsock in Perl's words → address
_SYSLOG_SOCKETS: dict[str, str | tuple[str, int]] = {
    "unix": "/dev/log",
    "native": "/dev/log",
    "udp": ("127.0.0.1", 514),
    "inet": ("127.0.0.1", 514),
}
#: how a plugin ported from Perl asks for syslog
SYSLOG_FILE = "Sys::Syslog"

#: C0 and C1 controls, line and paragraph separators, text direction overrides, lone surrogates
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TOKEN = re.compile(r"[A-Za-z0-9._:+/-]+")
#: characters of one value in a log line: enough to recognise it, too few to flood the log
_LONGEST_VALUE = 256
#: characters of one record; a traceback's lines are records of their own here
_LONGEST_RECORD = 4096

#: handlers that `configure` has put on the logger, to be replaced by its next call
_installed: list[logging.Handler] = []


def configure(options: Mapping[str, Any]) -> logging.Logger:
    """Make the logger "netimap" write where the log_ and syslog_ options of the server say; return it.

    One process has one such target: a second call replaces the first one's. Where no target is given and the
    program has set up logging by itself (its root logger has handlers), records are left to that.
    Raises ConfigurationError for a file or socket that cannot be opened.
    """
    logger = logging.getLogger("netimap")
    # a wrong one is said even where syslog is off
    syslog_facility(options)
    handler = _handler(options)
    close()
    if handler is not None:
        logger.addHandler(handler)
        _installed.append(handler)
    logger.propagate = handler is None
    logger.setLevel(LEVELS[options["log_level"]])
    return logger


def close() -> None:
    """Take the target of `configure` away and close it."""
    logger = logging.getLogger("netimap")
    while _installed:
        handler = _installed.pop()
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


def log(logger: logging.Logger, severity: int, message: str, exc_info: Any = None) -> None:
    """Log one record at Perl's severity: 0 error, 1 warning, 2 notice, 3 info, 4 debug."""
    logger.log(LEVELS[min(max(severity, 0), len(LEVELS) - 1)], "%s", message, exc_info=exc_info)


def escape(text: str) -> str:
    """`text` with everything that could end a line or command a terminal written as a backslash escape."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def connect(address: str, port: int, tls: str | bool | None) -> str:
    """The line for a connection that was accepted."""
    return _line("connect", rip=address, rport=port, tls=tls or False)


def refused(address: str, reason: str) -> str:
    """The line for a connection that was closed unheard."""
    return _line("refused", rip=address, reason=_quoted(reason))


def login_ok(user: str, address: str, port: int, tls: str | bool | None, mechanism: str, seconds: float) -> str:
    """The line for a login; `tls` is the protocol's version, `seconds` what the check took."""
    return _line(
        "login ok",
        user=_quoted(user),
        rip=address,
        rport=port,
        tls=tls or False,
        mechanism=mechanism,
        seconds=seconds,
    )


def login_failed(user: str | None, address: str, mechanism: str) -> str:
    """The line for a refused login. fail2ban matches it (docs/configuration.rst): keep its beginning."""
    return _line("login failed", user=_quoted(user or ""), rip=address, mechanism=mechanism)


def disconnect(
    user: str | None,
    address: str,
    seconds: float,
    commands: int,
    bytes_in: int,
    bytes_out: int,
    reason: str,
) -> str:
    """The line for the end of a connection; `user` is None when nobody had logged in."""
    return _line(
        "disconnect",
        user=None if user is None else _quoted(user),
        rip=address,
        seconds=seconds,
        commands=commands,
        bytes_in=bytes_in,
        bytes_out=bytes_out,
        reason=_quoted(reason),
    )


class _Quoted(str):
    """A value that already stands in quotes."""

    __slots__ = ()


def _quoted(text: str) -> _Quoted:
    if len(text) > _LONGEST_VALUE:
        text = text[:_LONGEST_VALUE] + "..."
    escaped = escape(text.replace("\\", "\\\\").replace('"', '\\"'))
    return _Quoted(f'"{escaped}"')


def _line(event: str, **values: Any) -> str:
    return " ".join([event, *(f"{name}={_value(value)}" for name, value in values.items())])


def _value(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value)
    return text if isinstance(value, _Quoted) or _TOKEN.fullmatch(text) else _quoted(text)


class LineFormatter(logging.Formatter):
    """`time level message` on one line; without the first two for syslog, which brings its own.

    The lines of a traceback follow, each marked so that none can pass for a record.
    """

    def __init__(self, with_time: bool = True) -> None:
        super().__init__()
        self._with_time = with_time

    def format(self, record: logging.LogRecord) -> str:
        """The record's text, safe to print."""
        text = escape(record.getMessage())
        if len(text) > _LONGEST_RECORD:
            text = text[:_LONGEST_RECORD] + "..."
        if self._with_time:
            text = f"{self.formatTime(record)} {_WORDS.get(record.levelno, 'notice')} {text}"
        if record.exc_info:
            lines = self.formatException(record.exc_info).splitlines()
            text += "".join(f"\n    | {escape(line)}" for line in lines)
        return text

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Local time with its offset, as ISO 8601 and fail2ban read it."""
        local = time.localtime(record.created)
        return time.strftime(f"%Y-%m-%dT%H:%M:%S.{int(record.msecs):03d}%z", local)


class ReopeningFileHandler(logging.StreamHandler[TextIO]):
    """Appends to a file, and opens it anew when it was moved or removed (logrotate needs no signal).

    When that fails, for instance because the server has changed its root directory, the old file is kept.
    """

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(path)
        self._identity = (0, 0)
        super().__init__(self._open())

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        if self._has_moved():
            try:
                stream = self._open()
            except OSError:
                pass
            else:
                self.stream.close()
                self.stream = stream
        super().emit(record)

    def close(self) -> None:
        """Close the file."""
        super().close()
        self.stream.close()

    def _open(self) -> TextIO:
        # Readable by the group only: user names and addresses are in it.
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, 0o640)
        state = os.fstat(fd)
        self._identity = (state.st_dev, state.st_ino)
        return open(fd, "a", encoding="utf-8", errors="backslashreplace")

    def _has_moved(self) -> bool:
        try:
            state = os.stat(self._path)
        except OSError:
            return True
        return (state.st_dev, state.st_ino) != self._identity


class SyslogHandler(logging.handlers.SysLogHandler):
    """The standard library's handler, with our levels."""

    def mapPriority(self, levelName: str) -> str:  # noqa: N802, N803
        """syslog's name of a level; `levelName` is what `emit` takes from the record."""
        return _SYSLOG_PRIORITIES.get(levelName, "notice")

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        record.levelname = _WORDS.get(record.levelno, "notice")
        super().emit(record)


def _handler(options: Mapping[str, Any]) -> logging.Handler | None:
    handler: logging.Handler
    if options["syslog_logsock"] or options["log_file"] == SYSLOG_FILE:
        handler = _syslog_handler(options)
        handler.setFormatter(LineFormatter(with_time=False))
        return handler
    if options["log_file"]:
        try:
            handler = ReopeningFileHandler(options["log_file"])
        except OSError as error:
            raise ConfigurationError(f"log_file {options['log_file']}: {error.strerror}") from error
    elif logging.getLogger().handlers:
        return None
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    return handler


def syslog_facility(options: Mapping[str, Any]) -> str:
    """The option syslog_facility in the standard library's words. Raises ConfigurationError."""
    facility: str = options["syslog_facility"].lower().removeprefix("log_")
    if facility not in SyslogHandler.facility_names:
        names = ", ".join(sorted(SyslogHandler.facility_names))
        raise ConfigurationError(f"syslog_facility is {options['syslog_facility']!r}: it takes one of {names}")
    return facility


def _syslog_handler(options: Mapping[str, Any]) -> SyslogHandler:
    facility = syslog_facility(options)
    address = _syslog_address(options["syslog_logsock"] or "unix")
    if isinstance(address, str) and not os.path.exists(address):
        raise ConfigurationError(f"syslog_logsock: there is no syslog at {address}")
    try:
        handler = SyslogHandler(address, facility)
    except OSError as error:
        raise ConfigurationError(f"syslog_logsock {options['syslog_logsock']}: {error.strerror}") from error
    pid = f"[{os.getpid()}]" if "pid" in options["syslog_logopt"].split(",") else ""
    handler.ident = f"{options['syslog_ident']}{pid}: "
    return handler


def _syslog_address(logsock: str) -> str | tuple[str, int]:
    if logsock in _SYSLOG_SOCKETS:
        return _SYSLOG_SOCKETS[logsock]
    if logsock.startswith("/"):
        return logsock
    host, colon, port = logsock.rpartition(":")
    if host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
        return host.strip("[]"), int(port)
    raise ConfigurationError(f'syslog_logsock is {logsock!r}: it takes "unix", "udp", a path or host:port')
