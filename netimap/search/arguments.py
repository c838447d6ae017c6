"""The arguments of search keys: a function a grammar rule, each takes what it needs from the rest of the command.

Each raises Bad with what it expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from ..exceptions import Bad
from ..wire import arguments as wire
from ..wire.sequence_set import SequenceSet
from .charset import decode


class Arguments:
    """The tokens of a search, or of one pair of parentheses in it, that have not been taken yet."""

    __slots__ = ("charset", "_tokens", "_position")

    def __init__(self, tokens: Sequence[Any], charset: str) -> None:
        #: what strings are in: a name of netimap.search.charset
        self.charset = charset
        self._tokens = tokens
        self._position = 0

    def at_end(self) -> bool:
        """Whether all tokens are taken."""
        return self._position == len(self._tokens)

    def peek(self) -> Any:
        """The next token, or None at the end; it is not taken."""
        return None if self.at_end() else self._tokens[self._position]

    def take(self) -> Any:
        """Take the next token. Raises Bad at the end."""
        if self.at_end():
            raise Bad("The search ends too early")
        self._position += 1
        return self._tokens[self._position - 1]


def string(arguments: Arguments) -> str:
    """An astring in the charset of the search."""
    return decode(wire.astring(arguments.take()), arguments.charset)


def field_name(arguments: Arguments) -> bytes:
    """The name of a header field, in lower case."""
    return wire.astring(arguments.take()).lower()


def keyword(arguments: Arguments) -> str:
    """The name of a keyword: an atom, so no system flag (RFC 3501 9: flag-keyword)."""
    return wire.atom(arguments.take())


def number(arguments: Arguments) -> int:
    """An unsigned 32-bit number."""
    return wire.number(arguments.take())


def day(arguments: Arguments) -> date:
    """A date, quoted or not."""
    return wire.day(arguments.take())


def sequence_set(arguments: Arguments) -> SequenceSet:
    """A set of numbers or UIDs."""
    return wire.sequence_set(arguments.take())
