"""CHARSET of SEARCH, SORT and THREAD: which ones there are, and what a string in one says (RFC 3501 6.4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..exceptions import Bad, No
from ..wire import arguments as wire

#: registered name → codec; the names go into BADCHARSET
CHARSETS = {"UTF-8": "utf-8", "US-ASCII": "ascii"}
#: without CHARSET (RFC 9051 6.4.4 demands it; RFC 3501 leaves 8-bit strings without CHARSET undefined)
DEFAULT_CHARSET = "UTF-8"


def parse_charset(token: Any) -> str:
    """The charset that a token names, in any case, as CHARSETS spells it. Raises No with BADCHARSET (RFC 3501 7.1)."""
    name = wire.astring(token).decode("latin-1").upper()
    if name not in CHARSETS:
        names = " ".join(CHARSETS)
        raise No(f"Charset not supported, use one of: {names}", f"BADCHARSET ({names})")
    return name


def split_charset(tokens: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The charset of a search that may begin with CHARSET and a name, and the tokens behind it."""
    if not tokens or not isinstance(tokens[0], str) or tokens[0].upper() != "CHARSET":
        return DEFAULT_CHARSET, tokens
    if len(tokens) == 1:
        raise Bad("CHARSET without a name")
    return parse_charset(tokens[1]), tokens[2:]


def decode(octets: bytes, name: str) -> str:
    """A string of a search as text. Raises Bad for octets that the charset does not have."""
    try:
        return octets.decode(CHARSETS[name])
    except UnicodeDecodeError:
        raise Bad(f"A string of the search is no valid {name}") from None
