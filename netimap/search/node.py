"""The tree that search keys compile to, and how it is evaluated: over a whole chunk at once, in three values.

A node says of a chunk which messages match for sure and which possibly do (`bounds`). As long as no text is at hand, a
key that needs one answers "none for sure, all possibly"; AND, OR and NOT carry that through. So the cheap keys decide
what they can over whole columns, and a text is read only for the messages between the two masks. With the text of a
single message the same tree decides it.

The children of AND and OR are in order of cost and evaluated only as long as something is open.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from ..wire.sequence_set import SequenceSet
from .chunk import Chunk, Mask, mask_of, mask_of_ranges
from .text import MessageText


class Cost(IntEnum):
    """What deciding a key costs: cheap ones are asked first."""

    #: numbers and UIDs: nothing is read
    RANGES = 0
    FLAGS = 1
    #: another column: sizes, dates
    COLUMN = 2
    #: the header of each message
    HEADER = 3
    #: all of each message
    BODY = 4


class Node(ABC):
    """A search key, or several combined."""

    #: the dearest key in it
    cost: Cost = Cost.RANGES
    #: how many AND, OR and NOT are in one another
    depth: int = 0
    #: the columns it may ask for
    columns: frozenset[str] = frozenset()

    @abstractmethod
    def bounds(self, chunk: Chunk) -> tuple[Mask, Mask]:
        """The messages that match for sure, and those that possibly do. The same once all it needs is at hand."""


class Everything(Node):
    """ALL."""

    def bounds(self, chunk: Chunk) -> tuple[Mask, Mask]:
        return chunk.all, chunk.all


class SetKey(Node):
    """Messages whose number, or UID, is in a sequence set."""

    def __init__(self, wanted: SequenceSet, by_uid: bool) -> None:
        self.wanted = wanted
        self.by_uid = by_uid

    def bounds(self, chunk: Chunk) -> tuple[Mask, Mask]:
        values = chunk.uids if self.by_uid else chunk.numbers
        mask = mask_of_ranges(values, chunk.target.ranges(self.wanted, self.by_uid))
        return mask, mask


class RecentKey(Node):
    """Messages that are \\Recent in the session."""

    def bounds(self, chunk: Chunk) -> tuple[Mask, Mask]:
        mask = mask_of_ranges(chunk.uids, chunk.target.recents)
        return mask, mask


class ColumnKey(Node):
    """Messages whose value in one column of `Mailbox.columns` passes a test."""

    def __init__(self, column: str, test: Callable[[Any], bool], cost: Cost = Cost.COLUMN) -> None:
        self.column = column
        self.test = test
        self.cost = cost
        self.columns = frozenset({column})

    def bounds(self, chunk: Chunk) -> tuple[Mask, Mask]:
        # a thousand keys may look at the chunk
        chunk.target.cede()
        mask = mask_of(map(self.test, chunk.column(self.column)))
        return mask, mask


class TextKey(Node):
    """Messages whose header or body passes a test; `cost` says which."""

    def __init__(self, cost: Cost, test: Callable[[MessageText], bool]) -> None:
        self.cost = cost
        self.test = test

    def bounds(self, chunk: Chunk) -> tuple[Mask, Mask]:
        if chunk.text is None:
            return 0, chunk.all
        # or at a large text
        chunk.target.cede()
        mask = chunk.all if self.test(chunk.text) else 0
        return mask, mask


class Combined(Node):
    """Several nodes: And or Or."""

    children: list[Node]

    def __init__(self, nodes: Iterable[Node]) -> None:
        flat: list[Node] = []
        for node in nodes:
            flat += node.children if isinstance(node, type(self)) else [node]
        self.children = sorted(flat, key=lambda node: node.cost)
        self.cost = self.children[-1].cost
        self.depth = 1 + max(node.depth for node in flat)
        self.columns = frozenset().union(*(node.columns for node in flat))


class And(Combined):
    """Messages that match all children."""

    def bounds(self, chunk: Chunk) -> tuple[Mask, Mask]:
        sure = possible = chunk.all
        for child in self.children:
            child_sure, child_possible = child.bounds(chunk)
            sure &= child_sure
            possible &= child_possible
            if not possible:
                break
        return sure, possible


class Or(Combined):
    """Messages that match at least one child."""

    def bounds(self, chunk: Chunk) -> tuple[Mask, Mask]:
        sure = possible = 0
        for child in self.children:
            child_sure, child_possible = child.bounds(chunk)
            sure |= child_sure
            possible |= child_possible
            if sure == chunk.all:
                break
        return sure, possible


class Not(Node):
    """Messages that do not match the child."""

    def __init__(self, child: Node) -> None:
        self.child = child
        self.cost = child.cost
        self.depth = 1 + child.depth
        self.columns = child.columns

    def bounds(self, chunk: Chunk) -> tuple[Mask, Mask]:
        sure, possible = self.child.bounds(chunk)
        return chunk.all ^ possible, chunk.all ^ sure


def all_of(*nodes: Node) -> Node:
    """AND, as simple as it can be."""
    needed = [node for node in nodes if not isinstance(node, Everything)]
    if len(needed) < 2:
        return needed[0] if needed else Everything()
    return And(needed)


def any_of(*nodes: Node) -> Node:
    """OR."""
    return Or(nodes)


def none_of(node: Node) -> Node:
    """NOT; two of them cancel out."""
    return node.child if isinstance(node, Not) else Not(node)
