"""Flag sets: immutable, shared between messages, and formatted once each."""

from __future__ import annotations

from collections.abc import Iterable

from .wire.arguments import SYSTEM_FLAGS

NO_FLAGS: frozenset[str] = frozenset()
#: distinct flag sets remembered; a client that makes up keywords must not grow the process
MAX_REMEMBERED = 10_000
#: flags of a set that is remembered: nobody has more of them, and 250 long keywords are 64 KiB
MAX_FLAGS = 16


class FlagFormats(dict[frozenset[str], bytes]):
    """flag set → `\\Seen $Forwarded`, without parentheses; made on first use."""

    def __init__(self, extra: str = "") -> None:
        super().__init__()
        self._extra = (extra,) if extra else ()

    def __missing__(self, flags: frozenset[str]) -> bytes:
        if len(self) > MAX_REMEMBERED:
            self.clear()
        # system flags first: they begin with a backslash, which sorts before letters but after "$"
        text = " ".join(sorted([*flags, *self._extra], key=lambda flag: (flag[0] != "\\", flag))).encode()
        if len(flags) <= MAX_FLAGS:
            self[flags] = text
        return text


FLAG_FORMATS = FlagFormats()
#: the same with \\Recent, which is a session's and not the message's
RECENT_FORMATS = FlagFormats("\\Recent")
_interned: dict[frozenset[str], frozenset[str]] = {NO_FLAGS: NO_FLAGS}


def intern_flags(flags: Iterable[str]) -> frozenset[str]:
    """The one shared object for this set of flags."""
    if len(_interned) > MAX_REMEMBERED:
        _interned.clear()
    key = frozenset(flags)
    return _interned.setdefault(key, key) if len(key) <= MAX_FLAGS else key


def canonical_flag(flag: str) -> str:
    """System flags in the spelling of RFC 3501 2.3.2, keywords as they are."""
    return SYSTEM_FLAGS.get(flag.lower(), flag)


def changed_flags(old: frozenset[str], what: str, flags: Iterable[str]) -> frozenset[str]:
    """The flags after STORE `what` ("+FLAGS", "-FLAGS" or "FLAGS") `flags`; flags are case-insensitive."""
    given = {flag.lower(): canonical_flag(flag) for flag in flags}
    have = {flag.lower(): flag for flag in old}
    if what.startswith("+"):
        new = given | have
    elif what.startswith("-"):
        new = {lower: flag for lower, flag in have.items() if lower not in given}
    else:
        new = {lower: have.get(lower, flag) for lower, flag in given.items()}
    new.pop("\\recent", None)
    return old if new == have else intern_flags(new.values())
