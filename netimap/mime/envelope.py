"""envelope: a message's header → its ENVELOPE (RFC 3501 7.4.2). Nothing is decoded: clients do that."""

from __future__ import annotations

from typing import Any

from .address import Address, address_list
from .header import FieldFinder, unfold

#: fields that the envelope is made of that are looked at; a header has ten of them
MAX_ENVELOPE_FIELDS = 10_000

_FIELDS = FieldFinder(
    b"",
    (b"Date", b"Subject", b"From", b"Sender", b"Reply-To", b"To", b"Cc", b"Bcc", b"In-Reply-To", b"Message-ID"),
)


def envelope(header: bytes) -> list[Any]:
    """The ten values in their order, for the writer: bytes, None, and address lists as `[(address, address)]`.

    A missing field is None, and so is an address list without an address. An empty Date or Subject is an empty
    string, an empty In-Reply-To or Message-ID, which the RFC rules out, None. Of a field that is there twice the first
    counts, but the addresses of all To, Cc and Bcc fields are joined (RFC 5322 4.5.3).
    """
    fields = _FIELDS.find(header, 0, len(header), MAX_ENVELOPE_FIELDS)

    def text(name: bytes) -> bytes | None:
        return unfold(fields[name][0]) if name in fields else None

    def addresses(name: bytes) -> list[tuple[Address, ...]] | None:
        values = fields.get(name)
        if not values:
            return None
        joined = b",".join(values) if name in (b"to", b"cc", b"bcc") and len(values) > 1 else values[0]
        found = address_list(joined)
        return [tuple(found)] if found else None

    author = addresses(b"from")
    return [
        text(b"date"),
        text(b"subject"),
        author,
        addresses(b"sender") or author,
        addresses(b"reply-to") or author,
        addresses(b"to"),
        addresses(b"cc"),
        addresses(b"bcc"),
        text(b"in-reply-to") or None,
        text(b"message-id") or None,
    ]
