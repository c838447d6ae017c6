"""netimap.mailbox: what a plugin subclasses (PERL-API.md, Mailbox)."""

import random
import time
from datetime import UTC, datetime

import pytest

from netimap import Mailbox, Message
from netimap.exceptions import Bad, Denied, No
from netimap.mailbox import MAX_JOURNAL, MAX_KEYWORDS
from netimap.mailbox_tree import MAX_DEPTH
from netimap.view import View

RAW = b"Subject: hello\r\n\r\nbody\r\n"


def filled(count, **fields):
    mailbox = Mailbox(**{"name": "box"} | fields)
    for _ in range(count):
        mailbox.add_message(Message(RAW))
    return mailbox


def uids(mailbox):
    return list(mailbox.uid_column())


# --- construction ---


def test_is_made_of_fields_with_the_original_s_defaults():
    before = int(time.time())
    mailbox = Mailbox(name="Drafts")
    assert mailbox.name() == "Drafts"
    assert mailbox.uidnext() == 1000
    assert before <= mailbox.uidvalidity() <= before + 2
    assert mailbox.subscribed() is True
    assert mailbox.is_selectable() is True
    assert mailbox.is_inbox() is False
    assert list(mailbox.messages()) == []
    assert mailbox.children() == []


def test_fields_win_over_defaults_and_may_be_attributes():
    mailbox = Mailbox(name="x", uidnext=5, uidvalidity=7, subscribed=False, is_selectable=False, database="db")
    assert (mailbox.uidnext(), mailbox.uidvalidity()) == (5, 7)
    assert (mailbox.subscribed(), mailbox.is_selectable()) == (False, False)
    assert mailbox.database == "db"


def test_init_comes_first_then_load_data():
    class Mine(Mailbox):
        calls = ()

        def init(self):
            super().init()
            self.calls += ("init",)

        def load_data(self):
            self.calls += ("load_data",)
            self.add_message(Message(RAW))

    mailbox = Mine(name="x")
    assert mailbox.calls == ("init", "load_data")
    assert uids(mailbox) == [1000]


# --- the tree ---


def test_children_know_their_parent_and_their_path():
    root = Mailbox()
    child = root.add_child(name="a").add_child(name="b")
    assert child.full_path() == "a/b"
    assert child.parent().name() == "a"
    assert [found.name() for found in root.children()] == ["a"]
    assert type(child) is Mailbox


def test_children_are_of_their_parent_s_class():
    class Mine(Mailbox):
        pass

    assert type(Mine().add_child(name="x")) is Mine


def test_a_ready_made_child_is_hung_in():
    root, child = Mailbox(), Mailbox(name="ready")
    assert root.add_child(child) is child
    assert child.parent() is root
    assert child.full_path() == "ready"


def test_a_taken_name_yields_no_mailbox():
    root = Mailbox()
    root.add_child(name="a")
    assert root.add_child(name="a") is None
    assert root.create(name="a") is None
    assert root.add_child(Mailbox(name="a")) is None
    assert len(root.children()) == 1


def test_paths_are_in_modified_utf_7():
    # RFC 3501 5.1.3
    assert Mailbox().add_child(name="Entwürfe & mehr").full_path() == "Entw&APw-rfe &- mehr"


def test_inbox_has_one_spelling():
    # RFC 3501 5.1
    root = Mailbox()
    inbox = root.add_child(name="inbox")
    assert inbox.is_inbox()
    assert inbox.full_path() == "INBOX"
    assert root.add_child(name="INBOX", is_inbox=True) is None


def test_a_new_name_changes_the_paths_below():
    root = Mailbox()
    top = root.add_child(name="a")
    leaf = top.add_child(name="b").add_child(name="c")
    assert leaf.full_path() == "a/b/c"
    top.name("z")
    assert leaf.full_path() == "z/b/c"


def test_a_model_without_hierarchy():
    class Flat(Mailbox):
        def separator(self):
            return None

    assert Flat().add_child(name="a/b").full_path() == "a/b"


