"""The Maildir store as sessions see it: append, store, copy, expunge, \\Recent; and what is on disk then."""

import errno
import os
import stat
import threading
from datetime import UTC, datetime, timedelta, timezone

import gevent
import pytest
from maildir_store import message

from netimap.exceptions import Denied, No, Unavailable
from netimap.mailbox import Mailbox
from netimap.message import Message
from netimap.storage.maildir import disk, folder
from netimap.view import View

DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-8, minutes=30)))


def facts(mailbox):
    return [(m.uid(), m.raw(), m.flags(), m.internaldate()) for m in mailbox.messages()]


def told(view):
    view.sync()
    return b"".join(view.told_flags() + view.told_expunged() + view.told_exists())


# --- APPEND (RFC 3501 6.3.11) ---


def test_append(store):
    inbox = store.inbox()
    appended = inbox.append_message(message(), ["\\Seen", "$FORWARDED", "kw", "\\Recent"], DATE)
    assert appended.uid() == 1
    assert appended.raw() == message()
    assert appended.flags() == ["$Forwarded", "\\Seen", "kw"]
    assert appended.internaldate() == " 2-Jan-2026 03:04:05 -0730"
    assert appended.size() == len(message())
    assert appended.sequence() == 1
    (name,) = store.files()
    assert name.endswith(f",S={len(message()) - 5},W={len(message())}:2,PS")
    assert store.files("new") == store.files("tmp") == []
    assert inbox.uidnext() == 2


def test_what_was_appended_lasts(store):
    inbox = store.inbox()
    inbox.append_message(message("one"), ["\\Answered", "kw"], DATE)
    inbox.append_message(message("two"))
    before, validity = facts(inbox), inbox.uidvalidity()
    store.close()
    inbox = store.inbox()
    assert facts(inbox) == before
    assert (inbox.uidvalidity(), inbox.uidnext()) == (validity, 3)
    assert "kw" in inbox.flags()


def test_uids_are_not_given_again(store):
    """RFC 3501 2.3.1.1: not even when the message with the largest UID is gone after a restart."""
    inbox = store.inbox()
    for _ in range(3):
        inbox.append(message())
    inbox.expunge_uids([2, 3])
    store.close()
    assert store.inbox().append(message()).uid() == 4


def test_append_of_lines_without_cr(store):
    assert store.inbox().append(b"a: b\n\nc\n").raw() == b"a: b\r\n\r\nc\r\n"


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
@pytest.mark.parametrize(
    ("code", "expected", "answer"), [(errno.ENOSPC, No, "OVERQUOTA"), (errno.EIO, Unavailable, "UNAVAILABLE")]
)
def test_append_that_fails_leaves_nothing(store, monkeypatch, call, code, expected, answer):
    inbox = store.inbox()
    view = View(inbox)

    def fail(*_):
        raise OSError(code, "no")

    monkeypatch.setattr(disk.os, call, fail)
    with pytest.raises(expected) as caught:
        inbox.append_message(message(), ["kw"])
    assert caught.value.code == answer
    monkeypatch.undo()
    assert store.files("cur") == store.files("tmp") == []
    assert (inbox.exists(), inbox.uidnext(), told(view)) == (0, 1, b"")
    assert inbox.append(message()).uid() == 1
    view.close()


def test_a_commit_that_fails_leaves_nothing(store, monkeypatch):
    inbox = store.inbox()
    inbox.append_message(message(), ["\\Seen"])
    (name,) = store.files()
    index = inbox.account.index()

    def fail(*_):
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(index, "save_state", fail)
    for change in (
        lambda: inbox.append(message()),
        lambda: inbox.store_flags([1], "+FLAGS", ["\\Deleted"]),
        lambda: inbox.copy_messages([1], inbox),
        lambda: inbox.expunge_uids([1]),
    ):
        with pytest.raises(Unavailable):
            change()
        assert store.files() == [name]
        assert store.files("tmp") == []
        assert facts(inbox)[0][2] == ["\\Seen"]
        assert inbox.exists() == 1
    monkeypatch.undo()
    # the Maildir is as it was for the next look at it, too
    inbox.account.change(inbox.refresh)
    assert (inbox.exists(), inbox.uidnext()) == (1, 2)


