"""Tokens → Program. A stack, no recursion: how deep keys are nested is up to the client.

A AND B: side by side · NOT A, OR A B: a key that takes keys · ( A B ): a group
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import Bad
from ..wire import arguments as wire
from .arguments import Arguments
from .charset import DEFAULT_CHARSET
from .keys import KEYS, Key, numbers
from .node import Node, all_of
from .program import Program

#: search keys in one command: a client that joins an address book with OR has some hundreds. Each may cost a look at
#: every message.
MAX_KEYS = 2000
#: AND, OR and NOT in one another, after `OR a OR b c` and `NOT NOT a` became one; the tree is evaluated recursively
MAX_DEPTH = 100


def compile_search(tokens: Sequence[Any], charset: str = DEFAULT_CHARSET, keys: Mapping[str, Key] = KEYS) -> Program:
    """The program of one or more search keys (RFC 3501 6.4.4), without a CHARSET in front (see `split_charset`).

    `charset` is what their strings are in, `keys` the keys there are, extensions' ones too. Raises Bad.
    """
    stack = [_Frame(None, Arguments(tokens, charset))]
    count = 0
    while True:
        frame = stack[-1]
        if frame.is_complete():
            node = stack.pop().node()
            if not stack:
                return Program(node)
            stack[-1].nodes.append(node)
            continue
        count += 1
        if count > MAX_KEYS:
            raise Bad(f"More than {MAX_KEYS} search keys", "LIMIT")
        inner = frame.read_key(keys)
        if inner is not None:
            stack.append(inner)


class _Frame:
    """Something that takes search keys and is not complete yet: a key (NOT, OR), or a group without one."""

    __slots__ = ("key", "arguments", "nodes", "operands")

    def __init__(self, key: Key | None, arguments: Arguments) -> None:
        self.key = key
        # an operator reads on where the group it stands in is
        self.arguments = arguments
        self.nodes: list[Node] = []
        self.operands = 0 if key is None else key.operands

    def is_complete(self) -> bool:
        if self.key is not None:
            return len(self.nodes) == self.operands
        return self.arguments.at_end() and bool(self.nodes)

    def node(self) -> Node:
        node = all_of(*self.nodes) if self.key is None else self.key.make(*self.nodes)
        if node.depth > MAX_DEPTH:
            raise Bad(f"Search keys are nested more than {MAX_DEPTH} deep", "LIMIT")
        return node

    def read_key(self, keys: Mapping[str, Key]) -> _Frame | None:
        """Take one search key: add its node, or return the frame of one that takes keys itself."""
        if self.arguments.at_end():
            raise Bad("A search key is missing")
        token = self.arguments.take()
        if isinstance(token, list):
            return _Frame(None, Arguments(token, self.arguments.charset))
        if not isinstance(token, str):
            raise Bad("A search key is expected here, not a string")
        key = keys.get(token.upper()) if token.isascii() else None
        if key is None:
            self.nodes.append(_numbers(token))
        elif not key.operands:
            self.nodes.append(key.make(*[argument(self.arguments) for argument in key.arguments]))
        elif key is self.key and key.joins:
            # OR a OR b c: one OR of three
            self.operands += key.operands - 1
        else:
            return _Frame(key, self.arguments)
        return None


def _numbers(token: str) -> Node:
    if token[:1] != "*" and not token[:1].isdecimal():
        raise Bad(f"Unknown search key {ascii(token[:40])}")
    return numbers(wire.sequence_set(token))
