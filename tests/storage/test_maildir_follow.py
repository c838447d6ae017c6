"""Other programs deliver, move, flag and remove while the mailbox is open, and while it is not."""

import os
import shutil

import gevent
import pytest
from maildir_store import message

from netimap.exceptions import No
from netimap.storage.maildir import follow, watch
from netimap.storage.maildir.folder import Folder
from netimap.view import View


def summary(mailbox):
    return {m.uid(): m.flags() for m in mailbox.messages()}


@pytest.fixture
def inbox(store):
    """An open INBOX whose Maildir has messages 1 (seen) to 3 in cur/, and is quiet."""
    store.make_maildir()
    for flags in ("S", "", ""):
        store.deliver(into="cur", flags=flags)
    store.age()
    inbox = store.inbox()
    assert list(inbox.uid_column()) == [1, 2, 3]
    return inbox


def test_an_existing_maildir(store):
    store.make_maildir()
    store.make_maildir(".Work.Old")
    store.deliver(b"Subject: b\n\nb\n", name="1500000002.M1.h", mtime=1_500_000_100)
    store.deliver(b"Subject: a\n\na\n", name="1500000001.M1.h", into="cur", flags="FRS", mtime=1_500_000_000)
    store.deliver(b"Subject: c\n\nc\n", name="1500000003.M1.h", folder=".Work.Old")
    model = store.login()
    inbox = model.lookup("INBOX")
    assert [m.raw() for m in inbox.messages()] == [b"Subject: a\r\n\r\na\r\n", b"Subject: b\r\n\r\nb\r\n"]
    assert summary(inbox) == {1: ["\\Answered", "\\Flagged", "\\Seen"], 2: []}
    assert inbox.message(1).internaldate() == "14-Jul-2017 02:40:00 +0000"
    # another program has shown what is in cur/; what is in new/ is new
    assert inbox.recent() == 1
    assert model.lookup("Work/Old").exists() == 1
    assert not model.lookup("Work").is_selectable()


def test_delivery(store, inbox):
    view = View(inbox)
    assert not view.has_changes()
    store.deliver(b"Subject: new\n\ntext\n")
    inbox.poll()
    view.sync()
    assert view.told_exists() == [b"* 4 EXISTS\r\n", b"* 1 RECENT\r\n"]
    assert inbox.message(4).raw() == b"Subject: new\r\n\r\ntext\r\n"
    view.close()


def test_delivery_wakes_who_waits(store, inbox):
    view = View(inbox)
    woken = []
    view.wake = lambda: woken.append(True)
    store.deliver()
    inbox.poll()
    assert woken == [True]
    view.close()


def test_status_of_a_mailbox_that_was_never_opened(store, inbox):
    store.deliver()
    assert inbox.status("UIDNEXT", "MESSAGES") == {"UIDNEXT": 4, "MESSAGES": 3}
    store.close()
    inbox = store.inbox()
    assert inbox.status("UIDNEXT", "MESSAGES") == {"UIDNEXT": 5, "MESSAGES": 4}
    store.close()
    store.deliver()
    inbox = store.inbox()
    inbox.poll()
    assert inbox.uidnext() == 6


def test_deliveries_in_order(store, inbox):
    for name in ("1600000500.M2.h", "1600000500.M1.h", "1600000400.M9.h"):
        store.deliver(name.encode(), name=name)
    inbox.poll()
    assert [m.raw() for m in inbox.messages()[3:]] == [b"1600000400.M9.h", b"1600000500.M1.h", b"1600000500.M2.h"]


def test_delivery_right_after_a_look(store, inbox):
    """Within the tick of the clock that the last look saw, the directory's time does not change."""
    store.deliver()
    inbox.poll()
    for count in range(5, 24):
        before = os.stat(store.maildir("new")).st_mtime_ns
        store.deliver()
        os.utime(store.maildir("new"), ns=(before, before))
        while inbox.exists() < count:
            inbox.poll()


