"""Mailboxes of a Maildir++ account: made, deleted, renamed and subscribed, by others too, with crashes in between."""

import os
import shutil
import time

import pytest
from maildir_store import message

from netimap.exceptions import No, Unavailable
from netimap.mailbox_tree import MAX_DEPTH
from netimap.storage.maildir import layout
from netimap.view import View


def tree(model):
    """path → whether it is selectable"""
    return {mailbox.full_path(): mailbox.is_selectable() for mailbox in model.root().descendants()}


def make(model, path):
    mailbox = model.root()
    for part in path.split("/"):
        child = next((child for child in mailbox.children() if child.name() == part), None)
        mailbox = child or mailbox.create(name=part)
    return mailbox


def folders(store):
    return sorted(name for name in os.listdir(store.maildir()) if name.startswith("."))


def test_a_new_account(store):
    model = store.login()
    assert tree(model) == {"INBOX": True}
    assert model.lookup("inbox").is_inbox()
    assert model.namespaces() == ([["", "/"]], None, None)
    assert sorted(os.listdir(store.maildir()))[:4] == ["cur", "netimap.lock", "netimap.sqlite", "netimap.sqlite-shm"]


def test_create(store):
    model = store.login()
    mailbox = make(model, "Work/Füße/v1.2")
    assert mailbox.full_path() == "Work/F&APwA3w-e/v1.2"
    assert tree(model) == {"INBOX": True, "Work": True, "Work/F&APwA3w-e": True, "Work/F&APwA3w-e/v1.2": True}
    assert folders(store) == [".Work", ".Work.F&APwA3w-e", ".Work.F&APwA3w-e.v1&AC4-2"]
    assert sorted(os.listdir(store.maildir(".Work"))) == ["cur", "maildirfolder", "new", "tmp"]
    assert mailbox.subscribed()
    before = tree(model)
    store.close()
    assert tree(store.login()) == before


def test_create_that_fails_leaves_nothing(store, monkeypatch):
    model = store.login()

    def fail(*_):
        raise OSError("no")

    monkeypatch.setattr(model.root().account.index(), "subscribe", fail)
    with pytest.raises(Unavailable):
        make(model, "Work")
    monkeypatch.undo()
    assert (folders(store), tree(model)) == ([], {"INBOX": True})
    assert make(model, "Work").append(message()).uid() == 1


def test_names_that_are_taken_or_cannot_be(store):
    model = store.login()
    make(model, "Work")
    assert model.root().create(name="Work") is None
    assert model.root().create(name="inbox") is None
    for name in ("", "a/b", "a\0", "x" * 300):
        with pytest.raises(No) as caught:
            model.root().create(name=name)
        assert caught.value.code == "CANNOT"
    with pytest.raises(No) as caught:
        make(model, "/".join("a" * (MAX_DEPTH + 1)))
    assert caught.value.code == "LIMIT"
    assert make(model, "Work/inbox").full_path() == "Work/inbox"


def test_inbox_can_have_children(store):
    model = store.login()
    make(model, "INBOX/Sub").append(message())
    assert folders(store) == [".INBOX.Sub"]
    store.close()
    model = store.login()
    assert model.lookup("inbox/Sub").exists() == 1
    assert tree(model) == {"INBOX": True, "INBOX/Sub": True}


def test_delete(store, eventually):
    model = store.login()
    work = make(model, "Work")
    work.append(message())
    view = View(work)
    assert work.delete()
    assert view.deleted
    assert tree(model) == {"INBOX": True}
    assert folders(store) == []
    eventually(lambda: not store.files("tmp"))
    view.close()
    store.close()
    assert tree(store.login()) == {"INBOX": True}


def test_a_mailbox_that_was_deleted_is_no_parent(store):
    model = store.login()
    deleted, other = make(model, "deleted"), make(model, "other")
    deleted.delete()
    for change in (
        lambda: deleted.create(name="x"),
        lambda: other.reparent(deleted, "x"),
        lambda: deleted.reparent(other, "x"),
        lambda: deleted.is_selectable(True),
    ):
        with pytest.raises(No) as caught:
            change()
        assert caught.value.code == "NONEXISTENT"
    assert deleted.delete()
    assert tree(model) == {"INBOX": True, "other": True}


