"""What happened to a mailbox, in order of mod-sequence: the one source for what sessions are told.

Every change (a new message, changed flags, an expunge) has a mod-sequence, larger than all before it. A session
remembers up to which one it has been told and asks for what came after. Only changes that some open session still
has to hear are kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple


class Change(IntEnum):
    """What a journal entry says about a UID."""

    NEW = 1
    FLAGS = 2
    EXPUNGED = 3


class Changes(NamedTuple):
    """What came after a mod-sequence: UIDs, each list in the order of events."""

    new: list[int]
    flags: list[int]
    expunged: list[int]


class Journal:
    """The changes of one mailbox since its oldest session that has not caught up."""

    __slots__ = ("highest", "_modseqs", "_uids", "_kinds")

    def __init__(self, highest: int = 1) -> None:
        #: the mod-sequence of the last change (RFC 7162: HIGHESTMODSEQ; never 0)
        self.highest = highest
        self._modseqs: list[int] = []
        self._uids: list[int] = []
        self._kinds: list[Change] = []

    def note(self, kind: Change, uids: Iterable[int], keep: bool = True) -> int:
        """A change of all `uids` at once; returns its mod-sequence. `keep=False`: nobody is there to be told."""
        self.highest += 1
        if keep:
            before = len(self._uids)
            self._uids.extend(uids)
            added = len(self._uids) - before
            self._modseqs.extend([self.highest] * added)
            self._kinds.extend([kind] * added)
        return self.highest

    def since(self, modseq: int) -> Changes:
        """What came after `modseq`."""
        changes = Changes([], [], [])
        lists = {Change.NEW: changes.new, Change.FLAGS: changes.flags, Change.EXPUNGED: changes.expunged}
        for index in range(bisect_right(self._modseqs, modseq), len(self._modseqs)):
            lists[self._kinds[index]].append(self._uids[index])
        return changes

    def others(self, modseq: int, own: range) -> set[int]:
        """The UIDs whose flags changed after `modseq`, the changes with the mod-sequences in `own` left out."""
        start = bisect_right(self._modseqs, modseq)
        entries = zip(self._modseqs[start:], self._uids[start:], self._kinds[start:], strict=True)
        return {uid for changed, uid, kind in entries if kind is Change.FLAGS and changed not in own}

    def forget(self, modseq: int) -> None:
        """Drop what came up to `modseq`: everybody knows it."""
        if not self._modseqs or self._modseqs[0] > modseq:
            return
        stop = bisect_right(self._modseqs, modseq)
        del self._modseqs[:stop], self._uids[:stop], self._kinds[:stop]

    def __len__(self) -> int:
        return len(self._uids)
