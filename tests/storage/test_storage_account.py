"""Changes of an account: one at a time, finished whatever happens to who asked, errors that say little."""

import errno
import logging
import sqlite3
import threading
import time

import gevent
import pytest

from netimap.exceptions import Bad, No, Unavailable
from netimap.storage.account import Account
from netimap.storage.errors import BodyMissing


@pytest.fixture
def account():
    return Account()


def test_one_change_at_a_time(account):
    log = []

    def change(name):
        log.append(f"{name} begins")
        gevent.sleep(0.001)
        log.append(f"{name} ends")
        return name

    greenlets = [gevent.spawn(account.change, change, name) for name in "ab"]
    gevent.joinall(greenlets)
    assert [greenlet.value for greenlet in greenlets] == ["a", "b"]
    assert log == ["a begins", "a ends", "b begins", "b ends"]


def test_a_change_may_make_changes(account):
    assert account.change(lambda: account.change(lambda: account.change(str, 5))) == "5"


def test_a_change_is_finished_though_its_caller_is_killed(account):
    done = []

    def change():
        account.offload("test", time.sleep, 0.001)
        gevent.sleep(0.001)
        done.append(True)

    caller = gevent.spawn(account.change, change)
    gevent.sleep(0)
    caller.kill()
    account.change(int)
    assert done == [True]


def test_a_change_that_fails_lets_the_next_go_on(account, capfd):
    with pytest.raises(Bad):
        account.change(_raise, Bad("x"))
    assert account.change(int) == 0
    assert capfd.readouterr().err == ""


def test_work_is_done_in_a_thread(account):
    assert account.offload("test", threading.get_ident) != threading.get_ident()


@pytest.mark.parametrize(
    ("error", "expected", "code"),
    [
        (OSError(errno.ENOSPC, "full"), No, "OVERQUOTA"),
        (OSError(errno.EDQUOT, "quota"), No, "OVERQUOTA"),
        (OSError(errno.EIO, "/secret/path"), Unavailable, "UNAVAILABLE"),
        (sqlite3.OperationalError("locked /secret/path"), Unavailable, "UNAVAILABLE"),
    ],
)
def test_errors_of_the_disk(account, caplog, capfd, error, expected, code):
    with caplog.at_level(logging.ERROR, "netimap.storage"), pytest.raises(expected) as caught:
        account.offload("STORE in X", _raise, error)
    assert caught.value.code == code
    assert "secret" not in caught.value.text
    assert len(caplog.records) == 1
    assert "STORE in X" in caplog.text
    assert capfd.readouterr().err == ""


def test_a_full_database(account, tmp_path):
    connection = sqlite3.connect(tmp_path / "x", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA max_page_count = 2")

    def fill():
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")

    with pytest.raises(No) as caught:
        account.offload("test", fill)
    assert caught.value.code == "OVERQUOTA"
    connection.close()


@pytest.mark.parametrize("error", [No("x"), BodyMissing(), ValueError("x")])
def test_other_errors_pass(account, error):
    with pytest.raises(type(error)):
        account.offload("test", _raise, error)


def test_the_background_is_waited_for(account, caplog):
    done = []

    def work():
        gevent.sleep(0.001)
        done.append(True)
        if len(done) < 3:
            account.background(work)

    account.background(work)
    account.background(_raise, ValueError("oh"))
    with caplog.at_level(logging.ERROR, "netimap.storage"):
        account.settle()
    assert len(done) == 3
    assert "oh" in caplog.text


def test_a_closed_account(account):
    with pytest.raises(Unavailable):
        account.index()


def _raise(error):
    raise error
