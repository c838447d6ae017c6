"""Command: one command of a client, from its line to its tagged answer. Every command subclasses it.

A command states facts about itself as class attributes and does its work in `run`. Errors are raised where they are
found; `Connection.handle_command` answers them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Flag, auto
from typing import Any

from ..accessors import accessor
from ..exceptions import Bad, No, ReadOnly, TooBig
from ..mailbox import Mailbox
from ..view import View
from ..wire.mailbox_name import decode_name
from ..wire.reader import Literal, announced_literal, tokenize
from ..wire.writer import Raw, format_value

#: literals of one command before login: a user name and a password
UNAUTH_LITERALS = 4

#: what no new mailbox's name may have (RFC 9051 5.1): controls, line and paragraph separators
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PRINTABLE = bytes(code if 0x20 <= code < 0x7F else 0x3F for code in range(256))


class State(Flag):
    """The states of RFC 3501 3. A command lists those it is allowed in."""

    UNAUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()


ANY = State.UNAUTHENTICATED | State.AUTHENTICATED | State.SELECTED
UNAUTHENTICATED = State.UNAUTHENTICATED
AUTHENTICATED = State.AUTHENTICATED | State.SELECTED
SELECTED = State.SELECTED


class Command:
    """A command that nobody knows: answers BAD. Subclasses override `run`, and `validate` where arguments are odd.

    `options_str` is what stands behind the command's name, as bytes; literals are read before `validate` is called.
    """

    server = accessor("server")
    connection = accessor("connection")
    command_id = accessor("command_id")
    command = accessor("command")
    options_str = accessor("options_str")

    #: where the command is allowed
    states = ANY
    #: announced because this command is registered
    capabilities: tuple[str, ...] = ()
    #: whether UID may stand in front of it
    accepts_uid = False
    #: whether it works with message numbers, so that no EXPUNGE may be sent before it ends (RFC 3501 7.4.1)
    holds_expunges = False
    #: octets one literal may have: the name of a server setting
    literal_limit = "max_literal"
    #: whether brackets group in its arguments, as in FETCH
    has_sections = False
    #: parsers of its arguments (see netimap.wire.arguments), the necessary and then the optional ones;
    #: None: `validate` sees to them
    arguments: tuple[Callable[[Any], Any], ...] | None = None
    optional_arguments: tuple[Callable[[Any], Any], ...] = ()

    _connection: Any = None
    _server: Any = None
    _command_id = b""
    _command = ""
    _options_str = b""

    def __init__(
        self,
        server: Any = None,
        connection: Any = None,
        command_id: bytes | str = b"",
        command: str = "",
        options_str: bytes | str = b"",
        uid: bool = False,
    ) -> None:
        self._server = server
        self._connection = connection
        self._command_id = command_id.encode() if isinstance(command_id, str) else command_id
        self._command = command
        self._options_str = options_str.encode() if isinstance(options_str, str) else options_str
        #: whether UID stands in front of the command
        self.uid = uid
        #: the arguments by type, once `validate` was called
        self.args: list[Any] = []
        #: text, literal, text, …: the command as it came
        self.parts: list[bytes] = [self._options_str]
        self._parsed: list[Any] | None = None

    # --- what subclasses override ---

    def validate(self) -> bool:
        """Check the arguments. True to go on; false when it has answered already. May raise Bad or No."""
        if self.arguments is not None and (self.parts != [b""] or self.arguments):
            parsers = self.arguments + self.optional_arguments
            tokens = self.options(len(self.arguments), len(parsers))
            self.args = [parse(token) for parse, token in zip(parsers, tokens, strict=False)]
        return True

    def run(self) -> Any:
        """Do the work and answer."""
        # in the Perl original's words; the name has been checked to be letters and digits
        self.bad_command(f"command '{self.command().upper()}' not recognized")

    def poll_after(self) -> bool:
        """Whether changes of the mailbox are sent before the tagged OK."""
        return True

    # --- arguments ---

    def has_literal(self) -> bool:
        """Whether the line ends in the announcement of a literal that has not come yet."""
        return self.next_literal() is not None

    def next_literal(self) -> Literal | None:
        """The literal the client announced and has not sent yet. Raises Bad for an impossible size."""
        return announced_literal(self.parts[-1])

    def add_literal(self, literal: bytes, rest: bytes) -> None:
        """Take a literal and the rest of the line behind it."""
        self.parts += [literal, rest]
        self._parsed = None

    def check_literal(self, literal: Literal) -> None:
        """Raise what speaks against reading this literal: called before the client is told to send it."""
        server, authenticated = self.server(), self.connection().is_auth()
        limit = server.option(self.literal_limit if authenticated else "max_unauth_literal")
        if literal.binary:
            raise Bad("No literal8 here")
        if literal.size > limit:
            raise TooBig(f"A literal here has {limit} octets at most")
        most = server.option("max_literals") if authenticated else UNAUTH_LITERALS
        if len(self.parts) // 2 >= most:
            raise Bad(f"More than {most} literals in a command", "LIMIT")
        # with a message, the name of its mailbox may be a literal too
        whole = server.option("max_command") + (limit if self.literal_limit != "max_literal" else 0)
        if sum(map(len, self.parts[1::2])) + literal.size > whole:
            raise TooBig(f"The literals of a command have {whole} octets at most")

    def parse_options(self, text: bytes | str | None = None) -> list[Any]:
        """The options as nested tokens; of `text` if given, else of the command's own line. Raises Bad."""
        if text is not None:
            self.parts = [text.encode() if isinstance(text, str) else text]
        if self.parts == [b""]:
            self._parsed = []
        else:
            nesting = self.server().option("max_nesting")
            self._parsed = tokenize(self.parts, sections=self.has_sections, max_nesting=nesting)
        return self._parsed

    def parsed_options(self) -> list[Any]:
        """The options: str for an atom, bytes for a string, list for parentheses."""
        if self._parsed is None:
            self.parse_options()
        assert self._parsed is not None
        return self._parsed

    def options(self, least: int, most: int | None) -> list[Any]:
        """The options, if their number is right. Raises Bad."""
        tokens = self.parsed_options()
        if len(tokens) < least:
            raise Bad("Not enough options")
        if most is not None and len(tokens) > most:
            raise Bad("Too many options")
        return tokens

    def valid_mailbox(self, name: bytes | str) -> bool:
        """Whether a mailbox can have this name (as on the wire); answers BAD and returns false if not."""
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        if not text.isascii():
            return self.bad_command("Mailbox name contains 8-bit data")
        try:
            decoded = decode_name(text)
        except ValueError as error:
            return self.bad_command(f"Invalid UTF-7 in a mailbox name: {error}")
        if _CONTROLS.search(decoded):
            return self.bad_command("Mailbox name contains a control character")
        return True

    # --- the mailbox at hand ---

    def view(self) -> View:
        """This session's view of the selected mailbox."""
        view: View | None = self.connection().view()
        if view is None:
            raise Bad("Select a mailbox first")
        return view

    def writable_view(self) -> View:
        """The same, where the session may change the mailbox. Raises ReadOnly."""
        view = self.view()
        if view.read_only or view.mailbox.read_only():
            raise ReadOnly
        return view

    def lookup(self, name: str, missing: Callable[[], No]) -> Mailbox:
        """The mailbox with this name (as on the wire); raises what `missing` makes where there is none."""
        mailbox: Mailbox | None = self.connection().model().lookup(name)
        if mailbox is None:
            raise missing()
        return mailbox

    # --- answers ---

    def data_out(self, data: Any) -> bytes:
        """A value as it goes over the wire, see `netimap.wire.writer.format_value`."""
        return format_value(data)

    def out(self, text: bytes | str) -> None:
        """Send a line."""
        self.connection().out(text)

    def untagged_response(self, *strings: bytes | str) -> None:
        """Send each string as an untagged line."""
        self.connection().untagged_response(*strings)

    def tagged_response(self, *strings: bytes | str) -> None:
        """Send each string as an untagged line that begins with the command's name."""
        name = self.command().upper().encode()
        for string in strings:
            text = string.encode() if isinstance(string, str) else string
            self.connection().untagged_response(name + b" " + text if text else name)

    def send_untagged(self, **options: Any) -> None:
        """Tell the client what happened to its mailbox, EXPUNGE only where this command permits it."""
        if self.holds_expunges and not self.uid:
            options["expunged"] = False
        self.connection().send_untagged(**options)

    def ok_command(self, message: str, **codes: Any) -> bool:
        """Answer OK. `codes`: a response code and its value, None for one without; `_` in a name stands for `-`."""
        if self.poll_after():
            self.send_untagged()
        self._answer(b"OK", message, codes)
        return True

    def ok_completed(self, **codes: Any) -> bool:
        """Answer OK with the usual text."""
        name = self.command().upper()
        return self.ok_command(f"{'UID ' if self.uid else ''}{name} COMPLETED", **codes)

    def no_command(self, message: str, **codes: Any) -> bool:
        """Answer NO; returns false."""
        self._answer(b"NO", message, codes)
        return False

    def bad_command(self, reason: str, **codes: Any) -> bool:
        """Answer BAD; returns false."""
        self.connection().count_bad()
        self._answer(b"BAD", reason, codes)
        return False

    def _answer(self, status: bytes, message: str, codes: dict[str, Any]) -> None:
        code = b"".join(_format_code(name, value) for name, value in codes.items()) if codes else b""
        self.out(b"%b %b %b%b" % (self._command_id, status, code, _one_line(message)))

    def log(self, severity: int, message: str) -> None:
        """Log a line."""
        self.connection().log(severity, message)


def _one_line(message: str) -> bytes:
    """resp-text: printable US-ASCII on one line (RFC 3501 9). Whatever else a plugin's text holds becomes `?`; the line
    end of a ported `die "NO text\\n"` is left out."""
    return message.rstrip("\r\n").encode("ascii", "replace").translate(_PRINTABLE)


def _format_code(name: str, value: Any) -> bytes:
    """A response code: `[NAME] `, `[NAME 5] `, `[NAME (a b)] `."""
    label = name.replace("_", "-").encode("ascii")
    if value is None:
        return b"[%b] " % label
    if isinstance(value, list):
        return b"[%b (%b)] " % (label, b" ".join(format_value(Raw(item)) for item in value))
    if isinstance(value, int):
        return b"[%b %d] " % (label, value)
    return b"[%b %b] " % (label, value.encode() if isinstance(value, str) else value)
