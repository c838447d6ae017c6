"""Response lines taken apart and made comparable, independently of netimap's own reader and writer.

A line is the octets of one response without its last CRLF, its literals included. As text it is latin-1: one character
for each octet, whatever the octets are.
"""

from __future__ import annotations

import re

_STRING_OR_LITERAL = re.compile(rb'"(?:[^"\\]|\\.)*"|\{([0-9]+)\}\r\n', re.DOTALL)
_ITEM = re.compile(r'"(?:[^"\\]|\\.)*"|[()\[\] ]|[^"()\[\] ]+|"', re.DOTALL)
_FETCH = re.compile(r"(\* (?:[0-9]+|\$[a-z]\w*) FETCH )\((.*)\)\Z", re.DOTALL | re.IGNORECASE)
_STATUS = re.compile(r"(\* STATUS .*) \(([^()]*)\)\Z", re.DOTALL | re.IGNORECASE)
_SEARCH = re.compile(r"(\* SEARCH)((?: [0-9$]\w*)+)\Z", re.IGNORECASE)
_UNORDERED = re.compile(r"((?:FLAGS|\* LIST|\* LSUB) )\(([^()]*)\)", re.IGNORECASE)


def as_text(line: bytes) -> str:
    """The line as text, its literals written as quoted strings: how the server sent a string does not matter."""
    pieces = []
    position = 0
    while (match := _STRING_OR_LITERAL.search(line, position)) is not None:
        pieces.append(line[position : match.start()])
        position = match.end()
        if match.group(1) is None:
            pieces.append(match.group())
        else:
            position += int(match.group(1))
            pieces.append(quoted(line[match.end() : position]))
    return b"".join([*pieces, line[position:]]).decode("latin-1")


def quoted(octets: bytes) -> bytes:
    """Octets as a quoted string, line breaks and all: for comparing, not for the wire."""
    return b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def split(text: str) -> list[str]:
    """The items of `text` that spaces separate; parentheses, brackets and strings hold together."""
    items, current, depth = [], "", 0
    for piece in _ITEM.findall(text):
        if piece == " " and depth == 0:
            items.append(current)
            current = ""
            continue
        depth += (piece in "([") - (piece in ")]")
        current += piece
    return [*items, current] if current or items else []


def value(text: str) -> str | bytes | list[object] | None:
    """One item as a value: NIL → None, a string → bytes, parentheses → list, anything else as it is."""
    if text.upper() == "NIL":
        return None
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL).encode("latin-1")
    if text.startswith("("):
        return [value(item) for item in split(text[1:-1])]
    return text


def fetch_items(line: bytes) -> tuple[int, dict[str, str]] | None:
    """The message number and the items (name → text of the value) of a FETCH response; None for another line."""
    match = _FETCH.match(as_text(line))
    if match is None:
        return None
    items = split(match.group(2))
    return int(match.group(1).split()[1]), dict(zip(map(str.upper, items[::2]), items[1::2], strict=True))


def comparable(text: str) -> str:
    """The line with everything sorted that may come in any order: FETCH and STATUS items, flags, SEARCH results."""
    text = _UNORDERED.sub(lambda match: f"{match[1]}({' '.join(sorted(match[2].split(' ')))})", text)
    if (match := _FETCH.match(text) or _STATUS.match(text)) is not None:
        items = split(match[2])
        pairs = sorted(zip(items[::2], items[1::2], strict=False))
        if len(items) == 2 * len(pairs):
            text = f"{match[1]}({' '.join(' '.join(pair) for pair in pairs)})"
    elif (match := _SEARCH.match(text)) is not None:
        text = f"{match[1]} {' '.join(sorted(match[2].split()))}"
    return text
