"""Server: listeners, live connections, limits, and the tables of commands. Start here."""

from __future__ import annotations

import logging
import os
import signal
import traceback
import weakref
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer

from . import log as logs
from .access import AccessRules
from .certificate import server_context
from .command.base import Command
from .connection import Connection
from .current import current_connection
from .default_auth import DefaultAuth
from .default_model import DefaultModel
from .exceptions import Bye, ClientGone, ConfigurationError, No
from .io_handle import IOHandle
from .mailbox import Mailbox
from .privileges import Privileges
from .registry import Registry, load_class
from .settings import address, checked, defaults
from .version import VERSION

#: seconds that running commands get to end when the server stops
STOP_GRACE_S = 10.0
#: connections waiting to be accepted
BACKLOG = 1024
#: the options that are classes, and what each has to inherit from
_CLASSES: dict[str, type] = {
    "auth_class": DefaultAuth,
    "model_class": DefaultModel,
    "connection_class": Connection,
}


class _OfRunning:
    """A method that works on the class too: on the running server then, or on None where there is none."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __get__(self, server: Server | None, cls: type[Server]) -> Callable[..., Any]:
        return partial(self.function, cls._server() if server is None else server)


class Server:
    """An IMAP server. `Server(port=1430, auth_class=…, model_class=…).run()`.

    Options are those of `netimap.settings.SERVER_SETTINGS`; a wrong one raises ConfigurationError.
    """

    #: what class-level calls find; set by `run` and `start`
    _running: weakref.ref[Server] | None = None

    def __init__(self, **options: Any) -> None:
        self._configure(options)
        self._privileges = Privileges(self._options)
        self._logger = logging.getLogger("netimap")
        self._connections: set[Connection] = set()
        self._by_address: Counter[str] = Counter()
        # who is logged in where, both ways
        self._users: dict[Connection, str | None] = {}
        self._by_user: dict[str | None, set[Connection]] = {}
        self._listeners: list[StreamServer] = []
        self._tls_context: Any = None
        self._certificate_files: tuple[str, str] | None = None
        self._stopped = Event()
        self._idling: set[Connection] = set()
        self._idle_poller: Any = None
        self._polling: set[Mailbox] = set()
        self._registry = Registry(lambda name, error: self.log_exception(f"command {name} cannot be loaded", error))

    # --- options ---

    def _configure(self, options: dict[str, Any]) -> None:
        """Take these options, and what is made of them; none if one of them is wrong."""
        values = checked(options)
        for name, base in _CLASSES.items():
            try:
                values[name] = load_class(values[name], base)
            except ValueError as error:
                raise ConfigurationError(f"{name}: {error}") from None
        access = AccessRules(
            *(values[name] for name in ("allow", "deny", "cidr_allow", "cidr_deny", "reverse_lookups"))
        )
        self._options, self._access = values, access

    def option(self, name: str) -> Any:
        """The value of an option."""
        return self._options[name]

    def command_class(self, name: str | None = None) -> Any:
        """The class for a command's name, in any case; plain `Command` for an unknown one. Without a name: all."""
        if name is None:
            return dict(self._registry.commands)
        return self._registry.commands.get(name.upper(), Command)

    def capability(self) -> str:
        """The capabilities of this server, before a connection adjusts them."""
        return " ".join(self._registry.capabilities)

    def id(self) -> dict[str, str]:
        """What the ID command tells of the server (RFC 2971)."""
        return {"name": "netimap", "version": VERSION}

    def add_command(self, name: str, cls: type | str) -> None:
        """Register a command class, or its dotted name. What is no Command is logged and left out."""
        try:
            self._registry.add(name, load_class(cls, Command))
        except ValueError as error:
            self.log(1, f"command {name} not added: {error}")

    # --- running ---

    def run(self, **more: Any) -> None:
        """Bind, drop privileges, serve; returns when the server was stopped. `more` are further options.

        SIGTERM and SIGINT stop it, SIGHUP reads the certificate again.
        """
        if more:
            self._configure({**self._options, **more})
            self._privileges = Privileges(self._options)
        logs.configure(self._options)
        self.start()
        handlers = [
            gevent.signal_handler(signal.SIGTERM, self._stop_by_signal, "SIGTERM"),
            gevent.signal_handler(signal.SIGINT, self._stop_by_signal, "SIGINT"),
            gevent.signal_handler(signal.SIGHUP, self.reload_certificate),
        ]
        try:
            self._stopped.wait()
        finally:
            for handler in handlers:
                handler.cancel()
            self.stop()
            self._privileges.remove_pid_file()

    def start(self) -> None:
        """Bind and listen, and return; `stop` ends it. `run` is this and waiting."""
        Server._running = weakref.ref(self)
        if self._options["server_cert"] is not None:
            cert, key = self._options["server_cert"], self._options["server_key"]
            if cert == defaults()["server_cert"] and not os.path.exists(cert):
                raise ConfigurationError(
                    f"server_cert {cert}: No such file or directory (netimap-server makes a certificate at its first "
                    "start; with server_cert=None a server has no TLS)"
                )
            self._tls_context = server_context(cert, key)
        elif self._options["ssl_port"] is not None:
            raise ConfigurationError("ssl_port needs server_cert and server_key")
        self._stopped.clear()
        try:
            for name, handler in (("port", self._accept_plain), ("ssl_port", self._accept_tls)):
                if self._options[name] is not None:
                    self._listen(address(self._options[name], self._options["host"]), handler)
            self._privileges.write_pid_file()
            self._certificate_files = self._files_after_chroot()
            self._privileges.drop()
        except BaseException:
            self._close_listeners()
            raise
        if self._options["allow_plaintext_login"]:
            self.log(1, "passwords are accepted without TLS (allow_plaintext_login)")
        self.log(2, "listening on " + ", ".join(
            f"{_show(host)}:{port} ({'TLS' if is_tls else 'STARTTLS' if self.offers_tls() else 'no TLS'})"
            for host, port, is_tls in self.addresses()))  # fmt: skip

    def _listen(self, where: tuple[str, int], handler: Callable[..., Any]) -> None:
        sock = socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(where)
            sock.listen(BACKLOG)
            listener = StreamServer(sock, handler)
            listener.start()
        except OSError as error:
            sock.close()
            reason = error.strerror or str(error)
            raise ConfigurationError(f"cannot listen on {_show(where[0])}:{where[1]}: {reason}") from None
        self._listeners.append(listener)

    def addresses(self) -> list[tuple[str, int, bool]]:
        """Where the server listens: (host, port, whether it is TLS from the first byte)."""
        return [
            (listener.server_host, listener.server_port, listener._handle == self._accept_tls)
            for listener in self._listeners
        ]

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """Stop accepting, say BYE to everyone, wait for running commands (at most `grace_s` seconds), close."""
        self._close_listeners()
        # those that were accepted a moment ago begin, and are connections then
        gevent.sleep(0)
        bye = Bye("Server is shutting down", "UNAVAILABLE")
        for connection in tuple(self._connections):
            connection.stop(bye)
        greenlets = [connection.coro() for connection in self._connections if connection.coro() is not None]
        others = [greenlet for greenlet in greenlets if greenlet is not gevent.getcurrent()]
        gevent.joinall(others, timeout=grace_s)
        gevent.killall([greenlet for greenlet in others if not greenlet.ready()], timeout=1)
        for connection in tuple(self._connections):
            connection.close()
        if self._idle_poller is not None:
            self._idle_poller.kill()
            self._idle_poller = None
        self._stopped.set()

    def _close_listeners(self) -> None:
        while self._listeners:
            self._listeners.pop().close()

    def _stop_by_signal(self, name: str) -> None:
        self.log(2, f"{name}: stopping")
        self._stopped.set()

    def _files_after_chroot(self) -> tuple[str, str] | None:
        """Certificate and key as the server will see them; None where it will not."""
        try:
            cert, key = (self._privileges.inside(self._options[name]) for name in ("server_cert", "server_key"))
        except (ConfigurationError, TypeError):
            return None
        return cert, key

    def reload_certificate(self) -> None:
        """Read certificate and key again, for later connections. Bad ones are logged, and the old ones kept."""
        if self._tls_context is None:
            return
        try:
            if self._certificate_files is None:
                raise ConfigurationError("it lies outside of chroot: restart the server")
            self._tls_context = server_context(*self._certificate_files)
            self.log(2, "certificate read again")
        except ConfigurationError as error:
            self.log(0, f"certificate not reloaded: {error}")

    def offers_tls(self) -> bool:
        """Whether there is a certificate."""
        return self._tls_context is not None

    def tls_context(self) -> Any:
        """The TLS context for new handshakes."""
        return self._tls_context

    # --- connections ---

    def _accept_plain(self, sock: Any, peer: Any) -> None:
        self.process_request(sock, peer)

    def _accept_tls(self, sock: Any, peer: Any) -> None:
        self.process_request(sock, peer, tls=True)

    def process_request(self, sock: Any, peer: Any, tls: bool = False) -> None:
        """Serve one accepted socket: builds a `connection_class`, makes it the greenlet's connection, runs it."""
        host = peer[0] if peer else ""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        io = IOHandle(sock, (host, peer[1] if peer else 0), self.option("max_line"), self.option("write_timeout"))
        full = self._full(host)
        if full is not None:
            self.log(1, logs.refused(host, full))
            if not tls:
                io.print(f"* BYE [LIMIT] {full}\r\n".encode())
            io.close()
            return
        connection = self._options["connection_class"](io_handle=io, server=self)
        connection.coro(gevent.getcurrent())
        self._register(connection, host)
        current_connection(connection)
        try:
            # counted before: a look-up of the client's name may take seconds
            if not self._access.permits(host):
                self.log(1, logs.refused(host, "access rules"))
                return
            if tls:
                io.start_SSL(self._tls_context, self.option("handshake_timeout"))
            self.log(3, logs.connect(host, io.peerport(), io.tls_version()))
            connection.handle_lines()
        except ClientGone as error:
            self.log(3, logs.refused(host, str(error)))
        finally:
            current_connection(None)
            connection.close()

    def _full(self, host: str) -> str | None:
        if len(self._connections) >= self.option("max_connections"):
            return "Too many connections"
        if self._by_address[host] >= self.option("max_connections_per_address"):
            return "Too many connections from your address"
        return None

    def _register(self, connection: Connection, host: str) -> None:
        self._connections.add(connection)
        self._by_address[host] += 1

    def unregister(self, connection: Connection) -> None:
        """A connection has closed."""
        self._idling.discard(connection)
        self.log_out(connection)
        if connection in self._connections:
            self._connections.discard(connection)
            host = connection.io_handle().peerhost()
            self._by_address[host] -= 1
            if self._by_address[host] <= 0:
                del self._by_address[host]

    def log_in(self, connection: Connection) -> None:
        """A user is about to be logged in on `connection`: raises No when he has too many connections."""
        self.log_out(connection)
        user = connection.user()
        theirs = self._by_user.setdefault(user, set())
        if len(theirs) >= self.option("max_connections_per_user"):
            raise No("Too many connections of this user", "LIMIT")
        theirs.add(connection)
        self._users[connection] = user

    def log_out(self, connection: Connection) -> None:
        """A connection has no user any more."""
        if connection in self._users:
            user = self._users.pop(connection)
            self._by_user[user].discard(connection)
            if not self._by_user[user]:
                del self._by_user[user]

    def connections(self) -> list[Connection]:
        """All live connections."""
        return list(self._connections)

    @classmethod
    def connection(cls, *connection: Connection | None) -> Connection | None:
        """The current greenlet's connection; sets it, or removes it (None)."""
        found: Connection | None = current_connection(*connection)
        return found

    @classmethod
    def _server(cls) -> Server | None:
        return Server._running() if Server._running is not None else None

    @_OfRunning
    def concurrent_mailbox_connections(self, mailbox: Mailbox | None = None) -> list[Connection]:
        """The authenticated connections that have `mailbox` selected; default: the current connection's."""
        if mailbox is None:
            current = current_connection()
            mailbox = current.selected() if current is not None else None
        if mailbox is None or self is None:
            return []
        return [other for other in self._connections if other.is_auth() and other.selected() is mailbox]

    @_OfRunning
    def concurrent_user_connections(self, user: str | None = None) -> list[Connection]:
        """The authenticated connections of `user`; default: the current connection's."""
        if user is None:
            current = current_connection()
            user = current.user() if current is not None else None
        if user is None or self is None:
            return []
        return [other for other in self._connections if other.is_auth() and other.user() == user]

    # --- greenlets ---

    def spawn(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run something in a greenlet of its own."""
        return gevent.spawn(function, *arguments)

    def pause(self, seconds: float) -> None:
        """Wait; others run meanwhile."""
        gevent.sleep(seconds)

    def idles(self, connection: Connection, idling: bool) -> None:
        """A connection begins or ends IDLE: its mailbox is polled meanwhile, every `idle_poll` seconds."""
        if not idling:
            self._idling.discard(connection)
            return
        self._idling.add(connection)
        if self._idle_poller is None or self._idle_poller.ready():
            self._idle_poller = gevent.spawn(self._poll_idling)

    def _poll_idling(self) -> None:
        while self._idling:
            gevent.sleep(self.option("idle_poll"))
            mailboxes = {connection.selected() for connection in self._idling}
            for mailbox in mailboxes - self._polling:
                # most plugins' mailboxes have nothing to poll
                if mailbox is not None and type(mailbox).poll is not Mailbox.poll:
                    self._polling.add(mailbox)
                    gevent.spawn(self._poll_mailbox, mailbox)

    def _poll_mailbox(self, mailbox: Mailbox) -> None:
        try:
            mailbox.poll()
        except Exception as error:
            self.log_exception(f"polling {mailbox.full_path()} failed", error)
        finally:
            self._polling.discard(mailbox)

    # --- logging ---

    def log(self, severity: int, message: str) -> None:
        """Log a line: 0 error, 1 warning, 2 notice, 3 info, 4 debug."""
        self.write_to_log_hook(severity, message)

    def write_to_log_hook(self, level: int, message: str) -> None:
        """Override it to send log lines elsewhere."""
        logs.log(self._logger, level, message)

    def log_exception(self, what: str, error: BaseException) -> None:
        """Log an unexpected error with its traceback."""
        message = f"{what}: {type(error).__name__}: {error}"
        if type(self).write_to_log_hook is not Server.write_to_log_hook:
            self.log(0, message + "\n" + "".join(traceback.format_exception(error)))
        else:
            logs.log(self._logger, 0, message, exc_info=error)


def _option_accessor(name: str) -> Callable[..., Any]:
    def accessor(self: Server, *value: Any) -> Any:
        if value:
            self._configure({**self._options, name: value[0]})
        return self._options[name]

    accessor.__name__ = name
    accessor.__doc__ = f"Gets the option `{name}`; sets it when given a value."
    return accessor


for _name in (
    "port", "ssl_port", "auth_class", "model_class", "connection_class", "poll_every", "unauth_idle", "auth_idle",
    "unauth_commands",
):  # fmt: skip
    setattr(Server, _name, _option_accessor(_name))


def _show(host: str) -> str:
    return f"[{host}]" if ":" in host else host
