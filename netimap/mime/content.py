"""The Content-… fields of a header → the attributes of a Part, with the defaults of RFC 2045 5.2."""

from __future__ import annotations

import re

from .header import FieldFinder, strip_comments, unfold
from .parameters import MAX_STRUCTURED, parameter, parse_disposition, parse_media_type
from .part import Part

#: Content-… fields of one part that are looked at: there are eight names, each counts once
MAX_PART_FIELDS = 100

TEXT_PLAIN = (b"text", b"plain")
MESSAGE_RFC822 = (b"message", b"rfc822")

_FIELDS = FieldFinder(
    b"Content-",
    (b"Type", b"Transfer-Encoding", b"ID", b"Description", b"Disposition", b"Language", b"Location", b"MD5"),
)
_ENCODING = re.compile(rb"[!#-'*+.0-9A-Z^-~-]++")


def read_content_fields(part: Part, data: bytes, default: tuple[bytes, bytes]) -> int:
    """Fill in what the header of `part` says; of a field that is there twice the first counts.

    `default` is the type and subtype to assume without a Content-Type. Returns the octets of the values that had to
    be taken apart: what the reading may have cost.
    """
    cost = 0
    fields = _FIELDS.find(data, part.header_start, part.header_end, MAX_PART_FIELDS)
    if b"type" not in fields:
        set_type(part, *default)
    for name, values in fields.items():
        value = values[0]
        if name == b"type":
            cost += min(len(value), MAX_STRUCTURED)
            _read_type(part, value, default)
        elif name == b"transfer-encoding":
            cost += min(len(value), MAX_STRUCTURED)
            token = _ENCODING.match(strip_comments(unfold(value[:MAX_STRUCTURED])).strip())
            part.encoding = token[0] if token else part.encoding
        elif name == b"disposition":
            cost += min(len(value), MAX_STRUCTURED)
            part.disposition = parse_disposition(value)
        elif name == b"language":
            cost += min(len(value), MAX_STRUCTURED)
            tags = strip_comments(unfold(value[:MAX_STRUCTURED])).split(b",")
            part.language = [tag.strip() for tag in tags if tag.strip()]
        else:
            # id, description, location, md5: an empty one says nothing
            setattr(part, name.decode("ascii"), unfold(value) or None)
    return cost


def set_type(part: Part, type: bytes, subtype: bytes) -> None:
    """Give the part a type without parameters, but for the charset of plain text, which RFC 2046 4.1.2 defaults."""
    part.type, part.subtype = type, subtype
    part.content_type = content_type = (type + b"/" + subtype).lower()
    part.params = [(b"charset", b"us-ascii")] if content_type == b"text/plain" else []


def _read_type(part: Part, value: bytes, default: tuple[bytes, bytes]) -> None:
    media_type = parse_media_type(value)
    if media_type is None:
        # RFC 2045 5.2: a Content-Type that cannot be read is plain text, wherever it stands
        set_type(part, *(TEXT_PLAIN if value.strip() else default))
        return
    type, subtype, params = media_type
    set_type(part, type, subtype)
    if part.params and parameter(params, b"charset") is None:
        params += part.params
    part.params = params