def test_reparent_moves_and_renames():
    root = Mailbox()
    mailbox = root.add_child(name="a")
    child, target = mailbox.add_child(name="c"), root.add_child(name="t")
    assert mailbox.reparent(target, "b") is True
    assert child.full_path() == "t/b/c"
    assert [found.name() for found in root.children()] == ["t"]
    assert mailbox.reparent(root) is True
    assert mailbox.full_path() == "b"


def test_reparent_to_a_taken_name_changes_nothing():
    root = Mailbox()
    mailbox = root.add_child(name="a")
    root.add_child(name="b")
    assert mailbox.reparent(root, "b") is None
    assert mailbox.full_path() == "a"
    assert mailbox in root.children()


def test_delete_takes_it_out_of_the_tree():
    root = Mailbox()
    mailbox = root.add_child(name="a")
    assert mailbox.delete() is True
    assert mailbox.deleted
    assert root.children() == []


def test_delete_with_children_leaves_a_name_without_messages():
    # RFC 3501 6.3.4
    root = Mailbox()
    mailbox = root.add_child(name="a")
    mailbox.add_child(name="b")
    mailbox.add_message(Message(RAW))
    assert mailbox.delete() is True
    assert mailbox.is_selectable() is False
    assert uids(mailbox) == []
    assert mailbox in root.children()


def test_a_name_used_again_has_another_uidvalidity():
    # RFC 3501 2.3.1.1: also when all happens within one second
    root = Mailbox()
    seen = set()
    for _ in range(3):
        mailbox = root.create(name="a").create(name="b")
        seen.add(mailbox.uidvalidity())
        mailbox.delete()
        mailbox.parent().delete()
    renamed = root.create(name="x")
    seen.add(renamed.uidvalidity())
    renamed.reparent(root, "y")
    seen.add(root.create(name="x").uidvalidity())
    assert len(seen) == 5


def test_depth_is_limited():
    mailbox = root = Mailbox()
    for depth in range(MAX_DEPTH):
        mailbox = mailbox.create(name=str(depth))
    with pytest.raises(No, match="deep"):
        mailbox.create(name="deeper")
    assert root.levels() == MAX_DEPTH + 1
    root.check_depth(MAX_DEPTH)
    with pytest.raises(No, match="deep"):
        root.check_depth(MAX_DEPTH + 1)


def test_prep_for_destroy_lets_go_of_everything():
    root = Mailbox()
    child = root.add_child(name="a")
    message = child.add_message(Message(RAW))
    root.prep_for_destroy()
    assert root.children() == []
    assert child.parent() is None
    assert message.mailbox() is None


# --- messages ---


def test_add_message_gives_uid_and_place():
    mailbox = Mailbox(name="x")
    first, second = mailbox.add_message(Message(RAW)), mailbox.add_message(Message(RAW))
    assert (first.uid(), second.uid(), mailbox.uidnext()) == (1000, 1001, 1002)
    assert (first.sequence(), second.sequence()) == (1, 2)
    assert first.mailbox() is mailbox
    assert mailbox.uids() == {1000: first, 1001: second}
    assert list(mailbox.messages()) == [first, second]


def test_a_message_may_bring_its_uid():
    mailbox = Mailbox(name="x", uidnext=1)
    for uid in (7, 3, 5):
        message = Message(RAW)
        message.uid(uid)
        mailbox.add_message(message)
    assert uids(mailbox) == [3, 5, 7]
    assert [message.uid() for message in mailbox.messages()] == [3, 5, 7]
    assert mailbox.uidnext() == 8


def own_uid(uid):
    message = Message(RAW)
    message.uid(uid)
    return message


def test_a_uid_is_never_taken_twice_or_slipped_in():
    # RFC 3501 2.3.1.1: UIDs ascend for a session
    mailbox = filled(3, uidnext=5)
    with pytest.raises(ValueError, match="UID 6"):
        mailbox.add_message(own_uid(6))
    view = View(mailbox)
    with pytest.raises(ValueError, match="UID 4"):
        mailbox.add_message(own_uid(4))
    mailbox.expunge_uids([7])
    with pytest.raises(ValueError, match="UID 7"):
        mailbox.add_message(own_uid(7))
    view.close()
    assert uids(mailbox) == [5, 6]