def test_a_mailbox_made_again_has_nothing_of_the_old_one(store):
    model = store.login()
    make(model, "a/b")
    again = model.lookup("a")
    again.append(message("old"))
    view = View(again)
    again.expunge_uids([1])
    again.delete()
    again.is_selectable(True)
    again.append(message("new"))
    assert again.message(1).raw() == message("new")
    view.close()
    assert again.message(1).raw() == message("new")


def test_inbox_and_the_root_stay(store):
    model = store.login()
    assert model.lookup("INBOX").delete() is False
    assert model.root().delete() is False
    assert model.lookup("INBOX").reparent(model.root(), "x") is False


def test_uidvalidity_of_a_name_used_again(store):
    """RFC 3501 2.3.1.1."""
    model = store.login()
    seen = []
    for _ in range(3):
        work = make(model, "Work")
        seen.append(work.uidvalidity())
        work.append(message())
        work.delete()
        store.close()
        model = store.login()
    assert seen == sorted(set(seen))
    assert make(model, "Work").exists() == 0


def test_delete_with_children_keeps_the_name(store):
    """RFC 3501 6.3.4, with the steps of its example."""
    model = store.login()
    make(model, "foo/bar").append(message())
    foo = model.lookup("foo")
    foo.append(message())
    view = View(foo)
    before = foo.uidvalidity()
    assert foo.delete()
    assert view.deleted
    assert tree(model) == {"INBOX": True, "foo": False, "foo/bar": True}
    view.close()
    for _ in range(2):
        with pytest.raises(No):
            model.lookup("foo").append(message())
        store.close()
        model = store.login()
        assert tree(model) == {"INBOX": True, "foo": False, "foo/bar": True}
        assert model.lookup("foo/bar").exists() == 1
    model.lookup("foo/bar").delete()
    assert tree(model) == {"INBOX": True, "foo": False}
    # and it can be made again
    model.lookup("foo").is_selectable(True)
    assert (model.lookup("foo").exists(), model.lookup("foo").uidvalidity() > before) == (0, True)
    model.lookup("foo").append(message())
    store.close()
    model = store.login()
    assert model.lookup("foo").exists() == 1
    assert model.lookup("foo").delete()
    assert tree(model) == {"INBOX": True}


def test_rename_keeps_uids_and_takes_the_children_along(store):
    model = store.login()
    make(model, "a/b/c").append_message(message(), ["kw"])
    make(model, "a").append(message())
    for mailbox in (model.lookup("a"), model.lookup("a/b/c")):
        mailbox.expunge_uids([1])
        mailbox.append_message(message("kept"), ["\\Seen"])
    facts = [(m.uidvalidity(), list(m.uid_column())) for m in model.root().descendants()]
    view = View(model.lookup("a"))
    assert model.lookup("a").reparent(make(model, "x"), "y.z")
    assert tree(model) == {"INBOX": True, "x": True, "x/y.z": True, "x/y.z/b": True, "x/y.z/b/c": True}
    assert folders(store) == [".x", ".x.y&AC4-z", ".x.y&AC4-z.b", ".x.y&AC4-z.b.c"]
    assert not view.deleted
    assert model.lookup("x/y.z").message(2).raw() == message("kept")
    model.lookup("x/y.z").store_flags([2], "+FLAGS", ["\\Flagged"])
    view.close()
    store.close()
    model = store.login()
    after = [(m.uidvalidity(), list(m.uid_column())) for m in model.root().descendants()]
    assert sorted(fact for fact in after if fact[1]) == sorted(fact for fact in facts if fact[1])
    assert model.lookup("x/y.z").message(2).flags() == ["\\Flagged", "\\Seen"]
    assert model.lookup("x/y.z/b/c").message(2).raw() == message("kept")


