"""Line ends of messages: CRLF as RFC 5322 2.3 has it, LF as files have it.

Long messages are converted in pieces: one call of a C function holds all other threads, and the event loop with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

#: octets that are converted at once, a millisecond or two of work
PIECE = 1_048_576


def with_crlf(octets: bytes, cede: Callable[[], object] | None = None) -> bytes:
    """The octets with every line ended by CRLF. `cede` is called between the pieces of a long message."""
    if len(octets) <= PIECE:
        return _crlf(octets)
    pieces = []
    changed = False
    for piece in _pieces(octets):
        converted = _crlf(piece)
        changed = changed or converted is not piece
        pieces.append(converted)
        if cede is not None:
            cede()
    return b"".join(pieces) if changed else octets


def with_lf(octets: bytes) -> bytes:
    """The octets with every CRLF replaced by LF."""
    if len(octets) <= PIECE:
        return octets.replace(b"\r\n", b"\n")
    return b"".join([piece.replace(b"\r\n", b"\n") for piece in _pieces(octets)])


def _crlf(octets: bytes) -> bytes:
    if b"\r" not in octets:
        return octets.replace(b"\n", b"\r\n") if b"\n" in octets else octets
    if octets.count(b"\n") == octets.count(b"\r\n"):
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _pieces(octets: bytes) -> Iterator[bytes]:
    """The octets in pieces that end at a line end, the last one aside."""
    start = 0
    while start < len(octets):
        end = octets.find(b"\n", start + PIECE, start + 2 * PIECE) + 1 or start + 2 * PIECE
        while end < len(octets) and octets[end - 1] == 0x0D:
            # in a line longer than a piece: a CRLF is not cut
            end += 1
        yield octets[start:end]
        start = end