def test_quiet_polls_cost_two_stats(inbox, monkeypatch):
    monkeypatch.setattr(follow, "scan", lambda *_: pytest.fail("read"))
    monkeypatch.setattr(follow, "scan_new", lambda *_: pytest.fail("read"))
    monkeypatch.setattr(os, "listdir", lambda *_: pytest.fail("read"))
    calls, stat = [], os.stat
    monkeypatch.setattr(watch.os, "stat", lambda path: calls.append(path) or stat(path))
    inbox.poll()
    assert len(calls) == 2


def test_a_delivery_does_not_read_cur(store, inbox, monkeypatch):
    monkeypatch.setattr(follow, "scan", lambda *_: pytest.fail("read"))
    store.deliver()
    inbox.poll()
    assert inbox.exists() == 4


@pytest.mark.parametrize("way", ["claimed", "moved"])
def test_a_delivery_does_not_read_cur_after_others_left_new(store, inbox, monkeypatch, way):
    name = store.deliver()
    inbox.poll()
    if way == "claimed":
        View(inbox).close()
        inbox.account.settle()
    else:
        store.rename(f"new/{name}", f"cur/{name}:2,")
        inbox.poll()
        store.age()
        inbox.poll()
    monkeypatch.setattr(follow, "scan", lambda *_: pytest.fail("read"))
    store.deliver()
    inbox.poll()
    assert inbox.exists() == 5


def test_our_own_changes_do_not_read_cur(inbox, monkeypatch):
    monkeypatch.setattr(follow, "scan", lambda *_: pytest.fail("read"))
    inbox.append(message())
    inbox.store_flags([1, 2], "+FLAGS", ["\\Flagged"])
    inbox.copy_messages([1], inbox)
    inbox.expunge_uids([1])
    inbox.poll()
    assert list(inbox.uid_column()) == [2, 3, 4, 5]


def test_flags_of_another_program(store, inbox):
    inbox.store_flags([2], "+FLAGS", ["keyword"])
    view = View(inbox)
    name = store.files()[1]
    store.rename(f"cur/{name}", f"cur/{name}PST")
    inbox.poll()
    view.sync()
    assert view.told_flags() == [b"* 2 FETCH (FLAGS (\\Deleted \\Seen $Forwarded keyword))\r\n"]
    assert inbox.unseen() == 1
    view.close()
    store.close()
    assert summary(store.inbox())[2] == ["$Forwarded", "\\Deleted", "\\Seen", "keyword"]


def test_letters_that_are_not_ours_stay(store, inbox):
    name = store.files()[1]
    store.rename(f"cur/{name}", f"cur/{name}ab")
    inbox.poll()
    inbox.store_flags([2], "+FLAGS", ["\\Seen"])
    assert store.files()[1].endswith(":2,Sab")


def test_a_move_to_cur(store, inbox):
    view = View(inbox)
    name = store.deliver()
    inbox.poll()
    store.rename(f"new/{name}", f"cur/{name}:2,S")
    inbox.poll()
    assert summary(inbox)[4] == ["\\Seen"]
    assert list(inbox.uid_column()) == [1, 2, 3, 4]
    assert inbox.message(4).raw() == b"Subject: x\r\n\r\ntext\r\n"
    view.close()


def test_a_move_back_to_new(store, inbox):
    name = store.files()[1]
    store.rename(f"cur/{name}", f"new/{name.partition(':')[0]}")
    inbox.poll()
    assert list(inbox.uid_column()) == [1, 2, 3]
    assert inbox.message(2).raw() == b"Subject: x\r\n\r\ntext\r\n"


def test_removed_by_another_program(store, inbox):
    view = View(inbox)
    os.unlink(os.path.join(store.maildir("cur"), store.files()[1]))
    inbox.poll()
    with pytest.raises(No) as caught:
        inbox.message(2).raw()
    assert caught.value.code == "EXPUNGEISSUED"
    # who asked for facts of many gets those of the others
    sizes, flags, envelopes = inbox.columns([1, 2, 3], ["size", "flags", "envelope"])
    assert [size > 0 for size in sizes] == [True, False, True]
    assert flags == [{"\\Seen"}, set(), set()]
    assert len(envelopes) == 3
    view.sync()
    assert view.told_expunged() == [b"* 2 EXPUNGE\r\n"]
    view.close()
    store.close()
    assert list(store.inbox().uid_column()) == [1, 3]