def test_rename_with_a_mere_name(store):
    model = store.login()
    make(model, "a/b")
    model.lookup("a").delete()
    assert model.lookup("a").reparent(model.root(), "z")
    assert tree(model) == {"INBOX": True, "z": False, "z/b": True}
    store.close()
    assert tree(store.login()) == {"INBOX": True, "z": False, "z/b": True}


def test_renames_that_cannot_be(store):
    model = store.login()
    a = make(model, "a")
    make(model, "b")
    assert a.reparent(model.root(), "b") is None
    assert a.reparent(model.root(), "INBOX") is None
    for parent, name in ((a, "c"), (model.root(), "x" * 300), (model.root(), "")):
        with pytest.raises(No) as caught:
            a.reparent(parent, name)
        assert caught.value.code == "CANNOT"
    assert a.reparent(model.root(), "a")
    os.mkdir(store.maildir(".c"))
    with pytest.raises(No) as caught:
        a.reparent(model.root(), "c")
    assert caught.value.code == "ALREADYEXISTS"
    assert tree(model) == {"INBOX": True, "a": True, "b": True}


def test_a_rename_that_fails_changes_nothing(store, monkeypatch):
    model = store.login()
    for path in ("a", "a/b", "a/c"):
        make(model, path).append(message(path))
    real, calls = os.rename, []

    def rename(source, target):
        calls.append(source)
        if len(calls) == 3:
            raise OSError("no")
        real(source, target)

    monkeypatch.setattr(layout.os, "rename", rename)
    with pytest.raises(Unavailable):
        model.lookup("a").reparent(model.root(), "z")
    monkeypatch.undo()
    assert folders(store) == [".a", ".a.b", ".a.c"]
    for _ in range(2):
        assert [model.lookup(path).message(1).raw() for path in ("a", "a/b")] == [message("a"), message("a/b")]
        store.close()
        model = store.login()


def test_subscriptions_last(store):
    model = store.login()
    make(model, "a/b").subscribed(False)
    model.lookup("INBOX").subscribed(False)
    model.lookup("a").reparent(model.root(), "z")
    store.close()
    model = store.login()
    assert {m.full_path(): m.subscribed() for m in model.root().descendants()} == {
        "INBOX": False,
        "z": True,
        "z/b": False,
    }
    model.lookup("INBOX").subscribed(True)
    store.close()
    assert store.login().lookup("INBOX").subscribed()


def test_a_subscription_outlives_its_mailbox(store):
    """RFC 3501 6.3.6: a server must not end a subscription by itself."""
    model = store.login()
    make(model, "Füße/a.b").delete()
    for _ in range(2):
        assert model.lost_subscriptions() == {"F&APwA3w-e/a.b"}
        store.close()
        model = store.login()
    model.lost_subscriptions({"F&APwA3w-e/a.b", "Gone"})
    assert model.lost_subscriptions() == {"F&APwA3w-e/a.b", "Gone"}
    model.lost_subscriptions(set())
    store.close()
    assert store.login().lost_subscriptions() == set()


def test_a_mere_name_can_be_subscribed(store):
    store.make_maildir(".a.b")
    model = store.login()
    assert not model.lookup("a").subscribed()
    model.lookup("a").subscribed(True)
    store.close()
    assert store.login().lookup("a").subscribed()


def test_folders_of_other_programs(store):
    model = store.login()
    model.root().update_tree()
    store.make_maildir(".List.netimap")
    # found by LIST
    model.root().update_tree()
    assert tree(model) == {"INBOX": True, "List": False, "List/netimap": True}
    # and by whoever asks for it
    store.make_maildir(".Other")
    assert model.lookup("Other").is_selectable()
    store.make_maildir(".List")
    model.root().update_tree()
    assert model.lookup("List").is_selectable()
    shutil.rmtree(store.maildir(".List"))
    shutil.rmtree(store.maildir(".List.netimap"))
    model.root().update_tree()
    assert tree(model) == {"INBOX": True, "Other": True}


def test_update_tree_reads_nothing_when_nothing_happened(store, monkeypatch):
    store.make_maildir()
    model = store.login()
    then = time.time() - 3600
    os.utime(store.maildir(), (then, then))
    model.root().update_tree()
    monkeypatch.setattr(layout, "folders", lambda *_: pytest.fail("read"))
    model.root().update_tree()


