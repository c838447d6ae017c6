"""What one run of a search looks at: the mailbox, chunks of its messages, and masks over a chunk. No I/O of its own."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from ..wire.sequence_set import SequenceSet
from .text import MessageText, SearchedMessage

#: Which messages of a chunk: one octet a message, 1 for yes, the first message in the lowest octet. As an int, so that
#: AND, OR and NOT of 500 messages is one operation: `a & b`, `a | b`, `chunk.all ^ a`.
Mask = int
#: (first, last), both included
Range = tuple[int, int]


class SearchedMailbox(Protocol):
    """What a search asks of a mailbox."""

    def message(self, uid: int) -> SearchedMessage | None: ...

    def columns(self, uids: Sequence[int], names: Sequence[str]) -> list[Sequence[Any]]: ...

    def overrides(self, *methods: str) -> bool: ...


class SearchedView(Protocol):
    """What a search asks of a session's view of its mailbox."""

    @property
    def mailbox(self) -> SearchedMailbox: ...

    @property
    def recents(self) -> Sequence[tuple[int, int]]: ...

    def uids(self) -> Sequence[int]: ...

    def resolve(self, wanted: SequenceSet, by_uid: bool) -> tuple[Sequence[int], Sequence[int]]: ...


class Target:
    """The mailbox of one run, and what numbers stand for in it; stays the same while the mailbox changes."""

    __slots__ = ("mailbox", "cede", "exists", "last_uid", "recents", "_ranges")

    def __init__(self, view: SearchedView, cede: Callable[[], None]) -> None:
        uids = view.uids()
        self.mailbox = view.mailbox
        #: gives others a turn
        self.cede = cede
        #: the largest message number, and the largest UID, that the session counts; 0 in an empty mailbox
        self.exists = len(uids)
        self.last_uid = uids[-1] if len(uids) else 0
        #: UIDs that are \\Recent in the session
        self.recents: list[Range] = [(first, end - 1) for first, end in view.recents]
        self._ranges: dict[tuple[SequenceSet, bool], list[Range]] = {}

    def ranges(self, wanted: SequenceSet, by_uid: bool) -> list[Range]:
        """The ranges of a set of UIDs or numbers: ascending, without overlaps; worked out once in a run."""
        key = (wanted, by_uid)
        if key not in self._ranges:
            self._ranges[key] = wanted.resolved(self.last_uid if by_uid else self.exists)
        return self._ranges[key]


class Chunk:
    """Some messages, one after the other: at least one, ascending. Columns are read when the first key asks."""

    __slots__ = ("target", "numbers", "uids", "all", "text", "_columns")

    def __init__(self, target: Target, numbers: Sequence[int], uids: Sequence[int]) -> None:
        self.target = target
        self.numbers = numbers
        self.uids = uids
        #: the mask of all messages
        self.all: Mask = int.from_bytes(b"\1" * len(uids), "little")
        #: header and body; None as long as only what is cheap may be asked
        self.text: MessageText | None = None
        self._columns: dict[str, Sequence[Any]] = {}

    def column(self, name: str) -> Sequence[Any]:
        """A fact of each message, see `Mailbox.columns`."""
        if name not in self._columns:
            (self._columns[name],) = self.target.mailbox.columns(self.uids, [name])
        return self._columns[name]

    def one(self, index: int, text: MessageText) -> Chunk:
        """A chunk of one message of this one, with its text."""
        end = index + 1
        chunk = Chunk(self.target, self.numbers[index:end], self.uids[index:end])
        chunk.text = text
        chunk._columns = {name: column[index:end] for name, column in self._columns.items()}
        return chunk


def mask_of(verdicts: Iterable[bool]) -> Mask:
    """The mask of one verdict a message."""
    return int.from_bytes(bytes(verdicts), "little")


def mask_of_ranges(values: Sequence[int], ranges: Sequence[Range]) -> Mask:
    """The mask of ascending `values` that lie in one of `ranges`, which ascend and do not overlap."""
    mask = bytearray(len(values))
    highest = values[-1]
    for index in range(bisect_left(ranges, values[0], key=lambda ends: ends[1]), len(ranges)):
        first, last = ranges[index]
        if first > highest:
            break
        start, stop = bisect_left(values, first), bisect_right(values, last)
        mask[start:stop] = b"\1" * (stop - start)
    return int.from_bytes(mask, "little")


def selectors(mask: Mask, length: int) -> bytes:
    """A mask as one octet a message, as `itertools.compress` takes it."""
    return mask.to_bytes(length, "little")