def test_a_caller_who_is_killed(store):
    inbox = store.inbox()
    inbox.uid_column()
    caller = gevent.spawn(inbox.append, message())
    while not store.files("tmp"):
        gevent.sleep(0)
        if caller.ready():
            break
    caller.kill()
    inbox.append(message())
    assert list(inbox.uid_column()) == [1, 2]
    assert len(store.files()) == 2


# --- STORE (RFC 3501 6.4.6) ---


def test_store(store):
    inbox = store.inbox()
    for _ in range(3):
        inbox.append_message(message(), ["\\Flagged"])
    inbox.store_flags([1, 2], "+FLAGS", ["\\seen", "Kw"])
    inbox.store_flags([3], "-FLAGS", ["\\Flagged"])
    inbox.store_flags([2], "FLAGS", ["KW"])
    assert [m.flags() for m in inbox.messages()] == [["Kw", "\\Flagged", "\\Seen"], ["Kw"], []]
    assert [name.partition(":")[2] for name in store.files()] == ["2,FS", "2,", "2,"]
    store.close()
    assert [m.flags() for m in store.inbox().messages()] == [["Kw", "\\Flagged", "\\Seen"], ["Kw"], []]


def test_store_is_told_to_others(store):
    inbox = store.inbox()
    inbox.append(message())
    view = View(inbox)
    woken = []
    view.wake = lambda: woken.append(True)
    inbox.store_flags([1], "+FLAGS", ["\\Seen"])
    assert woken == [True]
    assert told(view) == b"* 1 FETCH (FLAGS (\\Recent \\Seen))\r\n"
    # what changes nothing is nothing to tell
    inbox.store_flags([1, 99], "+FLAGS", ["\\Seen"])
    assert told(view) == b""
    view.close()


def test_counts(store):
    inbox = store.inbox()
    for flags in (["\\Seen"], [], ["\\Seen"], ["\\Deleted"]):
        inbox.append_message(message(), flags)
    assert inbox.status("MESSAGES", "UNSEEN", "RECENT") == {"MESSAGES": 4, "UNSEEN": 2, "RECENT": 4}
    assert inbox.first_unseen() == 2
    inbox.store_flags([2], "+FLAGS", ["\\Seen"])
    assert (inbox.unseen(), inbox.first_unseen()) == (1, 4)
    inbox.expunge()
    assert (inbox.unseen(), inbox.first_unseen(), inbox.exists()) == (0, None, 3)


# --- COPY (RFC 3501 6.4.7) ---


def test_copy(store, monkeypatch):
    model = store.login()
    inbox, work = model.lookup("INBOX"), model.root().create(name="Work")
    for subject in ("one", "two", "three"):
        inbox.append_message(message(subject), ["\\Seen", "kw"], DATE)
    inbox.columns([1], ["envelope"])
    view = View(work)
    assert inbox.copy_messages([1, 3], work) == [1, 2]
    assert told(view) == b"* 2 EXISTS\r\n* 2 RECENT\r\n"
    assert [fact[1:] for fact in facts(work)] == [facts(inbox)[0][1:], facts(inbox)[2][1:]]
    # what is known of the original is known of the copy
    with monkeypatch.context() as patch:
        patch.setattr(folder.Folder, "read", lambda *_: pytest.fail("read again"))
        assert work.columns([1], ["envelope"]) == inbox.columns([1], ["envelope"])
    assert "kw" in work.flags()
    # one file under two names
    names = [store.maildir("cur"), store.maildir(".Work/cur")]
    assert len({os.stat(os.path.join(d, n)).st_ino for d in names for n in os.listdir(d)}) == 3
    view.close()
    before = facts(work)
    store.close()
    assert facts(store.login().lookup("Work")) == before


def test_copy_into_the_same_mailbox(store):
    inbox = store.inbox()
    inbox.append(message())
    assert inbox.copy_messages([1], inbox) == [2]
    assert inbox.exists() == 2


