"""Bytes → tokens: what a client's line says, before any command gives it a meaning (RFC 3501 9). No I/O.

A command comes in parts: text, then as often as there are literals: literal, text. `announced_literal` tells from the
end of a text part whether a literal follows (need more), `tokenize` turns all parts into values. The one error is
`Bad`, and its text says where.

Tokens keep what the client wrote: `str` is an atom, `bytes` a quoted string or a literal, `list` parentheses, `Section`
an atom with brackets. So the atom NIL and the string "NIL" stay two things. This lexes wide; each argument's own
grammar is checked in `netimap.wire.arguments`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..exceptions import Bad

#: RFC 3501 9: number is an unsigned 32-bit integer
MAX_NUMBER = 0xFFFFFFFF
#: parentheses in parentheses; no command of a client that means well needs ten
MAX_NESTING = 100

_LITERAL = re.compile(rb"(~?)\{([0-9]+)(\+?)\}\Z")
#: tag = 1*<any ASTRING-CHAR except "+"> (RFC 3501 9)
_TAG = re.compile(rb"[!#$&\',-\[\]^-z|}~.\-/0-9:;<=>?@]+\Z")
_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9._\-]*\Z")

_PLAIN = re.compile(rb'[^\x00-\x20\x7f(){"]+(?: [^\x00-\x20\x7f(){"]+)* ?\Z')
_ATOM = rb'([^\x00-\x20\x7f(){"]+)'
_ATOM_OF_SECTION = rb'([^\x00-\x20\x7f(){"\[\]]+)'
_REST = rb'|"((?:[^"\\\r\n\x00]|\\["\\])*)"|([(\[])|(\)|\](?:<([0-9.]*)>)?)'
_TOKEN = re.compile(_ATOM + _REST)
_TOKEN_OF_SECTION = re.compile(_ATOM_OF_SECTION + _REST)
_ESCAPE = re.compile(rb'\\(["\\])')


class Literal(NamedTuple):
    """A literal that the end of a line announces (RFC 3501 4.3, RFC 7888)."""

    #: octets that follow the line
    size: int
    #: false for `{n+}`: the client sends without waiting for `+`
    synchronising: bool
    #: `~{n}`: may hold NUL (RFC 3516)
    binary: bool


class Section(NamedTuple):
    """An atom with brackets, as FETCH has it: `BODY.PEEK[HEADER.FIELDS (From)]<0.10>`."""

    #: "BODY.PEEK"
    name: str
    #: the tokens between the brackets
    items: list[Any]
    #: "0.10", or None without angle brackets
    partial: str | None


def announced_literal(line: bytes) -> Literal | None:
    """The literal announced by the end of `line` (without its CRLF), or None. Raises Bad for an impossible size."""
    if not line.endswith(b"}"):
        return None
    match = _LITERAL.search(line)
    if match is None:
        return None
    binary, digits, plus = match.groups()
    size = int(digits) if len(digits) < 20 else MAX_NUMBER + 1
    if size > MAX_NUMBER:
        raise Bad("Literal size is no 32-bit number", "TOOBIG")
    return Literal(size, not plus, bool(binary))


def is_tag(tag: bytes) -> bool:
    """Whether a client may use `tag` (RFC 3501 9: tag)."""
    return _TAG.match(tag) is not None


def is_command_name(name: bytes) -> bool:
    """Whether `name` looks like a command at all: letters, digits, "-", "." and "_"."""
    return _NAME.match(name) is not None


def tokenize(parts: list[bytes], *, sections: bool = False, max_nesting: int = MAX_NESTING) -> list[Any]:
    """The arguments of a command as tokens.

    `parts` is text, literal, text, literal, …, text. With `sections`, brackets group as FETCH needs it; without, they
    are ordinary characters (`[Gmail]/Trash` is a legal astring). Raises Bad with the character position.
    """
    if len(parts) == 1 and not sections and _PLAIN.match(parts[0]):
        return parts[0].decode("utf-8", "surrogateescape").rstrip(" ").split(" ")
    return _Tokenizer(sections, max_nesting).run(parts)


class _Tokenizer:
    """One run over the parts of one command: a stack of open parentheses and brackets, never recursion."""

    def __init__(self, sections: bool, max_nesting: int) -> None:
        self.token = _TOKEN_OF_SECTION if sections else _TOKEN
        self.max_nesting = max_nesting
        self.items: list[Any] = []
        # (the enclosing items, the name in front of the bracket or None for a parenthesis)
        self.stack: list[tuple[list[Any], str | None]] = []

    def run(self, parts: list[bytes]) -> list[Any]:
        offset = 0
        for number in range(0, len(parts), 2):
            text = parts[number]
            has_literal = number + 1 < len(parts)
            fresh = self.text(_LITERAL.sub(b"", text) if has_literal else text, offset, fresh=number == 0)
            offset += len(text)
            if has_literal:
                if not fresh:
                    raise Bad(f"Space missing at character {offset} of the arguments")
                self.items.append(parts[number + 1])
        if self.stack:
            raise Bad("Closing bracket missing" if self.stack[-1][1] is not None else "Closing parenthesis missing")
        return self.items

    def text(self, text: bytes, offset: int, fresh: bool) -> bool:
        """Add the tokens of one text part. `fresh` is true where a new token may begin: at the start, after a space,
        after an opening parenthesis; returned for the end of the text."""
        position, end = 0, len(text)
        match_token = self.token.match
        while position < end:
            if text[position] == 0x20:
                if fresh:
                    raise Bad(f"Unexpected space at character {offset + position + 1} of the arguments")
                position += 1
                fresh = True
                continue
            match = match_token(text, position)
            if match is None:
                raise Bad(f"Cannot read character {offset + position + 1} of the arguments")
            fresh = self.add(match, fresh, offset + position + 1)
            position = match.end()
        return fresh

    def add(self, match: re.Match[bytes], fresh: bool, place: int) -> bool:
        """Add one token; returns whether another one may follow without a space."""
        atom, string, opening, closing, partial = match.groups()
        if closing is not None:
            self.close(closing[:1], partial, place)
            return False
        if opening == b"[":
            if fresh or not self.items or not isinstance(self.items[-1], str):
                raise Bad(f"Bracket without a name at character {place} of the arguments")
            self.open(self.items.pop())
            return True
        if not fresh:
            raise Bad(f"Space missing at character {place} of the arguments")
        if opening is not None:
            self.open(None)
            return True
        if atom is not None:
            self.items.append(atom.decode("utf-8", "surrogateescape"))
        elif string is not None:
            self.items.append(_ESCAPE.sub(rb"\1", string) if b"\\" in string else string)
        return False

    def open(self, name: str | None) -> None:
        if len(self.stack) >= self.max_nesting:
            raise Bad(f"More than {self.max_nesting} parentheses in one another", "LIMIT")
        self.stack.append((self.items, name))
        self.items = []

    def close(self, bracket: bytes, partial: bytes | None, place: int) -> None:
        if not self.stack or (bracket == b"]") != (self.stack[-1][1] is not None):
            raise Bad(f"Unexpected {bracket.decode()!r} at character {place} of the arguments")
        inner = self.items
        self.items, name = self.stack.pop()
        if name is None:
            self.items.append(inner)
        else:
            self.items.append(Section(name, inner, None if partial is None else partial.decode("ascii")))
