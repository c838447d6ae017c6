"""The one helper of the wire tests: octets as a connection cuts them up, whole or in any pieces."""

from __future__ import annotations

from collections.abc import Iterable

from netimap.wire.reader import announced_literal


class Framer:
    """Collects octets until a command is complete: text, literal, text, …, as `tokenize` wants it.

    This is what a connection does with what it reads; the tests feed it pieces of every size.
    """

    def __init__(self) -> None:
        self.buffer = b""
        self.parts: list[bytes] = []
        # octets of a literal still to come, or None while a line is read
        self.wanted: int | None = None

    def feed(self, octets: bytes) -> list[list[bytes]]:
        """The commands that `octets` completes, each as its parts."""
        self.buffer += octets
        complete = []
        while True:
            if self.wanted is not None:
                if len(self.buffer) < self.wanted:
                    return complete
                self.parts.append(self.buffer[: self.wanted])
                self.buffer = self.buffer[self.wanted :]
                self.wanted = None
            line, end, rest = self.buffer.partition(b"\r\n")
            if not end:
                return complete
            self.buffer = rest
            self.parts.append(line)
            literal = announced_literal(line)
            if literal is not None:
                self.wanted = literal.size
                continue
            complete.append(self.parts)
            self.parts = []


def frame(pieces: Iterable[bytes]) -> tuple[list[list[bytes]], bytes]:
    """All commands in `pieces`, and the octets left over."""
    framer = Framer()
    commands = [parts for piece in pieces for parts in framer.feed(piece)]
    return commands, framer.buffer


def one_command(octets: bytes) -> list[bytes]:
    """The parts of the one command in `octets`: fed whole, byte by byte and with bytes after it, always the same."""
    commands, left = frame([octets])
    assert len(commands) == 1
    assert left == b""
    assert frame(octets[index : index + 1] for index in range(len(octets))) == (commands, b"")
    assert frame([octets + b"x NOOP"]) == (commands, b"x NOOP")
    assert frame([octets, octets]) == (commands * 2, b"")
    return commands[0]