def test_uids_end_where_32_bits_do():
    # RFC 3501 9: UIDNEXT is an nz-number too, so the last UID is one less
    mailbox = Mailbox(name="x", uidnext=2**32 - 2)
    mailbox.add_message(Message(RAW))
    assert mailbox.uidnext() == 2**32 - 1
    with pytest.raises(No, match="UIDs"):
        mailbox.add_message(Message(RAW))
    assert len(uids(mailbox)) == 1


def test_messages_replaces_all():
    mailbox = filled(2)
    mailbox.messages([Message(RAW)])
    assert uids(mailbox) == [1002]


def test_append_makes_a_message_of_message_class():
    class Mine(Message):
        pass

    class Box(Mailbox):
        message_class = Mine

    message = Box(name="x").append(RAW)
    assert type(message) is Mine
    assert message.raw() == RAW


def test_append_message_has_flags_and_date():
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    mailbox = Mailbox(name="x")
    message = mailbox.append_message(RAW, ["\\Seen", "Work"], when)
    assert message.flags() == ["Work", "\\Seen"]
    assert message.internaldate_value() == when
    assert "Work" in mailbox.flags()


def test_copy_is_all_or_nothing():
    # RFC 3501 6.4.7
    class Full(Mailbox):
        def append(self, content):
            return False if len(self.uid_column()) == 2 else super().append(content)

    source, target = filled(3), Full(name="full")
    with pytest.raises(Denied):
        source.copy_messages(uids(source), target)
    assert uids(target) == []
    assert target.copy_messages([1000], source) == []
    assert source.copy_messages([1000, 1001], target) == [1002, 1003]


def test_copy_asks_every_message_first():
    class Private(Message):
        def copy_allowed(self, mailbox):
            return False

    source, target = filled(1), Mailbox(name="t")
    source.add_message(Private(RAW))
    with pytest.raises(Denied):
        source.copy_messages(uids(source), target)
    assert uids(target) == []


def test_expunge_removes_what_is_deleted():
    mailbox = filled(4)
    for number in (1, 2, 4):
        mailbox.messages()[number - 1].set_flag("\\deleted")
    mailbox.expunge([1, 3])
    assert uids(mailbox) == [1001, 1002, 1003]
    mailbox.expunge()
    assert uids(mailbox) == [1002]


@pytest.mark.parametrize("count", [1, 5, 200])
def test_expunge_uids_leaves_the_others_in_order(count):
    mailbox = filled(300)
    going = random.Random(count).sample(uids(mailbox), count)
    left = [uid for uid in uids(mailbox) if uid not in going]
    mailbox.expunge_uids([*going, 1, 99999])
    assert uids(mailbox) == left
    assert [message.uid() for message in mailbox.messages()] == left
    assert sorted(mailbox.uids()) == left


def test_expunge_tells_each_message():
    mailbox = filled(2)
    message = mailbox.messages()[0]
    mailbox.expunge_uids([message.uid()])
    assert message.expunged() is True
    assert message.sequence() is None


def test_a_message_expunged_twice_at_a_time_goes_once():
    # a plugin's `expunge` may wait, and another session expunge the same message meanwhile
    class Slow(Message):
        def expunge(self):
            if not self.expunged():
                super().expunge()
                self.mailbox().expunge_uids([self.uid()])

    mailbox = Mailbox(name="x")
    mailbox.add_message(Slow(RAW))
    mailbox.expunge_uids([1000])
    assert uids(mailbox) == []


def test_an_expunged_message_stays_readable_until_all_sessions_know():
    mailbox = filled(2)
    first, second = View(mailbox), View(mailbox)
    mailbox.expunge_uids([1000])
    assert mailbox.message(1000).raw() == RAW
    assert mailbox.columns([1000, 1001], ["size"]) == [[len(RAW)] * 2]
    first.sync()
    first.told_expunged()
    assert mailbox.message(1000) is not None
    second.close()
    assert mailbox.message(1000) is None
    with pytest.raises(KeyError):
        mailbox.columns([1000], ["size"])


