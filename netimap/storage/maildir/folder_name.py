"""Mailbox names and user names as names of directories, so that no two can ever meet in one directory.

Mailboxes, as in Maildir++: INBOX is the account's directory itself, `Work/Füße` is `.Work.F&APwA3w-e` beside its
`cur`: parts in modified UTF-7 (RFC 3501 5.1.3) with a dot before each. A dot within a part, which that leaves no room
for, is written as base64 all the same (`&AC4-`), which nothing else can be mistaken for. A directory of another
program whose name is no modified UTF-7 is taken as UTF-8.

Users: lower-case letters, digits and `@ + - _ .` stay, all other octets of the UTF-8 form are `%` and two lower-case
digits. So `A` and `a` differ on file systems that ignore case, and the two Unicode forms of `é` on those that
normalise names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ...exceptions import No
from ...wire.mailbox_name import decode_name, encode_name

#: octets of a file name that the usual file systems take
MAX_NAME = 255

_DOT = "&AC4-"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPED_IN_USER = re.compile(rb"[^a-z0-9@+_.-]")


def place_of(parts: Sequence[str]) -> bytes:
    """The directory of the mailbox with this path, below the account's. Raises No where there can be none."""
    if tuple(parts) == ("INBOX",):
        return b"."
    for part in parts:
        if not part or "/" in part or _CONTROLS.search(part):
            raise No("A mailbox cannot have this name", "CANNOT")
    place = b"".join(b"." + _encode(part) for part in parts)
    if len(place) > MAX_NAME:
        raise No(f"The mailbox's name is too long for the disk ({MAX_NAME} octets with its parents')", "CANNOT")
    return place


def _encode(part: str) -> bytes:
    # the encoded form has a dot only where the text has one
    return encode_name(part).replace(".", _DOT).encode("ascii")


def parts_of(place: bytes) -> tuple[str, ...] | None:
    """The path of the mailbox that a directory of the account is; None for one that is no mailbox."""
    parts = place.split(b".")
    if parts[0] or len(parts) < 2 or not all(parts[1:]):
        return None
    try:
        path = tuple(map(_decode, parts[1:]))
    except UnicodeDecodeError:
        return None
    if any("/" in part or _CONTROLS.search(part) for part in path):
        return None
    # INBOX is the account's directory: a second one could not be reached (RFC 3501 5.1: in any case)
    if path[0].upper() == "INBOX" and (len(path) == 1 or path[0] != "INBOX"):
        return None
    return path


def _decode(part: bytes) -> str:
    text = part.decode("utf-8")
    try:
        return decode_name(text.replace(_DOT, "."))
    except ValueError:
        return text


def user_directory(user: str) -> str:
    """The name of a user's directory. Raises No for a user who can have none."""
    if not user or _CONTROLS.search(user):
        raise No("This user has no mailboxes here", "CANNOT")
    octets = user.encode("utf-8", "surrogatepass")
    name = _ESCAPED_IN_USER.sub(lambda match: b"%%%02x" % match.group()[0], octets).decode("ascii")
    if name.startswith("."):
        # neither hidden nor a way upwards
        name = "%2e" + name[1:]
    if len(name) > MAX_NAME:
        raise No("The user's name is too long for the disk", "CANNOT")
    return name


def account_directory(template: str, user: str) -> str:
    """The directory of a user's account: `%u` in the template is the user. Without it all users share one account."""
    return os.path.abspath(template.replace("%u", user_directory(user)))
