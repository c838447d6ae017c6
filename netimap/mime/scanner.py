"""scan: a message → its tree of parts, in one pass over its octets (RFC 2045, RFC 2046).

The scanner goes from delimiter line to delimiter line with bytes.find; what lies between is not looked at. It keeps a
stack of the open parts instead of recursing. Nothing makes it raise: broken mail gives the tree that loses least.

- No boundary, or a Content-Type that cannot be read: text/plain (RFC 2045 5.2).
- A multipart in which its delimiter never occurs has one text/plain part that spans its body, so that it can be read.
- A delimiter line of an outer multipart ends all that is open within; the end of the message ends everything.
- A delimiter line is the boundary and nothing else but `--` and white space: `--abcdef` is none of boundary `abc`.
- The header ends at the first blank line, or at a delimiter line before it, and at nothing else. But a body part whose
  first line is no field has no header: its mailer forgot the blank line, and its text is to be seen.
- An encapsulated message in base64 (which RFC 2046 5.2.1 forbids) is application/octet-stream: clients can save that.
- A multipart or message beyond MAX_DEPTH is a leaf, application/octet-stream. So is the part with which a message
  reaches MAX_PARTS or MAX_PART_OCTETS, and it spans the rest of the message.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .content import MESSAGE_RFC822, TEXT_PLAIN, read_content_fields, set_type
from .header import BLANK_LINE, header_end
from .part import Part

#: multiparts and messages within each other; 20 is unheard of in real mail
MAX_DEPTH = 100
#: parts in a message; a long digest has hundreds
MAX_PARTS = 10_000
#: a boundary may have 70 octets (RFC 2046 5.1.1); mailers that do not know stay below the longest line of RFC 5322
MAX_BOUNDARY = 998
#: octets of Content-… values that are taken apart in one message: bounds the time that thousands of odd headers take
MAX_PART_OCTETS = 2_000_000
#: lines that begin like a delimiter and are none, as in an SQL dump: each costs a look-up; then no more are sought
MAX_FALSE_DELIMITERS = 250_000

_HEADER_LINE = re.compile(rb"[!-9;-~]++[ \t]*+:|\r?\n")
_OCTET_STREAM = (b"application", b"octet-stream")
_ENCAPSULATED = frozenset({b"message/rfc822", b"message/global"})


def scan(data: bytes) -> Part:
    """The tree of parts of a whole message. Lines may end in CRLF or LF; a lone CR ends no line. Never raises."""
    return _Scanner(data).run()


class _Scanner:
    """One scan: `stack` holds the open parts, from the message inwards; `boundaries` what ends them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.stack: list[Part] = []
        self.boundaries = _Boundaries()
        self.lines = _LineCounter(data)
        #: start and end of a blank line; the next is sought when this one is passed
        self.blank = (-1, -1)
        self.parts = 0
        self.octets = 0
        self.false_delimiters = 0

    def run(self) -> Part:
        """Go through the message once."""
        root = self.begin(0, TEXT_PLAIN)
        position = self.stack[-1].header_end
        while not self.is_exhausted() and (delimiter := self.next_delimiter(position, len(self.data))):
            start, position, level, closing = delimiter
            self.end_parts(level + 1, self.before_line_break(start))
            if closing:
                self.boundaries.close(level)
                continue
            parent = self.stack[level]
            default = MESSAGE_RFC822 if parent.content_type == b"multipart/digest" else TEXT_PLAIN
            parent.children.append(self.begin(position, default))
            position = self.stack[-1].header_end
        self.end_parts(0, len(self.data))
        return root

    def is_exhausted(self) -> bool:
        """Whether the message used up what it may: the last part that was begun takes the rest."""
        return self.parts >= MAX_PARTS or self.octets >= MAX_PART_OCTETS

    def begin(self, start: int, default: tuple[bytes, bytes]) -> Part:
        """Begin the part whose header starts there, and the message within if it is one, and so on inwards."""
        first = part = self.begin_part(start, default, is_message=not self.stack)
        while part.content_type in _ENCAPSULATED:
            self.lines.open(part.header_end)
            part.message = self.begin_part(part.header_end, TEXT_PLAIN, is_message=True)
            part = part.message
        return first

    def begin_part(self, start: int, default: tuple[bytes, bytes], is_message: bool) -> Part:
        """Read the header of one part and put it on the stack; make a leaf of what cannot or may not be looked into."""
        end = self.header_end(start) if is_message or _HEADER_LINE.match(self.data, start) else start
        part = Part(start, end, end)
        self.parts += 1
        self.octets += read_content_fields(part, self.data, default)
        boundary = self.usable_boundary(part) if part.is_multipart else None
        if self.is_exhausted() or self.is_sealed(part):
            set_type(part, *_OCTET_STREAM)
        elif boundary is not None:
            self.boundaries.open(len(self.stack), boundary)
        self.stack.append(part)
        return part

    def usable_boundary(self, part: Part) -> bytes | None:
        """The boundary of a multipart. One that has none becomes plain text."""
        boundary = (part.param(b"boundary") or b"").rstrip()
        if 0 < len(boundary) <= MAX_BOUNDARY:
            return boundary
        set_type(part, *TEXT_PLAIN)
        return None

    def is_sealed(self, part: Part) -> bool:
        """Whether it is a message in base64, or a multipart or message that lies too deep."""
        if part.content_type in _ENCAPSULATED:
            return len(self.stack) >= MAX_DEPTH or part.encoding.lower() == b"base64"
        return len(self.stack) >= MAX_DEPTH and part.is_multipart

    def header_end(self, start: int) -> int:
        """Where the body starts of the part whose header starts there."""
        end = self.blank_line_end(start)
        delimiter = self.next_delimiter(start, end)
        return delimiter[0] if delimiter else end

    def blank_line_end(self, start: int) -> int:
        """Where the first blank line at or after `start` (a start of a line) ends; without one, the message's end."""
        if start == 0:
            return header_end(self.data)
        # the blank line may be the first: then the line feed that the pattern wants is the one before it
        if self.blank[0] < start - 1:
            found = BLANK_LINE.search(self.data, start - 1)
            self.blank = found.span() if found else (len(self.data), len(self.data))
        return self.blank[1]

    def next_delimiter(self, position: int, limit: int) -> tuple[int, int, int, bool] | None:
        """The next delimiter line of an open multipart, from the start of a line on: start, end, its level, closing."""
        data, boundaries = self.data, self.boundaries
        if not boundaries.levels or self.false_delimiters > MAX_FALSE_DELIMITERS:
            return None
        found = data.find(boundaries.needle, position - 1, limit)
        while found >= 0:
            end = data.find(b"\n", found + 1)
            if end < 0:
                end = len(data)
            line = data[found + 3 : end].rstrip()
            level = boundaries.levels.get(line)
            if level is not None:
                return found + 1, min(end + 1, len(data)), level, False
            level = boundaries.levels.get(line[:-2]) if line.endswith(b"--") else None
            if level is not None:
                return found + 1, min(end + 1, len(data)), level, True
            self.false_delimiters += 1
            if self.false_delimiters > MAX_FALSE_DELIMITERS:
                return None
            found = data.find(boundaries.needle, end, limit)
        return None

    def before_line_break(self, position: int) -> int:
        """The line break before a delimiter line belongs to it, not to the part (RFC 2046 5.1.1)."""
        return position - 2 if self.data.endswith(b"\r\n", 0, position) else position - 1

    def end_parts(self, level: int, end: int) -> None:
        """End all open parts from `level` of the stack inwards."""
        if len(self.stack) > level:
            # a delimiter line straight after the header: the line break is the header's
            end = max(end, self.stack[-1].header_end)
        while len(self.stack) > level:
            part = self.stack.pop()
            part.body_end = end
            if part.message is not None:
                part.lines = self.lines.close(end)
            elif part.is_multipart:
                unused = self.boundaries.close(len(self.stack))
                if not part.children:
                    part.children.append(self.filler(part.header_end if unused else end, end))
            elif part.is_text:
                part.lines = self.data.count(b"\n", part.header_end, end)

    def filler(self, start: int, end: int) -> Part:
        """The one part of a multipart that has none: RFC 3501 9 body-type-mpart wants at least one."""
        part = Part(start, start, end, lines=self.data.count(b"\n", start, end))
        set_type(part, *TEXT_PLAIN)
        return part


