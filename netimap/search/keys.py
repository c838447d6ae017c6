"""The search keys of RFC 3501 6.4.4: one table, to which an extension adds its own.

A key is its name, what it takes, and what makes a node of that. Numbers and parentheses, which have no name, are the
compiler's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any, NamedTuple

from .. import mime
from ..wire.sequence_set import SequenceSet
from . import arguments as take
from .arguments import Arguments
from .node import ColumnKey, Cost, Everything, Node, RecentKey, SetKey, TextKey, all_of, any_of, none_of
from .text import MessageText, Reading, addresses, decoded, undecoded


class Key(NamedTuple):
    """One search key. `make` is called with the values that `arguments` took, or with the nodes of its operands."""

    make: Callable[..., Node]
    #: each takes what it needs from what follows the key, see netimap.search.arguments
    arguments: tuple[Callable[[Arguments], Any], ...] = ()
    #: how many search keys it takes as its arguments; then it has no others
    operands: int = 0
    #: whether one as an operand of another is the same as one with more operands (OR a OR b c)
    joins: bool = False


class _FlagTest(dict[frozenset[str], bool]):
    """flag set → whether it has (or, `wanted` false, lacks) a flag. Few distinct sets cover a mailbox: each is looked
    at once, without case (RFC 3501 2.3.2 and 9: atoms of flags are case-insensitive)."""

    def __init__(self, flag: str, wanted: bool) -> None:
        super().__init__()
        self.flag = flag.lower()
        self.wanted = wanted

    def __missing__(self, flags: frozenset[str]) -> bool:
        verdict = self[flags] = (self.flag in map(str.lower, flags)) == self.wanted
        return verdict


def flag(name: str, wanted: bool) -> Node:
    """Messages that have the flag, or that do not."""
    return ColumnKey("flags", _FlagTest(name, wanted).__getitem__, Cost.FLAGS)


def size(compare: Callable[[int, int], bool], octets: int) -> Node:
    """Messages for which compare(octets, size) holds."""
    return ColumnKey("size", partial(compare, octets))


def internal_date(compare: Callable[[date, date], bool], day: date) -> Node:
    """Messages for which compare(internal date, day) holds: the date as it was given, time and zone disregarded."""

    def test(when: datetime) -> bool:
        return compare(when.date(), day)

    return ColumnKey("internaldate", test)


def sent_date(compare: Callable[[date, date], bool], day: date) -> Node:
    """The same with the Date field. A message without one has been sent neither before nor since."""

    def test(text: MessageText) -> bool:
        sent = text.sent_date()
        return sent is not None and compare(sent, day)

    return TextKey(Cost.HEADER, test)


def fields(*readings: Reading, name: bytes, wanted: str) -> Node:
    """Messages with the text in a field of that name, read in one of these ways; "" asks whether there is one."""
    needle = mime.fold(wanted)

    def test(text: MessageText) -> bool:
        return any(needle in value for reading in readings for value in text.values(name, reading))

    return TextKey(Cost.HEADER, test)


def subject(wanted: str) -> Node:
    """Messages with the text in the decoded subject."""
    return fields(decoded, name=b"subject", wanted=wanted)


def address(name: bytes, wanted: str) -> Node:
    """Messages with the text in an address field, or in one of its addresses as ENVELOPE has them."""
    return fields(decoded, addresses, name=name, wanted=wanted)


def header(name: bytes, wanted: str) -> Node:
    """Messages with the text in the named field, be it decoded or as it stands in the mail."""
    return fields(decoded, undecoded, name=name, wanted=wanted)


def body(wanted: str) -> Node:
    """Messages with the text in one of the text parts, transfer encoding and charset decoded."""
    if not wanted:
        return Everything()
    needle = mime.fold(wanted)
    octets = needle.encode() if needle.isascii() else None

    def test(text: MessageText) -> bool:
        if octets is not None and text.is_plain_without(octets):
            return False
        return any(needle in part for part in text.bodies())

    return TextKey(Cost.BODY, test)


def any_text(wanted: str) -> Node:
    """Messages with the text in a header or a text part."""
    if not wanted:
        return Everything()
    needle = mime.fold(wanted)

    def test(text: MessageText) -> bool:
        return any(needle in lines for lines in text.headers()) or any(needle in part for part in text.bodies())

    return TextKey(Cost.BODY, test)


def numbers(wanted: SequenceSet) -> Node:
    """Messages by number; also in UID SEARCH (RFC 3501 6.4.8)."""
    return SetKey(wanted, by_uid=False)


def uids(wanted: SequenceSet) -> Node:
    """Messages by UID."""
    return SetKey(wanted, by_uid=True)


def new() -> Node:
    """NEW is RECENT UNSEEN (RFC 3501 6.4.4)."""
    return all_of(RecentKey(), flag("\\Seen", False))


def old() -> Node:
    """OLD is NOT RECENT (RFC 3501 6.4.4)."""
    return none_of(RecentKey())


KEYS: dict[str, Key] = {
    "ALL": Key(Everything),
    "NEW": Key(new),
    "OLD": Key(old),
    "RECENT": Key(RecentKey),
    "UID": Key(uids, (take.sequence_set,)),
    "KEYWORD": Key(partial(flag, wanted=True), (take.keyword,)),
    "UNKEYWORD": Key(partial(flag, wanted=False), (take.keyword,)),
    "LARGER": Key(partial(size, operator.lt), (take.number,)),
    "SMALLER": Key(partial(size, operator.gt), (take.number,)),
    "BEFORE": Key(partial(internal_date, operator.lt), (take.day,)),
    "ON": Key(partial(internal_date, operator.eq), (take.day,)),
    "SINCE": Key(partial(internal_date, operator.ge), (take.day,)),
    "SENTBEFORE": Key(partial(sent_date, operator.lt), (take.day,)),
    "SENTON": Key(partial(sent_date, operator.eq), (take.day,)),
    "SENTSINCE": Key(partial(sent_date, operator.ge), (take.day,)),
    "BCC": Key(partial(address, b"bcc"), (take.string,)),
    "CC": Key(partial(address, b"cc"), (take.string,)),
    "FROM": Key(partial(address, b"from"), (take.string,)),
    "TO": Key(partial(address, b"to"), (take.string,)),
    "SUBJECT": Key(subject, (take.string,)),
    "HEADER": Key(header, (take.field_name, take.string)),
    "BODY": Key(body, (take.string,)),
    "TEXT": Key(any_text, (take.string,)),
    "NOT": Key(none_of, operands=1),
    "OR": Key(any_of, operands=2, joins=True),
}
for _flag in ("Answered", "Deleted", "Draft", "Flagged", "Seen"):
    KEYS[_flag.upper()] = Key(partial(flag, f"\\{_flag}", wanted=True))
    KEYS[f"UN{_flag.upper()}"] = Key(partial(flag, f"\\{_flag}", wanted=False))