def test_many_removed_are_looked_for_once(store, inbox, monkeypatch):
    view = View(inbox)
    for name in store.files():
        os.unlink(os.path.join(store.maildir("cur"), name))
    looks, scan = [], follow.scan
    monkeypatch.setattr(follow, "scan", lambda *args: looks.append(1) or scan(*args))
    assert len(inbox.columns([1, 2, 3], ["envelope"])[0]) == 3
    assert list(inbox.columns([1, 2, 3], ["size"])[0]) == [0, 0, 0]
    for uid in (1, 2, 3, 4):
        with pytest.raises(No):
            inbox.octets(uid)
    assert looks == [1]
    view.close()


def test_removed_and_not_noticed_yet(store, inbox):
    name = store.files()[1]
    os.unlink(os.path.join(store.maildir("cur"), name))
    with pytest.raises(No) as caught:
        inbox.message(2).raw()
    assert caught.value.code == "EXPUNGEISSUED"
    assert list(inbox.uid_column()) == [1, 3]


@pytest.mark.parametrize("change", ["store", "expunge", "copy", "read", "structure", "size"])
def test_moved_and_not_noticed_yet(store, inbox, change):
    """A file that another program has just renamed is found under its new name."""
    name = store.files()[1]
    store.rename(f"cur/{name}", f"cur/{name}F")
    if change == "store":
        inbox.store_flags([1, 2, 3], "+FLAGS", ["\\Answered"])
        assert summary(inbox)[2] == ["\\Answered", "\\Flagged"]
        assert store.files()[1].endswith(":2,FR")
    elif change == "expunge":
        inbox.expunge_uids([1, 2, 3])
        assert store.files() == []
    elif change == "copy":
        assert inbox.copy_messages([1, 2, 3], inbox) == [4, 5, 6]
        assert summary(inbox)[5] == ["\\Flagged"]
    elif change == "read":
        assert inbox.message(2).raw() == b"Subject: x\r\n\r\ntext\r\n"
    elif change == "structure":
        assert b'"x"' in inbox.columns([1, 2, 3], ["envelope"])[0][1]
    else:
        assert list(inbox.columns([1, 2, 3], ["size"])[0]) == [20, 20, 20]


@pytest.mark.parametrize("change", ["store", "expunge"])
def test_removed_under_our_hands(store, inbox, change):
    os.unlink(os.path.join(store.maildir("cur"), store.files()[1]))
    if change == "store":
        inbox.store_flags([1, 2, 3], "+FLAGS", ["\\Answered"])
        assert summary(inbox) == {1: ["\\Answered", "\\Seen"], 3: ["\\Answered"]}
    else:
        inbox.expunge_uids([1, 2, 3])
        assert summary(inbox) == {}


def test_a_program_that_never_stops(store, inbox, monkeypatch):
    def flag(self, wanted, undo):
        raise follow.BodyMissing

    monkeypatch.setattr(Folder, "flag", flag)
    with pytest.raises(No) as caught:
        inbox.store_flags([1], "+FLAGS", ["\\Answered"])
    assert caught.value.code == "UNAVAILABLE"


def test_changes_while_nobody_looks(store, inbox):
    validity = inbox.uidvalidity()
    store.close()
    one, two, three = store.files()
    os.unlink(os.path.join(store.maildir("cur"), one))
    store.rename(f"cur/{two}", f"cur/{two}S")
    store.deliver(b"new")
    store.deliver(b"shown elsewhere", into="cur")
    inbox = store.inbox()
    assert summary(inbox) == {2: ["\\Seen"], 3: [], 4: [], 5: []}
    assert [inbox.message(uid).raw() for uid in (4, 5)] == [b"shown elsewhere", b"new"]
    assert inbox.uidvalidity() == validity
    assert inbox.recent() == 1