# --- counts and flags ---


def test_counts():
    mailbox = filled(3)
    mailbox.messages()[0].set_flag("\\Seen")
    assert (mailbox.exists(), mailbox.unseen(), mailbox.first_unseen(), mailbox.recent()) == (3, 2, 2, 3)
    assert mailbox.status("messages", "UIDNEXT", "UNSEEN", "RECENT", "UIDVALIDITY") == {
        "MESSAGES": 3, "UIDNEXT": 1003, "UNSEEN": 2, "RECENT": 3, "UIDVALIDITY": mailbox.uidvalidity(),
    }  # fmt: skip


def test_counts_of_nothing():
    mailbox = Mailbox(name="x")
    assert (mailbox.exists(), mailbox.unseen(), mailbox.first_unseen(), mailbox.recent()) == (0, 0, None, 0)


def test_an_unknown_status_item_is_the_client_s_fault():
    with pytest.raises(Bad, match="BOGUS"):
        Mailbox(name="x").status("MESSAGES", "BOGUS")


def test_keywords_become_known():
    mailbox = filled(1)
    assert mailbox.permanentflags()[-1] == "\\*"
    mailbox.messages()[0].set_flag("Work")
    assert mailbox.flags()[-1] == "Work"
    assert mailbox.keyword("WORK") == "Work"
    assert mailbox.keyword("\\SEEN") == "\\Seen"


def test_a_keyword_nobody_has_is_not_made_by_clearing_it():
    mailbox = filled(1)
    mailbox.store_flags([1000], "-FLAGS", ["Nothing"])
    mailbox.messages()[0].clear_flag("Nothing")
    assert "Nothing" not in mailbox.flags()


def test_keywords_are_limited():
    mailbox = filled(1)
    mailbox.store_flags([1000], "+FLAGS", [f"k{number}" for number in range(MAX_KEYWORDS)])
    with pytest.raises(No, match="keywords"):
        mailbox.store_flags([1000], "+FLAGS", ["one-too-many"])
    with pytest.raises(No, match="keywords"):
        mailbox.append_message(RAW, ["one-too-many"])
    with pytest.raises(No, match="keywords"):
        mailbox.add_message(Message(RAW).load(["one-too-many"]))
    assert uids(mailbox) == [1000]


@pytest.mark.parametrize(
    ("flag", "settable"),
    [
        ("\\Seen", True),
        ("\\DELETED", True),
        ("Work", True),
        ("\\Recent", False),
        ("\\recent", False),
        ("\\Other", False),
    ],
)
def test_can_set_flag(flag, settable):
    # RFC 3501 2.3.2: nobody may set \Recent; other flags with a backslash are not ours to make
    assert Mailbox(name="x").can_set_flag(flag) is settable


def test_store_flags_changes_and_notes_what_changed_only():
    mailbox = filled(3)
    view = View(mailbox)
    mailbox.messages()[1].load(["\\Seen"])
    mailbox.store_flags(uids(mailbox), "+FLAGS", ["\\Seen"])
    assert mailbox.changes(view.modseq).flags == [1000, 1002]
    assert mailbox.columns(uids(mailbox), ["flags"]) == [[frozenset(["\\Seen"])] * 3]
    view.close()


def test_store_flags_asks_messages_that_want_to_be_asked():
    class Mine(Message):
        stored = ()

        def store(self, what, flags):
            self.stored += ((what, tuple(flags)),)

    mailbox = filled(1)
    mine = mailbox.add_message(Mine(RAW))
    mailbox.store_flags(uids(mailbox), "+FLAGS", ["\\Seen"])
    assert mine.stored == (("+FLAGS", ("\\Seen",)),)
    assert mailbox.messages()[0].flags() == ["\\Seen"]


