"""section: what BODY[…] of a message is (RFC 3501 6.4.5). Plain parts are slices; only selected fields are copied.

A part number leads into a multipart's children. A message that is no multipart has one part, 1: its body. Numbers
below a message/rfc822 part are those of the message within it. HEADER, TEXT and the fields are those of the message
itself or of an encapsulated one; MIME is the header of a part, which for part 1 of a plain message is the message's.
"""

from __future__ import annotations

from collections.abc import Iterable

from .header import select_fields
from .part import Part


def find_part(root: Part, path: Iterable[int]) -> Part | None:
    """The part of that number, `root` itself for an empty path; None if there is no such part."""
    part = root
    is_message = True
    for number in path:
        if not is_message and part.message is not None:
            part, is_message = part.message, True
        if part.is_multipart:
            if not 1 <= number <= len(part.children):
                return None
            part = part.children[number - 1]
        elif not is_message or number != 1:
            return None
        is_message = False
    return part


def part_range(root: Part, path: tuple[int, ...], what: str | None) -> tuple[int, int] | None:
    """Start and end offset of a section that is a plain slice of the message; None if there is no such section.

    `what` is None (the whole message, or the body of a part), or in any case HEADER, TEXT or MIME.
    """
    part = find_part(root, path)
    if part is None:
        return None
    what = what.upper() if what else None
    if what is None:
        return part.header_end if path else part.header_start, part.body_end
    if what == "MIME":
        # RFC 3501 6.4.5: MIME must be prefixed by a part number
        return (part.header_start, part.header_end) if path else None
    if what not in ("HEADER", "TEXT"):
        return None
    message = part.message if path else part
    if message is None:
        return None
    if what == "HEADER":
        return message.header_start, message.header_end
    return message.header_end, message.body_end


def section(
    data: bytes, root: Part, path: tuple[int, ...], what: str | None, fields: Iterable[bytes] = ()
) -> bytes | None:
    """The octets of a section; None if the message has no such section (a server answers NIL then).

    Beside what `part_range` knows, `what` may be HEADER.FIELDS or HEADER.FIELDS.NOT of the names in `fields`.
    """
    what = what.upper() if what else None
    selects = what in ("HEADER.FIELDS", "HEADER.FIELDS.NOT")
    found = part_range(root, path, "HEADER" if selects else what)
    if found is None:
        return None
    octets = data[found[0] : found[1]]
    return select_fields(octets, fields, exclude=what == "HEADER.FIELDS.NOT") if selects else octets