def test_directories_that_are_no_mailbox(store, caplog):
    for name in (".INBOX", "..x", ".F&APw-", ".Fü"):
        store.make_maildir(name)
    os.makedirs(store.maildir(".nothing"))
    os.makedirs(store.maildir("no-dot/cur"))
    model = store.login()
    # the same name twice: the first in order
    assert tree(model) == {"INBOX": True, "F&APw-": True}
    assert "left alone" in caplog.text


def test_a_folder_whose_name_is_no_modified_utf7(store):
    store.make_maildir(".A&B")
    store.deliver(folder=".A&B")
    model = store.login()
    assert tree(model) == {"INBOX": True, "A&-B": True}
    model.lookup("A&-B").append(message())
    store.close()
    model = store.login()
    assert model.lookup("A&-B").exists() == 2
    assert folders(store) == [".A&B"]
    model.lookup("A&-B").reparent(model.root(), "C&D")
    assert folders(store) == [".C&-D"]


# --- crashes between two steps ---


def test_a_crash_after_a_rename_was_written_down(store):
    """The index says where the folders go; opening the account finishes it."""
    model = store.login()
    for path in ("a", "a/b", "a/c"):
        make(model, path).append(message(path))
    validity = model.lookup("a/b").uidvalidity()
    account = model.root().account
    rows = [
        (model.lookup(old).id, old, new, b"." + new.replace("/", ".").encode())
        for old, new in (("a", "z"), ("a/b", "z/b"), ("a/c", "z/c"))
    ]
    layout._rename_rows(account.index(), rows)
    os.rename(store.maildir(".a"), store.maildir(".z"))
    store.close()
    model = store.login()
    assert tree(model) == {"INBOX": True, "z": True, "z/b": True, "z/c": True}
    assert folders(store) == [".z", ".z.b", ".z.c"]
    assert model.lookup("z/b").uidvalidity() == validity
    assert model.lookup("z/b").message(1).raw() == message("a/b")


@pytest.mark.parametrize("committed", [False, True])
def test_a_crash_in_delete(store, eventually, committed):
    """Before the commit the mailbox is there as before, after it is gone."""
    model = store.login()
    make(model, "a").append(message())
    validity = model.lookup("a").uidvalidity()
    trash = store.maildir(f"tmp/netimap-deleted.{validity}")
    if committed:
        model.lookup("a").delete()
        eventually(lambda: not store.files("tmp"))
        store.make_maildir(f"tmp/netimap-deleted.{validity}")
    else:
        os.rename(store.maildir(".a"), trash)
    store.close()
    model = store.login()
    if committed:
        assert tree(model) == {"INBOX": True}
    else:
        assert model.lookup("a").uidvalidity() == validity
        assert model.lookup("a").message(1).raw() == message()
    assert store.files("tmp") == []


def test_a_crash_in_create(store):
    """Directories without a row are a folder like those that other programs make."""
    store.make_maildir(".a")
    assert tree(store.login()) == {"INBOX": True, "a": True}


@pytest.mark.parametrize("committed", [False, True])
def test_a_crash_in_expunge(store, committed):
    inbox = store.inbox()
    for subject in ("one", "two"):
        inbox.append_message(message(subject), ["\\Deleted"])
    (one, _) = store.files()
    if committed:
        view = View(inbox)
        inbox.expunge_uids([1])
        os.link(os.path.join(store.maildir("tmp"), store.files("tmp")[0]), store.maildir("kept"))
        view.close()
        store.close()
        os.rename(store.maildir("kept"), store.maildir(f"tmp/netimap-expunged.{one}"))
    else:
        store.close()
        store.rename(f"cur/{one}", f"tmp/netimap-expunged.{one}")
    inbox = store.inbox()
    assert list(inbox.uid_column()) == ([2] if committed else [1, 2])
    assert [m.raw() for m in inbox.messages()][-1] == message("two")
    assert store.files("tmp") == []
