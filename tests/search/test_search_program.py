"""How a search runs: what it reads and when, and that the session's view holds still meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from search_mailbox import DATE, make_mailbox, make_view, never, program, search

from netimap.exceptions import No, Unavailable
from netimap.mailbox import Mailbox
from netimap.message import Message
from netimap.search import KEYS, Key, compile_search
from netimap.search.arguments import number, string
from netimap.search.node import ColumnKey, Cost, none_of
from netimap.view import View


class Counted(Message):
    """Counts how often its octets are read."""

    reads = 0

    def raw(self, *raw: bytes) -> bytes:
        if not raw:
            self.reads += 1
        return super().raw(*raw)


class CountedHeader(Counted):
    """A message whose header is stored apart."""

    headers = 0

    def mime_header(self) -> bytes:
        self.headers += 1
        return b"Subject: yes\r\nFrom: anna\r\n\r\n"


def counted(cls: type[Message], count: int = 4) -> tuple[View, list[Message]]:
    """Messages of a class; the even ones are seen."""
    messages = [
        cls(b"Subject: %b\r\n\r\nbody\r\n" % (b"yes" if number > 2 else b"no")).load(
            [] if number % 2 else ["\\Seen"], DATE
        )
        for number in range(1, count + 1)
    ]
    return View(make_mailbox(messages)), messages


@pytest.mark.parametrize(
    ("query", "expected", "reads"),
    [
        ("SEEN", [2, 4], [0, 0, 0, 0]),
        ("2:3", [2, 3], [0, 0, 0, 0]),
        ("SINCE 1-Jan-2026 RECENT", [1, 2, 3, 4], [0, 0, 0, 0]),
        # text only where the flags leave it open
        ("SUBJECT yes UNSEEN", [3], [1, 0, 1, 0]),
        ("OR BODY nothing SEEN", [2, 4], [1, 0, 1, 0]),
        ("NOT (SUBJECT yes) NOT SEEN", [1], [1, 0, 1, 0]),
        ("OR (BODY body 1) 2:4", [1, 2, 3, 4], [1, 0, 0, 0]),
        ("NOT NOT BODY body 2", [2], [0, 1, 0, 0]),
        # one reading for all keys, the header among them
        ("SUBJECT yes BODY body TEXT body HEADER Subject y NOT SENTBEFORE 1-Jan-2026", [3, 4], [1, 1, 1, 1]),
        ("OR SUBJECT yes OR TEXT no BODY body", [1, 2, 3, 4], [1, 1, 1, 1]),
    ],
)
def test_octets_are_read_once_and_late(query, expected, reads):
    """Cheap keys first, bodies only for what is left, wherever they stand in the command."""
    view, messages = counted(Counted)
    assert search(view, query) == expected
    assert [message.reads for message in messages] == reads


def test_bodies_after_headers():
    """Where a class has its headers apart, the octets are read only for what the header leaves open."""
    view, messages = counted(CountedHeader)
    assert search(view, "OR (BODY body SUBJECT no) (BODY body 4 FROM ann)") == [4]
    assert [message.reads for message in messages] == [0, 0, 0, 1]
    assert [message.headers for message in messages] == [1, 1, 1, 1]


def test_a_plugins_own_facts_count():
    """Flags, date, size and octets are asked of the message, whatever its class makes of them."""

    class Note(Message):
        def flags(self) -> list[str]:
            return ["\\seen", "Note"]

        def internaldate_value(self) -> datetime:
            return datetime(1999, 12, 31, tzinfo=UTC)

        def size(self) -> int:
            return 7_000_000_000

        def raw(self, *raw: bytes) -> bytes:
            return b"Subject: a note\r\n\r\nwritten down\r\n"

    view = View(make_mailbox([Note(), Note()]))
    assert search(view, "SEEN KEYWORD note ON 31-Dec-1999 LARGER 4294967295 SUBJECT note BODY down") == [1, 2]


def test_columns_are_read_by_chunks_and_only_where_they_matter():
    """At most 500 at once; none that no key asks for, or that others have made pointless."""

    class Watched(Mailbox):
        asked: list[tuple[int, list[str]]]

        def columns(self, uids, names):
            if hasattr(self, "asked"):
                self.asked.append((len(uids), list(names)))
            return super().columns(uids, names)

    mailbox = Watched(name="INBOX")
    for index in range(1100):
        mailbox.add_message(Message(b"").load(["\\Seen"] if index < 500 else [], DATE))
    view = View(mailbox)
    mailbox.asked = []
    assert len(search(view, "UNSEEN SMALLER 10")) == 600
    assert mailbox.asked == [
        (500, ["flags"]), (500, ["flags"]), (500, ["size"]), (100, ["flags"]), (100, ["size"]),
    ]  # fmt: skip
    mailbox.asked = []
    assert len(search(view, "ALL")) == 1100
    assert len(search(view, "UID 1:*")) == 1100
    assert mailbox.asked == []
    assert search(view, "7:9 SEEN") == [7, 8, 9]
    assert mailbox.asked == [(3, ["flags"])]


def test_the_program_says_what_it_reads():
    """What a store needs to know that wants to run it itself."""
    assert program(b"UNSEEN").columns == ("flags",)
    assert program(b"OR UNSEEN (SINCE 1-Jan-2026 NOT LARGER 5) TEXT foo").columns == ("flags", "internaldate", "size")
    assert program(b"1:4 RECENT").columns == ()
    assert program(b"RECENT 1").cost is Cost.RANGES
    assert program(b"SUBJECT foo UNSEEN").cost is Cost.HEADER
    assert program(b"OR SEEN NOT (SUBJECT foo BODY bar)").cost is Cost.BODY


def test_cedes_between_messages_and_between_chunks():
    view = make_view(*[b"Subject: x\r\n\r\nbody"] * 30)
    calls = []
    program(b"BODY body OR BODY x BODY z").run(view, lambda: calls.append(1))
    assert len(calls) >= 90
    calls.clear()
    program(b"SEEN").run(View(make_mailbox(Message(b"") for _ in range(1600))), lambda: calls.append(1))
    assert len(calls) >= 4
    calls.clear()
    program(b"RECENT").run(View(make_mailbox(Message(b"") for _ in range(1600))), lambda: calls.append(1))
    assert len(calls) >= 4


def test_numbers_hold_still_while_it_runs():
    """RFC 3501 7.4.1: no EXPUNGE during SEARCH; numbers are those that the client knows."""
    view = make_view(*[b"Subject: x%d\r\n\r\nbody" % number for number in range(6)])
    mailbox = view.mailbox
    mailbox.expunge_uids([102])
    turns = []

    def cede():
        turns.append(1)
        if len(turns) == 3:
            mailbox.expunge_uids([101, 104])
            mailbox.add_message(Message(b"Subject: x\r\n\r\nbody"))

    assert program(b"SUBJECT x BODY body").run(view, cede) == ([1, 2, 3, 4, 5, 6], [101, 102, 103, 104, 105, 106])
    assert search(view, "UNSEEN *") == [6]
    view.told_expunged()
    view.told_exists()
    assert program(b"BODY body").run(view, never) == ([1, 2, 3, 4], [103, 105, 106, 107])


def test_a_message_that_vanished_does_not_match():
    """Neither a key nor its NOT: nobody can tell (RFC 5530 EXPUNGEISSUED)."""

    class Vanished(Message):
        def raw(self, *raw):
            raise No("The message is gone", "EXPUNGEISSUED")

    view = View(make_mailbox([Message(b"Subject: a\r\n\r\nb"), Vanished(), Message(b"Subject: c\r\n\r\nd")]))
    assert search(view, "SUBJECT a") == [1]
    assert search(view, "NOT SUBJECT a") == [3]
    assert search(view, "NOT BODY b") == [3]
    assert search(view, "OR SUBJECT a UNSEEN") == [1, 2, 3]


def test_a_message_that_the_mailbox_does_not_have_does_not_match():
    class Forgetful(Mailbox):
        def message(self, uid):
            return super().message(uid) if uid != 102 else None

    mailbox = Forgetful(name="INBOX", uidnext=101)
    for _ in range(3):
        mailbox.add_message(Message(b"Subject: a\r\n\r\nb"))
    assert search(View(mailbox), "NOT SUBJECT b") == [1, 3]


def test_other_errors_are_not_swallowed():
    class Broken(Message):
        def raw(self, *raw):
            raise Unavailable("The store is down")

    with pytest.raises(Unavailable):
        search(View(make_mailbox([Broken()])), "SUBJECT a")


def test_a_program_runs_again():
    """On another view, and after changes."""
    wanted = program(b"3:* UNSEEN UID 1:*")
    first, second = make_view(*[b""] * 5), make_view(*[b""] * 2)
    assert wanted.run(first, never)[0] == [3, 4, 5]
    assert wanted.run(second, never)[0] == [2]
    first.mailbox.store_flags([104], "+FLAGS", ["\\Seen"])
    assert wanted.run(first, never)[0] == [3, 5]


def test_a_mailbox_may_search_by_itself():
    """It gets the program and the view; for what it leaves alone it returns None."""

    class Searching(Mailbox):
        def search(self, program, view):
            return ([2], [1001]) if program.columns == ("flags",) else None

    mailbox = Searching(name="INBOX")
    for _ in range(3):
        mailbox.add_message(Message(b""))
    view = View(mailbox)
    assert search(view, "SEEN") == [2]
    assert search(view, "1") == [1]


def test_an_extension_adds_keys():
    """With arguments of any form, and with keys as its arguments; nothing that is there is touched."""

    def pair(arguments):
        return number(arguments), number(arguments) if isinstance(arguments.peek(), str) else None

    keys = {
        **KEYS,
        "EVEN": Key(lambda pair: ColumnKey("uid", lambda uid: uid % 2 == pair[0]), (pair,)),
        "BUT": Key(none_of, operands=1),
        "ECHO": Key(lambda text: KEYS["SUBJECT"].make(text), (string,)),
    }
    view = make_view(b"Subject: a\r\n\r\n", b"Subject: b\r\n\r\n", b"Subject: a\r\n\r\n")
    assert compile_search(["EVEN", "1", "7", ["but", "echo", b"A"]], keys=keys).run(view, never)[0] == []
    assert compile_search(["BUT", ["EVEN", "1"]], keys=keys).run(view, never)[0] == [2]
    assert compile_search(["ECHO", b"A"], keys=keys).run(view, never)[0] == [1, 3]
