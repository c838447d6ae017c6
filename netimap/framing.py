"""Framing: a client's lines and literals → whole commands (RFC 3501 4.3, RFC 7888), within the server's limits.

What is refused is read and dropped up to a bound, else the connection ends: octets of a literal never run as commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exceptions import Bad, Bye, ClientGone, IMAPError, LineTooLong
from .wire.reader import Literal, announced_literal, is_tag

if TYPE_CHECKING:
    from .command.base import Command
    from .connection import Connection

#: octets of a refused non-synchronising literal that are read and dropped; more is answered by BYE
MAX_DRAIN = 1_048_576


def next_line(connection: Connection) -> bytes | None:
    """The next line; b"" at the end, None for one that was too long and has been answered."""
    try:
        line: bytes = connection.io_handle().getline()
        return line
    except LineTooLong as error:
        bad = _too_long(connection, error)
        if connection.pending() is not None:
            raise Bye(bad.text, bad.code) from None
        tag = error.start.split(b" ", 1)[0]
        connection.count_bad()
        connection.out((tag if is_tag(tag) else b"*") + f" BAD [LIMIT] {bad.text}".encode())
        return None


def _too_long(connection: Connection, error: LineTooLong) -> Bad:
    """What to say of a line over the limit. Raises Bye where a literal may follow, or the line goes on."""
    text = f"A line has {connection.server().option('max_line')} octets at most"
    if error.end == b"" or error.end.endswith(b"}"):
        raise Bye(text, "LIMIT") from None
    return Bad(text, "LIMIT")


def read_literals(connection: Connection, command: Command) -> None:
    """Read what the command's line announces, if the state and the limits permit the command; raises what does not."""
    io = connection.io_handle()
    literal = _announced(command)
    refusal = _refusal(connection, command, literal)
    while literal is not None:
        if refusal is not None:
            if not literal.synchronising:
                _drain(connection, literal)
            raise refusal
        if literal.synchronising:
            io.print(b"+ Continue\r\n")
        # before login nothing but the time to log in counts
        octets = io.read(literal.size, io.rearm if connection.is_auth() else None)
        try:
            rest = io.getline()
        except LineTooLong as error:
            raise _too_long(connection, error) from None
        if rest == b"":
            raise ClientGone("client closed in a command")
        command.add_literal(octets, _without_end(rest))
        literal = _announced(command)
        refusal = _refusal(connection, command, literal)
    if refusal is not None:
        raise refusal


def _announced(command: Command) -> Literal | None:
    """The literal that the command announces. An impossible one that is on its way already ends the connection."""
    try:
        return command.next_literal()
    except Bad as error:
        if command.parts[-1].endswith(b"+}"):
            raise Bye(error.text, error.code) from None
        raise


def _refusal(connection: Connection, command: Command, literal: Literal | None) -> IMAPError | None:
    """What speaks against going on with a command, before its literal is read."""
    try:
        connection.check_state(command)
        if literal is not None:
            command.check_literal(literal)
    except Bye:
        raise
    except IMAPError as error:
        return error
    return None


def drain_after(connection: Connection, line: bytes) -> None:
    """A line that is no command may announce a literal all the same: its octets must not run as commands."""
    try:
        literal = announced_literal(line)
    except IMAPError as error:
        raise Bye(error.text, error.code) from None
    if literal is not None and not literal.synchronising:
        _drain(connection, literal)


def _drain(connection: Connection, literal: Literal) -> None:
    """Drop a refused non-synchronising literal and the rest of its command, other literals among it."""
    io = connection.io_handle()
    drained = 0
    rest: Literal | None = literal
    while rest is not None and not rest.synchronising:
        drained += rest.size
        if drained > MAX_DRAIN:
            raise Bye("Too much to drop", "TOOBIG")
        io.skip(rest.size)
        try:
            rest = announced_literal(_without_end(io.getline()))
        except LineTooLong as error:
            _too_long(connection, error)
            return
        except IMAPError as error:
            raise Bye(error.text, error.code) from None


def _without_end(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")
