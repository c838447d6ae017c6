"""View: one session's frozen numbering of its selected mailbox, and the changes it has not been told.

Message numbers may change only where RFC 3501 7.4.1 allows it, so each session keeps its own: the mailbox's UIDs up
to the last one the client knows of, plus the expunged ones it has not been told about. Nothing is copied as long as
nothing is expunged; a number is found by bisection.

Ordering. `sync` folds the mailbox's journal in: it is called before numbers are used and before anything is told.
`told_…` methods return the lines to send and change what the client knows: send what they return.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from .flags import FLAG_FORMATS, RECENT_FORMATS
from .wire.sequence_set import SequenceSet

if TYPE_CHECKING:
    from .mailbox import Mailbox


#: lines of changed flags that are made before others get a turn
MAX_TOLD = 5000


class View:
    """What one client knows of its mailbox."""

    __slots__ = (
        "mailbox", "read_only", "modseq", "last_uid", "exists", "recents", "deleted", "wake",
        "_gone", "_dirty", "_merged", "_recent_told",
    )  # fmt: skip

    def __init__(self, mailbox: Mailbox, read_only: bool = False) -> None:
        self.mailbox = mailbox
        #: true after EXAMINE
        self.read_only = read_only
        column = mailbox.uid_column()
        #: everything up to this mod-sequence is folded in (a store may have waited for the column)
        self.modseq = mailbox.journal.highest
        #: the largest UID the client has been told of (by EXISTS)
        self.last_uid = column[-1] if len(column) else 0
        #: the number of messages the client has been told of
        self.exists = len(column)
        #: UIDs that are \\Recent in this session, as (first, end) ranges, ascending
        self.recents: list[tuple[int, int]] = []
        #: true once the mailbox was deleted under the session
        self.deleted = mailbox.deleted
        #: called when something changes; set while the session waits in IDLE
        self.wake: Callable[[], None] | None = None
        # expunged UIDs that the client still counts, ascending
        self._gone: list[int] = []
        # UIDs whose flags changed and the client does not know it
        self._dirty: set[int] = set()
        # all UIDs the client counts, while some of them are gone
        self._merged: array[int] | None = None
        self._claim_recent()
        self._recent_told = self.recent()
        mailbox.attach(self)

    def close(self) -> None:
        """The session leaves the mailbox: what only it could still read is dropped."""
        self.sync()
        self.mailbox.release(self._gone)
        self._gone = []
        self.wake = None
        self.mailbox.detach(self)

    def mailbox_deleted(self) -> None:
        """The mailbox was deleted by another session."""
        self.deleted = True
        if self.wake is not None:
            self.wake()

    # --- following the mailbox ---

    def sync(self) -> None:
        """Take in what happened to the mailbox; the client's numbers stay as they are."""
        if self.mailbox.journal.highest == self.modseq:
            return
        changes = self.mailbox.changes(self.modseq)
        self.modseq = self.mailbox.journal.highest
        if changes.expunged:
            self._merged = None
            # two sorted runs, mostly: sorting merges them
            self._gone.extend(changes.expunged)
            self._gone.sort()
            self._dirty.difference_update(changes.expunged)
        if changes.flags:
            self._dirty.update(self._known(changes.flags))
        self.mailbox.told()

    def _known(self, uids: Sequence[int]) -> Iterable[int]:
        """Those of `uids` that are in the mailbox and that the client counts.

        It learns the flags of a new message when it fetches them; and the flags of one that went may have been changed
        by a session that still counts it.
        """
        column = self.mailbox.uid_column()
        if len(uids) * 20 > len(column):
            return set(column[: bisect_right(column, self.last_uid)]).intersection(uids)
        return (uid for uid in uids if uid <= self.last_uid and self._is_here(uid))

    def _is_here(self, uid: int) -> bool:
        column = self.mailbox.uid_column()
        index = bisect_left(column, uid)
        return index < len(column) and column[index] == uid

    def has_changes(self) -> bool:
        """Whether there is something to tell."""
        self.sync()
        return bool(self._gone or self._dirty or self._has_new())

    def _has_new(self) -> bool:
        column = self.mailbox.uid_column()
        return len(column) > 0 and column[-1] > self.last_uid

    def forget_flags(self, uids: Sequence[int]) -> None:
        """The client knows the flags of these messages: it was just sent them, or set them itself."""
        self._dirty.difference_update(uids)

    def dirty(self) -> frozenset[int]:
        """UIDs whose changed flags the client has not been told."""
        return frozenset(self._dirty)

    # --- numbers ---

    def counts(self, uid: int) -> bool:
        """Whether the message has a number for the client."""
        self.sync()
        return uid <= self.last_uid and (uid in self._gone or self._is_here(uid))

    def number(self, uid: int) -> int:
        """The client's number of a message it counts."""
        return bisect_left(self.mailbox.uid_column(), uid) + bisect_left(self._gone, uid) + 1

    def uids(self) -> Sequence[int]:
        """All UIDs the client counts, in order of its numbers. Shared: read it at once, do not keep it."""
        self.sync()
        column = self.mailbox.uid_column()
        if not self._gone:
            return column if len(column) == self.exists else column[: self.exists]
        if self._merged is None or len(self._merged) != self.exists:
            visible = bisect_right(column, self.last_uid)
            gone = self._gone[: bisect_right(self._gone, self.last_uid)]
            # two sorted runs: sorting merges them in linear time
            self._merged = array("I", sorted([*column[:visible], *gone]))
        return self._merged

    def resolve(self, wanted: SequenceSet, by_uid: bool) -> tuple[Sequence[int], Sequence[int]]:
        """The messages of a set: their numbers and their UIDs, ascending. Numbers past the end are dropped."""
        uids = self.uids()
        slices = wanted.slices(uids if by_uid else range(1, len(uids) + 1))
        if len(slices) == 1:
            start, stop = slices[0]
            return range(start + 1, stop + 1), uids[start:stop]
        numbers = [number for start, stop in slices for number in range(start + 1, stop + 1)]
        return numbers, [uid for start, stop in slices for uid in uids[start:stop]]

    # --- \Recent (RFC 3501 2.3.2) ---

    def _claim_recent(self) -> None:
        mailbox = self.mailbox
        if self.read_only or mailbox.read_only():
            # EXAMINE sees \Recent and leaves it to others (RFC 3501 6.3.2)
            count = mailbox.recent()
            if count:
                column = mailbox.uid_column()
                self._add_recent(column[len(column) - count], mailbox.uidnext())
            return
        self._add_recent(*mailbox.claim_recent())

    def _add_recent(self, first: int, end: int) -> None:
        if self.recents and first <= self.recents[-1][1]:
            first = max(first, self.recents[-1][0])
            self.recents[-1] = (self.recents[-1][0], max(end, self.recents[-1][1]))
        elif first < end:
            self.recents.append((first, end))

    def is_recent(self, uid: int) -> bool:
        """Whether the message is \\Recent in this session."""
        index = bisect_right(self.recents, (uid, 1 << 33)) - 1
        return index >= 0 and uid < self.recents[index][1]

    def recent(self) -> int:
        """How many of the messages the client counts are \\Recent: the number of the RECENT response."""
        column = self.mailbox.uid_column()
        end_of_known = bisect_right(column, self.last_uid)
        count = 0
        for first, end in self.recents:
            count += max(0, min(bisect_left(column, end), end_of_known) - bisect_left(column, first))
            if self._gone:
                count += bisect_left(self._gone, end) - bisect_left(self._gone, first)
        return count

    def format_flags(self, uids: Sequence[int], flags: Sequence[frozenset[str]]) -> Sequence[bytes]:
        """Flag sets as they stand between the parentheses of FLAGS, \\Recent among them; `uids` ascend."""
        formats = list(map(FLAG_FORMATS.__getitem__, flags))
        for first, end in self.recents:
            start, stop = bisect_left(uids, first), bisect_left(uids, end)
            formats[start:stop] = map(RECENT_FORMATS.__getitem__, flags[start:stop])
        return formats

    # --- telling ---

    def told_flags(self, with_uid: bool = False) -> list[bytes]:
        """Untagged FETCH lines for changed flags, MAX_TOLD at most; with the UID, as a UID command needs it
        (RFC 3501 6.4.8)."""
        if not self._dirty:
            return []
        uids = sorted(islice(self._dirty, MAX_TOLD))
        self._dirty.difference_update(uids)
        (flags,) = self.mailbox.columns(uids, ["flags"])
        return [
            b"* %d FETCH (%bFLAGS (%b))\r\n" % (self.number(uid), b"UID %d " % uid if with_uid else b"", text)
            for uid, text in zip(uids, self.format_flags(uids, flags), strict=True)
        ]

    def told_expunged(self) -> list[bytes]:
        """Untagged EXPUNGE lines; an EXISTS first where a message goes that the client has not heard of."""
        if not self._gone:
            return []
        lines = self.told_exists() if self._gone[-1] > self.last_uid else []
        gone, self._gone, self._merged = self._gone, [], None
        # ascending: each number already counts without those before it
        lines += [b"* %d EXPUNGE\r\n" % self.number(uid) for uid in gone]
        self.exists -= len(gone)
        self.mailbox.release(gone)
        # EXPUNGE lowers the count of recent messages without a RECENT response (RFC 3501 7.4.1 speaks of EXISTS alone)
        self._recent_told = self.recent()
        return lines

    def told_exists(self) -> list[bytes]:
        """EXISTS and RECENT, where new messages came. Never repeats or lowers the number (RFC 3501 7.3.1)."""
        column = self.mailbox.uid_column()
        exists = len(column) + len(self._gone)
        if exists <= self.exists:
            return []
        self.exists = exists
        self.last_uid = max(column[-1] if len(column) else 0, self._gone[-1] if self._gone else 0, self.last_uid)
        self._merged = None
        self._claim_recent()
        lines = [b"* %d EXISTS\r\n" % exists]
        recent = self.recent()
        if recent != self._recent_told:
            self._recent_told = recent
            lines.append(b"* %d RECENT\r\n" % recent)
        return lines
