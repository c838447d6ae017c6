"""Names of message files: `1700000000.M123P45Q1.host,S=200,W=210:2,FS`, as qmail and Maildir++ have them.

What stands before the colon never changes and identifies the message; the letters behind `:2,` are its flags, in ASCII
order, those that netimap does not know among them. S is the size of the file, W the size with CRLF line ends.
"""

from __future__ import annotations

import os
import re
import socket
import time
from functools import lru_cache
from itertools import count

from ...flags import intern_flags

#: the keyword that Maildir has a letter for ("passed")
FORWARDED = "$Forwarded"
_LETTERS = {
    "\\Draft": b"D",
    "\\Flagged": b"F",
    FORWARDED: b"P",
    "\\Answered": b"R",
    "\\Seen": b"S",
    "\\Deleted": b"T",
}
#: the flags that a file name can carry
NAMED_FLAGS = frozenset(_LETTERS)
_FLAGS = {letter[0]: flag for flag, letter in _LETTERS.items()}
_SIZE = re.compile(rb",W=([0-9]{1,10})(?=,|\Z)")
_DELIVERED = re.compile(rb"([0-9]{9,11})\.(?:[^.,:]*M([0-9]{1,6})(?![0-9]))?")

_counter = count(1)


def base(name: bytes) -> bytes:
    """What identifies the message: the name without flags."""
    return name.partition(b":")[0]


def flags(name: bytes) -> frozenset[str]:
    """The flags that a name carries; shared."""
    return _flags(name.partition(b":")[2])


@lru_cache(maxsize=1000)
def _flags(info: bytes) -> frozenset[str]:
    letters = info[2:].partition(b",")[0] if info.startswith(b"2,") else b""
    return intern_flags(_FLAGS[letter] for letter in letters if letter in _FLAGS)


def with_flags(name: bytes, wanted: frozenset[str]) -> bytes:
    """The name with the letters of these flags in place of those it has."""
    start, _, info = name.partition(b":")
    letters, comma, more = info[2:].partition(b",") if info.startswith(b"2,") else (b"", b"", b"")
    strange = [letter for letter in letters if letter not in _FLAGS]
    known = [letter[0] for flag, letter in _LETTERS.items() if flag in wanted]
    return b"%b:2,%b%b%b" % (start, bytes(sorted({*strange, *known})), comma, more)


def size(name: bytes) -> int | None:
    """The size with CRLF line ends, where the name tells it."""
    match = _SIZE.search(base(name))
    return int(match.group(1)) if match else None


def delivered(name: bytes, mtime_ns: int) -> tuple[int, int, int, bytes]:
    """What to sort messages by in the order of their delivery: the time in the name, which copying does not change;
    else the time of the file."""
    match = _DELIVERED.match(name)
    if match is None:
        return mtime_ns // 10**9, mtime_ns // 1000 % 10**6, mtime_ns, name
    return int(match.group(1)), int(match.group(2) or 0), mtime_ns, name


def new_group() -> str:
    """A `group` for `unique` that no other COPY has."""
    return f"C{time.time_ns()}Q{next(_counter)}"


def is_in_group(name: bytes, group: bytes) -> bool:
    """Whether a name was made with this `group`."""
    return group + b"." in name


def unique(file_size: int, crlf_size: int | None, group: str = "") -> bytes:
    """A new name, without flags. `group` (letters and digits) is what the files of one COPY have in common."""
    now = time.time_ns()
    # a host name must not end the name's parts (qmail's maildir page: `/` is \057, `:` is \072)
    host = socket.gethostname().replace("/", r"\057").replace(":", r"\072").replace(",", r"\054")
    name = f"{now // 10**9}.M{now // 1000 % 10**6}P{os.getpid()}Q{next(_counter)}{group}.{host},S={file_size}"
    return os.fsencode(name if crlf_size is None else f"{name},W={crlf_size}")