class _Boundaries:
    """The boundaries of the open multiparts. The same boundary twice means the inner multipart."""

    def __init__(self) -> None:
        #: boundary → level (index in the stack) of the innermost multipart with it
        self.levels: dict[bytes, int] = {}
        #: what all delimiter lines begin with, the line feed before included: what to look for
        self.needle = b""
        #: level → its boundary, and the level that an outer multipart with the same boundary has
        self._open: dict[int, tuple[bytes, int | None]] = {}

    def open(self, level: int, boundary: bytes) -> None:
        """A multipart begins."""
        self._open[level] = boundary, self.levels.get(boundary)
        self.levels[boundary] = level
        self._set_needle()

    def close(self, level: int) -> bool:
        """A multipart ends, by its closing delimiter or otherwise; False if it had before."""
        if level not in self._open:
            return False
        boundary, outer = self._open.pop(level)
        if outer is None:
            del self.levels[boundary]
        else:
            self.levels[boundary] = outer
        self._set_needle()
        return True

    def _set_needle(self) -> None:
        if self.levels:
            self.needle = b"\n--" + _common_prefix(self.levels)


def _common_prefix(strings: Collection[bytes]) -> bytes:
    """What all of the strings begin with. Those between the first and the last in order begin like these two."""
    first, last = min(strings), max(strings)
    if first == last:
        return first
    length = next((index for index, octet in enumerate(first) if octet != last[index]), len(first))
    return first[:length]


class _LineCounter:
    """Counts the line ends of messages within messages, reading no octet twice however deep they are."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._total = 0
        self._starts: list[int] = []

    def open(self, position: int) -> None:
        """The body of a message begins; `position` is never less than in the call before."""
        if self._starts:
            self._advance(position)
        else:
            self._position = position
        self._starts.append(self._total)

    def close(self, position: int) -> int:
        """The innermost message ends: its number of line ends."""
        self._advance(position)
        return self._total - self._starts.pop()

    def _advance(self, position: int) -> None:
        self._total += self._data.count(b"\n", self._position, position)
        self._position = position
