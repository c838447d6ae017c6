"""Content-Type and Content-Disposition: a value and its parameters (RFC 2045 5.1, RFC 2183, RFC 2231).

Written for the mail that is out there: quotes left open, missing semicolons, spaces in unquoted file names, `=` and
`/` in unquoted boundaries. What cannot be read is stepped over.
"""

from __future__ import annotations

import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .header import strip_comments, unfold

Parameters = list[tuple[bytes, bytes]]

#: octets of a structured value that are taken apart: names and file names need a few hundred
MAX_STRUCTURED = 65_536
#: parameters of one field, and with that pieces of RFC 2231 values: a 255-octet file name, each octet as %XX, has 13
MAX_PARAMETERS = 250

_TOKEN = rb"[!#-'*+.0-9A-Z^-~-]++"
_MEDIA_TYPE = re.compile(rb"\s*+(" + _TOKEN + rb")\s*+/\s*+(" + _TOKEN + rb")")
_DISPOSITION = re.compile(rb"\s*+(" + _TOKEN + rb")(?!\s*+=)")
_PARAMETER = re.compile(rb'[;\s]*+([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]++|\\.)*+)"?|([^;]*+))', re.S)
_ESCAPED = re.compile(rb"\\(.)", re.S)
# RFC 2231 3: `name*0`, `name*0*`; a number that long comes from no mailer
_PIECE = re.compile(rb"([^*]+)\*([0-9]{1,4})(\*?)\Z")
# RFC 2231 7, attribute-char, beside letters and digits
_ATTRIBUTE_CHARS = "!#$&+-.^_`{|}~"


def parse_media_type(value: bytes) -> tuple[bytes, bytes, Parameters] | None:
    """Type, subtype and parameters of a raw Content-Type value; None if it has no type and subtype."""
    value = strip_comments(unfold(value[:MAX_STRUCTURED]))
    match = _MEDIA_TYPE.match(value)
    if match is None:
        return None
    return match[1], match[2], parse_parameters(value, match.end())


def parse_disposition(value: bytes) -> tuple[bytes, Parameters] | None:
    """Disposition and parameters of a raw Content-Disposition value; None if it does not begin with a token."""
    value = strip_comments(unfold(value[:MAX_STRUCTURED]))
    match = _DISPOSITION.match(value)
    if match is None:
        return None
    return match[1], parse_parameters(value, match.end())


def parse_parameters(value: bytes, position: int) -> Parameters:
    """The parameters of an unfolded value from `position` on, in order, RFC 2231 pieces joined."""
    parameters: Parameters = []
    in_pieces = False
    while 0 <= position < len(value) and len(parameters) < MAX_PARAMETERS:
        match = _PARAMETER.match(value, position)
        if match is None:
            # step over what is no parameter; a name holds no semicolon, so nothing is read twice
            position = value.find(b";", position) + 1 or -1
            continue
        name, quoted, plain = match.groups()
        in_pieces = in_pieces or b"*" in name
        if quoted is None:
            parameters.append((name, plain.strip()))
        else:
            parameters.append((name, _ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted))
        position = value.find(b";", match.end())
    return _join_pieces(parameters) if in_pieces else parameters


def _join_pieces(parameters: Parameters) -> Parameters:
    """RFC 2231 3 and 4.1: the pieces of a value become one parameter, where the first of them stood.

    If one piece is in the extended form (`name*1*`) the whole is: its name gets the asterisk, and it stays encoded.
    Pieces after a gap in the numbers are lost.
    """
    pieces: dict[bytes, dict[int, tuple[bytes, bool]]] = {}
    joined: list[tuple[bytes, bytes | None]] = []
    for name, value in parameters:
        match = _PIECE.match(name)
        if match is None:
            joined.append((name, value))
            continue
        if match[1].lower() not in pieces:
            joined.append((match[1], None))
        pieces.setdefault(match[1].lower(), {}).setdefault(int(match[2]), (value, bool(match[3])))
    return [(name, value) if value is not None else _join(name, pieces[name.lower()]) for name, value in joined]


def _join(name: bytes, pieces: dict[int, tuple[bytes, bool]]) -> tuple[bytes, bytes]:
    """One parameter of its numbered pieces (value, extended)."""
    values: list[tuple[bytes, bool]] = []
    while (piece := pieces.get(len(values))) is not None:
        values.append(piece)
    if not any(extended for _, extended in values):
        return name, b"".join(value for value, _ in values)
    if not values[0][1]:
        # only the first piece may hold charset and language, and it does not: say that they are empty
        values.insert(0, (b"''", True))
    encoded = [value if extended else _percent_encode(value) for value, extended in values]
    return name + b"*", b"".join(encoded)


def _percent_encode(value: bytes) -> bytes:
    return quote_from_bytes(value, _ATTRIBUTE_CHARS).encode("ascii")


def parameter(parameters: Parameters, name: bytes) -> bytes | None:
    """The first parameter of that (lower-case) name, an extended one (RFC 2231 4) as its plain octets; or None."""
    extended = None
    for key, value in parameters:
        key = key.lower()
        if key == name:
            return value
        if key == name + b"*" and extended is None:
            extended = unquote_to_bytes(value.split(b"'", 2)[-1])
    return extended
