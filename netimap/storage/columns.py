"""Columns: the facts of one mailbox's messages in memory, some 35 octets a message.

One array for each fact, all in order of UID; a message is its position, found by bisection. Flags are references to
shared frozensets, so that a listing hands out slices. Two octets a message say \\Seen and \\Deleted once more: what
asks how many are unseen or which are deleted searches them at the speed of memory.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ..wire.dates import zone
from ..wire.reader import MAX_NUMBER

#: the size of a message that nobody has asked for yet
UNKNOWN_SIZE = MAX_NUMBER
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Row(NamedTuple):
    """The facts of one message."""

    uid: int
    #: without \\Recent, shared
    flags: frozenset[str]
    modseq: int
    #: internal date: seconds since 1970 UTC, and its zone in minutes east of UTC
    epoch: int
    zone: int
    #: octets with CRLF line ends, or UNKNOWN_SIZE
    size: int


class Ghost:
    """An expunged message that some session may still read."""

    __slots__ = ("row", "body", "views")

    def __init__(self, row: Row, body: bytes | None, views: int) -> None:
        self.row = row
        #: None: the octets are gone
        self.body = body
        #: how many sessions have not been told
        self.views = views


class Columns:
    """The messages of a mailbox. Not thread-safe: only the event loop changes it."""

    __slots__ = ("uids", "flags", "modseqs", "epochs", "zones", "sizes", "unsized", "_seen", "_deleted")

    def __init__(self) -> None:
        self.uids = array("I")
        self.flags: list[frozenset[str]] = []
        self.modseqs = array("Q")
        self.epochs = array("q")
        self.zones = array("h")
        self.sizes = array("I")
        #: how many sizes are UNKNOWN_SIZE
        self.unsized = 0
        self._seen = bytearray()
        self._deleted = bytearray()

    def __len__(self) -> int:
        return len(self.uids)

    def extend(self, rows: Sequence[Row]) -> None:
        """Add messages; their UIDs ascend and are larger than all before."""
        if rows:
            self.extend_columns(*zip(*rows, strict=True))

    def extend_columns(
        self,
        uids: Sequence[int],
        flags: Sequence[frozenset[str]],
        modseqs: Sequence[int],
        epochs: Sequence[int],
        zones: Sequence[int],
        sizes: Sequence[int],
    ) -> None:
        """Add messages, one sequence for each fact."""
        self.uids.extend(uids)
        self.flags.extend(flags)
        self.modseqs.extend(modseqs)
        self.epochs.extend(epochs)
        self.zones.extend(zones)
        self.sizes.extend(sizes)
        self.unsized += sizes.count(UNKNOWN_SIZE)
        self._seen.extend("\\Seen" in have for have in flags)
        self._deleted.extend("\\Deleted" in have for have in flags)

    # --- finding ---

    def index(self, uid: int) -> int | None:
        """The position of a message, None if it is not here."""
        index = bisect_left(self.uids, uid)
        return index if index < len(self.uids) and self.uids[index] == uid else None

    def locate(self, uids: Sequence[int]) -> slice | list[int]:
        """The positions of ascending UIDs: a slice where they are neighbours. KeyError for one that is not here."""
        column, count = self.uids, len(uids)
        if uids is column:
            return slice(0, count)
        if not count:
            return slice(0, 0)
        start = bisect_left(column, uids[0])
        wanted = uids if isinstance(uids, array) else array("I", uids)
        if column[start : start + count] == wanted:
            return slice(start, start + count)
        places = [bisect_left(column, uid) for uid in wanted]
        if places[-1] >= len(column) or any(column[place] != uid for place, uid in zip(places, wanted, strict=True)):
            raise KeyError("a UID that is not in the mailbox")
        return places

    def get(self, name: str, where: slice | list[int]) -> Sequence[Any]:
        """One fact of the messages at these positions: uid, flags, modseq, size or internaldate."""
        if name == "internaldate":
            return list(map(when, _pick(self.epochs, where), _pick(self.zones, where)))
        column: Sequence[Any] = getattr(self, _COLUMNS[name])
        return _pick(column, where)

    def row(self, index: int) -> Row:
        """All facts of the message at a position."""
        return Row(
            self.uids[index], self.flags[index], self.modseqs[index],
            self.epochs[index], self.zones[index], self.sizes[index],
        )  # fmt: skip

    def unseen(self) -> int:
        """How many messages lack \\Seen."""
        return self._seen.count(0)

    def first_unseen(self) -> int | None:
        """The position of the first message without \\Seen."""
        index = self._seen.find(0)
        return None if index < 0 else index

    def deleted(self) -> list[int]:
        """The UIDs of the messages with \\Deleted."""
        found, index = [], self._deleted.find(1)
        while index >= 0:
            found.append(self.uids[index])
            index = self._deleted.find(1, index + 1)
        return found

    # --- changing ---

    def set_flags(self, index: int, flags: frozenset[str], modseq: int) -> None:
        """The message at a position has other flags now."""
        self.flags[index] = flags
        self.modseqs[index] = modseq
        self._seen[index] = "\\Seen" in flags
        self._deleted[index] = "\\Deleted" in flags

    def set_size(self, index: int, size: int) -> None:
        """The size of the message at a position is known now."""
        self.unsized -= (self.sizes[index] == UNKNOWN_SIZE) - (size == UNKNOWN_SIZE)
        self.sizes[index] = size

    def remove(self, indices: Sequence[int]) -> None:
        """Take out the messages at ascending positions; neighbours go at once, in linear time as a whole."""
        if self.unsized:
            self.unsized -= sum(self.sizes[index] == UNKNOWN_SIZE for index in indices)
        runs = _runs(indices)
        for name in _ARRAYS:
            column = getattr(self, name)
            if len(runs) < 16:
                for start, stop in reversed(runs):
                    del column[start:stop]
            else:
                kept, after = column[:0], 0
                for start, stop in runs:
                    kept += column[after:start]
                    after = stop
                column[:] = kept + column[after:]


_COLUMNS = {"uid": "uids", "flags": "flags", "modseq": "modseqs", "size": "sizes"}
_ARRAYS = ("uids", "flags", "modseqs", "epochs", "zones", "sizes", "_seen", "_deleted")


def when(epoch: int, minutes: int) -> datetime:
    """An internal date from its two numbers."""
    try:
        return datetime.fromtimestamp(epoch, zone(minutes))
    except (ValueError, OverflowError):
        # at the ends of the calendar the zone may lead out of it
        return _EPOCH + timedelta(seconds=epoch)


def epoch_and_zone(date: datetime) -> tuple[int, int]:
    """The two numbers of an aware internal date."""
    offset = date.utcoffset()
    minutes = 0 if offset is None else (offset.days * 86400 + offset.seconds) // 60
    since = date - _EPOCH
    return since.days * 86400 + since.seconds, minutes


def _pick(column: Sequence[Any], where: slice | list[int]) -> Sequence[Any]:
    return column[where] if isinstance(where, slice) else [column[index] for index in where]


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending positions as (start, stop) ranges."""
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs
