"""Patterns of LIST: `*` matches anything, `%` anything but the hierarchy separator (RFC 3501 6.3.8). No I/O."""

from __future__ import annotations

import re

_WILDCARDS = re.compile(r"[*%]+")


class ListPattern:
    """A pattern, compiled. Names and patterns are as on the wire; INBOX matches in any case (RFC 3501 5.1).

    No regular expression is made of what a client sent: all positions in the pattern that a name can have reached are
    the bits of one number, so a pattern costs the same for every name of a length, whatever its wildcards.
    """

    __slots__ = ("_ordinary", "_inbox", "_separator")

    def __init__(self, pattern: str, separator: str | None) -> None:
        self._separator = separator
        self._ordinary = _Positions(pattern)
        head, rest = pattern[:5], pattern[5:6]
        is_inbox = head.upper() == "INBOX" and (rest in ("", "*", "%") or rest == separator)
        self._inbox = _Positions("INBOX" + pattern[5:]) if is_inbox else self._ordinary

    def matches(self, name: str) -> bool:
        """Whether a full mailbox name matches."""
        separator = self._separator
        is_inbox = name == "INBOX" or bool(separator and name.startswith("INBOX" + separator))
        return (self._inbox if is_inbox else self._ordinary).matches(name, separator)


class _Positions:
    """The pattern as bit masks over its positions."""

    __slots__ = ("same", "star", "percent", "end")

    def __init__(self, pattern: str) -> None:
        # neighbouring wildcards are one: `*` if there is a `*` among them
        pattern = _WILDCARDS.sub(lambda run: "*" if "*" in run.group() else "%", pattern)
        #: character → the positions at which the pattern has it
        self.same: dict[str, int] = {}
        self.star = self.percent = 0
        for position, character in enumerate(pattern):
            if character == "*":
                self.star |= 1 << position
            elif character == "%":
                self.percent |= 1 << position
            else:
                self.same[character] = self.same.get(character, 0) | 1 << position
        self.end = 1 << len(pattern)

    def matches(self, name: str, separator: str | None) -> bool:
        wild = self.star | self.percent
        reached = 1
        # a wildcard also matches nothing
        reached |= (reached & wild) << 1
        for character in name:
            stays = self.star if character == separator else wild
            reached = (reached & self.same.get(character, 0)) << 1 | reached & stays
            reached |= (reached & wild) << 1
            if not reached:
                return False
        return bool(reached & self.end)
