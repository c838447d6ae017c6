"""What an indexed mailbox asks of the place where its octets are. A body is named by bytes that the index keeps.

All methods block and run in threads; those that take `undo` run in a transaction of the index and leave there how to
take back what they did. Where another program removed or moved a body they raise BodyMissing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from typing import NamedTuple, Protocol, Self


class Wanted(NamedTuple):
    """A copy to be made."""

    #: the original
    body: bytes
    flags: frozenset[str]
    #: octets with CRLF line ends, or UNKNOWN_SIZE
    size: int


class Flagging(NamedTuple):
    """A change of flags."""

    body: bytes
    old: frozenset[str]
    new: frozenset[str]


class Bodies(Protocol):
    """The bodies of one mailbox."""

    def changing(self) -> AbstractContextManager[None]:
        """Put around all that changes bodies."""
        ...

    def read(self, body: bytes) -> bytes:
        """The octets, with CRLF line ends."""
        ...

    def put(self, content: bytes, flags: frozenset[str], date: datetime, undo: ExitStack) -> bytes:
        """Keep the octets of a new message; they are on disk for good when `sync` has returned."""
        ...

    def copy(self, source: Self, wanted: Sequence[Wanted], undo: ExitStack) -> list[bytes]:
        """Keep copies of messages of a mailbox of the same account."""
        ...

    def flag(self, changes: Sequence[Flagging], undo: ExitStack) -> list[bytes]:
        """Messages have other flags; returns their bodies, some of which may have other names."""
        ...

    def hide(self, bodies: Sequence[bytes], undo: ExitStack) -> list[bytes]:
        """Messages are expunged. Their octets can be read, by what is returned, until they are dropped."""
        ...

    def drop(self, bodies: Iterable[bytes]) -> None:
        """Nobody reads these hidden bodies any more. Never fails: what is left is swept when the mailbox opens."""
        ...

    def sync(self) -> None:
        """What was done is on disk when this returns."""
        ...

    def committed(self) -> None:
        """What `copy` and `flag` did is in the index for good. A crash before that leaves all as it was."""
        ...
