"""Replay: a mailbox as a client sees it that believes untagged responses and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .client import Client
from .responses import fetch_items

_NUMBERED = re.compile(rb"\* ([0-9]+) (EXISTS|EXPUNGE)\Z", re.IGNORECASE)


@dataclass
class Known:
    """What the client knows of one message."""

    #: None until a FETCH told it
    uid: int | None = None
    #: without \\Recent; None until a FETCH told it
    flags: frozenset[str] | None = None


class Replay:
    """Applies the EXISTS, EXPUNGE and FETCH (UID, FLAGS) responses that `client` reads to a list of messages.

    At any time `messages` is what a client knows that follows RFC 3501 5.2 and 7.4.1: compare it with the server's
    state once the client has been told everything. A response that no server may send (EXISTS that lowers the number,
    a message number that is not there, another UID for a known message) is an AssertionError at once.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.messages: list[Known] = []
        client.watchers.append(self.apply)

    def select(self, mailbox: str, command: str = "SELECT") -> None:
        """SELECT (or EXAMINE) the mailbox and begin anew, with the UIDs and flags of all its messages."""
        self.messages = []
        self.client.ok(f"{command} {mailbox}")
        if self.messages:
            self.client.ok("FETCH 1:* (UID FLAGS)")

    def apply(self, line: bytes) -> None:
        """Take in one untagged line."""
        match = _NUMBERED.match(line)
        if match is not None:
            number, kind = int(match.group(1)), match.group(2).upper()
            if kind == b"EXISTS":
                self._exists(number)
            else:
                del self.messages[self._index(number, line)]
            return
        found = fetch_items(line)
        if found is not None:
            number, items = found
            self._fetched(self.messages[self._index(number, line)], items, line)

    def _exists(self, number: int) -> None:
        if number < len(self.messages):
            # RFC 3501 7.3.1: only EXPUNGE takes messages away
            raise self.client.failure(f"EXISTS lowers the number of messages from {len(self.messages)} to {number}")
        self.messages += [Known() for _ in range(number - len(self.messages))]

    def _index(self, number: int, line: bytes) -> int:
        if not 1 <= number <= len(self.messages):
            raise self.client.failure(f"there are {len(self.messages)} messages, and the server says {line!r}")
        return number - 1

    def _fetched(self, message: Known, items: dict[str, str], line: bytes) -> None:
        if "UID" in items:
            uid = int(items["UID"])
            if message.uid not in (None, uid):
                raise self.client.failure(f"the message has UID {message.uid}, and the server says {line!r}")
            message.uid = uid
        if "FLAGS" in items:
            message.flags = frozenset(items["FLAGS"][1:-1].split()) - {"\\Recent"}

    def known(self) -> list[tuple[int | None, frozenset[str] | None]]:
        """(UID, flags) of every message, in order of its number."""
        return [(message.uid, message.flags) for message in self.messages]
