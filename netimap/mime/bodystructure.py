"""bodystructure: a scanned part → the values of BODY and BODYSTRUCTURE (RFC 3501 7.4.2; RFC 9051 7.5.2)."""

from __future__ import annotations

from typing import Any

from .envelope import envelope
from .parameters import Parameters
from .part import Part, walk

#: octets of the headers of encapsulated messages whose envelopes are told; those of a digest's hundred messages have
#: a third of it. Further messages get an envelope of NILs
MAX_INNER_HEADERS = 1_000_000


def bodystructure(part: Part, data: bytes, extended: bool) -> list[Any]:
    """The nested values for the writer: BODYSTRUCTURE if `extended`, otherwise BODY. `data` is what was scanned.

    Recurses as deep as the parts do, which `scan` limits.
    """
    return _body(part, _inner_envelopes(part, data), extended)


def _inner_envelopes(root: Part, data: bytes) -> dict[int, list[Any]]:
    """The envelopes of the messages within, by where their headers start."""
    envelopes = {}
    left = MAX_INNER_HEADERS
    for part in walk(root):
        if (message := part.message) is not None:
            left -= message.header_end - message.header_start
            header = data[message.header_start : message.header_end] if left >= 0 else b""
            envelopes[message.header_start] = envelope(header)
    return envelopes


def _body(part: Part, envelopes: dict[int, list[Any]], extended: bool) -> list[Any]:
    if part.is_multipart:
        # the bodies stand side by side without a space: a tuple
        body: list[Any] = [tuple([_body(child, envelopes, extended) for child in part.children]), part.subtype]
        if extended:
            body.append(_parameters(part.params))
    else:
        params = _parameters(part.params)
        size = part.body_end - part.header_end
        body = [part.type, part.subtype, params, part.id, part.description, part.encoding, size]
        if (message := part.message) is not None:
            body += [envelopes[message.header_start], _body(message, envelopes, extended), part.lines]
        elif part.is_text:
            body.append(part.lines)
        if extended:
            body.append(part.md5)
    if extended:
        disposition = part.disposition
        body.append([disposition[0], _parameters(disposition[1])] if disposition else None)
        body.append(part.language[0] if len(part.language) == 1 else part.language or None)
        body.append(part.location)
    return body


def _parameters(params: Parameters) -> list[bytes] | None:
    """body-fld-param: names and values in turn, NIL if there are none."""
    return [item for pair in params for item in pair] or None