def test_copy_is_all_or_nothing(store):
    model = store.login()
    inbox, work = model.lookup("INBOX"), model.root().create(name="Work")
    for _ in range(3):
        inbox.append(message())
    os.unlink(os.path.join(store.maildir("cur"), store.files()[2]))
    with pytest.raises(No) as caught:
        inbox.copy_messages([1, 2, 3], work)
    assert caught.value.code == "EXPUNGEISSUED"
    assert (work.exists(), store.files(folder=".Work")) == (0, [])
    assert inbox.exists() == 2


def test_copy_to_another_account_and_to_a_plugin(store):
    inbox, other = store.inbox(), store.inbox("ann")
    inbox.append_message(message(), ["\\Seen", "kw"], DATE)
    plugin = Mailbox(name="plugin")
    for target in (other, plugin):
        assert len(inbox.copy_messages([1], target)) == 1
        (copy,) = target.messages()
        assert (copy.raw(), copy.flags(), copy.internaldate()) == facts(inbox)[0][1:]
    assert plugin.copy_messages([1000], inbox) == [2]


def test_copy_may_be_refused(store):
    class Refusing(store.inbox().message_class):
        def copy_allowed(self, mailbox):
            return self.uid() != 2

    inbox = store.inbox()
    inbox.message_class = Refusing
    inbox.append(message())
    inbox.append(message())
    with pytest.raises(Denied):
        inbox.copy_messages([1, 2], inbox)
    assert inbox.copy_messages([1], inbox) == [3]


# --- EXPUNGE (RFC 3501 6.4.3) ---


def test_expunge(store, eventually):
    inbox = store.inbox()
    for flags in ([], ["\\Deleted"], [], ["\\Deleted"]):
        inbox.append_message(message(), flags)
    inbox.expunge([1, 2])
    assert list(inbox.uid_column()) == [1, 3, 4]
    inbox.expunge()
    assert list(inbox.uid_column()) == [1, 3]
    assert inbox.message(2) is None
    eventually(lambda: not store.files("tmp"))
    assert len(store.files()) == 2
    store.close()
    assert list(store.inbox().uid_column()) == [1, 3]


def test_an_expunged_message_can_be_read_until_all_were_told(store, eventually):
    inbox = store.inbox()
    for subject in ("one", "two", "three"):
        inbox.append(message(subject))
    one, other = View(inbox), View(inbox)
    inbox.expunge_uids([2])
    inbox.store_flags([3], "+FLAGS", ["\\Seen"])
    inbox.append(message("four"))
    assert [name.startswith("netimap-expunged.") for name in store.files("tmp")] == [True]
    assert list(other.uids()) == [1, 2, 3]
    assert inbox.message(2).raw() == message("two")
    assert inbox.message(2).expunged()
    uids, sizes, flags, envelopes = inbox.columns([1, 2, 3], ["uid", "size", "flags", "envelope"])
    assert list(uids) == [1, 2, 3]
    assert list(sizes) == [len(message(s)) for s in ("one", "two", "three")]
    assert flags == [set(), set(), {"\\Seen"}]
    assert b'"two"' in envelopes[1]
    # a copy of what is still in the session's view (RFC 3501 7.4.1)
    assert inbox.copy_messages([2], inbox) == [5]
    assert told(one) == b"* 3 FETCH (FLAGS (\\Recent \\Seen))\r\n* 2 EXPUNGE\r\n* 4 EXISTS\r\n* 4 RECENT\r\n"
    assert inbox.message(2).raw() == message("two")
    assert told(other).startswith(b"* 3 FETCH (FLAGS (\\Seen))\r\n* 2 EXPUNGE\r\n")
    assert inbox.message(2) is None
    with pytest.raises(KeyError):
        inbox.columns([2], ["flags"])
    eventually(lambda: not store.files("tmp"))
    assert inbox.message(5).raw() == message("two")
    one.close()
    other.close()


def test_leaving_the_mailbox_lets_go_of_what_was_expunged(store, eventually):
    inbox = store.inbox()
    inbox.append(message())
    view = View(inbox)
    inbox.expunge_uids([1])
    view.close()
    assert inbox.message(1) is None
    eventually(lambda: not store.files("tmp"))


def test_store_on_an_expunged_message(store):
    inbox = store.inbox()
    inbox.append(message())
    view = View(inbox)
    inbox.expunge_uids([1])
    inbox.store_flags([1], "+FLAGS", ["\\Seen"])
    assert inbox.message(1).flags() == []
    view.close()


