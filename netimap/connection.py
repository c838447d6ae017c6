"""Connection: one client's session, from greeting to close. No grammar and no socket calls of its own.

Its lines and literals are put together in `framing`, its selected mailbox is in the base class, `selection`.

Concurrency. The connection's greenlet reads lines and runs commands, one at a time. While it waits for its client,
others may touch it in three ways only: the inactivity timer and a stopping server throw `Bye` into it; in IDLE a
change of the mailbox starts a short greenlet that tells the client (`notify`); and anybody may `close` it.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from . import framing
from . import log as lines
from .accessors import accessor
from .command.base import AUTHENTICATED, UNAUTHENTICATED, Command, State
from .exceptions import Bad, Bye, ClientGone, IMAPError
from .selection import Selection
from .wire.reader import is_command_name, is_tag
from .wire.writer import check_response

#: characters of the client's own words in an answer
MAX_ECHO = 100


class Connection(Selection):
    """A session. The server makes it: `Connection(io_handle=…, server=…)`; a subclass overrides what it likes."""

    server = accessor("server")
    coro = accessor("coro")
    io_handle = accessor("io_handle")
    model = accessor("model")
    commands = accessor("commands")
    timer = accessor("timer")
    pending = accessor("pending")

    def __init__(self, io_handle: Any = None, server: Any = None) -> None:
        super().__init__()
        self._server = server
        self._io_handle = io_handle
        self._coro: Any = None
        self._model: Any = None
        self._auth: Any = None
        self._timer: Any = None
        self._commands = 0
        # a callable that gets the next line instead of the command parser (AUTHENTICATE, IDLE)
        self._pending: Callable[[bytes], Any] | None = None
        self._client_id: dict[str, str | None] = {}
        self._closed = False
        self._started = time.monotonic()
        self._bad = 0
        self._failed_logins = 0
        self._armed_for: float | None = None
        self._stopping: Bye | None = None
        self._end = "client closed"

    # --- who and where ---

    def auth(self, *auth: Any) -> Any:
        """The auth object of the logged-in user, else None. Setting it builds the model and restarts the timer."""
        if auth:
            (self._auth,) = auth
            if self._auth is not None:
                try:
                    self._server.log_in(self)
                    self.model(self._server.model_class()(auth=self._auth))
                except BaseException:
                    # nobody is logged in without a model
                    self._server.log_out(self)
                    self._auth = None
                    raise
                self.update_timer()
        return self._auth

    def client_id(self, /, **pairs: str | None) -> dict[str, str | None]:
        """What the client told of itself by ID (RFC 2971); `pairs` are added."""
        self._client_id.update(pairs)
        return self._client_id

    def is_unauth(self) -> bool:
        """Whether nobody is logged in."""
        return self._auth is None

    def is_auth(self) -> bool:
        """Whether somebody is logged in."""
        return self._auth is not None

    def is_selected(self) -> bool:
        """Whether a mailbox is selected."""
        return self._selected is not None

    def is_encrypted(self) -> bool:
        """Whether the connection is under TLS."""
        return bool(self._io_handle.is_ssl())

    def state(self) -> State:
        """The state of RFC 3501 3."""
        if self.is_unauth():
            return State.UNAUTHENTICATED
        return State.SELECTED if self.is_selected() else State.AUTHENTICATED

    def user(self) -> str | None:
        """The name of the logged-in user."""
        return None if self._auth is None else self._auth.user()

    # --- the loop ---

    def greeting(self) -> None:
        """Send the greeting (RFC 3501 7.1.1)."""
        self.untagged_response(f"OK [CAPABILITY {self.capability()}] netimap ready")

    def handle_lines(self) -> None:
        """Serve the client until it leaves: greeting, then line after line."""
        try:
            self.greeting()
            self.update_timer()
            while not self._closed:
                if self._stopping is not None:
                    raise self._stopping
                line = framing.next_line(self)
                if line == b"":
                    break
                if line is not None:
                    self.handle_command(line)
                self._commands += 1
                if self._closed:
                    break
                self._check_limits()
                self.update_timer()
                self._io_handle.cede()
        except Bye as bye:
            self._say_bye(bye)
        except ClientGone as gone:
            self._end = str(gone) or self._end
        except Exception as error:
            self._end = "error"
            self._server.log_exception("connection failed", error)
            self._say_bye(Bye("Server error", "SERVERBUG"))
        finally:
            self.close()

    def _check_limits(self) -> None:
        option = self._server.option
        if self.is_unauth():
            if time.monotonic() - self._started > option("login_timeout"):
                raise Bye("Too slow to log in")
            if option("unauth_commands") and self._commands >= option("unauth_commands"):
                raise Bye("Too many commands before login")
            if self._bad >= option("max_bad_unauth"):
                raise Bye("Too many bad commands")
            if self._failed_logins >= option("max_failed_logins"):
                raise Bye("Too many failed logins")
        elif self._bad >= option("max_bad"):
            raise Bye("Too many bad commands")

    def _say_bye(self, bye: Bye) -> None:
        self._end = bye.text
        try:
            self.out(f"* BYE {f'[{bye.code}] ' if bye.code else ''}{bye.text}")
        except ClientGone:
            pass

    def count_bad(self) -> None:
        """Another command was answered BAD."""
        self._bad += 1

    def stop(self, bye: Bye) -> None:
        """End the connection: at once if it waits for its client, else after the command it runs."""
        self._stopping = bye
        self._io_handle.interrupt(self._coro, bye)

    # --- timer ---

    def update_timer(self) -> None:
        """Start the inactivity limit anew: `auth_idle`, or `unauth_idle` and the time left to log in."""
        option = self._server.option
        if self.is_auth():
            seconds = option("auth_idle")
        else:
            left = max(0.01, self._started + option("login_timeout") - time.monotonic())
            seconds = min(option("unauth_idle") or left, left)
        if self._timer is not None and seconds == self._armed_for:
            self._io_handle.rearm()
            return
        self._armed_for = seconds
        # the timer must not keep the connection alive
        self_ref = weakref.ref(self)
        self._timer = self._io_handle.arm(seconds, lambda: _expired(self_ref))

    def _timed_out(self) -> None:
        bye = Bye("Idle for too long" if self.is_auth() else "Too slow to log in")
        self._io_handle.interrupt(self._coro, bye)

    # --- commands ---

    def handle_command(self, line: bytes) -> Command | None:
        """Handle one line: a command, or what `pending` waits for. Reads the literals that belong to it.

        Returns the Command, or None for a continuation and for a line that is no command.
        """
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        if self._pending is not None:
            done = self._answering(self._pending_command, lambda: self._pending and self._pending(line))
            if self._pending is None:
                self._pending_command = None
            if not done:
                framing.drain_after(self, line)
            return None
        parsed = self.parse_command(line)
        if parsed is None:
            self.count_bad()
            framing.drain_after(self, line)
            return None
        tag, name, options = parsed
        command: Command = self.class_for(name)(
            server=self._server, connection=self, options_str=options, command_id=tag, command=name
        )
        if not self._answering(command, lambda: self._execute(command)):
            # it has its answer, so it waits for nothing
            self._pending = self._pending_command = None
        return command

    #: the command that set `pending`; errors of its continuation are answered with its tag
    _pending_command: Command | None = None

    def wait_for(self, command: Command, callback: Callable[[bytes], Any]) -> None:
        """Give the next line to `callback`, on behalf of `command`. `pending(None)` ends it."""
        self._pending_command = command
        self.pending(callback)

    def _execute(self, command: Command) -> None:
        framing.read_literals(self, command)
        if self._view is not None and self._view.deleted:
            raise Bye("The selected mailbox was deleted")
        if command.validate():
            command.run()

    def _answering(self, command: Command | None, work: Callable[[], Any]) -> bool:
        """Do a command's work; false if it failed. The only place where errors become answers."""
        try:
            work()
            return True
        except Bye:
            raise
        except IMAPError as error:
            self._answer_error(command, error.status, error.text, error.code)
        except ClientGone:
            raise
        except Exception as error:
            if self._closed:
                raise ClientGone("closed in a command") from None
            status, _, text = str(error).partition(" ")
            if status in ("NO", "BAD") and text:
                self._answer_error(command, status, text.splitlines()[0], None)
            else:
                self._server.log_exception(f"command {command.command() if command else '?'} failed", error)
                self._answer_error(command, "NO", "Server error", None)
        return False

    def _answer_error(self, command: Command | None, status: str, text: str, code: str | None) -> None:
        if command is None:
            self.untagged_response(f"{status} {text}")
            return
        answer = command.bad_command if status == "BAD" else command.no_command
        if code is None:
            answer(text)
        else:
            name, _, value = code.partition(" ")
            answer(text, **{name: value or None})

    def class_for(self, command: str) -> type[Command]:
        """The class for a command's name: an added one, a built-in one, else plain `Command`, which answers BAD."""
        cls: type[Command] = self._server.command_class(command)
        return cls

    def parse_command(self, line: bytes) -> tuple[bytes, str, bytes] | None:
        """Tag, name (Capitalised) and options of a line; None after it has answered that there is none."""
        tag, _, rest = line.partition(b" ")
        if not is_tag(tag):
            self.untagged_response("BAD Invalid tag")
            return None
        name, _, options = rest.partition(b" ")
        if not is_command_name(name):
            shown = line[:MAX_ECHO].decode("latin-1")
            shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in shown)
            self.untagged_response(f"BAD Null command ('{shown}')")
            return None
        return tag, name.decode("ascii").capitalize(), options

    def check_state(self, command: Command) -> None:
        """Raise Bad where `command` is not allowed in the present state (RFC 3501 3)."""
        state = self.state()
        if state in command.states:
            return
        if state is State.UNAUTHENTICATED:
            raise Bad("Log in first")
        if command.states == UNAUTHENTICATED:
            raise Bad("Already logged in")
        raise Bad("Select a mailbox first" if AUTHENTICATED not in command.states else "Not in this state")

    # --- logging in ---

    def login_succeeded(self, auth: Any, mechanism: str, started: float) -> None:
        """A login was accepted: `auth` is set. `started` is time.monotonic() when the check began."""
        io = self._io_handle
        self.auth(auth)
        self.log(2, lines.login_ok(self.user() or "", io.peerhost(), io.peerport(), io.tls_version(), mechanism,
                                   time.monotonic() - started))  # fmt: skip

    def login_failed(self, user: str | None, mechanism: str) -> None:
        """A login was refused: logs it, and holds the answer back for `login_delay` seconds."""
        self._failed_logins += 1
        self.log(1, lines.login_failed(user, self._io_handle.peerhost(), mechanism))
        self._server.pause(self._server.option("login_delay"))

    # --- answers ---

    def capability(self) -> str:
        """The capabilities to announce now (RFC 3501 6.1.1, 6.2)."""
        server = self._server
        words = server.capability().split()
        encrypted = self.is_encrypted()
        if encrypted or self.is_auth() or not server.offers_tls():
            words = [word for word in words if word != "STARTTLS"]
        if self.is_unauth():
            plain_allowed = self.may_send_password()
            for mechanism in server.auth_class()().sasl_provides():
                if mechanism != "PLAIN" or plain_allowed:
                    words.append(f"AUTH={mechanism}")
            if not plain_allowed:
                words.append("LOGINDISABLED")
        return " ".join(words)

    def may_send_password(self) -> bool:
        """Whether a password may come over this connection as it is."""
        return self.is_encrypted() or bool(self._server.option("allow_plaintext_login"))

    def untagged_response(self, *strings: bytes | str) -> None:
        """Send each string as an untagged line."""
        for string in strings:
            self.out(b"* " + (string.encode() if isinstance(string, str) else string))

    def out(self, string: bytes | str) -> None:
        """Send a line; its end is added. Raises ClientGone when the client is lost.

        A line break inside is refused (ValueError), except in and behind a literal: data cannot make a second line.
        """
        line = string.encode("utf-8", "replace") if isinstance(string, str) else string
        line = line.removesuffix(b"\r\n")
        if b"\n" in line or b"\r" in line:
            check_response(line)
        self._print(line, b"\r\n")

    def _print(self, *chunks: bytes) -> None:
        try:
            self._io_handle.print(*chunks)
        except OSError as error:
            self.close()
            raise ClientGone(str(error)) from None

    def send(self, chunks: Sequence[bytes]) -> None:
        """Send ready-made response lines, with their line ends; lets others run if it takes long."""
        self._print(*chunks)
        self._io_handle.cede()

    # --- the end ---

    def log_out(self) -> None:
        """The client said LOGOUT: close, once it has its answer."""
        self._end = "logout"
        self.close()

    def close(self) -> None:
        """Close the handle, the timer, the mailbox and the model, and unregister. Harmless the second time."""
        if self._closed:
            return
        self._closed = True
        self._pending = self._pending_command = None
        try:
            # each whatever becomes of the others; the last is the first
            with ExitStack() as steps:
                steps.callback(self._unregister)
                if self._model is not None:
                    steps.callback(self._model.close)
                steps.callback(self.leave)
                steps.callback(self._io_handle.close)
        except Exception as error:
            self._server.log_exception("closing a connection failed", error)

    def _unregister(self) -> None:
        self._timer = None
        self._server.unregister(self)
        io = self._io_handle
        self.log(3 if self.is_unauth() else 2, lines.disconnect(
            self.user(), io.peerhost(), time.monotonic() - self._started, self._commands, io.bytes_in, io.bytes_out,
            self._end))  # fmt: skip

    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def log(self, severity: int, message: str) -> None:
        """Log through the server."""
        self._server.log(severity, message)


def _expired(connection_ref: weakref.ref[Connection]) -> None:
    connection = connection_ref()
    if connection is not None:
        connection._timed_out()
