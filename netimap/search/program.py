"""Program: a compiled search, and running it. Memory stays flat: a chunk of columns and one message at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress

from ..exceptions import No
from ..wire.sequence_set import STAR, SequenceSet
from .chunk import Chunk, SearchedView, Target, selectors
from .node import And, Cost, Everything, Node, SetKey, all_of
from .text import MessageText

#: messages whose columns are looked at before others get a turn: enough to be fast, little enough to be short
CHUNK = 500

_ALL = SetKey(SequenceSet([(1, STAR)]), by_uid=False)


class Program:
    """What one search asks for; made by `compile_search`, runs as often as one likes."""

    __slots__ = ("tree", "cost", "columns", "_scope", "_rest")

    def __init__(self, tree: Node) -> None:
        #: the keys, see netimap.search.node
        self.tree = tree
        #: what the dearest key reads
        self.cost = tree.cost
        #: the columns that may be read, see `Mailbox.columns`
        self.columns = tuple(sorted(tree.columns))
        # `UID 5:9 UNSEEN` looks at those five alone, whatever the size of the mailbox
        keys = tree.children if isinstance(tree, And) else [tree]
        self._scope = next((key for key in keys if isinstance(key, SetKey)), _ALL)
        self._rest = all_of(*(key for key in keys if key is not self._scope))

    def run(self, view: SearchedView, cede: Callable[[], None]) -> tuple[Sequence[int], Sequence[int]]:
        """The messages that match: their numbers in the session's view and their UIDs, ascending.

        `cede` is called again and again to give others a turn. Messages that come meanwhile do not count; one that
        vanishes does not match. A mailbox that can search by itself has a method `search(program, view)`, which
        returns the same, or None for a program that it leaves to this one.
        """
        own_search = getattr(view.mailbox, "search", None)
        found = own_search(self, view) if own_search is not None else None
        return self._run(view, cede) if found is None else found

    def _run(self, view: SearchedView, cede: Callable[[], None]) -> tuple[Sequence[int], Sequence[int]]:
        numbers, uids = view.resolve(self._scope.wanted, self._scope.by_uid)
        if isinstance(self._rest, Everything):
            return numbers, uids
        target = Target(view, cede)
        found_numbers: list[int] = []
        found_uids: list[int] = []
        for start in range(0, len(uids), CHUNK):
            cede()
            chunk = Chunk(target, numbers[start : start + CHUNK], uids[start : start + CHUNK])
            matching = self._matching(chunk)
            if any(matching):
                found_numbers += compress(chunk.numbers, matching)
                found_uids += compress(chunk.uids, matching)
        return found_numbers, found_uids

    def _matching(self, chunk: Chunk) -> bytearray:
        """Which messages of a chunk match, one octet for each: by columns, then by text where that leaves it open."""
        sure, possible = self._rest.bounds(chunk)
        length = len(chunk.uids)
        matching = bytearray(selectors(sure, length))
        if sure != possible:
            # a header by itself is read where a class has it apart; else the octets would be read twice
            by_header = self.cost < Cost.BODY or chunk.target.mailbox.overrides("mime_header")
            for index in compress(range(length), selectors(sure ^ possible, length)):
                matching[index] = self._matches(chunk, index, by_header)
        return matching

    def _matches(self, chunk: Chunk, index: int, by_header: bool) -> bool:
        """Whether one message matches, by its text."""
        message = chunk.target.mailbox.message(chunk.uids[index])
        if message is None:
            return False
        try:
            sure, _ = self._rest.bounds(chunk.one(index, MessageText(message, by_header, chunk.target.cede)))
        except No as error:
            # RFC 5530: the message is gone, only this session has not been told
            if error.code != "EXPUNGEISSUED":
                raise
            return False
        return bool(sure)