def test_many_sessions_under_random_order(store):
    """Each session's client, told only what its view says, ends with the same mailbox."""
    inbox = store.inbox()
    views = [View(inbox) for _ in range(3)]
    for step in range(30):
        inbox.append(message(str(step)))
        if step % 3 == 0:
            inbox.expunge_uids([step // 2, step])
        told(views[step % 3])
    for view in views:
        told(view)
        assert list(view.uids()) == list(inbox.uid_column())
        view.close()
    assert inbox.ghosts == {}


# --- \Recent (RFC 3501 2.3.2) ---


def test_recent_belongs_to_the_first_session(store, eventually):
    inbox = store.inbox()
    inbox.append(message())
    store.deliver()
    inbox.poll()
    assert inbox.recent() == 2
    examining = View(inbox, read_only=True)
    assert examining.recent() == 2
    first = View(inbox)
    assert (first.recent(), first.is_recent(1), first.is_recent(2)) == (2, True, True)
    second = View(inbox)
    assert (second.recent(), inbox.recent()) == (0, 0)
    for view in (examining, first, second):
        view.close()
    # what a session was told of is not new for other programs either
    eventually(lambda: not store.files("new"))
    assert len(store.files()) == 2
    assert inbox.message(2).raw() == b"Subject: x\r\n\r\ntext\r\n"
    store.close()
    assert store.inbox().recent() == 0


def test_recent_lasts_until_it_is_claimed(store):
    inbox = store.inbox()
    inbox.append(message())
    store.close()
    assert store.inbox().recent() == 1


def test_claiming_is_finished_before_the_account_closes(store):
    inbox = store.inbox()
    store.deliver()
    inbox.poll()
    View(inbox).close()
    store.close()
    assert (store.files("new"), len(store.files())) == ([], 1)
    assert store.inbox().recent() == 0


# --- messages as objects ---


def test_message_methods(store):
    inbox = store.inbox()
    stored = inbox.append_message(message(), ["\\Seen"], DATE)
    assert stored.set_flag("\\flagged")
    assert not stored.set_flag("\\Flagged")
    assert stored.has_flag("\\FLAGGED")
    assert stored.clear_flag("\\Seen")
    assert not stored.clear_flag("\\Seen")
    stored.store("FLAGS.SILENT", ["a", "b"])
    assert stored.flags() == ["a", "b"]
    stored.internaldate(" 1-Feb-2020 00:00:00 +0100")
    assert stored.internaldate_value() == datetime(2020, 1, 31, 23, tzinfo=UTC)
    assert stored.mime()["Subject"] == "hello"
    assert stored.fetch("RFC822.SIZE")[1] == len(message())
    assert stored.structure_text("body") == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1)'
    assert not stored.expunged()
    with pytest.raises(Denied):
        stored.raw(b"other")
    store.close()
    (again,) = store.inbox().messages()
    assert (again.flags(), again.internaldate()) == (["a", "b"], " 1-Feb-2020 00:00:00 +0100")
    again.mailbox().expunge_uids([1])
    with pytest.raises(No) as caught:
        again.flags()
    assert caught.value.code == "EXPUNGEISSUED"


def test_messages_of_a_plugin_can_be_put_in(store):
    inbox = store.inbox()
    inbox.append(message("old"))
    inbox.messages([Message(message("new")).load(["\\Seen"], DATE)])
    assert facts(inbox) == [(2, message("new"), ["\\Seen"], " 2-Jan-2026 03:04:05 -0730")]
    assert list(inbox.uids()) == [2]


def test_structures_are_made_once(store, monkeypatch):
    inbox = store.inbox()
    for number in range(120):
        inbox.append(message(f"m{number}"))
    uids = inbox.uid_column()
    (envelopes,) = inbox.columns(uids, ["envelope"])
    assert [b'"m%d"' % n in envelope for n, envelope in enumerate(envelopes)] == [True] * 120
    store.close()
    inbox = store.inbox()
    monkeypatch.setattr(folder.Folder, "read", lambda *_: pytest.fail("read again"))
    assert inbox.columns(inbox.uid_column(), ["envelope"]) == [envelopes]
    monkeypatch.undo()
    bodies, sizes, structures = inbox.columns([3, 5], ["body", "size", "bodystructure"])
    assert bodies[1] == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1)'
    assert structures[1].startswith(b'("text" "plain" ')
    assert sizes[1] == len(message("m4"))


