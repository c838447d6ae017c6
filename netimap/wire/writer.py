"""Values → bytes: everything netimap sends that came from data goes through here.

`format_value` makes what a server sends (FETCH values, mailbox names, NIL), `format_tokens` is the inverse of
`netimap.wire.reader`: it makes a client's arguments from the same types the reader gives. Neither can produce a
line break outside a literal. No I/O.
"""

from __future__ import annotations

import re
from typing import Any

from .reader import announced_literal

#: one of these in a string and it cannot be quoted: NUL, CR, LF and 8-bit (RFC 3501 9, QUOTED-CHAR)
_UNQUOTABLE = re.compile(rb"[\x00\r\n\x80-\xff]")
_ESCAPED = re.compile(rb'[\\"]')
#: a quoted string longer than this becomes a literal, as line-oriented clients have limited line buffers
MAX_QUOTED = 1024
_ATOM = re.compile(r'[^\x00-\x20\x7f-\U0010ffff(){"\\]+\Z')


class Raw(bytes):
    """Bytes that are sent as they are (the scalar reference of the Perl API): atoms, flags, ready-made structures."""

    def __new__(cls, value: bytes | str = b"") -> Raw:
        return super().__new__(cls, value.encode() if isinstance(value, str) else value)


def format_string(value: bytes) -> bytes:
    """Octets as a quoted string, or as a literal where quoting cannot carry them (RFC 3501 4.3)."""
    if len(value) > MAX_QUOTED or _UNQUOTABLE.search(value):
        # CHAR8 leaves out NUL (RFC 3501 9)
        return b"{%d}\r\n%b" % (len(value), value.replace(b"\0", b"\x80"))
    if b"\\" in value or b'"' in value:
        value = _ESCAPED.sub(rb"\\\g<0>", value)
    return b'"%b"' % value


def format_value(value: Any) -> bytes:
    """A value as a server sends it.

    None → NIL, int → digits, Raw → as is, bytes and str (as UTF-8) → quoted or literal, list → parenthesised with
    spaces, tuple → its items one behind the other with nothing between (body parts and address lists, RFC 3501 7.4.2).
    """
    if value is None:
        return b"NIL"
    kind = type(value)
    if kind is Raw:
        return bytes(value)
    if kind is bytes:
        return format_string(value)
    if kind is list:
        return b"(%b)" % b" ".join(map(format_value, value))
    if kind is tuple:
        return b"".join(map(format_value, value))
    if kind is int:
        return b"%d" % value
    if kind is str:
        return format_string(value.encode("utf-8", "replace"))
    # the same for subclasses of the types above
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, bytes):
        return format_string(value)
    if isinstance(value, str):
        return format_string(value.encode("utf-8", "replace"))
    if isinstance(value, list):
        return format_value(list(value))
    if isinstance(value, tuple):
        return format_value(tuple(value))
    if isinstance(value, int):
        return b"%d" % value
    raise TypeError(f"cannot send a {type(value).__name__}: use None, int, str, bytes, list, tuple or Raw")


def format_tokens(tokens: list[Any]) -> bytes:
    """Tokens as a client sends them: str → atom, bytes → quoted or non-synchronising literal, list → parentheses."""
    return b" ".join(map(_format_token, tokens))


def _format_token(token: Any) -> bytes:
    if isinstance(token, str):
        if not _ATOM.match(token.replace("\\", "", 1) if token.startswith("\\") else token):
            raise ValueError(f"{token!r} is no atom: pass bytes to have it quoted")
        return token.encode("ascii")
    if isinstance(token, bytes):
        text = format_string(token)
        return text.replace(b"}\r\n", b"+}\r\n", 1) if text.startswith(b"{") else text
    if isinstance(token, list):
        return b"(%b)" % format_tokens(token)
    raise TypeError(f"a token is str, bytes or list, not {type(token).__name__}")


def check_response(line: bytes) -> None:
    """Raise ValueError unless every line break in `line` belongs to a literal."""
    position = 0
    while True:
        end = line.find(b"\n", position)
        carriage_return = line.find(b"\r", position)
        if end < 0 and carriage_return < 0:
            return
        text = line[position : carriage_return if carriage_return >= 0 else end]
        literal = announced_literal(text)
        if end != carriage_return + 1 or literal is None:
            raise ValueError("a line break in a response line")
        position = end + 1 + literal.size
