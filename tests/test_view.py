"""netimap.view: a session's frozen numbering, and what it is told (RFC 3501 7.4.1, 2.3.2, 5.2)."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netimap import Mailbox, Message
from netimap.view import MAX_TOLD, View
from netimap.wire.sequence_set import SequenceSet

RAW = b"Subject: hello\r\n\r\nbody\r\n"


def filled(count, **fields):
    mailbox = Mailbox(**{"name": "box", "uidnext": 1} | fields)
    for _ in range(count):
        mailbox.add_message(Message(RAW))
    return mailbox


def arrive(mailbox, count=1):
    for _ in range(count):
        mailbox.add_message(Message(RAW))


def told(view, expunged=True):
    """All that a session is told, in the order of Connection.send_untagged."""
    view.sync()
    lines = view.told_flags()
    if expunged:
        lines += view.told_expunged()
    return lines + view.told_exists()


def resolve(view, text, by_uid=False):
    numbers, uids = view.resolve(SequenceSet.parse(text), by_uid)
    return list(numbers), list(uids)


# --- numbers ---


def test_numbers_are_frozen_until_told():
    mailbox = filled(5)
    view = View(mailbox)
    mailbox.expunge_uids([2, 4])
    arrive(mailbox)
    assert resolve(view, "1:*") == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])
    assert [view.number(uid) for uid in (1, 2, 3, 4, 5)] == [1, 2, 3, 4, 5]
    assert told(view) == [b"* 2 EXPUNGE\r\n", b"* 3 EXPUNGE\r\n", b"* 4 EXISTS\r\n", b"* 4 RECENT\r\n"]
    assert resolve(view, "1:*") == ([1, 2, 3, 4], [1, 3, 5, 6])


@pytest.mark.parametrize(
    ("wanted", "numbers", "uids"),
    [
        ("2:4", [2, 3, 4], [2, 3, 4]),
        ("4:2,3", [2, 3, 4], [2, 3, 4]),
        ("1,5", [1, 5], [1, 5]),
        ("*", [5], [5]),
        ("*:4", [4, 5], [4, 5]),
        ("6,7:9", [], []),
        ("5:4294967295", [5], [5]),
        # RFC 3501 6.4.8: the last one, also where the set begins behind it
        ("9:*", [5], [5]),
    ],
)
def test_sets_mean_what_the_session_counts(wanted, numbers, uids):
    mailbox = filled(5)
    view = View(mailbox)
    # neither an expunge nor a new message changes it
    mailbox.expunge_uids([5, 1])
    arrive(mailbox, 3)
    assert resolve(view, wanted) == (numbers, uids)
    assert resolve(view, wanted, by_uid=True) == (numbers, uids)


def test_nothing_is_numbered_in_an_empty_mailbox():
    view = View(filled(0))
    assert resolve(view, "1:*") == ([], [])
    assert resolve(view, "*", by_uid=True) == ([], [])


def test_counts_what_the_client_knows():
    mailbox = filled(2)
    view = View(mailbox)
    mailbox.expunge_uids([1])
    arrive(mailbox)
    assert [view.counts(uid) for uid in (0, 1, 2, 3, 4)] == [False, True, True, False, False]
    told(view)
    assert [view.counts(uid) for uid in (1, 2, 3)] == [False, True, True]


def test_copies_nothing_while_nothing_is_expunged():
    view = View(filled(3))
    assert view.uids() is view.mailbox.uid_column()


# --- telling ---


def test_exists_is_said_once_and_never_lowered():
    # RFC 3501 7.3.1, and FIELD-NOTES 2.3
    mailbox = filled(3)
    view = View(mailbox)
    assert told(view) == []
    arrive(mailbox, 2)
    assert told(view, expunged=False)[0] == b"* 5 EXISTS\r\n"
    assert told(view) == []
    mailbox.expunge_uids([1])
    assert told(view, expunged=False) == []
    arrive(mailbox)
    # the one that went is still counted
    assert told(view, expunged=False)[0] == b"* 6 EXISTS\r\n"
    assert told(view) == [b"* 1 EXPUNGE\r\n"]
    assert view.exists == 5


def test_a_message_that_came_and_went_is_counted_before_it_goes():
    # PERL-API.md, send_untagged: an EXISTS when the client has not yet heard of a message that goes
    mailbox = filled(1)
    view = View(mailbox)
    arrive(mailbox)
    mailbox.expunge_uids([2])
    assert told(view) == [b"* 2 EXISTS\r\n", b"* 2 RECENT\r\n", b"* 2 EXPUNGE\r\n"]
    assert told(view) == []


def test_expunges_wait_where_they_are_forbidden():
    mailbox = filled(3)
    view = View(mailbox)
    mailbox.expunge_uids([2])
    assert told(view, expunged=False) == []
    assert view.has_changes()
    assert told(view) == [b"* 2 EXPUNGE\r\n"]
    assert not view.has_changes()


def test_flags_are_told_with_the_session_s_numbers():
    mailbox = filled(3)
    view = View(mailbox, read_only=True)
    mailbox.expunge_uids([1])
    mailbox.store_flags([3], "+FLAGS", ["\\Seen"])
    assert told(view, expunged=False) == [b"* 3 FETCH (FLAGS (\\Recent \\Seen))\r\n"]
    assert told(view) == [b"* 1 EXPUNGE\r\n"]


def test_flags_come_with_the_uid_where_a_uid_command_runs():
    # RFC 3501 6.4.8
    mailbox = filled(1)
    View(mailbox).close()
    view = View(mailbox)
    mailbox.store_flags([1], "+FLAGS", ["\\Seen"])
    view.sync()
    assert view.told_flags(with_uid=True) == [b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n"]


def test_flags_of_new_and_of_gone_messages_are_not_told():
    mailbox = filled(1)
    view = View(mailbox)
    arrive(mailbox)
    mailbox.store_flags([1, 2], "+FLAGS", ["\\Seen"])
    mailbox.expunge_uids([1])
    assert told(view) == [b"* 1 EXPUNGE\r\n", b"* 1 EXISTS\r\n", b"* 1 RECENT\r\n"]
    assert not view.has_changes()


@pytest.mark.parametrize("count", [3, 100])
def test_flags_that_a_session_sets_on_a_message_it_still_counts_are_not_news(count):
    # the others were told that it went: a line about it would be about another message
    mailbox = filled(count)
    first, second = View(mailbox), View(mailbox)
    mailbox.expunge_uids([1])
    told(first)
    for uid in (1, 3):
        mailbox.store_flags([uid], "+FLAGS", ["\\Flagged"])
    assert told(first) == [b"* 2 FETCH (FLAGS (\\Flagged \\Recent))\r\n"]
    assert not first.has_changes()
    second.close()
    mailbox.flags_changed([1])
    assert told(first) == []


@pytest.mark.parametrize("count", [1, 30])
def test_many_changed_flags_cost_no_more_than_few(count):
    # both ways of finding out which of them the client counts
    mailbox = filled(40)
    view = View(mailbox)
    arrive(mailbox)
    mailbox.store_flags([*range(41 - count, 41), 41], "+FLAGS", ["\\Seen"])
    view.sync()
    assert view.dirty() == set(range(41 - count, 41))


def test_what_the_client_was_sent_it_knows():
    mailbox = filled(2)
    view = View(mailbox)
    mailbox.store_flags([1, 2], "+FLAGS", ["\\Seen"])
    view.sync()
    view.forget_flags([1])
    assert view.dirty() == {2}
    assert len(told(view)) == 1


def test_many_flags_are_told_in_pieces():
    mailbox = filled(MAX_TOLD + 10)
    view = View(mailbox)
    mailbox.store_flags(list(mailbox.uid_column()), "+FLAGS", ["\\Seen"])
    view.sync()
    assert len(view.told_flags()) == MAX_TOLD
    assert len(view.told_flags()) == 10
    assert view.told_flags() == []


# --- \Recent ---


def test_recent_belongs_to_the_first_session():
    # RFC 3501 2.3.2
    mailbox = filled(2)
    first = View(mailbox)
    second = View(mailbox)
    assert (first.recent(), second.recent(), mailbox.recent()) == (2, 0, 0)
    assert first.is_recent(2)
    assert not second.is_recent(2)
    arrive(mailbox)
    assert told(second) == [b"* 3 EXISTS\r\n", b"* 1 RECENT\r\n"]
    assert told(first) == [b"* 3 EXISTS\r\n"]
    assert (first.is_recent(3), second.is_recent(3)) == (False, True)


def test_examine_sees_recent_and_leaves_it():
    # RFC 3501 6.3.2
    mailbox = filled(2)
    reader = View(mailbox, read_only=True)
    assert (reader.recent(), mailbox.recent()) == (2, 2)
    writer = View(mailbox)
    assert writer.recent() == 2
    arrive(mailbox)
    assert told(reader) == [b"* 3 EXISTS\r\n", b"* 3 RECENT\r\n"]
    assert mailbox.recent() == 1
    assert told(writer) == [b"* 3 EXISTS\r\n", b"* 3 RECENT\r\n"]


def test_expunged_messages_are_recent_until_told():
    mailbox = filled(3)
    view = View(mailbox)
    mailbox.expunge_uids([2])
    view.sync()
    assert view.recent() == 3
    told(view)
    assert view.recent() == 2


def test_recent_stands_among_the_flags():
    mailbox = filled(1)
    View(mailbox).close()
    arrive(mailbox, 2)
    view = View(mailbox)
    seen = frozenset(["\\Seen"])
    assert list(view.format_flags([1, 2, 3], [seen, seen, frozenset()])) == [b"\\Seen", b"\\Recent \\Seen", b"\\Recent"]
    assert list(view.format_flags([], [])) == []


# --- together with others ---


def test_close_gives_back_what_only_it_could_read():
    mailbox = filled(2)
    view = View(mailbox)
    mailbox.expunge_uids([1])
    assert mailbox.message(1) is not None
    view.close()
    assert mailbox.message(1) is None
    assert mailbox.views == []


def test_a_deleted_mailbox_wakes_who_waits():
    root = Mailbox()
    mailbox = root.add_child(name="a")
    view, woken = View(mailbox), []
    view.wake = lambda: woken.append(1)
    mailbox.delete()
    assert view.deleted
    assert woken == [1]


class Client:
    """A client that believes what it is told and nothing else: the UIDs it would find under its numbers."""

    def __init__(self, mailbox, read_only):
        self.view = View(mailbox, read_only)
        self.numbers = list(mailbox.uid_column())

    def tell(self, expunged):
        mailbox = self.view.mailbox
        for line in told(self.view, expunged):
            number, what = re.match(rb"\* (\d+) (\w+)", line).groups()
            if what == b"EXPUNGE":
                assert expunged
                del self.numbers[int(number) - 1]
            elif what == b"EXISTS":
                assert int(number) > len(self.numbers)
                # a new message's UID it has to ask for
                self.numbers += [None] * (int(number) - len(self.numbers))
            elif what == b"FETCH":
                assert self.numbers[int(number) - 1] in (None, *mailbox.uid_column())
        self.check()

    def check(self):
        numbers, uids = self.view.resolve(SequenceSet.parse("1:*"), by_uid=False)
        assert list(numbers) == list(range(1, len(self.numbers) + 1))
        for index, (known, uid) in enumerate(zip(self.numbers, uids, strict=True)):
            assert known in (None, uid)
            self.numbers[index] = uid
            assert self.view.number(uid) == index + 1
            assert self.view.mailbox.message(uid) is not None
        assert self.view.recent() <= len(self.numbers)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.integers(1, 3)),
        st.tuples(st.just("expunge"), st.lists(st.integers(0, 20), min_size=1, max_size=4)),
        st.tuples(st.just("store"), st.lists(st.integers(0, 20), min_size=1, max_size=4)),
        st.tuples(st.just("tell"), st.tuples(st.integers(0, 2), st.booleans())),
        st.tuples(st.just("check"), st.integers(0, 2)),
        st.tuples(st.just("reopen"), st.integers(0, 2)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 6), steps)
def test_numbers_are_right_whatever_happens_in_between(count, steps):
    mailbox = filled(count)
    clients = [Client(mailbox, read_only) for read_only in (False, False, True)]
    for step, value in steps:
        here = list(mailbox.uid_column())
        picked = sorted({here[pick % len(here)] for pick in value}) if step in ("expunge", "store") and here else []
        if step == "arrive":
            arrive(mailbox, value)
        elif step == "expunge":
            mailbox.expunge_uids(picked)
        elif step == "store":
            # as a session does that still counts what others know to be gone
            mailbox.store_flags(picked + list(mailbox._ghosts), "+FLAGS", [f"k{len(mailbox.flags())}"])
        elif step == "tell":
            clients[value[0]].tell(value[1])
        elif step == "check":
            clients[value].check()
        else:
            clients[value].view.close()
            clients[value] = Client(mailbox, value == 2)
    for client in clients:
        client.tell(True)
        assert client.numbers == list(mailbox.uid_column())
        client.view.close()
    assert (len(mailbox.journal), mailbox._ghosts, mailbox.views) == (0, {}, [])
