"""Header fields: finding, unfolding and selecting them (RFC 5322 2.2; RFC 3501 6.4.5). Bytes in, bytes out.

A header is the octets from the first field up to and with the blank line, as `Part` gives it. A field goes on for as
long as lines begin with a space or tab; what is no field (a line without a colon, a mbox `From ` line) is stepped over.
Every pattern here is possessive: none can backtrack, whatever the mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

#: octets of one header that are looked at; the rest stays fetchable, only nothing is read from it
MAX_HEADER = 10_000_000
#: fields of one header that are looked at one by one: a real header has tens, a header made of `a:` has millions
MAX_FIELDS = 100_000

#: what follows the colon: the rest of the line and the lines that continue it
FIELD_VALUE = rb"([^\n]*+(?:\n[ \t][^\n]*+)*+)"
#: the line feed before a blank line, and that line
BLANK_LINE = re.compile(rb"\n\r?\n")
_LINE = re.compile(rb"(?:([!-9;-~]++)[ \t]*+:)?+" + FIELD_VALUE + rb"\n?")
# a parenthesis within quotes opens no comment (RFC 5322 3.2.2), nor does one within a word: `filename=report(1).pdf`
_QUOTED_OR_PAREN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|(?<![^\s;,])\(', re.S)
_PAREN = re.compile(rb"[()]|\\.", re.S)


def header_end(data: bytes) -> int:
    """Where the body of a message starts: after its first blank line, or at its end if it has none."""
    if data.startswith((b"\r\n", b"\n")):
        return data.index(b"\n") + 1
    blank = BLANK_LINE.search(data)
    return blank.end() if blank else len(data)


def header_fields(header: bytes) -> list[tuple[bytes, bytes]]:
    """All fields in order: the name as the mail has it, and the value still folded, without its last line break."""
    lines = islice(_LINE.finditer(header, 0, MAX_HEADER), MAX_FIELDS)
    return [(line[1], line[2].removesuffix(b"\r")) for line in lines if line[1]]


def get(header: bytes, name: bytes) -> bytes | None:
    """The unfolded value of the first field of that name in any case, or None."""
    wanted = name.lower()
    for field, value in header_fields(header):
        if field.lower() == wanted:
            return unfold(value)
    return None


class FieldFinder:
    """Finds the fields of certain names fast: made once for the names, used on every header."""

    def __init__(self, prefix: bytes, names: Iterable[bytes]) -> None:
        """Look for fields named `prefix` and one of `names`; what is found is told by the name without the prefix."""
        names = [prefix + name for name in names]
        initials = b"".join({name[:1].lower() + name[:1].upper() for name in names})
        alternatives = b"|".join(re.escape(name[len(prefix) :]) for name in names)
        field = b"(?=[%b])(?i:%b(%b))" % (initials, re.escape(prefix), alternatives) + rb"[ \t]*+:" + FIELD_VALUE
        self._first = re.compile(field)
        # a literal line feed in front lets the matcher jump from line to line, the initial lets it pass most by
        self._others = re.compile(b"\n" + field)

    def find(self, data: bytes, start: int, end: int, limit: int) -> dict[bytes, list[bytes]]:
        """The raw values of the header data[start:end] by lower-case name, of the first `limit` fields that match."""
        found: dict[bytes, list[bytes]] = {}
        end = min(end, start + MAX_HEADER)
        if first := self._first.match(data, start, end):
            found[first[1].lower()] = [first[2]]
            start = first.end()
        for match in islice(self._others.finditer(data, start, end), limit):
            name, value = match.groups()
            found.setdefault(name.lower(), []).append(value)
        return found


def unfold(value: bytes) -> bytes:
    """A field's value on one line (RFC 5322 2.2.3) without the white space around it."""
    if b"\n" in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return value.strip()


def select_fields(header: bytes, names: Iterable[bytes], exclude: bool = False) -> bytes:
    """HEADER.FIELDS, or HEADER.FIELDS.NOT if `exclude`: the lines as they stand in the mail, in its order.

    Names compare without case. The blank line is kept whatever is selected, and not made up where the mail has none
    (RFC 3501 6.4.5). Lines that are no field belong to none of the names. What lies beyond MAX_FIELDS does too.
    """
    wanted = {name.lower() for name in names}
    blank = _blank_line(header)
    end = len(header) - len(blank)
    kept = []
    position = 0
    for line in islice(_LINE.finditer(header, 0, end), MAX_FIELDS):
        position = line.end()
        if (line[1] is not None and line[1].lower() in wanted) != exclude:
            kept.append(line[0])
    if exclude:
        kept.append(header[position:end])
    return b"".join(kept) + blank


def _blank_line(header: bytes) -> bytes:
    """The line that ends the header, as it stands in the mail; empty where the message has none."""
    for blank in (b"\r\n", b"\n"):
        if header.endswith(b"\n" + blank) or header == blank:
            return blank
    return b""


def strip_comments(value: bytes) -> bytes:
    """A structured value with each comment replaced by a space (RFC 5322 3.2.2)."""
    if b"(" not in value:
        return value
    kept = []
    start = position = 0
    while match := _QUOTED_OR_PAREN.search(value, position):
        position = match.end()
        if match[0] == b"(":
            kept.append(value[start : match.start()])
            start = position = comment_end(value, match.start(), len(value))
    kept.append(value[start:])
    return b" ".join(kept)


def comment_end(value: bytes, start: int, limit: int) -> int:
    """Where the comment that opens at `start` is over; `limit` if it is not closed before. Comments nest."""
    depth = 0
    for match in _PAREN.finditer(value, start, limit):
        if match[0] == b"(":
            depth += 1
        elif match[0] == b")":
            depth -= 1
            if not depth:
                return match.end()
    return limit