def test_sizes_are_counted_once(store, monkeypatch):
    store.make_maildir()
    store.deliver(b"a: b\n\nc\n")
    store.deliver(b"a: b\r\n\r\nc\r\n", into="cur", flags="S")
    store.deliver(b"whatever", name="1600000009.M1.host,S=5,W=123")
    inbox = store.inbox()
    assert [m.size() for m in inbox.messages()] == [11, 11, 123]
    assert inbox.opened().unsized == 0
    store.close()
    monkeypatch.setattr(folder.Folder, "read", lambda *_: pytest.fail("read again"))
    assert list(store.inbox().columns([1, 2, 3], ["size"])[0]) == [11, 11, 123]


def test_a_size_in_a_name_that_is_wrong_is_put_right(store):
    store.make_maildir()
    store.deliver(b"a: b\n\nc\n", name="1600000009.M1.host,S=8,W=99")
    inbox = store.inbox()
    assert inbox.message(1).size() == 99
    inbox.columns([1], ["envelope"])
    assert inbox.message(1).size() == 11
    store.close()
    assert store.inbox().message(1).size() == 11


def test_large_messages_are_read_in_a_thread(store, monkeypatch):
    content = message(body=b"0123456789\r\n" * 50_000)
    inbox = store.inbox()
    inbox.append(content)
    inbox.append(message())
    threads, read = [], folder.Folder.read
    monkeypatch.setattr(
        folder.Folder, "read", lambda *arguments: threads.append(threading.get_ident()) or read(*arguments)
    )
    assert [inbox.message(uid).raw() for uid in (1, 2)] == [content, message()]
    assert [thread == threading.get_ident() for thread in threads] == [False, True]


@pytest.mark.parametrize("change", ["append", "store", "copy", "expunge", "claim"])
def test_directories_are_synced_before_the_commit(store, monkeypatch, change):
    model = store.login()
    inbox, work = model.lookup("INBOX"), model.root().create(name="Work")
    inbox.append(message())
    store.deliver()
    inbox.poll()
    calls, index = [], inbox.account.index()
    sync, commit = folder.sync_directory, index.save_state
    monkeypatch.setattr(folder, "sync_directory", lambda path: (calls.append(path), sync(path)))
    monkeypatch.setattr(index, "save_state", lambda *arguments: (calls.append("commit"), commit(*arguments)))
    {
        "append": lambda: work.append(message()),
        "store": lambda: inbox.store_flags([1], "+FLAGS", ["\\Seen"]),
        "copy": lambda: inbox.copy_messages([1], work),
        "expunge": lambda: inbox.expunge_uids([1]),
        "claim": lambda: (inbox.claim_recent(), inbox.account.settle()),
    }[change]()
    *synced, last = calls
    assert last == "commit"
    touched = [".Work/cur"] if change in ("append", "copy") else ["cur", "new"] if change == "claim" else ["cur"]
    assert sorted(synced) == [os.fsencode(store.maildir(name)) for name in touched]


def test_files_are_private(store):
    store.inbox().append(message())
    for directory, _, files in os.walk(store.maildir()):
        assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
        for name in files:
            assert stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode) & 0o077 == 0


def test_uids_run_out(store):
    inbox = store.inbox()
    inbox.uid_column()
    inbox.uidnext(2**32 - 1)
    assert inbox.append(message()).uid() == 2**32 - 1
    with pytest.raises(No) as caught:
        inbox.append(message())
    assert caught.value.code == "LIMIT"


def test_readers_do_not_wait_for_writers(store):
    """The columns are in memory, and while a change runs the index has another connection for readers."""
    inbox = store.inbox()
    inbox.append(message())
    index = inbox.account.index()

    def change():
        with index.transaction():
            index.set_bodies(inbox.id, [(1, b"cur/not committed")])
            assert inbox.message(1).raw() == message()
            assert list(inbox.uid_column()) == [1]
            raise ValueError

    with pytest.raises(ValueError):
        inbox.account.change(change)
