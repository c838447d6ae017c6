"""Accounts and users: who shares what, and who never meets."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile

import gevent
import pytest
from maildir_store import Store, message

from netimap.default_auth import DefaultAuth
from netimap.exceptions import No, Unavailable
from netimap.storage.maildir import MaildirAccount, MaildirModel

USERS = ["a", "admin", "A", "ad", "a.b", "..", ".", "../a", "a/b", "%u", "é", "e\u0301", "'", "*)(", "a ", "NIL"]


def test_users_never_see_each_other(store):
    for user in USERS:
        store.inbox(user).append(message(repr(user).encode("ascii", "backslashreplace").decode()))
    store.close()
    assert len(os.listdir(store.path)) == len(USERS)
    for user in USERS:
        (only,) = store.inbox(user).messages()
        assert repr(user).encode("ascii", "backslashreplace") in only.raw()


@pytest.mark.parametrize("user", ["", "a\0", "a\nb", "x" * 300])
def test_users_who_are_refused(store, user):
    with pytest.raises(No):
        store.login(user)
    assert os.listdir(store.path) == []


def test_nobody_and_no_path(store):
    with pytest.raises(No):
        store.model_class(auth=DefaultAuth())
    with pytest.raises(No):
        store.model_class()
    auth = DefaultAuth()
    auth.user("joe")
    with pytest.raises(No):
        MaildirModel(auth=auth)


def test_template(quick_path):
    path = tempfile.mkdtemp(dir=quick_path)
    store = Store(os.path.join(path, "%u", "Maildir"))
    store.inbox("Joe").append(message())
    store.close()
    assert os.path.isdir(os.path.join(path, "%4aoe", "Maildir", "cur"))
    assert store.model_class.template != MaildirModel.template


def test_one_maildir_for_all(quick_path):
    """Without `%u` the path is the Maildir itself: that of one person."""
    path = tempfile.mkdtemp(dir=quick_path)
    store = Store(path)
    store.model_class = MaildirModel.at(path)
    store.inbox("joe").append(message())
    assert store.inbox("ann").exists() == 1
    store.close()
    assert len(os.listdir(os.path.join(path, "cur"))) == 1


def test_sessions_of_a_user_share_the_mailboxes(store):
    one, other = store.login(), store.login()
    assert one.root() is other.root()
    one.lookup("INBOX").append(message())
    assert other.lookup("INBOX").exists() == 1
    one.close()
    one.close()
    assert other.lookup("INBOX").message(1).raw() == message()
    other.close()
    assert MaildirAccount._open == {}
    with pytest.raises(No):
        MaildirAccount.at(store.maildir()).index()


def test_everything_is_closed(store):
    before = len(os.listdir("/proc/self/fd"))
    inbox = store.inbox()
    inbox.append(message())
    inbox.columns([1], ["envelope"])
    store.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert not os.path.exists(store.maildir("netimap.sqlite-wal"))


def test_many_logins_at_once(store):
    greenlets = [gevent.spawn(store.login) for _ in range(10)]
    gevent.joinall(greenlets, raise_error=True)
    assert len({id(greenlet.value.root()) for greenlet in greenlets}) == 1


def test_login_while_the_last_session_leaves(store):
    for _ in range(20):
        model = store.login()
        model.lookup("INBOX").append(message())
        leaving = gevent.spawn(model.close)
        gevent.sleep(0)
        again = store.login()
        leaving.join()
        assert again.lookup("INBOX").append(message()).raw() == message()
        again.close()
    assert store.inbox().exists() == 40


def test_leaving_is_finished_though_the_connection_is_killed(store):
    model = store.login()
    leaving = gevent.spawn(model.close)
    gevent.sleep(0)
    leaving.kill()
    assert store.inbox().exists() == 0


def test_closing_waits_for_what_runs_in_the_background(store):
    done = []
    model = store.login()
    model.root().account.background(lambda: (gevent.sleep(0.01), done.append(True)))
    model.close()
    assert done == [True]


def test_a_link_to_the_same_account_is_the_same_account(store):
    os.makedirs(store.maildir(user="joe"))
    os.symlink(store.maildir(user="joe"), store.maildir(user="link"))
    assert store.login("joe").root() is store.login("link").root()


def test_the_directory_is_private(store):
    store.login()
    assert stat.S_IMODE(os.stat(store.maildir()).st_mode) == 0o700


def test_another_process_is_kept_out(store, caplog):
    code = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_SH); print(flush=True); input()"
    )
    store.make_maildir()
    with subprocess.Popen(
        [sys.executable, "-c", code, store.maildir("netimap.lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        with pytest.raises(Unavailable):
            store.login()
        assert "in use" in caplog.text
        assert MaildirAccount._open == {}
        process.communicate(b"\n")
    assert store.inbox().exists() == 0


def test_an_index_of_a_newer_netimap(store):
    store.login()
    store.close()
    connection = sqlite3.connect(store.maildir("netimap.sqlite"))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            store.login()
        assert "newer" in caught.value.text


def test_an_index_that_is_none(store, caplog):
    store.make_maildir()
    with open(store.maildir("netimap.sqlite"), "w") as file:
        file.write("something else" * 100)
    with pytest.raises(Unavailable):
        store.login()
    assert "something else" not in caplog.text
    assert len(os.listdir("/proc/self/fd")) < 100


def test_a_path_where_nothing_can_be_made(store):
    with open(store.maildir(), "w"):
        pass
    with pytest.raises(Unavailable):
        store.login()
    assert MaildirAccount._open == {}
