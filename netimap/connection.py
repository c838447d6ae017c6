"""Connection: one client's session, from greeting to close. No grammar and no socket calls of its own.

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

from . import log as lines
from .accessors import accessor
from .command.base import AUTHENTICATED, UNAUTHENTICATED, Command, State
from .current import current_connection
from .exceptions import Bad, Bye, ClientGone, IMAPError, LineTooLong
from .mailbox import Mailbox
from .message import Message
from .view import MAX_TOLD, View
from .wire.reader import Literal, announced_literal, is_command_name, is_tag
from .wire.sequence_set import SequenceSet

#: octets of a refused non-synchronising literal that are read and dropped; more is answered by BYE
MAX_DRAIN = 1_048_576
#: characters of the client's own words in an answer
MAX_ECHO = 100


class Connection:
    """A session. The server makes it: `Connection(io_handle=…, server=…)`; a subclass overrides what it likes."""

    server = accessor("server")
    coro = accessor("coro")
    io_handle = accessor("io_handle")
    model = accessor("model")
    commands = accessor("commands")
    timer = accessor("timer")
    pending = accessor("pending")
    last_poll = accessor("last_poll")

    def __init__(self, io_handle: Any = None, server: Any = None) -> None:
        self._server = server
        self._io_handle = io_handle
        self._coro: Any = None
        self._model: Any = None
        self._auth: Any = None
        self._timer: Any = None
        self._commands = 0
        # a callable that gets the next line instead of the command parser (AUTHENTICATE, IDLE)
        self._pending: Callable[[bytes], Any] | None = None
        self._last_poll = 0.0
        self._client_id: dict[str, str | None] = {}
        self._selected: Mailbox | None = None
        self._view: View | None = None
        self._closed = False
        self._started = time.monotonic()
        self._bad = 0
        self._failed_logins = 0
        self._notifying = False
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

    # --- the selected mailbox ---

    def selected(self, *mailbox_and_read_only: Any) -> Mailbox | None:
        """The selected mailbox or None. `selected(mailbox, read_only)` changes it.

        Nothing happens when neither the mailbox nor its read-only-ness changes; else the client is told what it has
        not heard of the old mailbox, whose `close` is called, and then `select` of the new one.
        """
        if mailbox_and_read_only:
            mailbox, *read_only = mailbox_and_read_only
            forced = bool(read_only and read_only[0])
            if mailbox is not self._selected or forced != self.selected_read_only():
                if self._view is not None and not self._view.deleted:
                    self.send_untagged()
                self.leave()
                if mailbox is not None:
                    self._selected = mailbox
                    try:
                        mailbox.select()
                        self._view = View(mailbox, forced)
                    except BaseException:
                        # nothing is selected without a view
                        self._selected = None
                        raise
        return self._selected

    def reselect(self) -> None:
        """Start the session's view of the selected mailbox anew, as SELECT of the same mailbox does."""
        if self._view is not None and self._selected is not None:
            read_only = self._view.read_only
            self._view.close()
            self._view = View(self._selected, read_only)

    def leave(self) -> None:
        """Leave the selected mailbox without telling the client any more of it."""
        mailbox, view = self._selected, self._view
        self._selected = self._view = None
        if view is not None:
            view.close()
        if mailbox is not None:
            mailbox.close()

    def selected_read_only(self, *read_only: bool) -> bool:
        """Whether the mailbox was opened by EXAMINE; sets it for the selected mailbox when given. The mailbox may be
        read-only for reasons of its own: ask it too."""
        if read_only and self._view is not None:
            self._view.read_only = bool(read_only[0])
        return self._view is not None and self._view.read_only

    def view(self) -> View | None:
        """This session's numbering of its mailbox."""
        return self._view

    def previous_exists(self) -> int:
        """How many messages the client has been told of."""
        return self._view.exists if self._view is not None else 0

    def get_messages(self, sequence_set: str | SequenceSet) -> list[Message]:
        """The messages of a sequence set, as this client numbers them; numbers past the end are dropped."""
        if self._view is None or self._selected is None:
            return []
        wanted = SequenceSet.parse(sequence_set) if isinstance(sequence_set, str) else sequence_set
        found = map(self._selected.message, self._view.resolve(wanted, by_uid=False)[1])
        return [message for message in found if message is not None]

    def sequence(self, message: Message) -> int | None:
        """This client's number for a message of its mailbox; None for one it does not count."""
        if self._view is None:
            return None
        uid = message.uid()
        if uid is None or message.mailbox() is not self._view.mailbox or not self._view.counts(uid):
            return None
        return self._view.number(uid)

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
                line = self._next_line()
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

    def _next_line(self) -> bytes | None:
        """The next line; b"" at the end, None for one that was too long and has been answered."""
        try:
            line: bytes = self._io_handle.getline()
            return line
        except LineTooLong as error:
            bad = self._too_long(error)
            if self._pending is not None:
                raise Bye(bad.text, bad.code) from None
            tag = error.start.split(b" ", 1)[0]
            self.count_bad()
            self.out((tag if is_tag(tag) else b"*") + f" BAD [LIMIT] {bad.text}".encode())
            return None

    def _too_long(self, error: LineTooLong) -> Bad:
        """What to say of a line over the limit. Raises Bye where a literal may follow, or the line goes on."""
        text = f"A line has {self._server.option('max_line')} octets at most"
        if error.end == b"" or error.end.endswith(b"}"):
            raise Bye(text, "LIMIT") from None
        return Bad(text, "LIMIT")

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
                self._drain_after(line)
            return None
        parsed = self.parse_command(line)
        if parsed is None:
            self.count_bad()
            self._drain_after(line)
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
        self._read_literals(command)
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

    # --- literals (RFC 3501 4.3, RFC 7888) ---

    def _read_literals(self, command: Command) -> None:
        """Read what the command's line announces, if the state and the limits permit the command."""
        literal = self._announced(command)
        refusal = self._refusal(command, literal)
        while literal is not None:
            if refusal is not None:
                if not literal.synchronising:
                    self._drain(literal)
                raise refusal
            if literal.synchronising:
                self._io_handle.print(b"+ Continue\r\n")
            octets = self._io_handle.read(literal.size, self._progress if self.is_auth() else None)
            try:
                rest = self._io_handle.getline()
            except LineTooLong as error:
                raise self._too_long(error) from None
            if rest == b"":
                raise ClientGone("client closed in a command")
            command.add_literal(octets, rest.removesuffix(b"\n").removesuffix(b"\r"))
            literal = self._announced(command)
            refusal = self._refusal(command, literal)
        if refusal is not None:
            raise refusal

    def _announced(self, command: Command) -> Literal | None:
        """The literal that the command announces. An impossible one that is on its way already ends the connection."""
        try:
            return command.next_literal()
        except Bad as error:
            if command.parts[-1].endswith(b"+}"):
                raise Bye(error.text, error.code) from None
            raise

    def _refusal(self, command: Command, literal: Literal | None) -> IMAPError | None:
        """What speaks against going on with a command, before its literal is read."""
        try:
            self.check_state(command)
            if literal is not None:
                command.check_literal(literal)
        except Bye:
            raise
        except IMAPError as error:
            return error
        return None

    def _drain(self, literal: Literal) -> None:
        """Drop a refused non-synchronising literal and the rest of its command, other literals among it."""
        drained = 0
        rest: Literal | None = literal
        while rest is not None and not rest.synchronising:
            drained += rest.size
            if drained > MAX_DRAIN:
                raise Bye("Too much to drop", "TOOBIG")
            self._io_handle.skip(rest.size)
            try:
                line = self._io_handle.getline()
                rest = announced_literal(line.removesuffix(b"\n").removesuffix(b"\r"))
            except LineTooLong as error:
                self._too_long(error)
                return
            except IMAPError as error:
                raise Bye(error.text, error.code) from None

    def _drain_after(self, line: bytes) -> None:
        """A line that is no command may announce a literal all the same: its octets must not run as commands."""
        try:
            literal = announced_literal(line)
        except IMAPError as error:
            raise Bye(error.text, error.code) from None
        if literal is not None and not literal.synchronising:
            self._drain(literal)

    def _progress(self) -> None:
        self._io_handle.rearm()

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

    # --- telling the client ---

    def poll(self) -> None:
        """Poll the selected mailbox."""
        self._last_poll = time.time()
        if self._selected is not None:
            self._selected.poll()

    def force_poll(self) -> None:
        """Poll at the next chance."""
        self._last_poll = 0.0

    #: true while a UID command runs: FETCH responses need the UID then (RFC 3501 6.4.8)
    by_uid = False

    def send_untagged(self, expunged: bool = True) -> None:
        """Tell the client what happened to its mailbox: flags, EXPUNGEs if `expunged`, new messages."""
        view = self._view
        if view is None or self.is_unauth():
            return
        if time.time() - self._last_poll >= self._server.poll_every():
            self.poll()
        while self._tell(view, expunged):
            self._io_handle.cede()

    def _tell(self, view: View, expunged: bool) -> bool:
        """Say what is new, without waiting in between; true if many flags have changed and more has to be said."""
        if not view.has_changes():
            return False
        told = view.told_flags(self.by_uid)
        if len(told) == MAX_TOLD:
            self._print(b"".join(told))
            return True
        if expunged:
            told += view.told_expunged()
        told += view.told_exists()
        if told:
            self._print(b"".join(told))
        return False

    def notify(self) -> None:
        """Something changed while the client waits in IDLE: tell it soon, in a greenlet of its own."""
        if not self._notifying and not self._closed:
            self._notifying = True
            self._server.spawn(self._notify)

    def _notify(self) -> None:
        current_connection(self)
        try:
            # what happens while the client takes its lines is told in one go afterwards: nothing piles up. No poll
            # here: it may wait, and IDLE may have ended by then.
            while (view := self._view) is not None and view.wake is not None:
                if view.deleted:
                    self.stop(Bye("The selected mailbox was deleted"))
                    return
                if not view.has_changes():
                    return
                self._tell(view, expunged=True)
                self._io_handle.flush()
                self._io_handle.cede()
        except ClientGone:
            self._io_handle.close()
        except Exception as error:
            self._server.log_exception("telling an idling client failed", error)
        finally:
            self._notifying = False

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
            _check_one_response(line)
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


def _check_one_response(line: bytes) -> None:
    """Raise ValueError unless every line break in `line` belongs to a literal."""
    position = 0
    while True:
        end = line.find(b"\n", position)
        carriage_return = line.find(b"\r", position)
        if end < 0 and carriage_return < 0:
            return
        text = line[position : carriage_return if carriage_return >= 0 else end]
        literal = announced_literal(text)
        if end != carriage_return + 1 or literal is None:
            raise ValueError("a line break in a response line")
        position = end + 1 + literal.size
