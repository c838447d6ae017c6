"""Tokens → typed arguments: a function a grammar rule (RFC 3501 9), each raises Bad with what it expected. No I/O."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from ..exceptions import Bad
from .dates import parse_date, parse_date_time
from .reader import MAX_NUMBER
from .sequence_set import SequenceSet

#: a mailbox name on the wire, in octets; file systems take 255 for each part
MAX_MAILBOX_NAME = 1000
#: a keyword; file names and indexes have to carry it
MAX_KEYWORD = 255

#: the system flags and their spelling (RFC 3501 2.3.2)
SYSTEM_FLAGS = {
    name.lower(): name for name in ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Recent")
}
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
#: atom = 1*ATOM-CHAR (RFC 3501 9)
_ATOM = re.compile(r'[^\x00-\x20\x7f-\U0010ffff(){%*"\\\]]+\Z')


def atom(token: Any) -> str:
    """An atom, as the client wrote it."""
    if not isinstance(token, str) or not _ATOM.match(token):
        raise Bad("An atom is expected here")
    return token


def astring(token: Any) -> bytes:
    """An astring (atom, quoted string or literal) as octets."""
    if isinstance(token, bytes):
        return token
    if isinstance(token, str) and token.isascii() and not re.search(r'[%*"\\]', token):
        return token.encode("ascii")
    raise Bad("A string is expected here")


def nstring(token: Any) -> bytes | None:
    """A string, or None for the atom NIL."""
    if isinstance(token, bytes):
        return token
    if isinstance(token, str) and token.upper() == "NIL":
        return None
    raise Bad("A string or NIL is expected here")


def text(token: Any) -> str:
    """An astring that has to be UTF-8 without NUL: user names, passwords."""
    try:
        value = astring(token).decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("Invalid UTF-8") from None
    if "\0" in value:
        raise Bad("NUL in a string")
    return value


def mailbox(token: Any) -> str:
    """A mailbox name as it stands on the wire (modified UTF-7, still encoded): what `model.lookup` takes."""
    return _mailbox_text(token, "astring")


def list_mailbox(token: Any) -> str:
    """A mailbox name with the wildcards of LIST."""
    return _mailbox_text(token, "list-mailbox")


def _mailbox_text(token: Any, rule: str) -> str:
    if isinstance(token, bytes):
        try:
            name = token.decode("ascii")
        except UnicodeDecodeError:
            raise Bad("Mailbox name contains 8-bit data") from None
    elif not isinstance(token, str):
        raise Bad("A mailbox name is expected here")
    elif not token.isascii():
        raise Bad("Mailbox name contains 8-bit data")
    elif rule == "astring" and re.search(r'[%*"\\]', token):
        raise Bad("A mailbox name with this character has to be quoted")
    else:
        name = token
    if _CONTROLS.search(name):
        raise Bad("Mailbox name contains a control character")
    if len(name) > MAX_MAILBOX_NAME:
        raise Bad(f"Mailbox name is longer than {MAX_MAILBOX_NAME} octets", "LIMIT")
    return name


def number(token: Any) -> int:
    """An unsigned 32-bit number."""
    if not isinstance(token, str) or not token.isascii() or not token.isdigit() or len(token) > 20:
        raise Bad("A number is expected here")
    value = int(token)
    if value > MAX_NUMBER:
        raise Bad("Number over 32 bits")
    return value


def sequence_set(token: Any) -> SequenceSet:
    """A sequence set."""
    if not isinstance(token, str):
        raise Bad("A sequence set is expected here")
    return SequenceSet.parse(token)


def flag(token: Any) -> str:
    """One flag: a keyword (atom), or a flag that begins with a backslash, in its usual spelling."""
    if isinstance(token, str):
        name = token.removeprefix("\\")
        if _ATOM.match(name) and len(name) <= MAX_KEYWORD:
            return SYSTEM_FLAGS.get(token.lower(), token)
        if len(name) > MAX_KEYWORD:
            raise Bad(f"Flag is longer than {MAX_KEYWORD} octets", "LIMIT")
    raise Bad("A flag is expected here")


def flag_list(token: Any) -> list[str]:
    """Flags in parentheses; each one once."""
    if not isinstance(token, list):
        raise Bad("A list of flags in parentheses is expected here")
    return list({name.lower(): name for name in map(flag, token)}.values())


def day(token: Any) -> date:
    """A date, quoted or not."""
    return parse_date(_ascii(token, "A date is expected here"))


def date_time(token: Any) -> datetime:
    """A date and time with zone; always quoted."""
    if not isinstance(token, bytes):
        raise Bad('A quoted date-time is expected here (it looks like " 1-Jan-2026 12:00:00 +0000")')
    return parse_date_time(_ascii(token, "A date-time is expected here"))


def _ascii(token: Any, complaint: str) -> str:
    if isinstance(token, bytes):
        token = token.decode("latin-1")
    if not isinstance(token, str) or not token.isascii():
        raise Bad(complaint)
    return token
