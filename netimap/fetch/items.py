"""The table of FETCH items (RFC 3501 6.4.5), and the grammar of body sections."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import mime
from ..exceptions import Bad
from ..wire.arguments import astring
from ..wire.dates import format_date_time
from ..wire.reader import MAX_NUMBER, Section
from ..wire.writer import Raw, format_value

#: header fields one item may ask for
MAX_FIELDS = 1000


class ColumnItem(NamedTuple):
    """An item that a column of the mailbox holds."""

    #: how the client reads it
    label: bytes
    #: the name for `Mailbox.columns`
    column: str
    #: the placeholder in the plan's template
    placeholder: bytes
    #: column → what fills the placeholder; None: the values fill it as they are
    convert: Callable[[Sequence[Any]], Sequence[Any]] | None = None


def _date_times(values: Sequence[Any]) -> Sequence[bytes]:
    return [format_date_time(value) for value in values]


#: name → item
COLUMN_ITEMS = {
    item.label.decode(): item
    for item in (
        ColumnItem(b"UID", "uid", b"%d"),
        ColumnItem(b"FLAGS", "flags", b"(%b)"),
        ColumnItem(b"INTERNALDATE", "internaldate", b"%b", _date_times),
        ColumnItem(b"RFC822.SIZE", "size", b"%d"),
        ColumnItem(b"ENVELOPE", "envelope", b"%b"),
        ColumnItem(b"BODY", "body", b"%b"),
        ColumnItem(b"BODYSTRUCTURE", "bodystructure", b"%b"),
    )
}

#: RFC 3501 6.4.5: macros stand alone, not in a list
MACROS = {
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}

#: section-msgtext and section-text (RFC 3501 9)
SECTION_TEXTS = ("HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME")

_SPECIFIER = re.compile(r"((?:[1-9][0-9]{0,9})(?:\.[1-9][0-9]{0,9})*)?(?:(?:\A|(?<=\d)\.)([A-Za-z][A-Za-z.]*))?\Z")
_PARTIAL = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,10}))?\Z")


class SectionItem(NamedTuple):
    """A body section: `BODY[1.HEADER]<0.100>`, or one of the RFC822 items that are short for some."""

    #: how the client reads it
    label: bytes
    #: part numbers
    path: tuple[int, ...]
    #: None (the whole part), or one of SECTION_TEXTS
    text: str | None
    #: header field names, in lower case
    fields: tuple[bytes, ...] = ()
    #: first octet and how many, or None
    partial: tuple[int, int] | None = None
    #: whether reading it sets \\Seen
    sets_seen: bool = False

    def octets(self, raw: bytes, root: Callable[[], mime.Part]) -> bytes | None:
        """The octets of the section; `root` gives the message's MIME tree. None: there is no such section."""
        if self.path or self.text == "MIME":
            found = mime.section(raw, root(), self.path, self.text, self.fields)
            octets = None if found is None else bytes(found)
        elif self.text is None:
            octets = raw
        else:
            # the outermost header and text need no MIME tree
            end = mime.header_end(raw)
            if self.text == "TEXT":
                octets = raw[end:]
            elif self.text == "HEADER":
                octets = raw[:end]
            else:
                octets = mime.select_fields(raw[:end], self.fields, self.text == "HEADER.FIELDS.NOT")
        if octets is None or self.partial is None:
            return octets
        start, length = self.partial
        return octets[start : start + length]


#: items that are other names of sections (RFC 3501 6.4.5)
SECTION_ITEMS = {
    "RFC822": SectionItem(b"RFC822", (), None, sets_seen=True),
    "RFC822.HEADER": SectionItem(b"RFC822.HEADER", (), "HEADER"),
    "RFC822.TEXT": SectionItem(b"RFC822.TEXT", (), "TEXT", sets_seen=True),
}


def parse_section(token: Section) -> SectionItem:
    """`BODY[…]` or `BODY.PEEK[…]` as an item. Raises Bad."""
    name = token.name.upper()
    if name not in ("BODY", "BODY.PEEK"):
        raise Bad(f"Unknown FETCH item {token.name[:40]}[")
    path, text, fields = _parse_specifier(token.items)
    start_length, suffix = _parse_partial(token.partial)
    specifier = ".".join(map(str, path)) + ("." if path and text else "") + (text or "")
    if fields:
        specifier += " " + format_value([Raw(_field_name(field)) for field in fields]).decode("ascii")
    label = f"BODY[{specifier}]{suffix}".encode("ascii")
    return SectionItem(label, path, text, tuple(f.lower() for f in fields), start_length, name == "BODY")


def _parse_specifier(items: list[Any]) -> tuple[tuple[int, ...], str | None, tuple[bytes, ...]]:
    if not items:
        return (), None, ()
    match = _SPECIFIER.match(items[0]) if isinstance(items[0], str) else None
    if match is None:
        raise Bad("Invalid body section")
    numbers, text = match.groups()
    path = tuple(map(int, numbers.split("."))) if numbers else ()
    text = text.upper() if text else None
    if (text is not None and text not in SECTION_TEXTS) or (text == "MIME" and not path):
        raise Bad("Unknown body section")
    if text is not None and text.startswith("HEADER.FIELDS"):
        if len(items) != 2 or not isinstance(items[1], list) or not items[1]:
            raise Bad(f"{text} needs a list of field names in parentheses")
        if len(items[1]) > MAX_FIELDS:
            raise Bad(f"More than {MAX_FIELDS} header fields", "LIMIT")
        return path, text, tuple(map(astring, items[1]))
    if len(items) > 1:
        raise Bad("Invalid body section")
    return path, text, ()


def _parse_partial(partial: str | None) -> tuple[tuple[int, int] | None, str]:
    """`0.100` as (start, length) and the `<0>` of the response (RFC 3501 7.4.2: origin octet)."""
    if partial is None:
        return None, ""
    match = _PARTIAL.match(partial)
    if match is None or match.group(2) is None:
        raise Bad("A partial needs a start and a length, as in <0.100>")
    start, length = int(match.group(1)), int(match.group(2))
    if length == 0 or start > MAX_NUMBER or length > MAX_NUMBER:
        raise Bad("Partial out of range")
    return (start, length), f"<{start}>"


def _field_name(field: bytes) -> bytes:
    """A header field name as an astring the client reads back; one that is no atom is quoted."""
    if re.fullmatch(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+', field):
        return field
    if re.search(rb"[\x00\r\n\x80-\xff]", field):
        raise Bad("A header field name has no such character")
    return format_value(field)
