"""MessageText: header and body of one message as a search sees them: decoded and folded, each read once at most.

Folded is the form in which strings are compared, see `mime.fold`: a search string, folded too, matches as a substring.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Protocol

from .. import mime

#: characters that are folded before others get a turn: some 20 ms where they are not ASCII
FOLD_PIECE = 262_144

#: the texts in the raw value of a header field
Reading = Callable[[bytes], list[str]]

# quoting and comments: what makes an address field read otherwise than the addresses in it
_QUOTING = re.compile(rb'["(\\]')
_ASCII = re.compile(r"[\x00-\x7f]")


#: octets up to which a mail is looked at as a whole before it is scanned
MAX_PLAIN = 1_048_576
#: charsets in which US-ASCII octets are what they are
_PLAIN_CHARSETS = frozenset((b"us-ascii", b"utf-8", b"iso-8859-1", b"iso-8859-15", b"windows-1252"))
_CHARSET = re.compile(rb"charset[ \t]*=[ \t]*\"?([^\s\";]+)")
#: the fields that keys of their own search, each with what finds it faster than reading all fields
_FINDERS = {name: mime.FieldFinder(b"", [name]) for name in (b"subject", b"from", b"to", b"cc", b"bcc", b"date")}


class SearchedMessage(Protocol):
    """What a search asks of a message."""

    def octets(self) -> bytes: ...

    def mime_header(self) -> bytes: ...


class MessageText:
    """The text of `message`. `by_header`: its header is read by itself, otherwise as the beginning of its octets.

    `cede` is called in the midst of what takes long.
    """

    __slots__ = (
        "_message", "_by_header", "_cede", "_raw", "_root", "_header", "_fields", "_values", "_headers", "_bodies",
        "_more_bodies",
    )  # fmt: skip

    def __init__(self, message: SearchedMessage, by_header: bool, cede: Callable[[], None]) -> None:
        self._message = message
        self._by_header = by_header
        self._cede = cede
        self._raw: bytes | None = None
        self._root: mime.Part | None = None
        self._header: bytes | None = None
        self._fields: dict[bytes, list[bytes]] | None = None
        self._values: dict[tuple[bytes, Reading], list[str]] = {}
        self._headers: list[str] | None = None
        # those decoded so far, and what decodes the others
        self._bodies: list[str] = []
        self._more_bodies: Iterator[str] | None = None

    def raw(self) -> bytes:
        """The octets of the message."""
        if self._raw is None:
            self._raw = self._message.octets()
        return self._raw

    def root(self) -> mime.Part:
        """Its parts."""
        if self._root is None:
            self._root = mime.scan(self.raw())
        return self._root

    def header(self) -> bytes:
        """The header of the message."""
        if self._header is None:
            if self._by_header:
                self._header = self._message.mime_header()
            else:
                raw = self.raw()
                self._header = raw[: mime.header_end(raw)]
        return self._header

    def fields(self, name: bytes) -> list[bytes]:
        """The raw values of the fields with this lower-case name; empty if there is none."""
        finder = _FINDERS.get(name)
        if finder is not None:
            header = self.header()
            return finder.find(header, 0, len(header), mime.MAX_FIELDS).get(name, [])
        if self._fields is None:
            self._fields = {}
            for field, value in mime.header_fields(self.header()):
                self._fields.setdefault(field.lower(), []).append(value)
        return self._fields.get(name, [])

    def is_plain_without(self, needle: bytes) -> bool:
        """Whether a look at the octets is enough to say that no text part has `needle` (lower-case US-ASCII).

        It is where the whole mail is US-ASCII and nothing in it encodes text: then each text part stands in it as it
        is. Saves most mails the MIME scan.
        """
        raw = self.raw()
        if len(raw) > MAX_PLAIN or b"base64" in raw or not raw.isascii():
            return False
        lower = raw.lower()
        if b"base64" in lower or b"quoted-printable" in lower:
            return False
        charsets = _CHARSET.findall(lower)
        return len(charsets) == lower.count(b"charset") and _PLAIN_CHARSETS.issuperset(charsets) and needle not in lower

    def values(self, name: bytes, reading: Reading) -> list[str]:
        """The texts that `reading` (one of the functions below) finds in the fields with this name."""
        key = (name, reading)
        if key not in self._values:
            self._values[key] = [mime.fold(text) for value in self.fields(name) for text in reading(value)]
        return self._values[key]

    def sent_date(self) -> date | None:
        """The day of the Date field as it stands there, whatever the zone; None without one that can be read."""
        values = self.fields(b"date")
        when = mime.parse_date(values[0]) if values else None
        return None if when is None else when.date()

    def headers(self) -> list[str]:
        """The header of the message and of each part in it, a line a field (RFC 9051 6.4.4: MIME fields count)."""
        if self._headers is None:
            raw = self.raw()
            self._headers = []
            for part in mime.walk(self.root()):
                text = _header_text(raw[part.header_start : part.header_end])
                self._headers.append(fold_long(text, self._cede))
                self._cede()
        return self._headers

    def bodies(self) -> Iterator[str]:
        """The text parts. One after the other is decoded, so stop when you have seen enough."""
        yield from self._bodies
        if self._more_bodies is None:
            self._more_bodies = mime.text_parts(self.raw(), self.root())
        for text in self._more_bodies:
            self._cede()
            self._bodies.append(fold_long(text, self._cede))
            yield self._bodies[-1]


def fold_long(text: str, cede: Callable[[], None]) -> str:
    """The same as `mime.fold`, with turns for others in between."""
    if len(text) <= FOLD_PIECE:
        return mime.fold(text)
    pieces = []
    start = 0
    while start < len(text):
        # before an ASCII character a text can be cut: marks belong to the letter in front of them
        cut = _ASCII.search(text, start + FOLD_PIECE, start + 2 * FOLD_PIECE)
        end = start + 2 * FOLD_PIECE if cut is None else cut.start()
        pieces.append(mime.fold(text[start:end]))
        start = end
        cede()
    return "".join(pieces)


def decoded(value: bytes) -> list[str]:
    """A field as a reader sees it."""
    return [mime.decode_header(value)]


def undecoded(value: bytes) -> list[str]:
    """A field as it stands in the mail; nothing where that is how it is decoded, too."""
    return [mime.decode(mime.unfold(value))] if b"=?" in value else []


def addresses(value: bytes) -> list[str]:
    """The addresses in a field as ENVELOPE has them, without quotes and comments: `name <mailbox@host>`.

    Nothing where the field has neither: its decoded text says the same.
    """
    return list(map(_address_text, mime.address_list(value))) if _QUOTING.search(value) else []


def _address_text(address: mime.Address) -> str:
    name, _, mailbox, host = address
    texts = [mime.decode_header(name)] if name else []
    if mailbox:
        text = mime.decode(mailbox)
        # without a host it is the name of a group (RFC 3501 7.4.2)
        texts.append(f"<{text}@{mime.decode(host)}>" if host else text)
    return " ".join(texts)


def _header_text(header: bytes) -> str:
    return "\n".join(f"{name.decode('ascii')}: {value}" for name, value in mime.searchable_headers(header))