# --- sets ---


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("1:*", [1000, 1001, 1002]), ("2", [1001]), ("3:1", [1000, 1001, 1002]), ("2,2,1", [1000, 1001]), ("*", [1002]),
     ("4:9", []), ("3:4294967295", [1002])],
)  # fmt: skip
def test_get_messages(wanted, found):
    assert [message.uid() for message in filled(3).get_messages(wanted)] == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("1:*", [1000, 1001, 1002]), ("1001", [1001]), ("5000:*", [1002]), ("*", [1002]), ("1,2,1001:1002", [1001, 1002]),
     ("1:4294967295", [1000, 1001, 1002])],
)  # fmt: skip
def test_get_uids(wanted, found):
    assert [message.uid() for message in filled(3).get_uids(wanted)] == found


def test_sets_of_an_empty_mailbox():
    assert Mailbox(name="x").get_messages("1:*") == []
    assert Mailbox(name="x").get_uids("*") == []


# --- columns and overriding ---


def test_columns_are_facts_of_many_messages():
    mailbox = filled(2)
    when = datetime(2026, 1, 2, tzinfo=UTC)
    for message in mailbox.messages():
        message.internaldate(when)
    names = ["uid", "flags", "internaldate", "size", "modseq", "envelope", "body", "bodystructure"]
    columns = dict(zip(names, mailbox.columns([1001, 1000], names), strict=True))
    assert columns["uid"] == [1001, 1000]
    assert columns["flags"] == [frozenset()] * 2
    assert columns["internaldate"] == [when] * 2
    assert columns["size"] == [len(RAW)] * 2
    assert columns["modseq"][0] > columns["modseq"][1]
    assert columns["envelope"][0].startswith(b'(NIL "hello" ')
    assert columns["body"][0].startswith(b'("text" "plain" ')
    assert len(columns["bodystructure"][0]) > len(columns["body"][0])


def test_columns_ask_messages_that_say_otherwise():
    class Mine(Message):
        def flags(self):
            return ["\\Flagged"]

        def size(self):
            return 5

        def internaldate(self, *when):
            return "02-Jan-2026 00:00:00 +0100"

    mailbox = Mailbox(name="x")
    mailbox.add_message(Mine(RAW))
    flags, sizes, dates = mailbox.columns([1000], ["flags", "size", "internaldate"])
    assert flags == [frozenset(["\\Flagged"])]
    assert sizes == [5]
    assert dates[0].isoformat() == "2026-01-02T00:00:00+01:00"


# --- changes ---


def test_nothing_is_kept_for_nobody():
    mailbox = filled(10)
    assert len(mailbox.journal) == 0
    mailbox.expunge_uids([1000])
    assert mailbox.message(1000) is None


def test_a_session_that_says_nothing_does_not_make_the_journal_grow():
    mailbox = filled(100)
    silent = View(mailbox)
    for turn in range(4 * MAX_JOURNAL // 100):
        mailbox.store_flags(uids(mailbox), "+FLAGS" if turn % 2 else "-FLAGS", ["\\Seen"])
    assert len(mailbox.journal) <= MAX_JOURNAL + 300
    # and it misses nothing
    assert len(silent.told_flags()) == 100 if silent.has_changes() else False
    silent.close()


def test_sessions_that_wait_are_woken_by_every_change():
    mailbox = filled(1)
    view = View(mailbox)
    woken = []
    view.wake = lambda: woken.append(1)
    mailbox.append(RAW)
    mailbox.messages()[0].set_flag("\\Seen")
    mailbox.messages()[0].set_flag("\\Seen")
    mailbox.messages()[0].set_flag("\\Draft", silent=True)
    mailbox.expunge_uids([1000])
    assert len(woken) == 3
    view.close()


def test_leaves_nothing_behind_when_sessions_leave():
    mailbox = filled(5)
    views = [View(mailbox) for _ in range(3)]
    mailbox.expunge_uids([1001])
    views[0].sync()
    views[0].told_expunged()
    mailbox.expunge_uids([1002])
    mailbox.store_flags([1003], "+FLAGS", ["\\Seen"])
    for view in views:
        view.close()
    assert (mailbox.views, len(mailbox.journal), mailbox._ghosts) == ([], 0, {})
