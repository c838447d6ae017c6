"""What the search tests share: mailboxes of messages made by hand, and a search as a client would send it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from netimap.mailbox import Mailbox
from netimap.message import Message
from netimap.search import compile_search, split_charset
from netimap.view import View
from netimap.wire.reader import tokenize

DATE = datetime(2026, 1, 1, tzinfo=UTC)


def make_mailbox(messages: Iterable[Message], first_uid: int = 101) -> Mailbox:
    """A mailbox with these messages, from UID `first_uid` on."""
    mailbox = Mailbox(name="INBOX", uidnext=first_uid)
    for message in messages:
        mailbox.add_message(message)
    return mailbox


def make_view(*raw: bytes) -> View:
    """A view of a mailbox with messages of these octets."""
    return View(make_mailbox(Message(octets).load([], DATE) for octets in raw))


def program(*parts: bytes):
    """The program of a SEARCH with these arguments: text, literal, text, …"""
    charset, tokens = split_charset(tokenize(list(parts)))
    return compile_search(tokens, charset)


def never() -> None:
    """A cede that has nobody to cede to."""


def search(view: View, *parts: bytes | str) -> list[int]:
    """The numbers that a SEARCH with these arguments (text, literal, text, …) finds."""
    octets = [part.encode() if isinstance(part, str) else part for part in parts]
    numbers, uids = program(*octets).run(view, never)
    assert [view.number(uid) for uid in uids] == list(numbers)
    return list(numbers)