def test_an_unchanged_maildir_is_not_read_again(store, inbox, monkeypatch):
    store.close()
    monkeypatch.setattr(follow, "scan", lambda *_: pytest.fail("read"))
    assert summary(store.inbox()) == {1: ["\\Seen"], 2: [], 3: []}


def test_a_changed_maildir_is_read_when_it_opens(store, inbox):
    inbox.store_flags([2], "+FLAGS", ["\\Seen"])
    store.close()
    name = store.files()[2]
    store.rename(f"cur/{name}", f"cur/{name}S")
    assert summary(store.inbox()) == {1: ["\\Seen"], 2: ["\\Seen"], 3: ["\\Seen"]}


def test_what_our_own_changes_may_have_hidden_is_found_later(store, inbox, monkeypatch, eventually):
    """Another program changes the directory in the same tick of the clock as we."""
    monkeypatch.setattr(watch, "VERIFY_AFTER_S", 0.0)
    inbox.store_flags([1], "+FLAGS", ["\\Flagged"])
    time = os.stat(store.maildir("cur")).st_mtime_ns
    store.deliver(into="cur")
    os.utime(store.maildir("cur"), ns=(time, time))
    inbox.poll()
    eventually(lambda: inbox.exists() == 4)


def test_a_doubt_is_settled_once(inbox, monkeypatch):
    looks, scan = [], follow.scan
    monkeypatch.setattr(follow, "scan", lambda *args: looks.append(1) or scan(*args))
    monkeypatch.setattr(watch, "VERIFY_AFTER_S", 0.0)
    inbox.store_flags([1], "+FLAGS", ["\\Flagged"])
    monkeypatch.setattr(watch, "VERIFY_AFTER_S", 60.0)
    for _ in range(5):
        inbox.poll()
    inbox.account.settle()
    inbox.poll()
    assert looks == [1]


def test_two_sessions_notice_once(store, inbox, monkeypatch):
    looks, scan_new = [], follow.scan_new
    monkeypatch.setattr(follow, "scan_new", lambda *args: looks.append(1) or scan_new(*args))
    store.deliver()
    time = os.stat(store.maildir("new")).st_mtime_ns
    then = time - 3600 * 10**9
    os.utime(store.maildir("new"), ns=(then, then))
    gevent.joinall([gevent.spawn(inbox.poll) for _ in range(5)])
    assert looks == [1]
    assert inbox.exists() == 4


def test_a_duplicate_file_is_no_message(store, inbox):
    """One message under two names: the part that identifies it is the same."""
    name = store.files()[1]
    shutil.copy(os.path.join(store.maildir("cur"), name), os.path.join(store.maildir("cur"), name + "F"))
    inbox.poll()
    assert summary(inbox) == {1: ["\\Seen"], 2: [], 3: []}
    os.unlink(os.path.join(store.maildir("cur"), name))
    inbox.poll()
    assert summary(inbox) == {1: ["\\Seen"], 2: ["\\Flagged"], 3: []}


def test_a_maildir_that_lost_its_directories(store, inbox):
    shutil.rmtree(store.maildir("new"))
    inbox.poll()
    store.deliver()
    inbox.poll()
    assert inbox.exists() == 4
    shutil.rmtree(store.maildir("cur"))
    inbox.poll()
    inbox.poll()
    assert inbox.exists() == 1


def test_a_folder_removed_while_it_is_selected(store):
    model = store.login()
    work = model.root().create(name="Work")
    work.append(message())
    view = View(work)
    shutil.rmtree(store.maildir(".Work"))
    work.poll()
    assert view.deleted
    assert model.lookup("Work") is None
    with pytest.raises(No):
        work.message(1).raw()
    with pytest.raises(No):
        work.append(message())
    assert list(view.uids()) == [1]
    view.close()


def test_a_file_that_cannot_be_read(store, inbox, monkeypatch):
    def fail(*_):
        raise PermissionError("not yours")

    monkeypatch.setattr("netimap.storage.maildir.folder.read_file", fail)
    with pytest.raises(No) as caught:
        inbox.message(1).raw()
    assert caught.value.code == "UNAVAILABLE"
    assert inbox.exists() == 3
